(data (i32.const 1024) "\0a\ff\80")
(func $attack
  (call $offer (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 1024) (i32.const 1) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 1025) (i32.const 1) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 1026) (i32.const 1) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 3) (i32.const 1) (i32.const 1024) (i32.const 3) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32)))
