(func $attack (loop $again (br $again)))
