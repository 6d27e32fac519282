(func $attack
  (call $offer (i32.const 0) (i32.const 0x10000) (i32.const 0x10000) (i32.const 0) (i32.const 0) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 0x80000001) (i32.const 0x80000001) (i32.const 4096) (i32.const 1) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 0xffffffff) (i32.const 0xffffffff) (i32.const 4096) (i32.const 1) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32))
  (call $offer (i32.const 0) (i32.const 0x20000000) (i32.const 8) (i32.const 0) (i32.const 0) (f64.const 0.9) (i32.const 0) (i32.const 0) (i32.const 32)))
