(func $attack
  (call $offer (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 4096) (i32.const 1) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0x7fffffff) (i32.const 1) (i32.const 1) (i32.const 4096) (i32.const 1) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0xffffffff) (i32.const 1) (i32.const 1) (i32.const 4096) (i32.const 1) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32)))
