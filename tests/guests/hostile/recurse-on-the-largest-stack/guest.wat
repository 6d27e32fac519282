(func $attack (call $attack) (call $offer-input))
