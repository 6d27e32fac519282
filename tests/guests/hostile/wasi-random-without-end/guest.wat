(import "host" "random" (func $random (param i64 i32)))
(func $attack (call $random (i64.const -1) (i32.const 48)))
;;; component
(import "wasi:random/random@0.2.0" (instance $chance (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
(core func $random (canon lower (func $chance "get-random-bytes") (memory (core memory $glue "memory")) (realloc (core func $glue "realloc"))))
;;; host
(export "random" (func $random))
