(func $attack
  (call $offer (i32.const 0) (i32.const 30) (i32.const 30) (i32.const 4096) (i32.const 0x7fffffff)
    (f64.const 0.5) (i32.const 0) (i32.const 0) (i32.const 32)))
