(data (i32.const 1024) "seen\00unseen")
(func $attack
  (call $log (i32.const 1) (i32.const 1024) (i32.const 11))
  (call $step (i32.const 1024) (i32.const 11) (i32.const 1024) (i32.const 11) (i32.const 1))
  (call $offer-as (f64.const 0.4) (i32.const 1024) (i32.const 11)))
