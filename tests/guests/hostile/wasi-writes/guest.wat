(import "host" "open" (func $open (param i32 i32 i32 i32 i32 i32 i32)))
(import "host" "folders" (func $folders (param i32)))
(global $folder (mut i32) (i32.const 0))
;; Opens a path of the folder as the flags say, and follows links; 0 where that is granted.
(func $try (param $path i32) (param $bytes i32) (param $open-flags i32) (param $flags i32) (result i32)
  (call $open (global.get $folder) (i32.const 1) (local.get $path) (local.get $bytes)
    (local.get $open-flags) (local.get $flags) (i32.const 48))
  (i32.load8_u (i32.const 48)))
(func $enter
  (call $folders (i32.const 48))
  (global.set $folder (i32.load (i32.load (i32.const 48)))))
(data (i32.const 1024) "priors.txtpriors.txtnew.txtinner/new.txt")
;; What must open does, and nothing else.
(func $attack
  (call $enter)
  (if (call $try (i32.const 1024) (i32.const 10) (i32.const 0) (i32.const 1)) (then (unreachable)))
  (if (i32.eqz (call $try (i32.const 1034) (i32.const 10) (i32.const 9) (i32.const 3))) (then (unreachable)))
  (if (i32.eqz (call $try (i32.const 1044) (i32.const 7) (i32.const 9) (i32.const 3))) (then (unreachable)))
  (if (i32.eqz (call $try (i32.const 1051) (i32.const 13) (i32.const 9) (i32.const 3))) (then (unreachable))))
;;; component
(import "wasi:filesystem/types@0.2.0" (instance $fs
  (export "descriptor" (type $d (sub resource)))
  (type $p (flags "symlink-follow"))
  (export "path-flags" (type $path-flags (eq $p)))
  (type $o (flags "create" "directory" "exclusive" "truncate"))
  (export "open-flags" (type $open-flags (eq $o)))
  (type $f (flags  "read" "write" "file-integrity-sync" "data-integrity-sync" "requested-write-sync" "mutate-directory" ))
  (export "descriptor-flags" (type $descriptor-flags (eq $f)))
  (type $e (enum  "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota" "exist" "file-too-large" "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io" "is-directory" "loop" "too-many-links" "message-size" "name-too-long" "no-device" "no-entry" "no-lock" "insufficient-memory" "insufficient-space" "not-directory" "not-empty" "not-recoverable" "unsupported" "no-tty" "no-such-device" "overflow" "not-permitted" "pipe" "read-only" "invalid-seek" "text-file-busy" "cross-device" ))
  (export "error-code" (type $error-code (eq $e)))
  (export "[method]descriptor.open-at" (func (param "self" (borrow $d)) (param "path-flags" $path-flags)
    (param "path" string) (param "open-flags" $open-flags) (param "flags" $descriptor-flags)
    (result (result (own $d) (error $error-code)))))))
(alias export $fs "descriptor" (type $descriptor))
(import "wasi:filesystem/preopens@0.2.0" (instance $preopens
  (alias outer 1 $descriptor (type $outer))
  (export "descriptor" (type $d (eq $outer)))
  (export "get-directories" (func (result (list (tuple (own $d) string)))))))
(core func $open (canon lower (func $fs "[method]descriptor.open-at") (memory (core memory $glue "memory"))))
(core func $folders (canon lower (func $preopens "get-directories")
  (memory (core memory $glue "memory")) (realloc (core func $glue "realloc"))))
;;; host
(export "open" (func $open)) (export "folders" (func $folders))
