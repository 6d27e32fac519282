(func $attack (call $log (i32.const 99) (i32.const 0) (i32.const 0)))
