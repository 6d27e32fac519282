;;; run
(export "seed" (func (result s64)))
