#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_get.py - `bide get`: what it prints, what it says when something is wrong, and with which exit code."""
import base64
import contextlib
import gzip
import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest

from support import (BIDE, SANITIZED, SLOW, Case, Certificates, RawServer, bide, closed_port, on_terminal, reset, serving)

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"


def answer(body, status="200 OK", fields=b""):
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status.encode(), fields, len(body), body)


class Bodies(Case):
    def test_come_in_the_order_of_the_urls(self):
        with serving() as url:
            r = bide("get", f"{url}/delay/120", f"{url}/delay/60", f"{url}/delay/1")
        self.expect(r, 0, b'{"delay_ms":120}\n{"delay_ms":60}\n{"delay_ms":1}\n')
        self.assertEqual(r.err, "")

    def test_are_fetched_at_the_same_time(self):
        with serving("--delay", 200) as url:
            begin = time.monotonic()
            r = bide("get", *[f"{url}/json"] * 20)
            took = time.monotonic() - begin
        self.expect(r, 0)
        self.assertEqual(r.out.count(b'"title"'), 20)
        self.assertLess(took, 20 * 0.2 / 4 * SLOW)

    def test_concurrency_1_uses_one_connection_again(self):
        with serving() as url:
            self.expect(bide("get", "-c", 1, *[f"{url}/json"] * 5), 0)
            stats = json.loads(bide("get", f"{url}/stats").out)
        self.assertEqual((stats["connections"], stats["requests"]), (2, 5))

    def test_more_urls_than_concurrency(self):
        with serving() as url:
            r = bide("get", "-c", 3, *[f"{url}/delay/{i % 5}" for i in range(50)])
        self.expect(r, 0, b"".join(b'{"delay_ms":%d}\n' % (i % 5) for i in range(50)))

    def test_few_descriptors_mean_fewer_at_once(self):
        with serving("--delay", 5) as url:
            r = bide("get", *[f"{url}/json"] * 100, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)))
        self.expect(r, 0)
        self.assertEqual(r.out.count(b'"title"'), 100)

    def test_large_ones_wait_for_their_turn_unread(self):
        with serving() as url:
            r = bide("get", f"{url}/delay/300", f"{url}/bytes/3000000", f"{url}/bytes/2000000", f"{url}/json")
            one = bide("get", f"{url}/bytes/3000000").out
        self.expect(r, 0)
        self.assertEqual(len(one), 3000000)
        self.assertTrue(r.out.startswith(b'{"delay_ms":300}\n' + one + one[:2000000] + b'{"title"'))

    @unittest.skipIf(SANITIZED, "a sanitizer's memory is not ours")
    def test_memory_stays_flat(self):
        with serving() as url, open("/dev/null", "wb") as null:
            small = bide("get", f"{url}/bytes/1000", stdout=null)
            large = bide("get", f"{url}/bytes/300000000", stdout=null)
            many = bide("get", "-c", 8, f"{url}/delay/500", *[f"{url}/bytes/30000000"] * 16, stdout=null)
        self.assertEqual((small.code, large.code, many.code), (0, 0, 0))
        self.assertLess(large.rss_kb - small.rss_kb, 4096)
        self.assertLess(many.rss_kb - small.rss_kb, 8192)

    def test_are_decompressed_unless_they_are_wanted_as_they_come(self):
        packed = gzip.compress(b"hello " * 1000)
        with RawServer({"/": answer(packed, fields=b"Content-Encoding: gzip\r\n")}) as s:
            r = bide("get", s.url + "/")
            asked = bide("get", "--compressed", "--max-size", 5999, s.url + "/")
            raw = bide("get", "--no-compressed", s.url + "/")
            heads = b"".join(s.requests)
        self.expect(r, 0, b"hello " * 1000)
        self.expect(asked, 4)
        self.assertIn("larger than --max-size (5999 bytes)", asked.err)
        self.expect(raw, 0, packed)
        self.assertEqual(heads.count(b"\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"), 2)

    def test_that_are_cut_off_within_their_coding_are_failures(self):
        with RawServer({"/": answer(gzip.compress(b"hello " * 1000)[:-9], fields=b"Content-Encoding: gzip\r\n")}) as s:
            r = bide("get", s.url + "/")
        self.expect(r, 4)
        self.assertIn("ended within its gzip coding", r.err)

    def test_that_are_mostly_zeros_are_no_bombs_on_a_disk(self):
        with RawServer({"/": answer(gzip.compress(bytes(5 << 20), 9), fields=b"Content-Encoding: gzip\r\n")}) as s:
            r = bide("get", s.url + "/")
        self.expect(r, 0, bytes(5 << 20))

    def test_headers_go_to_other_origins_only_if_they_are_trusted(self):
        with RawServer({"/": answer(b"ok")}) as other, RawServer({
                "/": b"HTTP/1.1 302 F\r\nContent-Length: 0\r\nLocation: %s/\r\n\r\n" % other.url.encode()}) as s:
            for options, n in ([], 0), (["--location-trusted"], 1):
                for command in (["get"], ["fetch", "-q", "-o", "-"]):
                    other.requests.clear()
                    self.expect(bide(*command, *options, "-H", "X-Api-Key: secret", s.url), 0, b"ok")
                    self.assertEqual(b"".join(other.requests).count(b"X-Api-Key: secret"), n)

    def test_odd_lines_are_mentioned_with_verbose(self):
        with RawServer({"/": answer(b"ok", fields=b"X-Odd=1;\x1b[2J\r\n")}) as s:
            quiet = bide("get", s.url)
            self.expect(quiet, 0, b"ok")
            self.assertEqual(quiet.err, "")
            for command in (["get"], ["fetch", "-q", "-o", "-"]):
                r = bide(*command, "-v", s.url)
                self.expect(r, 0, b"ok")
                self.assertIn('is no header, and was passed over: "X-Odd=1;\\x1b[2J"', r.err)

    def test_heads_come_before_them(self):
        with RawServer({"/": b"HTTP/1.0 200 Fine\r\nX-A: 1\r\nX-A:  2 \r\n\r\nbody"}) as s:
            r = bide("get", "--include", s.url)
        self.expect(r, 0, b"HTTP/1.0 200 Fine\r\nX-A: 1\r\nX-A: 2\r\n\r\nbody")

    def test_redirects_are_followed(self):
        with serving() as url:
            self.assertIn(b'"title"', bide("get", f"{url}/redirect/3").out)
            r = bide("get", "--include", "--max-redirs", 0, f"{url}/redirect/3")
            self.expect(r, 0)
            self.assertTrue(r.out.startswith(b"HTTP/1.1 302 "), r)
            r = bide("get", "--max-redirs", 2, f"{url}/redirect/3")
            self.expect_line(r, 4, f"GET {url}/redirect/1 (redirected from {url}/redirect/3): ", "more than 2 redirects")

    def test_control_characters_do_not_reach_a_terminal(self):
        body = b"a\x1b[31mred\x07 \xc2\x9b2J \xc3\xa9\ttab \x7f\n"
        with RawServer({"/": answer(body)}) as s:
            self.expect(bide("get", s.url), 0, body)
            shown = on_terminal("get", s.url)
        self.assertEqual(shown, "a\\x1b[31mred\\x07 \\xc2\\x9b2J \u00e9\ttab \\x7f\r\n")

    def on_terminal(self, body, *options, fields=b""):
        """What a terminal gets of it, without the carriage returns of line ends: it makes more of them itself."""
        with RawServer({"/": answer(body, fields=fields)}) as s:
            self.expect(bide("get", s.url), 0, body)
            shown = on_terminal("get", *options, s.url)
        self.assertNotRegex(shown, "\r(?!\r*\n)")
        return shown.replace("\r", "")

    def test_what_a_terminal_could_obey_is_escaped(self):
        for body, shown in ((b"\x9b31m", "\\x9b31m"), (b"a\rb", "a\\x0db"), (b"a\r", "a\\x0d"), (b"a\r\r\n", "a\\x0d\r\n"),
                            (b"\r\nx", "\r\nx"), (b"\x01", "\\x01"), (b"\xe2\x80\xaex", "\\xe2\\x80\\xaex"),
                            (b"\xe2\x81\xa6", "\\xe2\\x81\\xa6"), (b"\xd8\x9c", "\\xd8\\x9c"), (b"\xe2\x82", "\\xe2\\x82"),
                            (b"\xc2\xc2\x9b", "\\xc2\\xc2\\x9b"), (b"\xed\xa0\x80", "\\xed\\xa0\\x80")):
            self.assertEqual(self.on_terminal(body), shown.replace("\r", ""), body)

    def test_what_people_write_is_not(self):
        text = "\u20ac \u05d0\u05d1 \u0645\u06cc\u200c\u062e \U0001f469\u200d\U0001f4bb \ufeff\n"
        self.assertEqual(self.on_terminal(text.encode()), text)

    def test_a_character_in_two_pieces_is_one(self):
        def send(s, pieces=(b"\xe2", b"\x82", b"\xac\xe2\x80", b"\xae\r", b"\n\xf0\x9f")):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            for piece in pieces:
                time.sleep(0.03)
                s.sendall(piece)
        with RawServer({"/": send}) as s:
            shown = on_terminal("get", s.url)
        self.assertEqual(shown.replace("\r", ""), "\u20ac\\xe2\\x80\\xae\n\\xf0\\x9f")

    def test_raw_sends_all_of_it(self):
        self.assertEqual(self.on_terminal(b"a\x1b[31m\xe2\x80\xae", "--raw"), "a\x1b[31m\u202e")

    def test_heads_are_as_harmless(self):
        shown = self.on_terminal(b"", "--include", fields=b"X: \x9b31m \xe2\x80\xae\r\n")
        self.assertIn("\nX: \\x9b31m \\xe2\\x80\\xae\n", shown)

    def test_a_terminal_gets_no_binary_body(self):
        png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
        with RawServer({"/a.png": answer(png, fields=b"Content-Type: image/png\r\n"), "/": answer(b"text\n")}) as s:
            self.expect(bide("get", s.url + "/a.png"), 0, png)
            shown, code = on_terminal_code("get", s.url + "/a.png", s.url + "/")
            self.assertEqual(code, 3)
            self.assertNotIn("PNG\\x", shown)
            self.assertRegex(shown, r"/a\.png: the body is binary \(image/png\), .*; -o FILE saves it, -o - shows it all the same\r\n")
            self.assertIn("text\r\n", shown)
            for insist in (["-o", "-"], ["-o", "/dev/stdout"]):
                self.assertEqual(on_terminal_code("get", *insist, s.url + "/a.png"), ("\\x89PNG\r\r\n\\x1a\r\n\\x00\\x00\\x00\\x0dIHDR", 0))
            self.assertIn("PNG", on_terminal_code("get", "--raw", s.url + "/a.png")[0])

    def test_output_is_a_file_when_all_bodies_are_complete(self):
        path = os.path.join(self.folder, "new", "x")
        with serving() as url:
            self.expect(bide("get", "-o", path, f"{url}/bytes/300000", f"{url}/bytes/5"), 0, b"")
            whole = bide("get", f"{url}/bytes/300000", f"{url}/bytes/5").out
            with open(path, "rb") as f:
                self.assertEqual(f.read(), whole)
            r = bide("get", "-f", "-o", path, f"{url}/bytes/7", f"{url}/status/404")
            self.expect(r, 1, b"")
            self.assertIn(f"{path}: not written, because 1 of 2 URLs failed\n", r.err)
            self.assertEqual(os.listdir(os.path.dirname(path)), ["x"])
            self.assertEqual(os.path.getsize(path), 300005)
            self.expect(bide("get", "-o", "/dev/null", f"{url}/bytes/7"), 0, b"")
            self.expect(bide("get", "-o", "-", f"{url}/bytes/7"), 0, whole[:7])
            self.expect_line(bide("get", "-o", self.folder, f"{url}/bytes/7"), 3, self.folder)
            self.expect_line(bide("get", "-o", "/dev/full", f"{url}/bytes/7"), 3, "/dev/full")

    def test_a_reason_is_quoted_in_64_bytes(self):
        with RawServer({"/": answer(b"", "404 " + 200 * "x")}) as s:
            self.expect_line(bide("get", s.url), 0, "answered 404 " + 64 * "x" + "...;")
            self.expect_line(bide("fetch", "-q", "--retries", "0", s.url), 4, ": 404 " + 64 * "x" + "...\n")


