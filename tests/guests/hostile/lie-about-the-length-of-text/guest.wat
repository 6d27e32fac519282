(func $attack (call $log (i32.const 1) (i32.const 65530) (i32.const 100)))
