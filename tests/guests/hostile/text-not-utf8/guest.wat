(data (i32.const 1024) "so far \ff\fe\c0\80")
(func $attack (call $log (i32.const 1) (i32.const 1024) (i32.const 11)))