def on_terminal_code(*args):
    """What bide writes to a terminal, and its exit code."""
    code = []
    return on_terminal(*args, code=code), code[0]


class Patterns(Case):
    def test_of_get_are_many_urls(self):
        with serving() as url:
            self.expect(bide("get", f"{url}/delay/[3-1]"), 0, b'{"delay_ms":3}\n{"delay_ms":2}\n{"delay_ms":1}\n')
            self.expect(bide("get", f"{url}/delay/{{7,8}}", f"{url}/delay/9"), 0,
                        b'{"delay_ms":7}\n{"delay_ms":8}\n{"delay_ms":9}\n')
            self.expect(bide("get", "-c", 3, f"{url}/delay/[0-99]"), 0, b"".join(b'{"delay_ms":%d}\n' % n for n in range(100)))

    def test_of_get_can_be_taken_as_they_are(self):
        for option in "-g", "--no-glob":
            with RawServer({"/%5B1-3%5D": HELLO, "/[1-3]": HELLO}) as s:
                self.expect(bide("get", option, f"{s.url}/[1-3]"), 0, b"hello\n")

    def test_of_get_that_are_none_are_refused(self):
        self.expect_line(bide("get", "http://a/[3"), 2, "http://a/[3: column 10")
        self.expect_line(bide("get", "http://a/[0-999999999999999999]{1,2}[0-99]"), 2, "more URLs than")
        self.expect_line(bide("get", "x://[1-2]/"), 2)


