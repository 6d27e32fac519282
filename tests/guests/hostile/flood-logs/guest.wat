(data (i32.const 1024) "look at me, look at me, look at me, look at me, look at me ")

(func $attack (local $left i32)
  (local.set $left (i32.const 4000))
  (loop $again
    (call $log (i32.const 1) (i32.const 1024) (i32.const 59))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $again (local.get $left))))
