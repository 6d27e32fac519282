(func $attack (call $step (i32.const 0xffffffff) (i32.const 0xffffffff) (i32.const 0xfffffff0) (i32.const 32) (i32.const 1)))
