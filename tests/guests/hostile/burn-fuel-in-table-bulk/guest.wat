(table $t 5000 funcref)
(func $attack
  (loop $again
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 5000))
    (table.copy (i32.const 1) (i32.const 0) (i32.const 4000))
    (br $again)))
