#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_command.py - `bide serve`: options good and bad, TLS, its end, many clients.  What it answers: test_endpoints.c."""
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from support import BIDE, SLOW, Case, Certificates, bide, interrupt, serving


def fetch(url, method="GET", context=None, **headers):
    """An independent client: status, headers, body."""
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, context=context, timeout=20) as r:
            return r.status, r.headers, r.read()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.headers, e.read()


class Endpoints(Case):
    """Each once, with a client that is not ours."""

    def test_all(self):
        with serving() as url:
            self.assertEqual(fetch(url + "/delay/1")[2], b'{"delay_ms":1}\n')
            for code in 200, 404, 418, 503:
                self.assertEqual(fetch(f"{url}/status/{code}")[0], code)
            self.assertEqual(len(fetch(url + "/bytes/100000")[2]), 100000)
            self.assertEqual(json.loads(fetch(url + "/json")[2])["title"], "bide")
            self.assertEqual(json.loads(fetch(url + "/echo", method="PATCH")[2])["method"], "PATCH")
            self.assertEqual(json.loads(fetch(url + "/redirect/5")[2])["title"], "bide")
            self.assertEqual(len(fetch(url + "/stream/1000")[2].splitlines()), 1000)
            self.assertEqual(fetch(url + "/gzip")[1]["Content-Encoding"], "gzip")
            self.assertEqual(json.loads(fetch(url + "/x/player/pagelist?aid=7")[2])["code"], 0)
            self.assertGreater(json.loads(fetch(url + "/stats")[2])["requests"], 10)

    def test_threads_answer_and_count_together(self):
        with serving("--threads", 3, "--verbose") as url:
            for _ in range(60):
                self.assertEqual(json.loads(fetch(url + "/json")[2])["title"], "bide")
            self.assertEqual(json.loads(fetch(url + "/stats")[2])["requests"], 60)

    def test_threads_for_all_processors_end_with_a_signal(self):
        with serving("--threads", 0) as url:
            self.assertEqual(fetch(url + "/delay/1")[0], 200)

    def test_threads_beyond_the_bounds_are_refused(self):
        r = bide("serve", "--threads", "257")
        self.assertEqual(r.code, 2)
        self.assertIn("--threads", r.err)

    def test_many_at_once(self):
        with serving("--delay", 100) as url:
            port = int(url.rsplit(":", 1)[1])
            begin = time.monotonic()
            clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(200)]
            for c in clients:
                c.request("GET", "/json")
            for c in clients:
                r = c.getresponse()
                self.assertEqual((r.status, json.loads(r.read())["title"]), (200, "bide"))
                c.close()
            self.assertLess(time.monotonic() - begin, 200 * 0.1 / 4 * SLOW)


class Options(Case):
    def test_delay_is_milliseconds(self):
        for value, least, most in ("150", 0.15, 5), ("150ms", 0.15, 5), ("0.15s", 0.15, 5):
            with self.subTest(value), serving("--delay", value) as url:
                begin = time.monotonic()
                fetch(url + "/json")
                self.assertTrue(least <= time.monotonic() - begin < most * SLOW)

    def test_host(self):
        with serving("--host", "::1") as url:
            self.assertTrue(url.startswith("http://[::1]:"), url)
            self.assertEqual(fetch(url + "/json")[0], 200)

    def test_tls_with_one_file_or_two(self):
        c = Certificates(self.folder)
        context = ssl.create_default_context(cafile=c.ca)
        for options in (("--cert", c.good), ("--cert", c.good, "--key", c.path("good.key"))):
            with self.subTest(options), serving(*options) as url:
                self.assertTrue(url.startswith("https://127.0.0.1:"), url)
                self.assertEqual(fetch(url + "/json", context=context)[0], 200)

    def test_root(self):
        self.write("a.txt", "hello")
        with serving("--root", self.folder) as url:
            status, headers, body = fetch(url + "/a.txt")
            self.assertEqual((status, body, headers["Content-Length"]), (200, b"hello", "5"))
            self.assertEqual(fetch(url + "/a.txt", **{"If-Modified-Since": headers["Last-Modified"]})[0], 304)
            self.assertEqual(fetch(url + "/a.txt", method="HEAD")[2], b"")
            self.assertEqual(fetch(url + "/none.txt")[0], 404)
            self.assertEqual(fetch(url + "/../etc/passwd")[0], 404)
            self.assertEqual(fetch(url + "/json")[0], 200)
            self.assertEqual(fetch(url + "/a.txt", method="DELETE")[0], 405)


