(data (i32.const 1024) "\1b[2J\1b]52;c;ZXZpbA==\07\1b[31merror: all is lost\0d\e2\80\aetxt.exe\08\7f\c2\9b2J")
(func $attack
  (i32.store8 (i32.const 16) (i32.const 1))
  (i32.store (i32.const 20) (i32.const 1024))
  (i32.store (i32.const 24) (i32.const 60)))
