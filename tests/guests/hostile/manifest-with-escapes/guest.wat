(func $attack)