class Wrong(Case):
    """One clear line: exit 2 for what was typed, 3 for what this machine refuses."""

    def test_values(self):
        for option, value in (("--port", "65536"), ("--port", "-1"), ("--port", "http"), ("-p", ""), ("--delay", "-1"),
                              ("--delay", "soon"), ("--delay", "2h")):
            with self.subTest((option, value)):
                self.expect_line(bide("serve", option, value), 2, f"bide serve: {option}: expected ", f"got '{value}'")

    def test_words(self):
        self.expect_line(bide("serve", "--prot", "1"), 2, "unknown option --prot", "--port?")
        self.expect_line(bide("serve", "8080"), 2, "takes no operand, got '8080'")
        self.expect_line(bide("serve", "--key", "k"), 2, "--key needs --cert")

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
            r = bide("serve", "--port", port)
        self.expect_line(r, 3, f"127.0.0.1:{port}", "in use")
        self.assertEqual(r.out, b"")

    def test_host(self):
        self.expect_line(bide("serve", "--port", 0, "--host", "192.0.2.1"), 3, "192.0.2.1")
        self.expect_line(bide("serve", "--port", 0, "--host", "no-such-host.invalid"), 3, "no-such-host.invalid")

    def test_root(self):
        missing, plain = os.path.join(self.folder, "missing"), self.write("plain", "")
        self.expect_line(bide("serve", "--port", 0, "--root", missing), 3, f"--root {missing}: ", "No such file")
        self.expect_line(bide("serve", "--port", 0, "--root", plain), 3, f"--root {plain}: ", "Not a directory")

    @unittest.skipIf(os.geteuid() != 0, "only root can become somebody who may not read")
    def test_root_that_may_not_be_read(self):
        os.chmod(self.folder, 0o755)
        closed = os.path.join(self.folder, "closed")
        os.mkdir(closed, 0)
        r = bide("serve", "--port", 0, "--root", closed, preexec_fn=lambda: os.setuid(65534))
        self.expect_line(r, 3, f"--root {closed}: ", "Permission denied")

    def test_certificates(self):
        missing, empty = os.path.join(self.folder, "missing.pem"), self.write("empty.pem", "")
        for path in missing, empty:
            self.expect_line(bide("serve", "--port", 0, "--cert", path), 3, path)
        c = Certificates(self.folder)
        self.expect_line(bide("serve", "--port", 0, "--cert", c.good, "--key", c.path("other.key")), 3, "key")

    def test_nobody_can_read_the_url(self):
        with open("/dev/full", "wb") as full:
            self.expect_line(bide("serve", "--port", 0, stdout=full), 3, "standard output: No space left on device")
        self.expect_line(bide("serve", "--port", 0, preexec_fn=lambda: os.close(1)), 3, "standard output: ")


