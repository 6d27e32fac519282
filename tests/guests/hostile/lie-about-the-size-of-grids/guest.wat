(func $attack
  (call $offer (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 4096) (i32.const 8) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 4096) (i32.const 10) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 4096) (i32.const 0) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 30) (i32.const 30) (i32.const 4096) (i32.const 899) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 4096) (i32.const 60000) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 2) (i32.const 2) (i32.const 4096) (i32.const 0) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32)))
