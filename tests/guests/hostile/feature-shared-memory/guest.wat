(memory $shared 1 1 shared)
(func $attack (drop (i32.atomic.load $shared (i32.const 4096))))
