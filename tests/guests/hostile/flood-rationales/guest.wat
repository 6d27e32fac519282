(func $attack (local $left i32)
  (local.set $left (i32.const 16))
  (loop $again
    (call $offer-as (f64.const 0.4) (i32.const 4096) (i32.const 60000))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $again (local.get $left))))