class Progress(Case):
    """A large body that goes elsewhere than to the terminal that messages go to."""

    def shown(self, *args, stdout=subprocess.DEVNULL, length=True, term="xterm"):
        def drip(s):
            s.sendall(b"HTTP/1.1 200 OK\r\n%s\r\n" % (b"Content-Length: 3000000\r\n" if length else b"Connection: close\r\n"))
            for _ in range(30):
                s.sendall(b"x" * 100000)
                time.sleep(0.04)
        main, side = os.openpty()
        with RawServer({"/big": drip, "/small": HELLO}) as s:
            p = subprocess.Popen([BIDE, "get", *args, s.url + "/big"], stdin=subprocess.DEVNULL, stdout=stdout or side,
                                 stderr=side, env={**os.environ, "TERM": term, "LC_ALL": "C"}, cwd=self.folder)
            os.close(side)
            out = b""
            with contextlib.suppress(OSError):
                while more := os.read(main, 65536):
                    out += more
            self.assertEqual(p.wait(), 0, out)
        os.close(main)
        return out.decode()

    def test_is_shown_and_erased(self):
        shown = self.shown()
        self.assertGreater(len(re.findall(r"/big +[\d.]+%  [\d.]+ [KM]B/3\.0 MB  [\d.]+ [KM]B/s  eta 0:0\d\033\[K", shown)), 3, shown)
        self.assertTrue(shown.endswith("\r\033[K"), shown[-60:])

    def test_is_shown_without_a_length_and_for_a_file(self):
        self.assertRegex(self.shown(length=False), r"/big  [\d.]+ MB  [\d.]+ MB/s\033\[K")
        self.assertRegex(self.shown("-o", "x", stdout=None), r"/big +[\d.]+%")

    def test_is_not_shown_where_it_would_disturb(self):
        self.assertEqual(self.shown("--no-progress"), "")
        self.assertEqual(self.shown(term="dumb"), "")
        self.assertNotIn("%", self.shown("-o", "-", stdout=None))


