(data (i32.const 128) "t\00e\00x\00t\00-\00o\00f\00-\00h\00a\00l\00f\00-\00a\00-\00p\00a\00i\00r\00-\00i\00n\00-\00u\00t\00f\001\006\000\00.\001\00.\000\00h\00o\00s\00t\00i\00l\00e\00")
(data (i32.const 96) "\80\00\00\00\1c\00\00\00\b8\00\00\00\05\00\00\00\c2\00\00\00\07\00\00\00\80\00\00\00\00\00\00\00")
(data (i32.const 1024) "\00\d8a\00")
(func $describe (export "describe") (result i32) (i32.const 96))
(func $attack (call $log (i32.const 1) (i32.const 1024) (i32.const 2)))
;;; encoding
string-encoding=utf16
