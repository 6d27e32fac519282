(data (i32.const 1024) "\1b[2J\1b]52;c;ZXZpbA==\07\1b[31merror: all is lost\0d\e2\80\aetxt.exe\08\7f\c2\9b2J")
(func $attack
  (call $log (i32.const 3) (i32.const 1024) (i32.const 60))
  (call $step (i32.const 1024) (i32.const 60) (i32.const 1024) (i32.const 60) (i32.const 1))
  (call $offer-as (f64.const 0.4) (i32.const 1024) (i32.const 60)))
