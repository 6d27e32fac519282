(data (i32.const 65535) "beyond")
