;; What a module in the frame imports and exports; its insides are the fuzzer's.
(module
  (import "base" "memory" (memory 4))
  (import "run" "offer" (func (param i32 i32 i32 i32 i32 f64 i32 i32 i32)))
  (import "run" "step" (func (param i32 i32 i32 i32 i32)))
  (import "run" "log" (func (param i32 i32 i32)))
  (import "run" "budget" (func (param i32)))
  (import "run" "seed" (func (result i64)))
  (import "run" "setting" (func (param i32 i32 i32)))
  (func (export "solve") (param i32 i32 i32 i32 i32 i32) (result i32) unreachable))
