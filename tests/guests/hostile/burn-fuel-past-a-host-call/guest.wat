(func $attack
  (loop $again
    (call $log (i32.const 1) (i32.const 4096) (i32.const 60000))
    (br $again)))
