(memory $large 512)
