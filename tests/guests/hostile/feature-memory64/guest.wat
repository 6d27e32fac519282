(memory i64 1)
