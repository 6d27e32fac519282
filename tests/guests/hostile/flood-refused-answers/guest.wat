(func $attack (local $left i32)
  (local.set $left (i32.const 4000))
  (loop $again
    (call $offer-as (f64.const 7) (i32.const 0) (i32.const 0))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $again (local.get $left))))
