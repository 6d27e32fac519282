(tag $oops)
(func $attack (throw $oops))
