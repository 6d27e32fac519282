(func $attack (loop $again (drop (call $seed)) (br $again)))
