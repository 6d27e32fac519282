(import "host" "exit" (func $exit (param i32)))
(func $attack (call $exit (i32.const 1)))
;;; component
(import "wasi:cli/exit@0.2.0" (instance $exits (export "exit" (func (param "status" (result))))))
(core func $exit (canon lower (func $exits "exit")))
;;; host
(export "exit" (func $exit))
