(import "host" "load" (func $load (param i32 i32 i32)))
(import "host" "save" (func $save (param i32 i32 i32 i32 i32)))
;; Whatever it did not save itself is not there; what it saved is.
(func $attack
  (call $save (i32.const 224) (i32.const 5) (i32.const 224) (i32.const 12) (i32.const 1024))
  (if (i32.load8_u (i32.const 1024)) (then unreachable))
  (call $load (i32.const 224) (i32.const 5) (i32.const 1024))
  (if (i32.or (i32.load8_u (i32.const 1024)) (i32.ne (i32.load (i32.const 1036)) (i32.const 12))) (then unreachable)))
;;; component
(import "stratagem:strategy/artifacts@0.1.0" (instance $blobs
  (type $m (variant (case "invalid" string) (case "exhausted" string) (case "unavailable" string)))
  (export "refusal" (type $declined (eq $m)))
  (export "load" (func (param "name" string) (result (result (option (list u8)) (error $declined)))))
  (export "save" (func (param "name" string) (param "bytes" (list u8)) (result (result (error $declined)))))))
(core func $load (canon lower (func $blobs "load")
  (memory (core memory $glue "memory")) (realloc (core func $glue "realloc"))))
(core func $save (canon lower (func $blobs "save")
  (memory (core memory $glue "memory")) (realloc (core func $glue "realloc"))))
;;; host
(export "load" (func $load)) (export "save" (func $save))
