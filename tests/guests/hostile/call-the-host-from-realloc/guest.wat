(import "glue" "table" (table $t 1 funcref))
(elem (table $t) (i32.const 0) func $seed)
;;; glue
(table $t (export "table") 1 funcref)
(type $seed (func (result i64)))
(func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32)
  (drop (call_indirect $t (type $seed) (i32.const 0)))
  (i32.const 4096))