class Requests(Case):
    def echo(self, *options, **more):
        with serving() as url:
            r = bide("get", *options, f"{url}/echo?a=b", **more)
        self.expect(r, 0)
        return json.loads(r.out)

    def test_plain(self):
        e = self.echo()
        self.assertEqual((e["method"], e["target"], e["body"]), ("GET", "/echo?a=b", ""))
        self.assertTrue(e["headers"]["User-Agent"].startswith("bide/"))

    def test_headers(self):
        lines = self.write("lines", "X-C: 3\r\n\nX-D: 4")
        h = self.echo("-H", "X-A: 1", "-HX-B:2", "--header", "Accept:", "-H", "@" + lines, "-A", "me")["headers"]
        self.assertEqual([h[f"X-{c}"] for c in "ABCD"], ["1", "2", "3", "4"])
        self.assertEqual(h["User-Agent"], "me")
        self.assertNotIn("Accept", h)

    def test_host_may_be_chosen(self):
        self.assertEqual(self.echo("-H", "Host: other.example")["headers"]["Host"], "other.example")

    def test_data(self):
        e = self.echo("-d", "a=b&c")
        self.assertEqual((e["method"], e["body"]), ("POST", "a=b&c"))
        self.assertEqual(self.echo("-d", "")["headers"]["Content-Length"], "0")
        self.assertEqual(self.echo("-d", "@" + self.write("f", "from a file"))["body"], "from a file")
        self.assertEqual(self.echo("-d", "@-", stdin=b"from stdin")["body"], "from stdin")
        self.assertEqual(self.echo("-X", "PUT", "-d", "x")["method"], "PUT")

    def test_json(self):
        e = self.echo("--json", '{"id":1}')
        self.assertEqual((e["method"], e["body"]), ("POST", '{"id":1}'))
        self.assertEqual((e["headers"]["Content-Type"], e["headers"]["Accept"]), ("application/json",) * 2)
        e = self.echo("--json", "@-", "-H", "accept: text/x", stdin=b"[]")
        self.assertEqual((e["body"], e["headers"]["accept"]), ("[]", "text/x"))
        self.assertNotIn("Accept", e["headers"])

    def test_head(self):
        with serving() as url:
            r = bide("get", "-X", "HEAD", "-i", f"{url}/bytes/5")
        self.expect(r, 0)
        self.assertIn(b"Content-Length: 5\r\n", r.out)
        self.assertTrue(r.out.endswith(b"\r\n\r\n"))

    def test_connect_to(self):
        with serving() as url:
            port = url.rsplit(":", 1)[1]
            r = bide("get", "--connect-to", f"a.example:80:127.0.0.1:{port}", "http://a.example/echo")
            self.expect(r, 0)
            self.assertEqual(json.loads(r.out)["headers"]["Host"], "a.example")
            self.expect(bide("get", "--connect-to", f"::127.0.0.1:{port}", "http://b.example:81/json"), 0)
            self.expect(bide("get", "--resolve", f"c.example:{port}:127.0.0.1", f"http://c.example:{port}/json"), 0)
            self.expect(bide("get", "-4", "--interface", "lo", f"http://localhost:{port}/json"), 0)
            self.expect(bide("get", "--limit-rate", "1M", "--limit-rate-total", "1M", f"http://localhost:{port}/json"), 0)
            self.expect(bide("get", "--local-port", "22000-22999", f"http://localhost:{port}/json"), 0)


class Wrong(Case):
    """Options that the library would refuse in its own words."""

    def test_messages_speak_of_options(self):
        for option, value, text in (("--connect-to", "x", "--connect-to: expected HOST:PORT:ADDRESS:PORT, got 'x'"),
                                    ("--ipv4", "--ipv6", "--ipv4 and --ipv6"), ("--resolve", "a:1:b", "--resolve: expected HOST:PORT:ADDRESS[,ADDRESS], got 'a:1:b'"),
                                    ("--dns-servers", "a.test", "--dns-servers: expected up to 8 addresses such as 127.0.0.1:5353,[::1]:53, got 'a.test'"),
                                    ("--local-port", "9-8", "--local-port: expected a port such as 40000"),
                                    ("--local-port", "x", "--local-port: expected a port such as 40000"),
                                    ("--connect-to", "a:b:c:99999999", "--connect-to: expected HOST:PORT:ADDRESS:PORT"),
                                    ("--timeout", "2600000h", "--timeout: expected a time such as 500ms"),
                                    ("--connect-timeout", "9223372036855ms", "--connect-timeout: expected a time"),
                                    ("--stall", "99999999999h", "--stall: expected a time"),
                                    ("--max-time", "2600000h", "--max-time: expected a time"),
                                    ("--max-head", "2G", "--max-head: expected a size"),
                                    ("--max-size", "9E", "--max-size: expected a size"),
                                    ("--max-redirs", "99999999999", "--max-redirs: expected a whole number"),
                                    ("--cacert", "/here/is/nothing", "certificates from /here/is/nothing: No such file")):
            with self.subTest(option=option, value=value):
                r = bide("get", option, value, "http://127.0.0.1:1/")
                self.expect_line(r, 2, text)
                self.assertNotRegex(r.err, r"bide_|BIDE_|_ms|_bytes|_to\b| \.[a-z]")


