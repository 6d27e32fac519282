(func $attack
  (loop $again
    (memory.fill (i32.const 4096) (i32.const 7) (i32.const 30000))
    (memory.copy (i32.const 4096) (i32.const 32768) (i32.const 30000))
    (br $again)))
