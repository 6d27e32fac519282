(func $describe (export "describe") (result i32) (local $at i32)
  (loop $again
    (local.set $at (memory.grow (i32.const 16)))
    (if (i32.eq (local.get $at) (i32.const -1)) (then (unreachable)))
    (memory.fill (i32.shl (local.get $at) (i32.const 16)) (i32.const 255) (i32.const 1048576))
    (br $again))
  (unreachable))
