(memory $large 65536)
