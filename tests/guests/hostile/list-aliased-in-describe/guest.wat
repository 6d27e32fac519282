(func $describe (export "describe") (result i32) (local $at i32)
  (local.set $at (i32.const 96))
  (loop $again
    (i32.store (local.get $at) (i32.const 4096))
    (i32.store offset=4 (local.get $at) (i32.const 400000))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $again (i32.lt_u (local.get $at) (i32.const 128))))
  (i32.const 96))
;;; glue
(memory $memory (export "memory") 8)
