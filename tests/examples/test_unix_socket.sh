#!/bin/sh
# SPDX-License-Identifier: MIT
# test_unix_socket.sh - examples/unix_socket.c: two requests over one connection to a Unix socket; no socket is an error.
set -eu
program=${BIDE_BUILD:?}/examples/unix_socket
dir=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid" || true; rm -rf "$dir"' EXIT

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

cat >"$dir/server.py" <<'END'
import http.server, socketserver, sys

class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        text = f"{self.headers['Host']} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass

    def address_string(self):
        return "unix"

with socketserver.UnixStreamServer(sys.argv[1], Answer) as server:
    server.serve_forever()
END
python3 "$dir/server.py" "$dir/socket" &
pid=$!
for _ in $(seq 600); do
    test ! -S "$dir/socket" || break
    sleep 0.05
done
"$program" "$dir/socket" http://app/one http://app/two >"$dir/got" || fail "exit $?"
test "$(cat "$dir/got")" = "200 app /one
200 app /two
2 requests, 1 connections" || fail "it said: $(cat "$dir/got")"

! "$program" "$dir/none" http://app/ >"$dir/got" 2>"$dir/err" || fail "exit 0 without a socket"
grep -q "$dir/none" "$dir/err" || fail "the error does not name the socket: $(cat "$dir/err")"
echo ok
