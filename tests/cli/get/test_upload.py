#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_upload.py - what get and fetch send: files, forms, queries; with a real nginx where a peer matters."""
import http.server
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from support import BIDE, Case, bide, closed_port


class Recorder:
    """A server that keeps the requests, whole, and answers each with an empty 200."""

    def __enter__(self):
        self.requests = seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def read_chunks(self):
                body = b""
                while size := int(self.rfile.readline().strip() or b"0", 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def record(self):
                chunked = self.headers.get("Transfer-Encoding") == "chunked"
                body = self.read_chunks() if chunked else self.rfile.read(int(self.headers.get("Content-Length", 0)))
                seen.append((self.command, self.path, self.headers, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_HEAD = record

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def last(self):
        return self.requests[-1]


COMMANDS = (["get"], ["fetch", "-q", "-o", "-"])


class Sent(Case):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, data):
        (self.folder / name).write_bytes(data)
        return str(self.folder / name)

    def both(self, *args, path="/", **options):
        """Sent by get and by fetch: what the server saw, twice the same."""
        for command in COMMANDS:
            with Recorder() as s:
                self.expect(bide(*command, *args, s.url + path, **options), 0)
                yield s.last()

    def test_files_are_put_under_their_names(self):
        path = self.file("a b.bin", b"file\0bytes")
        for method, target, fields, body in self.both("-T", path, path="/dir/?x"):
            self.assertEqual((method, target, body), ("PUT", "/dir/a%20b.bin?x", b"file\0bytes"))
            self.assertEqual(fields["Content-Length"], "10")
        for method, target, _, body in self.both("-T", path, "-X", "POST", path="/as"):
            self.assertEqual((method, target, body), ("POST", "/as", b"file\0bytes"))

    def test_standard_input_goes_out_in_chunks(self):
        for command in COMMANDS:
            with Recorder() as s:
                p = subprocess.run([BIDE, *command, "-T", "-", s.url + "/in"], input=b"piped" * 50000, timeout=30,
                                   env=dict(os.environ, BIDE_NO_CONFIG="1"), capture_output=True)
                self.assertEqual(p.returncode, 0, p.stderr)
                method, target, fields, body = s.last()
            self.assertEqual((method, target, body), ("PUT", "/in", b"piped" * 50000))
            self.assertEqual(fields["Transfer-Encoding"], "chunked")

    def test_large_data_is_sent_from_its_file(self):
        path = self.file("large", b"x" * (3 << 20))
        for method, _, fields, body in self.both("-d", "@" + path):
            self.assertEqual((method, len(body), fields["Content-Length"]), ("POST", 3 << 20, str(3 << 20)))

    def test_forms_have_curls_syntax(self):
        path, text = self.file("cat.jpg", b"\xff\xd8"), self.file("t.txt", b"in a file")
        args = ["-F", "title=a cat", "-F", f"photo=@{path}", "-F", f"doc=@{path};type=image/x-own;filename=o\"n.jpg", "-F", f"text=<{text}",
                "-F", 'quoted="a;type=b\\"c"', "-F", "odd=a;b"]
        for method, _, fields, body in self.both(*args):
            boundary = re.fullmatch(r"multipart/form-data; boundary=(----bide-[0-9a-f]{32})", fields["Content-Type"])[1].encode()
            parts = body.split(b"--" + boundary)
            self.assertEqual((method, parts[0], parts[-1]), ("POST", b"", b"--\r\n"))
            head = b"\r\nContent-Disposition: form-data; name="
            self.assertEqual(parts[1:-1], [
                head + b'"title"\r\n\r\na cat\r\n',
                head + b'"photo"; filename="cat.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\r\n',
                head + b'"doc"; filename="o%22n.jpg"\r\nContent-Type: image/x-own\r\n\r\n\xff\xd8\r\n',
                head + b'"text"\r\n\r\nin a file\r\n',
                head + b'"quoted"\r\n\r\na;type=b"c\r\n',
                head + b'"odd"\r\n\r\na;b\r\n'])
            self.assertEqual(int(fields["Content-Length"]), len(body))

    def test_forms_take_several_files_at_once(self):
        a, b = self.file("a", b"1"), self.file("b", b"2")
        for _, _, _, body in self.both("-F", f"f=@{a},{b};type=x/y"):
            self.assertEqual(body.count(b'name="f"'), 2)
            self.assertIn(b'filename="b"\r\nContent-Type: x/y\r\n\r\n2\r\n', body)

    def test_pairs_are_encoded(self):
        path = self.file("value", b"from & file")
        want = b"raw=1&a=b%26c%20%C3%BC&d=from%20%26%20file&alone%3F&%3D"
        args = ["-d", "raw=1", "--data-urlencode", "a=b&c \u00fc", "--data-urlencode", f"d@{path}", "--form-urlencode", "alone?", "--form-urlencode", "=="]
        for method, _, fields, body in self.both(*args):
            self.assertEqual((method, body, fields["Content-Type"]), ("POST", want, "application/x-www-form-urlencoded"))
        for method, target, fields, body in self.both("-G", *args, path="/p?q=1#f"):
            self.assertEqual((method, target, body), ("GET", "/p?q=1&" + want.decode(), b""))
        for _, target, _, _ in self.both("--query", "a=b c", "--query", "d=&", path="/p"):
            self.assertEqual(target, "/p?a=b%20c&d=%26")

    def test_heads_are_asked_for_and_shown(self):
        for command in COMMANDS:
            with Recorder() as s:
                r = bide(*command, "-I", "-e", "http://from.example/", s.url)
                self.expect(r, 0)
                method, _, fields, _ = s.last()
            self.assertEqual((method, fields["Referer"]), ("HEAD", "http://from.example/"))
            self.assertEqual(b"HTTP/1.1 200 OK" in r.out, command == ["get"])

    def test_bodies_may_be_asked_about_first(self):
        for _, _, fields, body in self.both("-d", "x", "--expect100-timeout", "100ms"):
            self.assertEqual((fields["Expect"], body), ("100-continue", b"x"))

    def test_what_cannot_be_sent_is_said_before_the_first_request(self):
        url = f"http://127.0.0.1:{closed_port()}/"
        for args, says in ((["-T", str(self.folder)], "Is a directory"), (["-T", str(self.folder / "none")], "No such file"),
                           (["-F", "x"], "expected NAME=VALUE"), (["-d", "a", "-F", "b=c"], "there is one body"),
                           (["-T", "-", "-d", "@-"], "standard input can be read once"), (["-G", "-T", "-"], "without a body"),
                           (["-F", 'a="b"c'], "no parameter")):
            for command in COMMANDS:
                r = bide(*command, *args, url)
                self.expect(r, 2)
                self.assertIn(says, r.err)


CONF = """daemon off; master_process off; pid {0}/pid; error_log {0}/log;
events {{}}
http {{ access_log off; client_body_temp_path {0}/t; client_max_body_size 8m;
  server {{ listen 127.0.0.1:{1}; root {0}/www; location / {{ dav_methods PUT; create_full_put_path on; }} }} }}
"""


@unittest.skipUnless(shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "no nginx")
class Nginx(Case):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "www").mkdir(mode=0o777)
        for f in (self.folder, self.folder / "www"):
            f.chmod(0o777)
        port = closed_port()
        (self.folder / "conf").write_text(CONF.format(self.folder, port))
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        self.nginx = subprocess.Popen([nginx, "-p", self.folder, "-c", self.folder / "conf"], stderr=subprocess.DEVNULL)
        self.addCleanup(self.nginx.wait)
        self.addCleanup(self.nginx.terminate)
        self.url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        self.fail("nginx does not listen")

    def put(self, *args, data):
        source = self.folder / "source.bin"
        source.write_bytes(data)
        return bide("get", "-T", source, *args, self.url + "/up/")

    def test_files_arrive_whole(self):
        data = os.urandom(5 << 20)
        for args in ([], ["--expect100-timeout", "1s"]):
            self.expect(self.put(*args, data=data), 0)
            self.assertEqual((self.folder / "www/up/source.bin").read_bytes(), data)

    def test_too_large_ones_are_refused_early(self):
        r = self.put("--include", data=bytes(64 << 20))
        self.assertIn(b"HTTP/1.1 413 ", r.out)


if __name__ == "__main__":
    unittest.main()
