(data (i32.const 1024) "again")

(func $attack (local $left i32)
  (local.set $left (i32.const 4000))
  (loop $again
    (call $step (i32.const 1024) (i32.const 5) (i32.const 1024) (i32.const 5) (i32.const 1))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $again (local.get $left))))
