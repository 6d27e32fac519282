(func $attack
  (loop $again
    (call $step (i32.const 4096) (i32.const 30000) (i32.const 8192) (i32.const 30000) (i32.const 1))
    (br $again)))
