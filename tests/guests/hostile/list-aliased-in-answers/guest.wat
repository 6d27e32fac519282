(func $attack (local $left i32)
  (local.set $left (i32.const 20))
  (loop $again
    (call $offer (i32.const 0) (i32.const 4) (i32.const 2) (i32.const 32) (i32.const 8)
      (f64.const 0.1) (i32.const 32) (i32.const 16) (i32.const 32))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $again (local.get $left))))
