(data (i32.const 96) "\00\04\00\00\3c\00\00\00\00\04\00\00\00\00\00\00\00\04\00\00\00\00\00\00\00\04\00\00\00\00\00\00")
(data (i32.const 1024) "\1b[2J\1b]52;c;ZXZpbA==\07\1b[31merror: all is lost\0d\e2\80\aetxt.exe\08\7f\c2\9b2J")
(func $describe (export "describe") (result i32) (i32.const 96))
