(table $t 0 funcref)
(func $attack
  (loop $again
    (if (i32.eq (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)) (then (unreachable)))
    (br $again)))
