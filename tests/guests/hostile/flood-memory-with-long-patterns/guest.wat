(import "host" "keep" (func $keep (param i32 i32 i32 i32 i32 i32)))
(func $attack
  (loop $again
    (call $keep (i32.const 224) (i32.const 5) (i32.const 4096) (i32.const 30000) (i32.const 1) (i32.const 1024))
    (br $again)))
;;; component
(import "stratagem:strategy/memory@0.1.0" (instance $remembered
  (type $m (variant (case "invalid" string) (case "exhausted" string) (case "unavailable" string)))
  (export "refusal" (type $declined (eq $m)))
  (export "keep-pattern" (func (param "kind" string) (param "data" string) (param "success" bool) (result (result string (error $declined)))))))
(core func $keep (canon lower (func $remembered "keep-pattern")
  (memory (core memory $glue "memory")) (realloc (core func $glue "realloc"))))
;;; host
(export "keep" (func $keep))
