(import "host" "stdout" (func $stdout (result i32)))
(import "host" "write" (func $write (param i32 i32 i32 i32)))
(data (i32.const 1024) "\1b[2J\1b]52;c;ZXZpbA==\07\1b[31merror: all is lost\0d\e2\80\aetxt.exe\08\7f\c2\9b2J")
(func $attack (call $write (call $stdout) (i32.const 1024) (i32.const 60) (i32.const 48)))
;;; component
(import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
(alias export $errors "error" (type $error))
(import "wasi:io/streams@0.2.0" (instance $streams
  (alias outer 1 $error (type $outer))
  (export "error" (type $e (eq $outer)))
  (export "output-stream" (type $o (sub resource)))
  (type $s (variant (case "last-operation-failed" (own $e)) (case "closed")))
  (export "stream-error" (type $stream-error (eq $s)))
  (export "[method]output-stream.blocking-write-and-flush"
    (func (param "self" (borrow $o)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
(alias export $streams "output-stream" (type $output-stream))
(import "wasi:cli/stdout@0.2.0" (instance $out
  (alias outer 1 $output-stream (type $outer))
  (export "output-stream" (type $o (eq $outer)))
  (export "get-stdout" (func (result (own $o))))))
(core func $stdout (canon lower (func $out "get-stdout")))
(core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory (core memory $glue "memory"))))
;;; host
(export "stdout" (func $stdout)) (export "write" (func $write))
