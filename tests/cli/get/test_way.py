#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The way there: proxies, Unix sockets and TLS of `bide get` and `bide fetch`."""
import http.server
import os
import socketserver
import subprocess
import tempfile
import threading

BIDE = os.environ["BIDE"]
plan = []


class Proxy(http.server.BaseHTTPRequestHandler):
    """Answers everything itself, and keeps what it was asked."""
    asked = []

    def do_GET(self):
        Proxy.asked.append((self.path, self.headers.get("Proxy-Authorization")))
        body = b"through the proxy\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self):
        request, _ = super().get_request()
        return request, ("unix", 0)


def run(*words, **variables):
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    done = subprocess.run([BIDE, *words], env={**env, **variables}, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check(name, condition, seen=""):
    plan.append(condition)
    print(f"{'ok' if condition else 'not ok'} {len(plan)} - {name}")
    if not condition:
        print(f"# {seen!r}")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"127.0.0.1:{server.server_port}"

seen = run("get", "-x", f"http://{address}", "-U", "me:a:b/c@d", "http://a.test/x")
check("proxy_with_a_user_is_asked", seen[1] == "through the proxy\n" and Proxy.asked[-1] == ("http://a.test/x", "Basic bWU6YTpiL2NAZA=="), (seen, Proxy.asked))
seen = run("get", "http://a.test/env", http_proxy=f"http://{address}")
check("proxy_of_the_environment_is_asked", seen[1] == "through the proxy\n", seen)
seen = run("get", f"http://{address}/direct", http_proxy="http://127.0.0.1:1", no_proxy="127.0.0.0/8")
check("no_proxy_of_the_environment_is_obeyed", seen[0] == 0 and Proxy.asked[-1][0] == "/direct", seen)
seen = run("get", "--noproxy", "*", f"http://{address}/direct2", http_proxy="http://127.0.0.1:1")
check("noproxy_replaces_the_environments", seen[0] == 0 and Proxy.asked[-1][0] == "/direct2", seen)
seen = run("get", "--proxy", "", f"http://{address}/direct3", http_proxy="http://127.0.0.1:1")
check("empty_proxy_is_none", seen[0] == 0 and Proxy.asked[-1][0] == "/direct3", seen)
with tempfile.TemporaryDirectory() as folder:
    seen = run("fetch", "-x", address, "-O", folder, "http://a.test/file")
    check("fetch_asks_through_the_proxy", seen[0] == 0 and Proxy.asked[-1][0] == "http://a.test/file", seen)
    path = os.path.join(folder, "s")
    local = UnixServer(path, Proxy)
    threading.Thread(target=local.serve_forever, daemon=True).start()
    seen = run("get", "--unix-socket", path, "http://docker/info")
    check("unix_socket_is_asked", seen[0] == 0 and Proxy.asked[-1][0] == "/info", seen)
seen = run("get", "-x", "http://me:secret@127.0.0.1:1", "http://a.test/")
check("proxy_that_is_not_there_is_named_without_its_password", seen[0] != 0 and "proxy http://127.0.0.1:1" in seen[2] and "secret" not in seen[2], seen)
for words in (["-x", "ftp://p"], ["-x", "http://p", "--socks5", "q"], ["-U", "a:b"], ["--preproxy", "http://p"], ["--tls-min", "1.3", "--tls-max", "1.2"],
              ["--cert", "/nowhere"], ["--pinnedpubkey", "x"], ["-x", "http://p", "--unix-socket", "/s"]):
    seen = run("get", *words, "http://a.test/")
    check("usage_error_of_" + "_".join(words), seen[0] == 2 and seen[1] == "" and seen[2] != "", seen)
server.shutdown()
print(f"1..{len(plan)}")
raise SystemExit(not all(plan))
