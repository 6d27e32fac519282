"""A language model's endpoint for tests: speaks the chat-completions protocol, and misbehaves as the model's name says.

Every request is written to the log as a line of JSON. The port is the first line of stdout; the process ends when its
stdin does, so that no test leaves it behind.

  ok                  a reply that repeats the last message, 10 and 5 tokens
  tokens-P-C          the same, counted as P and C tokens
  slow-MS             the same, after MS milliseconds
  limit-N-SECONDS     N times status 429 with Retry-After, then ok
  fail-N-STATUS       N times STATUS, then ok
  status-STATUS       always STATUS, and says back the key that it was sent
  quota               status 429 that no waiting helps against
  spent-SECONDS       ok, and says that no request is left for SECONDS
  inside-N            N times an error under status 200, then ok
  uncounted           ok without usage
  garbage, empty, list, lies          status 200 with something else
  huge-BYTES          a text of BYTES
  truncated, reset, drip, badchunk    an answer that breaks off, none, one that never ends, one that is framed wrongly
  redirect            status 307 to the address of --elsewhere
"""

import argparse
import collections
import json
import os
import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COUNTS = collections.Counter()
LOCK = threading.Lock()


def reply(text, prompt=10, completion=5):
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    tokens = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": tokens}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, body):
        line = {"path": self.path, "authorization": self.headers.get("Authorization"), "body": body}
        with LOCK, open(ARGS.log, "a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def send(self, status, value, headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.note(None)
        if self.path == "/v1/credits":
            self.send(200, {"data": {"total_credits": 10.0, "total_usage": ARGS.used}})
        else:
            self.send(404, {"error": {"message": "no such page"}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.note(body)
        if self.path != "/v1/chat/completions":
            return self.send(404, {"error": {"message": "no such page"}})
        act, *numbers = body["model"].split("-")
        text = "you said: " + body["messages"][-1]["content"]
        with LOCK:
            COUNTS[body["model"]] += 1
            count = COUNTS[body["model"]]
        return getattr(self, "act_" + act)(text, count, *numbers)

    def act_ok(self, text, _):
        self.send(200, reply(text))

    def act_tokens(self, text, _, prompt, completion):
        self.send(200, reply(text, int(prompt), int(completion)))

    def act_slow(self, text, _, ms):
        time.sleep(int(ms) / 1000)
        self.send(200, reply(text))

    def act_limit(self, text, count, times, seconds):
        if count <= int(times):
            headers = [("Retry-After", seconds), ("x-ratelimit-remaining-requests", "0")]
            return self.send(429, {"error": {"message": "slow down"}}, headers)
        return self.send(200, reply(text))

    def act_fail(self, text, count, times, status):
        if count <= int(times):
            return self.send(int(status), {"error": {"message": "try again"}})
        return self.send(200, reply(text))

    def act_status(self, _text, _count, status):
        said = f"not so, {self.headers.get('Authorization')}\x1b[2J"
        self.send(int(status), {"error": {"message": said}})

    def act_quota(self, _text, _count):
        self.send(429, {"error": {"message": "no credit", "type": "insufficient_quota"}})

    def act_spent(self, text, _, seconds):
        headers = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", seconds + "s")]
        self.send(200, reply(text), headers)

    def act_inside(self, text, count, times):
        if count <= int(times):
            return self.send(200, {"error": {"code": 503, "message": "upstream is busy"}})
        return self.send(200, reply(text))

    def act_uncounted(self, text, _):
        answer = reply(text)
        del answer["usage"]
        self.send(200, answer)

    def act_garbage(self, *_):
        self.send(200, b"<html>it works</html>")

    def act_empty(self, *_):
        self.send(200, b"")

    def act_list(self, *_):
        self.send(200, [{"choices": {}}])

    def act_lies(self, text, _):
        self.send(200, reply(text, -1, 10**30))

    def act_huge(self, _text, _count, size):
        self.send(200, reply("x" * int(size)))

    def act_truncated(self, text, _):
        body = json.dumps(reply(text)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.close_connection = True

    def act_reset(self, *_):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def act_drip(self, *_):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        try:
            for _ in range(600):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass
        self.close_connection = True

    def act_badchunk(self, *_):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"zz\r\nnonsense\r\n")
        self.close_connection = True

    def act_redirect(self, *_):
        self.send(307, {}, [("Location", ARGS.elsewhere + "/v1/chat/completions")])


def end_with_stdin():
    sys.stdin.buffer.read()
    os._exit(0)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that hangs up is what some tests are about."""


def main():
    server = Server(("127.0.0.1", 0), Handler)
    scheme = "http"
    if ARGS.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ARGS.certificate, ARGS.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https"
    threading.Thread(target=end_with_stdin, daemon=True).start()
    print(f"{scheme}://localhost:{server.server_address[1]}", flush=True)
    server.serve_forever()


PARSER = argparse.ArgumentParser()
PARSER.add_argument("--log", required=True)
PARSER.add_argument("--elsewhere", default="http://localhost:1")
PARSER.add_argument("--used", type=float, default=3.0021)
PARSER.add_argument("--certificate")
PARSER.add_argument("--key")
ARGS = PARSER.parse_args()
main()
