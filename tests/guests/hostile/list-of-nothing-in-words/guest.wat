(func $solve (export "solve") (param i32 i32 i32 i32 i32 i32) (result i32)
  (global.set $test (local.get 4))
  (call $offer-input)
  (i32.store8 (i32.const 16) (i32.const 1))
  (i32.store (i32.const 20) (i32.const 4096))
  (i32.store (i32.const 24) (i32.const 100000))
  (i32.const 16))
;;; glue
(memory $memory (export "memory") 4)
