(func $attack
  (call $offer (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 31) (i32.const 1) (i32.const 4096) (i32.const 31) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 1) (i32.const 31) (i32.const 4096) (i32.const 31) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 31) (i32.const 31) (i32.const 4096) (i32.const 961) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32)))
