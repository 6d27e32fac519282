(component (core module (import "\1b[2J\1b]52;c;ZXZpbA==\07\1b[31merror: all is lost\0d\e2\80\aetxt.exe\08\7f\c2\9b2J" "\1b[2J\1b]52;c;ZXZpbA==\07\1b[31merror: all is lost\0d\e2\80\aetxt.exe\08\7f\c2\9b2J" (func)))
  (core instance (instantiate 0)))
