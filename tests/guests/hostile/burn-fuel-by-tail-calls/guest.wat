(func $attack (return_call $attack))
