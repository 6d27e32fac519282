(import "host" "embed" (func $embed (param i32 i32 i32 i32 i32 i32 i32)))
(func $attack
  (call $embed (i32.const 224) (i32.const 5) (i32.const 4096) (i32.const 1000000000) (i32.const 224) (i32.const 5) (i32.const 1024)))
;;; component
(import "stratagem:strategy/memory@0.1.0" (instance $remembered
  (type $m (variant (case "invalid" string) (case "exhausted" string) (case "unavailable" string)))
  (export "refusal" (type $declined (eq $m)))
  (export "embed" (func (param "content" string) (param "vector" (list f32)) (param "model" string) (result (result (error $declined)))))))
(core func $embed (canon lower (func $remembered "embed")
  (memory (core memory $glue "memory")) (realloc (core func $glue "realloc"))))
;;; host
(export "embed" (func $embed))