class End(Case):
    def start(self):
        p = subprocess.Popen([BIDE, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return p, p.stdout.readline().decode().strip()

    def end(self, p):
        err = p.stderr.read().decode()
        p.stdout.close()
        p.stderr.close()
        return err

    def test_idle_connections_do_not_hold_it_up(self):
        p, url = self.start()
        s = socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])))
        s.sendall(b"GET /json HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 200 "))
        begin = time.monotonic()
        p.send_signal(signal.SIGTERM)
        self.assertEqual(p.wait(30), -signal.SIGTERM)
        self.assertLess(time.monotonic() - begin, 5)
        s.close()
        self.end(p)

    def test_second_signal_drops_what_runs(self):
        p, url = self.start()
        s = socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])))
        s.sendall(b"GET /delay/60000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2 * SLOW)
        begin = time.monotonic()
        self.assertEqual(interrupt(p), -signal.SIGINT)
        self.assertLess(time.monotonic() - begin, 5)
        s.close()
        self.assertRegex(self.end(p), r"^bide serve: stopping: 1 connection, 10 s grace, press Ctrl-C again to drop it\n$")


class Partial(Case):
    """Ranges and conditions (RFC 9110 13, 14), of a file and of /bytes; asked by a client that is not ours."""

    DATE = 1500000000
    SINCE = "Fri, 14 Jul 2017 02:40:00 GMT"

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.TemporaryDirectory()
        cls.body = bytes(range(256)) * 1000
        path = os.path.join(cls.root.name, "a.bin")
        with open(path, "wb") as f:
            f.write(cls.body)
        os.utime(path, (cls.DATE, cls.DATE))
        open(os.path.join(cls.root.name, "empty"), "wb").close()
        cls.server = serving("--root", cls.root.name)
        cls.url = cls.server.__enter__()
        cls.tag = fetch(cls.url + "/a.bin")[1]["ETag"]

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)
        cls.root.cleanup()

    def ask(self, path="/a.bin", method="GET", **fields):
        return fetch(self.url + path, method, **{name.replace("_", "-"): value for name, value in fields.items()})

    def test_whole_file_says_that_parts_can_be_had(self):
        status, head, body = self.ask()
        self.assertEqual((status, body, head["Accept-Ranges"], head["Last-Modified"]), (200, self.body, "bytes", self.SINCE))
        self.assertRegex(self.tag, r'^"[^"]+"$')

    def test_parts(self):
        size = len(self.body)
        for text, first, last in (("0-0", 0, 0), ("1000-70000", 1000, 70000), (f"{size - 1}-", size - 1, size - 1), ("-5", size - 5, size - 1),
                                  ("5-999999999", 5, size - 1)):
            status, head, body = self.ask(Range=f"bytes={text}")
            self.assertEqual((status, head["Content-Range"]), (206, f"bytes {first}-{last}/{size}"))
            self.assertEqual((body, head["Content-Length"]), (self.body[first:last + 1], str(last + 1 - first)))

    def test_parts_of_bytes(self):
        whole = self.ask("/bytes/200000")[2]
        for first, last in ((0, 0), (3, 5), (7, 8), (65535, 65536), (65533, 140001), (199999, 199999)):
            status, _, body = self.ask("/bytes/200000", Range=f"bytes={first}-{last}")
            self.assertEqual((status, body), (206, whole[first:last + 1]), (first, last))
        tag = self.ask("/bytes/100000")[1]["ETag"]
        self.assertEqual(self.ask("/bytes/100000", If_None_Match=tag)[0], 304)
        self.assertEqual(self.ask("/bytes/1000", If_None_Match=tag)[0], 200)
        self.assertEqual(self.ask("/bytes/0")[::2], (200, b""))

    def test_behind_the_end(self):
        for path, size in (("/a.bin", len(self.body)), ("/empty", 0), ("/bytes/10", 10)):
            status, head, _ = self.ask(path, Range=f"bytes={size}-")
            self.assertEqual((status, head["Content-Range"]), (416, f"bytes */{size}"))

    def test_several_nonsense_and_head_are_the_whole(self):
        for text in "bytes=0-1,5-6", "bytes=x", "lines=1-2":
            self.assertEqual(self.ask(Range=text)[::2], (200, self.body))
        status, head, body = self.ask(method="HEAD", Range="bytes=0-1")
        self.assertEqual((status, head["Content-Length"], body), (200, str(len(self.body)), b""))

    def test_if_range(self):
        for have, status in ((self.tag, 206), (self.SINCE, 206), ('"other"', 200), (f"W/{self.tag}", 200), ("Fri, 14 Jul 2017 02:40:01 GMT", 200),
                             ("nonsense", 200)):
            self.assertEqual(self.ask(Range="bytes=0-4", If_Range=have)[0], status, have)

    def test_if_none_match(self):
        for have, status in ((self.tag, 304), (f"W/{self.tag}", 304), (f'"x", {self.tag}', 304), ("*", 304), ('"x"', 200), ("x", 200)):
            got, head, body = self.ask(If_None_Match=have)
            self.assertEqual(got, status, have)
            self.assertEqual(body, b"" if status == 304 else self.body)
            self.assertEqual(head["ETag"], self.tag)
        # It comes before the date.
        self.assertEqual(self.ask(If_None_Match='"x"', If_Modified_Since=self.SINCE)[0], 200)

    def test_if_modified_since(self):
        for have, status in ((self.SINCE, 304), ("Friday, 14-Jul-17 02:40:00 GMT", 304), ("Fri Jul 14 02:40:00 2017", 304),
                             ("Sat, 15 Jul 2017 02:40:00 GMT", 304), ("Fri, 14 Jul 2017 02:39:59 GMT", 200), ("yesterday", 200), ("", 200)):
            self.assertEqual(self.ask(If_Modified_Since=have)[0], status, have)
            self.assertEqual(self.ask(method="HEAD", If_Modified_Since=have)[0], status, have)

    def test_preconditions_that_fail(self):
        self.assertEqual(self.ask(If_Match=self.tag)[0], 200)
        self.assertEqual(self.ask(If_Match="*")[0], 200)
        self.assertEqual(self.ask(If_Match='"x"')[0], 412)
        self.assertEqual(self.ask(If_Match=f"W/{self.tag}")[0], 412)
        self.assertEqual(self.ask(If_Unmodified_Since=self.SINCE)[0], 200)
        self.assertEqual(self.ask(If_Unmodified_Since="Fri, 14 Jul 2017 02:39:59 GMT")[0], 412)

    def test_file_that_is_written_anew_has_another_tag(self):
        path = os.path.join(self.root.name, "b")
        tags = set()
        for ns in 1, 2, 3:
            with open(path, "w") as f:
                f.write("same")
            os.utime(path, ns=(ns, ns))
            tags.add(self.ask("/b")[1]["ETag"])
        self.assertEqual(len(tags), 3)

    @unittest.skipUnless(shutil.which("curl"), "there is no curl")
    def test_curl_goes_on_with_a_part(self):
        path = self.write("part", "")
        with open(path, "wb") as f:
            f.write(self.body[:1000])
        subprocess.run(["curl", "-sS", "-C", "-", "-o", path, self.url + "/a.bin"], check=True)
        with open(path, "rb") as f:
            self.assertEqual(f.read(), self.body)


class Verbose(Case):
    def test_has_a_line_for_each_request(self):
        p = subprocess.Popen([BIDE, "serve", "--port", "0", "-v"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        url = p.stdout.readline().decode().strip()
        fetch(url + "/json")
        fetch(url + "/status/404?a=%1b%5B2J", method="HEAD")
        code = interrupt(p)
        lines = p.stderr.read().decode().splitlines()
        p.stdout.close()
        p.stderr.close()
        self.assertEqual(code, -signal.SIGINT)
        self.assertRegex(lines[0], r"^bide serve: 127\.0\.0\.1:\d+ GET /json 200 [\d.]+ (us|ms|s)$")
        self.assertRegex(lines[1], r"^bide serve: 127\.0\.0\.1:\d+ HEAD /status/404\?a=%1b%5B2J 404 [\d.]+ (us|ms|s)$")


if __name__ == "__main__":
    unittest.main()
