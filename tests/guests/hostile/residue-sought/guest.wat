;; What is found is said in a step, and traps.
(memory $b 1)
(table $t 100 funcref)
(global $mark (export "mark") (mut i64) (i64.const 0))
(data (i32.const 1024) "found")
(func $found
  (call $step (i32.const 1024) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 1))
  (unreachable))
(func $attack (local $at i32)
  (if (i64.ne (global.get $mark) (i64.const 0)) (then (call $found)))
  (drop (memory.grow (i32.const 127)))
  (drop (memory.grow $b (i32.const 63)))
  (local.set $at (i32.const 65536))
  (loop $again
    (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (call $found)))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $again (i32.lt_u (local.get $at) (i32.const 8388608))))
  ;; Below is what the host handed over; between its end and the second half nothing was written.
  (local.set $at (i32.const 16384))
  (loop $again
    (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (call $found)))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $again (i32.lt_u (local.get $at) (i32.const 65536))))
  (local.set $at (i32.const 0))
  (loop $again
    (if (i64.ne (i64.load $b (local.get $at)) (i64.const 0)) (then (call $found)))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if $again (i32.lt_u (local.get $at) (i32.const 4194304))))
  (drop (table.grow $t (ref.null func) (i32.const 5000)))
  (local.set $at (i32.const 0))
  (loop $again
    (if (i32.eqz (ref.is_null (table.get $t (local.get $at)))) (then (call $found)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $at) (i32.const 5100)))))