class Users(Case):
    """-u, and who else can see it."""

    def sent(self, *options, **more):
        with serving() as url:
            r = bide("get", *options, f"{url}/echo", **more)
        self.expect(r, 0)
        kind, _, coded = json.loads(r.out)["headers"]["Authorization"].partition(" ")
        self.assertEqual(kind, "Basic")
        return base64.b64decode(coded, validate=True).decode()

    def test_from_the_command_line(self):
        for user in "a:", "a:b", "a:b:c", ":abc", "m\u00e9:secret", "a:" + 300 * "x":
            self.assertEqual(self.sent("-u", user), user)

    def test_from_a_file(self):
        for text in "me:secret", "me:secret\n", "me:secret\r\n":
            self.assertEqual(self.sent("-u", "@" + self.write("user", text)), "me:secret")
        self.assertEqual(self.sent("--user", "@-", stdin=b"me:secret\n"), "me:secret")

    def test_and_a_url_with_one(self):
        for command in "get", "fetch":
            r = bide(command, "-u", "a:secret", "http://b:secret@127.0.0.1:1/")
            self.expect_line(r, 2, "http://127.0.0.1:1/: user and password in the URL, and --user")
            r = bide(command, "-H", "Authorization: secret", "http://b:secret@127.0.0.1:1/")
            self.expect_line(r, 2, "--header Authorization")
            self.assertNotIn("secret", r.err)

    def command_line(self, *args):
        """As other users see it, while it runs."""
        p = subprocess.Popen([BIDE, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with open(f"/proc/{p.pid}/cmdline", "rb") as f:
                seen = f.read()
            if seen and b"secret" not in seen:
                break
        p.kill()
        p.wait()
        return seen

    def test_passwords_leave_the_command_line(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            url, with_user = f"http://127.0.0.1:{port}/[1-9]", f"http://me:secret@127.0.0.1:{port}/[1-9]"
            for args in (("get", "-u", "me:secret", url), ("get", "-ume:secret", url), ("fetch", "--user=me:secret", "-Oo", url),
                         ("fetch", with_user, "-O", "o"), ("get", with_user, with_user), (with_user, "-O", "o"),
                         ("get", "-H", "Authorization: Bearer secret", url), ("get", "-HCookie:a=secret", url),
                         ("compare", with_user), ("worker", f"redis://me:secret@127.0.0.1:{port}/0/q", "true")):
                with self.subTest(args):
                    seen = self.command_line(*args)
                    self.assertNotIn(b"secret", seen)
                    self.assertIn(f"://127.0.0.1:{port}/".encode(), seen)

    def test_what_is_sent_has_them(self):
        with RawServer({"/": HELLO}) as s:
            self.expect(bide("get", s.url.replace("//", "//me:se%63ret@")), 0)
            self.expect(bide("get", "-H", "Cookie: a=secret", s.url), 0)
        self.assertIn(b"Authorization: Basic " + base64.b64encode(b"me:secret") + b"\r\n", s.requests[0])
        self.assertIn(b"Cookie: a=secret\r\n", s.requests[1])


class Statuses(Case):
    """An answer is an answer, whatever its status; --fail makes one of 400 or more a failure."""

    def test_404_is_printed_and_told(self):
        with RawServer({"/": answer(b"gone\n", "404 Not Found")}) as s:
            r = bide("get", s.url)
            self.expect_line(r, 0, f"{s.url}: answered 404 Not Found")
            self.assertEqual(r.out, b"gone\n")
            r = bide("get", "--fail", s.url)
            self.expect_line(r, 4, f"GET {s.url}/: 404 Not Found")
            self.assertEqual(r.out, b"")

    def test_reason_is_shown_without_control_characters(self):
        with RawServer({"/": b"HTTP/1.1 500 \xc2\x9b31m\r\nContent-Length: 0\r\n\r\n"}) as s:
            self.expect_line(bide("get", s.url), 0, "answered 500 \\xc2\\x9b31m")
        with RawServer({"/": b"HTTP/1.1 500 \x9b31m\xe2\x80\xae\r\nContent-Length: 0\r\n\r\n"}) as s:
            self.expect_line(bide("get", s.url), 0, "answered 500 \\x9b31m\\xe2\\x80\\xae")

    def test_passwords_are_not_shown(self):
        with serving() as url:
            url = url.replace("//", "//me:secret@")
            for options in ((), ("-f",), ("--max-size", "1"), ("--timeout", "1ms")):
                path = "/bytes/9" if "--max-size" in options else "/delay/900" if "--timeout" in options else "/status/404"
                r = bide("get", *options, url + path)
                self.expect_line(r, 4 if options else 0, path)
                self.assertNotIn("secret", r.err)
        self.assertNotIn("secret", bide("get", "ws://me:secret@a/").err)

    def test_some_and_none(self):
        with serving() as url:
            r = bide("get", "-f", f"{url}/status/500", f"{url}/json")
            self.expect_line(r, 1, f"GET {url}/status/500: 500")
            self.assertIn(b'"title"', r.out)
            r = bide("get", "-f", f"{url}/status/500", f"{url}/status/404")
            self.expect(r, 4)
            self.assertEqual(r.err.count("\n"), 2)


class BadServers(Case):
    """One line each that names the URL and the cause; exit 4, as nothing succeeded."""

    ANSWERS = {
        "/malformed": (b"HTTP/1.1 abc OK\r\n\r\n", "malformed answer"),
        "/no-http": (b"SSH-2.0-OpenSSH_9\r\n", "malformed answer"),
        "/nothing": (b"", "closed the connection without an answer"),
        "/half-a-head": (b"HTTP/1.1 200 OK\r\nContent-Le", "in the middle of the head"),
        "/too-short": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "the body ended after 5 of 10 bytes"),
        "/two-lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "malformed answer"),
        "/no-length": (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello", "malformed answer"),
        "/bad-chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", "malformed body"),
        "/cut-chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "the body ended early"),
        "/big-head": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100000 + b"\r\n\r\n", "the head of the answer is larger"),
        "/many-fields": (b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 20000 + b"\r\n", "answer"),
        "/interim": (b"HTTP/1.1 100 Continue\r\n\r\n" * 60000, "of interim answers"),
        "/away": (b"HTTP/1.1 302 Found\r\nLocation: gopher://a\xc2\x9b/\r\nContent-Length: 0\r\n\r\n", "redirected to"),
    }

    def test_each(self):
        with RawServer({path: answer for path, (answer, _) in self.ANSWERS.items()}) as s:
            for path, (_, why) in self.ANSWERS.items():
                with self.subTest(path):
                    self.expect_line(bide("get", s.url + path), 4, f"GET {s.url}{path}: ", why)

    def test_too_much_is_not_printed(self):
        with RawServer({"/": answer(b"hello") + b"more"}) as s:
            self.expect(bide("get", s.url), 0, b"hello")

    def test_reset(self):
        with RawServer({"/": reset}) as s:
            self.expect_line(bide("get", s.url), 4, f"GET {s.url}/: ", "reset")

    def test_one_failure_does_not_stop_the_others(self):
        with RawServer({"/bad": b"x", "/": HELLO}) as s:
            r = bide("get", s.url, s.url + "/bad", s.url)
        self.expect_line(r, 1, f"GET {s.url}/bad: ")
        self.assertEqual(r.out, b"hello\nhello\n")

    def test_of_one_that_fails_before_its_turn_nothing_is_printed(self):
        def later(s):
            time.sleep(0.3 * SLOW)
            s.sendall(HELLO)

        with RawServer({"/": later, "/cut": self.ANSWERS["/too-short"][0]}) as s:
            r = bide("get", s.url, s.url + "/cut")
        self.expect_line(r, 1, "/cut: the body ended after 5 of 10 bytes")
        self.assertEqual(r.out, b"hello\n")


class NoServers(Case):
    def test_refused(self):
        port = closed_port()
        self.expect_line(bide("get", f"http://127.0.0.1:{port}/"), 4, f"GET http://127.0.0.1:{port}/: ", "refused")

    def test_no_such_name(self):
        r = bide("get", "http://no-such-host.invalid/")
        self.expect_line(r, 4, "GET http://no-such-host.invalid/: ", "no-such-host.invalid")

    def test_what_is_not_public(self):
        with RawServer({"/": HELLO}) as s:
            for command in ("get",), ("fetch", "--retries", 0, "-o", "-"):
                r = bide(*command, "--public-only", s.url)
                self.assertEqual(r.code, 4, r)
                self.assertIn("127.0.0.1:", r.err)
                self.assertIn("not an address of the public internet", r.err)
            self.assertEqual(s.requests, [])


class Tls(Case):
    def setUp(self):
        super().setUp()
        self.certificates = Certificates(self.folder)

    def get(self, certificate, *options, host="127.0.0.1"):
        with serving("--cert", certificate) as url:
            self.assertTrue(url.startswith("https://"), url)
            self.url = url.replace("127.0.0.1", host) + "/json"
            return bide("get", *options, self.url)

    def test_trusted(self):
        c = self.certificates
        for host in "127.0.0.1", "localhost":
            r = self.get(c.good, "--cacert", c.ca, host=host)
            self.expect(r, 0)
            self.assertEqual(r.err, "")

    def test_self_signed_or_unknown(self):
        self.expect_line(self.get(self.certificates.good), 4, f"GET {self.url}: ", "certificate")

    def test_expired(self):
        c = self.certificates
        self.expect_line(self.get(c.expired, "--cacert", c.ca), 4, f"GET {self.url}: ", "expired")

    def test_wrong_host(self):
        c = self.certificates
        self.expect_line(self.get(c.other, "--cacert", c.ca), 4, f"GET {self.url}: ", "127.0.0.1")

    def test_insecure_is_loud(self):
        r = self.get(self.certificates.expired, "-k")
        self.expect_line(r, 0, "WARNING: --insecure")
        self.assertIn(b'"title"', r.out)

    def test_cacert_that_is_none(self):
        for path in os.path.join(self.folder, "missing.pem"), self.write("empty.pem", ""):
            self.expect_line(bide("get", "--cacert", path, "https://127.0.0.1:1/"), 2, path)

    def test_plain_http_behind_https(self):
        with serving() as url:
            r = bide("get", url.replace("http:", "https:"))
        self.expect_line(r, 4, "GET https://127.0.0.1:", "TLS")


class Limits(Case):
    def test_max_size_announced(self):
        with serving() as url:
            r = bide("get", "--max-size", "1K", f"{url}/bytes/1025")
            self.expect_line(r, 4, f"GET {url}/bytes/1025: ", "--max-size (1024 bytes)")
            self.assertEqual(r.out, b"")
            self.expect(bide("get", "--max-size", "1K", f"{url}/bytes/1024"), 0)

    def test_max_head_raises_the_limits_of_its_fields_too(self):
        fields = b"X-Long: %s\r\n" % (b"x" * 40000) + b"X-Many: 1\r\n" * 300
        with RawServer({"/": answer(b"ok", fields=fields)}) as s:
            self.expect_line(bide("get", s.url), 4, s.url, "a header line is too long")
            self.expect(bide("get", "--max-head", "1M", s.url), 0, b"ok")
            self.expect(bide("fetch", "-q", "--max-head", "1M", "-o", "-", s.url), 0, b"ok")

    def test_max_size_of_a_stream(self):
        with serving() as url:
            r = bide("get", "--max-size", "10K", f"{url}/stream/100000")
        self.expect_line(r, 4, f"{url}/stream/100000: ", "--max-size (10240 bytes)")

    def test_timeout(self):
        with serving() as url:
            self.expect_line(bide("get", "--timeout", "200ms", f"{url}/delay/20000"), 4, f"GET {url}/delay/20000: timed out")

    def test_stall(self):
        def stall(s):
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            s.recv(1)

        with RawServer({"/": stall}) as s:
            r = bide("get", "--stall", "300ms", s.url)
        self.expect_line(r, 4, f"GET {s.url}/: timed out: nothing more of the body within 300 ms")

    def test_max_time(self):
        with serving() as url:
            begin = time.monotonic()
            r = bide("get", "--max-time", "400ms", f"{url}/json", f"{url}/delay/20000", f"{url}/json")
            took = time.monotonic() - begin
        self.expect_line(r, 5, "stopped by --max-time when 1 of 3 URLs were done")
        self.assertLess(took, 5 * SLOW)
        self.assertEqual(r.out.count(b'"title"'), 1)

    def test_max_time_ends_it_though_nobody_reads(self):
        with serving() as url:
            read, write = os.pipe()
            r = bide("get", "--max-time", "400ms", f"{url}/bytes/1000000", stdout=write)
            os.close(read), os.close(write)
        self.expect_line(r, 5, "stopped by --max-time when 0 of 1 URLs were done")


class Output(Case):
    def test_full_disk(self):
        with serving() as url, open("/dev/full", "wb") as full:
            r = bide("get", f"{url}/json", f"{url}/delay/20000", stdout=full)
        self.expect_line(r, 3, "standard output: No space left on device")

    def test_closed(self):
        with serving() as url:
            r = bide("get", f"{url}/json", preexec_fn=lambda: os.close(1))
        self.expect_line(r, 3, "standard output: ")

    def test_reader_who_goes_ends_it_quietly(self):
        with serving() as url:
            p = subprocess.Popen([BIDE, "get", f"{url}/bytes/100000000", f"{url}/delay/20000"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            self.assertEqual(len(p.stdout.read(10)), 10)
            p.stdout.close()
            self.assertEqual(p.wait(30), -signal.SIGPIPE)
            self.assertEqual(p.stderr.read(), b"")
            p.stderr.close()

    def test_slow_reader_gets_everything(self):
        with serving() as url:
            p = subprocess.Popen([BIDE, "get", f"{url}/bytes/3000000", f"{url}/bytes/1000000"], stdout=subprocess.PIPE)
            got = 0
            while piece := p.stdout.read(200000):
                got += len(piece)
                time.sleep(0.03)
            self.assertEqual((p.wait(30), got), (0, 4000000))
            p.stdout.close()

    def test_socket_and_nonblocking_output(self):
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        got = []
        t = threading.Thread(target=lambda: got.extend(iter(lambda: ours.recv(65536), b"")))
        t.start()
        with serving() as url:
            r = bide("get", f"{url}/bytes/2000000", stdout=theirs)
        theirs.close()
        t.join()
        ours.close()
        self.expect(r, 0)
        self.assertEqual(sum(map(len, got)), 2000000)

    def test_interrupt(self):
        with serving() as url:
            p = subprocess.Popen([BIDE, "get", f"{url}/delay/20000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            time.sleep(0.3 * SLOW)
            p.send_signal(signal.SIGINT)
            out, err = p.communicate(timeout=30)
        self.assertEqual((p.returncode, out, err), (-signal.SIGINT, b"", b""))


class Usage(Case):
    """Exit 2, before anything is sent."""

    def test_no_scheme(self):
        self.expect_line(bide("get", "localhost:1"), 2, "'localhost:1' is not a URL", "did you mean http://localhost:1?")
        self.expect_line(bide("get", "example.com/a"), 2, "did you mean http://example.com/a?")

    def test_bad_urls(self):
        for url in "http://", "http://a b/", "ftp://a/", "http://a:99999/", "ws://a/", "http://[::1/", "://", "http://\x1b[31m/":
            with self.subTest(url):
                r = bide("get", url)
                self.assertEqual(r.code, 2, r)
                self.assertEqual(r.err.count("\n"), 1)
                self.expect_clean(r.err)

    def test_one_bad_url_is_found_before_the_first_request(self):
        with RawServer({"/": HELLO}) as s:
            self.assertEqual(bide("get", s.url, "nonsense").code, 2)
            self.assertEqual(s.requests, [])

    def test_no_url(self):
        self.expect_line(bide("get"), 2, "expected a URL")

    def test_unknown_option_gets_the_nearest(self):
        self.expect_line(bide("get", "--max-tim", "1", "http://a/"), 2, "unknown option --max-tim", "--max-time?")
        self.expect_line(bide("get", "--haeder=x", "http://a/"), 2, "unknown option --haeder", "--header?")
        self.expect_line(bide("get", "--nothing-like-it", "http://a/"), 2, "--nothing-like-it", "`bide help get`")
        self.expect_line(bide("get", "-W", "http://a/"), 2, "unknown option -W")
        self.expect_line(bide("get", "--\x1b[31m", "http://a/"), 2, "--\\x1b[31m")

    def test_bad_values(self):
        for option, value in (("--max-size", "big"), ("--timeout", "-1"), ("--timeout", "5 s"), ("-c", "0"), ("-c", "2k"),
                              ("--max-redirs", "x"), ("--max-size", "99999999999999999999")):
            with self.subTest((option, value)):
                self.expect_line(bide("get", option, value, "http://a/"), 2, f"{option}: expected ", f"got '{value}'")
        self.expect_line(bide("get", "--timeout"), 2, "--timeout needs a value: a time")
        self.expect_line(bide("get", "--include=yes", "http://a/"), 2, "--include takes no value")

    def test_bad_headers_and_bodies(self):
        missing = os.path.join(self.folder, "missing")
        for options, parts in (
            (("-H", "secret"), ("--header", "without a colon")),
            (("-H", "no colon"), ("--header", "'no ...'")),
            (("-H", "a b: c"), ("--header", "'a b: ...'")),
            (("-H", "a: b\r\nc: d"), ("--header", "'a: ...', with a line end in it")),
            (("-H", "Content-Length: 3"), ("--header Content-Length",)),
            (("-H", "Transfer-Encoding: chunked"), ("--header Transfer-Encoding",)),
            (("-H", "Connection: upgrade"), ("header Connection: ",)),
            (("-H", "Host:"), ("--header Host: a request has exactly one",)),
            (("-H", "Host: a", "-H", "host: b"), ("--header Host: a request has exactly one",)),
            (("-H", "X: " + 66000 * "x"), ("longer than",)),
            (("-H", "Host: " + 66000 * "x"), ("longer than",)),
            (("-A", "a\x01"), ("User-Agent",)),
            (("-X", 65 * "A"), ("--request",)),
            (("--connect-to", "a:b"), ("a:b",)),
            (("-u", "name"), ("--user: expected NAME:PASSWORD",)),
            (("-u", "@" + self.write("user", "name\n")), ("--user: expected NAME:PASSWORD",)),
            (("-u", "@" + self.write("users", "a:b\nc:d\n")), ("--user: expected NAME:PASSWORD",)),
            (("-u", "@" + missing), ("--user", missing, "No such file")),
            (("-u", "a:b", "-H", "Authorization: c"), ("--user and --header Authorization",)),
            (("-u", "@-", "-d", "@-"), ("standard input can be read once",)),
            (("-H", "@" + missing), ("--header", missing, "No such file")),
            (("-d", "@" + missing), ("--data", missing, "No such file")),
            (("-d", "@" + self.folder), ("--data", self.folder, "Is a directory")),
            (("-d", "x", "--json", "{}"), ("--data and --json",)),
            (("-X", "A B"), ("--request", "'A B'")),
            (("-X", ""), ("--request",)),
            (("-X", "CONNECT"), ("--request",)),
            (("--connect-to", "nonsense"), ("--connect-to: expected HOST:PORT:ADDRESS:PORT", "nonsense")),
            (("-A", "a\nb"), ("User-Agent",)),
        ):
            with self.subTest(options):
                self.expect_line(bide("get", *options, "http://127.0.0.1:1/"), 2, *parts)
                self.expect_line(bide("fetch", *options, "http://127.0.0.1:1/", "-O", "made", cwd=self.folder), 2, *parts)
                self.assertFalse(os.path.exists(os.path.join(self.folder, "made")))


if __name__ == "__main__":
    unittest.main()
