#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_records.py - `bide fetch --jsonl` and `--report`: what they say is true, comes back byte for byte, and is there in time."""
import base64
import datetime
import gzip
import hashlib
import http.server
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

import support
from support import BIDE, SLOW, bide


PACKED = gzip.compress(b"x" * 400000)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = []

    def do_GET(self):
        words = self.path.split("?")[0].split("/")[1:]
        Handler.asked.append(self.path)
        status, body, extra = 200, b"x" * int(words[1]) if words[0] == "bytes" else b"body", []
        if words[0] == "status":
            status = int(words[1])
        elif words[0] == "slow":
            time.sleep(int(words[1]) / 1000)
        elif words[0] == "moved":
            status, extra = 302, [b"Location: /to/\xff%41/\xc3\xa9"]
        elif words[0] == "hop":
            status, extra = 302, [b"Location: /hop/%d" % (int(words[1]) + 1)]
        elif words[0] == "leave":
            status, extra = 302, [b"Location: " + urllib.parse.unquote_to_bytes(words[1])]
        elif words[0] == "busy" and Handler.asked.count(self.path) == 1:
            status, extra = 429, [b"Retry-After: 1"]
        elif words[0] == "packed":
            body, extra = PACKED, [b"Content-Encoding: gzip"]
        elif words[0] == "fields":
            extra = [b'Content-Type: Text/HTML ; x="a;charset=no" ; Charset="UTF-\\8"', b'ETag: "\xff\x80"']
        head = [b"HTTP/1.1 %d Said" % status, *extra]
        if words[0] == "chunked":
            body = b"".join(b"%x\r\n%s\r\n" % (len(b), b) for b in [b"y" * 70000] * 4) + b"0\r\n\r\n"
            head.append(b"Transfer-Encoding: chunked")
        else:
            head.append(b"Content-Length: %d" % len(body))
        self.wfile.write(b"\r\n".join(head) + b"\r\n\r\n" + body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.url = f"http://127.0.0.1:{cls.server.server_port}"

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def fetch(self, *args, code=0, **more):
        r = bide("fetch", *args, cwd=self.dir, **more)
        self.assertEqual(r.code, code, r)
        return r

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(os.path.join(self.dir.encode(), name if isinstance(name, bytes) else name.encode()), "wb") as f:
            f.write(data)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def records(self, name="log"):
        return [json.loads(line) for line in self.read(name).decode().splitlines()]


class Bytes(Case):
    def test_url_that_is_no_utf8_comes_back(self):
        given = self.url.encode() + b"/v/\xff\xfe%41%ff/\xc3\xa9?\xed\xa0\x80"
        self.write("list", given + b"\n" + self.url.encode() + b"/%ff/\xc3\xa9\n")
        self.fetch("-q", "-i", "list", "--jsonl", "log")
        one, two = sorted(self.records(), key=lambda r: r["i"])
        self.assertEqual(base64.b64decode(one["url_b64"]), given)
        self.assertTrue(one["url"].endswith("/v/%FF%FE%41%ff/\u00e9?%ED%A0%80"), one["url"])
        self.assertNotIn("url_b64", two)
        self.assertTrue(two["url"].endswith("/%ff/\u00e9"), two["url"])

    def test_url_without_user_and_password_comes_back(self):
        self.write("list", self.url.replace("//", "//me:se\u0107ret@").encode() + b"/\xfe\n")
        self.fetch("-q", "-i", "list", "--jsonl", "log")
        self.assertEqual(base64.b64decode(self.records()[0]["url_b64"]), self.url.encode() + b"/\xfe")
        self.assertNotIn(b"ret@", self.read("log"))

    def test_names_of_lists_and_files_come_back(self):
        self.write(b"li\xffst", self.url.encode() + b"/bytes/3\n")
        self.fetch("-q", "-i", b"li\xffst".decode(errors="surrogateescape"), "-O", b"o\xfe".decode(errors="surrogateescape"),
                   "--jsonl", "log")
        r, = self.records()
        self.assertEqual(base64.b64decode(r["list_b64"]), b"li\xffst")
        name = base64.b64decode(r["file_b64"])
        self.assertTrue(name.startswith(b"o\xfe/"), name)
        self.assertEqual(os.stat(os.path.join(self.dir.encode(), name)).st_size, 3)

    def test_values_of_globs_come_back(self):
        self.fetch("-q", (self.url.encode() + b"/{a,\xff}").decode(errors="surrogateescape"), "--jsonl", "log")
        a, b = sorted(self.records(), key=lambda r: r["i"])
        self.assertEqual(a["vars"], {"1": "a"})
        self.assertEqual(base64.b64decode(b["vars"]["1_b64"]), b"\xff")

    def test_fields_of_answers_come_back(self):
        self.fetch("-q", self.url + "/fields", "--jsonl", "log")
        r, = self.records()
        self.assertEqual(base64.b64decode(r["etag_b64"]), b'"\xff\x80"')
        self.assertEqual((r["mime"], r["charset"]), ("text/html", "utf-8"))

    def test_final_url_leads_to_where_it_was(self):
        self.fetch("-q", self.url + "/moved", "--jsonl", "log")
        r, = self.records()
        self.assertEqual(r["redirects"], 1)
        final = base64.b64decode(r["final_url_b64"]) if "final_url_b64" in r else urllib.parse.unquote_to_bytes(r["final_url"])
        self.assertEqual(urllib.parse.unquote_to_bytes(final), self.url.encode() + b"/to/\xffA/\xc3\xa9")


    def test_redirects_without_an_end_are_recorded_as_far_as_they_went(self):
        dead = socket.create_server(("127.0.0.1", 0))
        port = dead.getsockname()[1]
        dead.close()
        self.write("list", "".join(f"{self.url}/{path}\n" for path in (
            "hop/0", "hop/7", "leave/ftp:%2F%2Fa%2F", "leave/%2Fleave%2Fmailto:x", f"leave/http:%2F%2F127.0.0.1:{port}%2Fx", "hop/0")).encode())
        self.fetch("-q", "-i", "list", "--jsonl", "log", "--max-redirs", "3", "--retries", "0", "-c", "1", code=4)
        far, far2, ftp, mail, gone, again = sorted(self.records(), key=lambda r: r["i"])
        for r, n in ((far, 3), (far2, 10)):
            self.assertEqual((r["status"], r["error"], r["redirects"], r["final_url"], r["ip"], r["proto"]),
                             (302, "redirect", 3, f"{self.url}/hop/{n}", "127.0.0.1", "http/1.1"))
            self.assertGreater(r["t"]["total"], 0)
            self.assertIn("more than 3 redirects", r["error_msg"])
        self.assertEqual((ftp["status"], ftp["redirects"], "final_url" in ftp, ftp["error"]), (302, 0, False, "redirect"))
        self.assertEqual((mail["status"], mail["redirects"], mail["final_url"]), (302, 1, self.url + "/leave/mailto:x"))
        self.assertEqual((gone["status"], gone["redirects"], gone["final_url"], gone["error"]),
                         (None, 1, f"http://127.0.0.1:{port}/x", "connect"))
        self.assertEqual((again["same_as"], again["status"], again["error"]), (0, 302, "redirect"))
        Handler.asked.clear()
        self.fetch("-q", self.url + "/hop/0", "--jsonl", "none", "--max-redirs", "0", code=4)
        self.fetch("-q", self.url + "/hop/0", "--jsonl", "none", "--max-redirs", "1", code=4)
        self.assertEqual(Handler.asked, ["/hop/0", "/hop/0", "/hop/1"])


class Places(Case):
    def test_line_and_list_stand_in_every_record(self):
        self.write("one", f"# head\r\n\r\n{self.url}/bytes/1?3\r\nno-url\n\n{self.url}/status/404?6\n".encode())
        self.write("two", f"{self.url}/bytes/1?1\n".encode() + b"a\0b\n")
        self.fetch("-q", self.url + "/bytes/1?arg", "-i", "one", "-i", "two", "--jsonl", "log", code=1)
        got = {(r.get("list"), r.get("line")): r["error"] for r in self.records()}
        self.assertEqual(got, {(None, None): None, ("one", 3): None, ("one", 4): "url", ("one", 6): "http_4xx",
                               ("two", 1): None, ("two", 2): "url"})

    def test_line_is_right_beyond_what_is_kept_in_memory(self):
        lines = [f"{self.url}/bytes/1?{n}" if n % 3 else "# no URL" for n in range(1, 3001)]
        other = [f"http://127.0.0.1:1/bytes/1?{n}" for n in range(3001, 4001)]
        self.write("list", "\n".join(lines + other + [""]).encode())
        self.fetch("-q", "-i", "list", "--jsonl", "log", "--backoff", "1ms", "-c", "8", code=1)
        got = self.records()
        self.assertEqual(len(got), 3000)
        for r in got:
            self.assertEqual((r["list"], str(r["line"])), ("list", r["url"].split("?")[1]), r)


class Members(Case):
    def test_body_is_described_however_it_comes(self):
        for path, size in (("/bytes/0", 0), ("/bytes/9", 9), ("/bytes/400000", 400000), ("/chunked", 280000)):
            for where in (["-o", "f"], []):
                with self.subTest(path, where=where):
                    self.fetch("-q", self.url + path, *where, "--jsonl", "log", "--jsonl-mode", "replace")
                    r, = self.records()
                    body = (b"y" if path == "/chunked" else b"x") * size
                    self.assertEqual(r["sha256"], hashlib.sha256(body).hexdigest())
                    self.assertEqual((r["bytes"], r["wire_bytes"], r["method"]), (size, size, "GET"))
                    self.assertEqual((r["etag"], r["charset"], r["proto"]), (None, None, "http/1.1"))

    def test_body_in_a_coding_is_described_and_saved_without_it(self):
        for options, body in ([], b"x" * 400000), (["--no-compressed"], PACKED):
            with self.subTest(options):
                self.fetch("-q", self.url + "/packed", "-o", "f", *options, "--jsonl", "log", "--jsonl-mode", "replace")
                r, = self.records()
                self.assertEqual((r["bytes"], r["wire_bytes"]), (len(body), len(PACKED)))
                self.assertEqual(r["sha256"], hashlib.sha256(body).hexdigest())
                with open(os.path.join(self.dir, "f"), "rb") as f:
                    self.assertEqual(f.read(), body)

    def test_digest_is_left_out_on_request_and_of_failures(self):
        self.fetch("-q", self.url + "/bytes/9", "--jsonl", "log", "--no-sha256")
        self.fetch("-q", self.url + "/status/404", "--jsonl", "log", code=4)
        self.assertEqual([r["sha256"] for r in self.records()], [None, None])

    def test_started_is_a_moment_of_the_run(self):
        before = datetime.datetime.now(datetime.timezone.utc)
        self.fetch("-q", self.url + "/slow/200?[1-2]", "--jsonl", "log", "-c", "1", env={"TZ": "Asia/Kolkata"})
        after = datetime.datetime.now(datetime.timezone.utc)
        moments = []
        for r in self.records():
            self.assertRegex(r["started"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            moments.append(datetime.datetime.fromisoformat(r["started"].replace("Z", "+00:00")))
        self.assertTrue(before < moments[0] < moments[1] < after, (before, moments, after))
        self.assertGreater((moments[1] - moments[0]).total_seconds(), 0.19)

    def test_host_wait_is_what_the_host_made_it_wait(self):
        self.fetch("-q", self.url + "/slow/150?{a,b,c}", "--jsonl", "log", "--per-host", "1")
        waits = sorted(r["host_wait"] for r in self.records())
        self.assertLess(waits[0], 0.05 * SLOW)
        self.assertGreater(waits[1], 0.13)
        self.assertGreater(waits[2], 0.28)
        self.fetch("-q", self.url + "/busy/" + os.path.basename(self.dir), "--jsonl", "busy")
        self.assertGreaterEqual(self.records("busy")[0]["host_wait"], 0.99)

    def test_not_begun_has_no_beginning(self):
        self.fetch("-q", self.url + "/status/404?[1-50]", "--jsonl", "log", "--fail-fast", "-c", "2", code=5)
        skipped = [r for r in self.records() if r["error"] == "cancelled"]
        self.assertTrue(all(r["started"] is None and r["attempts"] == 0 for r in skipped), skipped)


class Promptness(Case):
    def seconds(self, *more):
        begin = time.monotonic()
        self.fetch("-q", self.url + "/bytes/1", "-o", "f", *more)
        return time.monotonic() - begin

    def test_records_cost_no_wait_at_the_end(self):
        without = min(self.seconds() for _ in range(3))
        for _ in range(20):
            if self.seconds("--jsonl", "log") < without + 0.03 * SLOW:
                return
        self.fail("slower by 30 ms, each time")

    def test_kill_leaves_no_file_without_a_record_but_those_under_way(self):
        with support.serving() as url:
            for records in (1, 30, 120, 300):
                with self.subTest(records):
                    self.kill_after(url.rstrip("/"), records)

    def kill_after(self, url, records):
        shutil.rmtree(self.path("out"), ignore_errors=True)
        self.write("log", b"")
        p = subprocess.Popen([BIDE, "fetch", "-q", url + "/bytes/10?[1-200000]", "-o", "out/{1}", "--jsonl", "log",
                              "-c", "16", "--per-host", "0"], cwd=self.dir)
        while self.read("log").count(b"\n") < records and p.poll() is None:
            time.sleep(0.003)
        time.sleep(random.uniform(0, 0.01))
        p.kill()
        self.assertEqual(p.wait(), -signal.SIGKILL)
        files = {"out/" + name for name in os.listdir(self.path("out"))}
        recorded = {json.loads(line)["file"] for line in self.read("log").split(b"\n")[:-1]}
        self.assertLessEqual(len(files - recorded), 16)
        self.assertEqual(recorded - files, set())

    def test_record_is_there_while_others_are_under_way(self):
        p = subprocess.Popen([BIDE, "fetch", "-q", self.url + "/bytes/1", self.url + "/slow/20000", "--jsonl", "log"],
                             cwd=self.dir)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        for _ in range(100 * SLOW):
            if os.path.exists(self.path("log")) and self.read("log"):
                return
            time.sleep(0.05)
        self.fail("no record")


class Again(Case):
    def again(self, before, *args, code=0):
        self.write("log", before)
        return self.fetch("-q", self.url + "/bytes/1", "--jsonl", "log", *args, code=code)

    def test_records_are_added(self):
        self.fetch("-q", self.url + "/bytes/1", "--jsonl", "log")
        before = self.read("log")
        self.fetch("-q", self.url + "/bytes/2", "--jsonl", "log")
        self.assertTrue(self.read("log").startswith(before))
        self.assertEqual([r["bytes"] for r in self.records()], [1, 2])

    def test_records_and_lists_are_not_replaced_by_bodies(self):
        self.fetch("-q", self.url + "/bytes/1", "--jsonl", "log")
        before = self.read("log")
        self.assertIn("it is the file of --jsonl", self.fetch("-q", self.url + "/bytes/1", "-o", "./log", "--jsonl", "log", code=2).err)
        r = self.fetch(self.url + "/bytes/1?log", self.url + "/bytes/1?x", "-o", "{query}", "--jsonl", "log", code=1)
        self.assertIn("it is the file of --jsonl", r.err)
        self.assertTrue(self.read("log").startswith(before))
        self.write("list", self.url.encode() + b"/bytes/1?list\n")
        self.assertIn("it is a list of --input", self.fetch("-i", "list", "-o", "{query}", code=4).err)

    def test_records_are_refused_or_replaced_on_request(self):
        asked = len(Handler.asked)
        r = self.again(b'{"v":1}\n', "--jsonl-mode", "refuse", code=2)
        self.assertIn("log: there is something in it", r.err)
        self.assertEqual(len(Handler.asked), asked)
        self.assertEqual(self.read("log"), b'{"v":1}\n')
        self.again(b"", "--jsonl-mode", "refuse")
        self.again(b'{"v":1}\n' * 1000, "--jsonl-mode", "replace")
        self.assertEqual(len(self.records()), 1)

    def test_cut_record_is_taken_out_and_reported(self):
        whole = b'{"v":1,"i":0}\n'
        for tail in (b'{"v":1,"i":1,"url":"http', b"{", b'{"v', b"\0" * 50, b'{"v":1,"url":"' + b"x" * 70000):
            for head in (whole, b""):
                with self.subTest(tail[:20], head=head):
                    r = self.again(head + tail)
                    self.assertIn(f"log: the last record was cut off after {len(tail)} bytes", r.err)
                    self.assertEqual(len(self.records()), 1 + bool(head))

    def test_whole_record_without_line_end_is_kept(self):
        r = self.again(b'{"v":1,"i":0}\n{"v":1,"i":1}')
        self.assertEqual(r.err, "")
        self.assertEqual(len(self.records()), 3)

    def test_last_line_that_is_no_record_is_kept_and_reported(self):
        r = self.again(b'{"v":1}\nnote to myself')
        self.assertIn("log: its last line has no end and is no record", r.err)
        lines = self.read("log").split(b"\n")
        self.assertEqual(lines[1], b"note to myself")
        self.assertEqual(json.loads(lines[2])["bytes"], 1)

    def test_file_that_has_no_records_is_left_alone(self):
        for before in (b"http://a.example/\n", b"<html>", b"\n"):
            r = self.again(before, code=2)
            self.assertIn("log: what is in it are no records", r.err)
            self.assertEqual(self.read("log"), before)

    def test_lists_are_not_written_to(self):
        self.write("list", self.url.encode() + b"/bytes/1\n")
        os.symlink("list", self.path("link"))
        for option in ("--jsonl", "--report"):
            for name in ("list", "./list", "link"):
                r = self.fetch("-i", "list", "-O", "o", "--jsonl-mode=replace", option, name, code=2)
                self.assertIn("also a list", r.err)
        self.assertEqual(self.read("list"), self.url.encode() + b"/bytes/1\n")

    def test_two_runs_at_once_share_a_file(self):
        two = [subprocess.Popen([BIDE, "fetch", "-q", f"{self.url}/bytes/1?{k}[1-150]", "--jsonl", "log"], cwd=self.dir)
               for k in "ab"]
        self.assertEqual([p.wait() for p in two], [0, 0])
        self.assertEqual(len({r["url"] for r in self.records()}), 300)


class Summary(Case):
    def report(self, name="report"):
        text = self.read(name)
        self.assertEqual(text.count(b"\n"), 1)
        r = json.loads(text)
        self.assertEqual(r["v"], 1)
        return r["summary"]

    def test_causes_are_counted(self):
        self.write("list", f"no-url\n{self.url}/bytes/5\n{self.url}/bytes/7\n{self.url}/status/404?[1]\n".encode())
        self.fetch("-q", "-i", "list", self.url + "/status/{404,410,999}", "http://no-such-host.invalid/", "http://127.0.0.1:1/",
                   "--retries", "0", "--jsonl", "log", "--summary-line", "--report", "report", code=1)
        *records, last = self.records()
        s = last["summary"]
        self.assertEqual((s["urls"], s["ok"], s["failed"], s["skipped"]), (9, 2, 7, 0))
        self.assertEqual(s["failed_by"], {"url": 1, "dns": 1, "connect": 1, "http_404": 2, "http_410": 1, "http_999": 1})
        self.assertEqual(sum(s["failed_by"].values()), sum(not r["ok"] for r in records))
        self.assertEqual((s["bytes"], s["stopped"], s["retries"]), (12, None, 0))
        self.assertEqual(self.report(), s)

    def test_report_is_there_however_it_ended(self):
        ends = [(["--fail-fast"], self.url + "/status/404?[1-99]", 5, "fail-fast"),
                (["--max-errors", "3"], self.url + "/status/404?[1-99]", 5, "max-errors"),
                (["--jsonl", "/dev/full"], self.url + "/bytes/1?[1-99]", 3, "local"),
                (["--jsonl", "no/dir"], self.url + "/bytes/1", 3, "local"),
                ([], self.url + "/status/500", 4, None)]
        for more, url, code, stopped in ends:
            with self.subTest(more):
                jsonl = [] if "--jsonl" in more else ["--jsonl", "log"]
                self.fetch("-q", url, "--retries", "0", "--report", "report", *jsonl, *more, code=code)
                s = self.report()
                self.assertEqual(s["stopped"], stopped)
                self.assertEqual(s["ok"] + s["failed"] + s["skipped"], s["urls"])
                os.remove(self.path("report"))

    def test_report_after_signals(self):
        for number, times in ((signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 1)):
            with self.subTest(number, times=times):
                p = subprocess.Popen([BIDE, "fetch", "-q", self.url + "/slow/400?[1-500]", "--report", "report", "-O", "o",
                                      "-c", "4"], cwd=self.dir, stderr=subprocess.DEVNULL)
                time.sleep(0.3 * SLOW)
                for _ in range(times):
                    p.send_signal(number)
                    time.sleep(0.1)
                self.assertEqual(p.wait(), -number)
                s = self.report()
                self.assertEqual((s["stopped"], s["urls"]), (number.name, 500))
                self.assertEqual(s["ok"] + s["failed"] + s["skipped"], 500)
                self.assertGreater(s["skipped"], 400)

    def test_report_when_the_reader_of_records_goes(self):
        p = subprocess.Popen([BIDE, "fetch", "-q", self.url + "/bytes/1?[1-3000]", "--jsonl", "-", "--report", "report"],
                             cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdout.readline()
        p.stdout.close()
        self.assertEqual((p.wait(), p.stderr.read()), (-signal.SIGPIPE, b""))
        p.stderr.close()
        self.assertEqual(self.report()["stopped"], "SIGPIPE")

    def test_report_to_standard_output(self):
        r = self.fetch("-q", self.url + "/bytes/1", "-o", "f", "--report", "-")
        self.assertEqual(json.loads(r.out)["summary"]["ok"], 1)

    def test_report_replaces_the_last_one_whole(self):
        self.write("report", b"old\n" * 1000)
        self.fetch("-q", self.url + "/bytes/1", "-o", "f", "--report", "report")
        self.assertEqual(self.report()["ok"], 1)
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith(".")], [])

    def test_report_that_cannot_be_written_is_known_before(self):
        asked = len(Handler.asked)
        for name, code, why in (("no/such", 3, "--report no/such: No such file or directory"), (".", 3, "--report .: Is a directory")):
            r = self.fetch("-q", self.url + "/bytes/1", "-o", "f", "--report", name, code=code)
            self.assertIn(why, r.err)
        self.assertEqual(len(Handler.asked), asked)

    def test_report_on_a_full_device_is_exit_3(self):
        r = self.fetch("-q", self.url + "/bytes/1", "-o", "f", "--report", "/dev/full", code=3)
        self.assertIn("--report: write /dev/full: No space left on device", r.err)
        r = self.fetch("-q", self.url + "/bytes/1", "-o", "f", "--jsonl", "/dev/full", code=3)
        self.assertIn("/dev/full: No space left on device", r.err)

    def test_outputs_that_exclude_each_other_are_refused(self):
        one = self.url + "/bytes/1"
        for args in (["--jsonl", "-", "--report", "-"], ["-o", "-", "--report", "-"], ["-o", "f", "--summary-line"],
                     ["--jsonl", "a", "--report", "a"]):
            self.fetch(one, *args, code=2)
        self.assertEqual(os.listdir(self.dir), [])


class Durability(Case):
    def test_all_ways_give_the_same(self):
        for how in ("none", "batch", "each"):
            with self.subTest(how):
                self.fetch("-q", self.url + "/bytes/{0,1,5,300000}?[1-20]", self.url + "/chunked", "-O", how, "--jsonl", how + ".log",
                           "--durability", how, "--report", how + ".report")
                names = {r["file"] for r in self.records(how + ".log")}
                found = {os.path.relpath(os.path.join(d, f), self.dir) for d, _, fs in os.walk(self.path(how)) for f in fs}
                self.assertEqual((len(names), names), (81, found))
                for r in self.records(how + ".log"):
                    self.assertEqual(hashlib.sha256(self.read(r["file"])).hexdigest(), r["sha256"])


if __name__ == "__main__":
    unittest.main()
