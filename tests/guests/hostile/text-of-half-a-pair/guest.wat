(data (i32.const 1024) "\ed\a0\80")
(func $attack (call $step (i32.const 1024) (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1)))
