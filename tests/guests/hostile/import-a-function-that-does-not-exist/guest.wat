;;; run
(export "execute" (func (param "command" string) (result string)))
