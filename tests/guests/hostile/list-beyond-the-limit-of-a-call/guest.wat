(func $attack (call $log (i32.const 1) (i32.const 4096) (i32.const 100000)))
;;; glue
(memory $memory (export "memory") 4)
