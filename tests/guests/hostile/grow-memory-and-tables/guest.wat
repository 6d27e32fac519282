(table $t 0 funcref)
(func $attack (local $memory i32) (local $table i32)
  (loop $again
    (local.set $memory (memory.grow (i32.const 16)))
    (local.set $table (table.grow $t (ref.null func) (i32.const 500)))
    (if (i32.eq (i32.and (local.get $memory) (local.get $table)) (i32.const -1)) (then (unreachable)))
    (br $again)))
