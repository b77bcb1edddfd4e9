#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server that misbehaves, for the tests of `bide fetch`.  Its URL is the first line on standard output.

/garbage /early /short /bighead /chunked-cut /badchunk   wrong answers
/hang /slow/MS                                           late ones: never, or after so long
/gate/KEY                                                late ones: when /open/KEY was asked for
/trickle/N                                               a body of N bytes, 1 KiB every 20 ms
/pause/N/MS                                              a body of N bytes, the last one so much later
/flaky/KEY/N/STATUS[/AFTER]                              STATUS for the first N requests of KEY (with Retry-After), then 200
/torn/KEY                                                a body that is cut off the first time, and whole later
/both/N                                                  Content-Length: 10, and N bytes in a chunk
/status/CODE /bytes/N /chunked/N /type/T                 plain ones
/away/PORT                                               a redirect to that port
/log                                                     every request so far: [seconds since the start, path]
"""
import collections
import json
import socketserver
import threading
import time
import urllib.parse

begin = time.monotonic()
lock = threading.Lock()
log, seen, gates = [], {}, collections.defaultdict(threading.Event)


def answer(status, body=b"", *fields):
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def flaky(key, times, status, after=None):
    with lock:
        seen[key] = seen.get(key, 0) + 1
        good = seen[key] > int(times)
    if good:
        return answer(200, b"good\n")
    return answer(int(status), b"bad\n", *([f"Retry-After: {urllib.parse.unquote(after)}"] if after else []))


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            while self.one():
                pass
        except OSError:
            pass

    def one(self):
        line = self.rfile.readline(65537).decode("latin-1")
        if not line.strip():
            return False
        while self.rfile.readline(65537).strip():
            pass
        path = line.split(" ")[1]
        if path != "/log" and not path.startswith("/open/"):
            with lock:
                log.append([time.monotonic() - begin, path])
        return self.reply(path.split("?")[0].split("/")[1:])

    def send(self, data, keep=False):
        self.wfile.write(data)
        self.wfile.flush()
        return keep

    def reply(self, words):
        name, *rest = words
        if name == "garbage":
            return self.send(b"this is no HTTP\r\n\r\n")
        if name == "early":
            return False
        if name == "short":
            return self.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
        if name == "bighead":
            return self.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200000 + b"\r\n\r\n")
        if name == "chunked-cut":
            return self.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        if name == "badchunk":
            return self.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n")
        if name == "hang":
            time.sleep(60)
            return False
        if name == "away":
            return self.send(answer(302, b"", f"Location: http://127.0.0.1:{rest[0]}/"), True)
        if name == "slow":
            time.sleep(int(rest[0]) / 1000)
            return self.send(answer(200, b"slow\n"), True)
        if name in ("gate", "open"):
            with lock:
                gate = gates[rest[0]]
            if name == "open":
                gate.set()
            gate.wait()
            return self.send(answer(200, b"open\n"), True)
        if name == "trickle":
            n = int(rest[0])
            self.send(f"HTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n".encode())
            while n > 0:
                self.send(b"t" * min(n, 1024))
                n -= 1024
                time.sleep(0.02)
            return True
        if name == "pause":
            n = int(rest[0])
            self.send(f"HTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n".encode() + b"p" * (n - 1))
            time.sleep(int(rest[1]) / 1000)
            return self.send(b"p", True)
        if name == "flaky":
            return self.send(flaky(*rest), True)
        if name == "torn":
            whole = flaky(rest[0], 1, 200).endswith(b"good\n")
            if whole:
                return self.send(answer(200, b"whole\n"), True)
            self.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nwh")
            time.sleep(0.1)
            return False
        if name == "both":
            n = int(rest[0])
            return self.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n" +
                             f"{n:x}\r\n".encode() + b"c" * n + b"\r\n0\r\n\r\n")
        if name == "status":
            return self.send(answer(int(rest[0]), b"status\n"), True)
        if name == "bytes":
            return self.send(answer(200, b"b" * int(rest[0])), True)
        if name == "chunked":
            n = int(rest[0])
            return self.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                             (f"{n:x}\r\n".encode() + b"c" * n + b"\r\n" if n else b"") + b"0\r\n\r\n", True)
        if name == "type":
            return self.send(answer(200, b"typed\n", "Content-Type: " + "/".join(rest)), True)
        if name == "log":
            with lock:
                return self.send(answer(200, json.dumps(log).encode(), "Content-Type: application/json"), True)
        return self.send(answer(404, b"no\n"), True)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512


with Server(("127.0.0.1", 0), Handler) as server:
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
