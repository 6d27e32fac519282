(func $attack (local $left i32)
  (local.set $left (i32.const 10000))
  (loop $again
    (drop (memory.grow (i32.const 65535)))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $again (local.get $left))))
