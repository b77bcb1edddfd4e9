#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_plan.py - `bide fetch`: lists as they are.  Repeated URLs, names that can coexist, what is known of names and when,
variables of -o, the number of a line in every message, files that are there already."""
import collections
import contextlib
import datetime
import hashlib
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from support import BIDE, SLOW, bide, main, serving


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        server, path = self.server, self.path
        self.rfile.read(int(self.headers.get("Content-Length", 0))) # or it would be read as the next request
        with server.lock:
            server.asked[path] += 1
            n = server.asked[path]
        kind = path.split("/")[1]
        if kind == "slow":
            time.sleep(0.4)
        elif kind == "held":
            server.released.wait(60)
        status = 404 if kind == "gone" else 503 if kind == "flaky" and n == 1 else 203 if kind == "odd" else 200
        body = path.encode() * (20000 if kind == "long" else 1)
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if kind in ("html", "docs") else "application/x-none")
        if kind == "long":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError): # it was stopped
            self.wfile.write(body)

    do_POST = do_GET


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.lock, self.released = collections.Counter(), threading.Lock(), threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.handle_error = lambda *args: None # who asks may be stopped at any time
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


def comes_true(condition, seconds=30):
    """Whether it does so in time: a machine may be slow."""
    end = time.monotonic() + seconds * SLOW
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def cpu_s(p):
    """What a running process has used of processors."""
    ticks = pathlib.Path(f"/proc/{p.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


class Case(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.dir = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.server = Server()
        stack.callback(self.server.server_close)
        stack.callback(self.server.shutdown)
        self.url = self.server.url

    def list(self, *lines, name="list.txt"):
        (self.dir / name).write_text("".join(f"{self.url}{line}\n" if line.startswith("/") else line + "\n" for line in lines))
        return name

    def fetch(self, *args, code=0, **more):
        r = bide("fetch", *args, "--progress", "none", cwd=self.dir, **more)
        self.assertEqual(r.code, code, r)
        return r

    def records(self, name="log"):
        with open(self.dir / name, encoding="utf-8") as f:
            return sorted((json.loads(line) for line in f), key=lambda r: r["i"])

    def files(self, below):
        root = self.dir / below
        return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())

    def body(self, name):
        return (self.dir / name).read_bytes()


class Repeats(Case):
    def test_a_repeated_url_is_asked_once_and_recorded_for_each_line(self):
        self.list("/a", "/b", "/a", "/a#x", f"HTTP://127.0.0.1:{self.server.server_port}/./a", "/a")
        r = self.fetch("-i", "list.txt", "-O", "o", "--jsonl", "log")
        self.assertEqual(self.server.asked, {"/a": 1, "/b": 1})
        records = self.records()
        self.assertEqual([x["line"] for x in records], [1, 2, 3, 4, 5, 6])
        self.assertEqual({(x["ok"], x["status"], x["bytes"], x["error"]) for x in records}, {(True, 200, 2, None)})
        self.assertEqual([x.get("same_as") for x in records], [None, None, 0, 0, 0, 0])
        self.assertEqual(len({x["file"] for x in records if x["i"] != 1}), 1)
        self.assertTrue(records[3]["url"].endswith("/a#x"))
        self.assertIn("6 urls  6 ok  0 failed  0 skipped  4 repeated", r.err)
        self.assertEqual(len(self.files("o")), 2)

    def test_an_empty_query_and_a_user_are_other_urls(self):
        self.list("/a", "/a?", f"http://me@127.0.0.1:{self.server.server_port}/b", "/b")
        self.fetch("-i", "list.txt", "-o", "o/{i}")
        self.assertEqual(self.server.asked, {"/a": 1, "/a?": 1, "/b": 2})

    def test_one_that_comes_while_the_first_is_on_its_way_waits_for_it(self):
        self.list("/slow/1", "/slow/1", "/x", "/slow/1")
        self.fetch("-i", "list.txt", "-O", "o", "--jsonl", "log")
        self.assertEqual(self.server.asked, {"/slow/1": 1, "/x": 1})
        self.assertEqual([x["ok"] for x in self.records()], [True] * 4)

    def test_one_of_a_failed_url_fails_with_its_cause(self):
        self.list("/gone/1", "/gone/1", "/slow/../gone/1", "/flaky/1", "/flaky/1", "/x")
        r = self.fetch("-i", "list.txt", "--jsonl", "log", "--backoff", "1ms", "-c", "1", code=1)
        self.assertEqual(self.server.asked, {"/gone/1": 1, "/flaky/1": 2, "/x": 1})
        records = self.records()
        self.assertEqual([x["error"] for x in records], ["http_4xx"] * 3 + [None] * 3)
        self.assertEqual([x["status"] for x in records], [404] * 3 + [200] * 3)
        self.assertIn("3 failed (http_404 3)", r.err)
        self.assertEqual(r.err.count("404 Not Found"), 1, r)

    def test_a_repeated_failure_counts_once_for_max_errors(self):
        self.list(*["/gone/1"] * 20, *[f"/{i}" for i in range(20)])
        self.fetch("-i", "list.txt", "--jsonl", "log", "--max-errors", "2", "-c", "1", code=1)
        self.assertEqual(sum(x["ok"] for x in self.records()), 20)

    def test_lines_with_names_of_their_own_get_copies(self):
        self.list("/a", "/a", "/long/1", "/slow/1", "/slow/1", "/long/1")
        self.fetch("-i", "list.txt", "-o", "o/{i}", "--jsonl", "log")
        self.assertEqual(self.server.asked, {"/a": 1, "/long/1": 1, "/slow/1": 1})
        self.assertEqual(self.files("o"), list("012345"))
        self.assertEqual([x["file"] for x in self.records()], [f"o/{i}" for i in range(6)])
        self.assertEqual([self.body(f"o/{i}") for i in (0, 3)], [self.body(f"o/{i}") for i in (1, 4)])
        self.assertEqual(self.body("o/5"), b"/long/1" * 20000)

    def test_a_url_with_other_names_is_asked_once_and_saved_under_each(self):
        u = self.url
        forms = {
            "tsv": f"url\tname\n{u}/a\tx\n{u}/a#f\td/y\n{u}/a\tx\n{u}/slow/1\tz\n{u}/slow/1\tzz\n{u}/a\n",
            "jsonl": "".join(json.dumps({"url": u + p, **more}) + "\n" for p, more in (
                ("/a", {"name": "x"}), ("/a", {"name": "y", "dir": "d", "method": "GET"}), ("/a", {"name": "x"}),
                ("/slow/1", {"name": "z"}), ("/slow/1", {"name": "zz"}), ("/a", {}))),
            "aria2": f"{u}/a\n out=x\n{u}/a\n dir=d\n out=y\n{u}/a\n out=x\n{u}/slow/1\n out=z\n{u}/slow/1\n out=zz\n{u}/a\n",
        }
        own = f"127.0.0.1+{self.server.server_port}/a@.bin"
        for form, text in forms.items():
            with self.subTest(form=form):
                self.server.asked.clear()
                (self.dir / form).write_text(text)
                self.fetch("-i", form, "-O", form + ".d", "--jsonl", "log", "--jsonl-mode", "replace")
                self.assertEqual(self.server.asked, {"/a": 1, "/slow/1": 1})
                self.assertEqual(self.files(form + ".d"), sorted(["x", "d/y", "z", "zz", own]))
                records = self.records()
                self.assertEqual([x["file"] for x in records], [f"{form}.d/{x}" for x in ("x", "d/y", "x", "z", "zz", own)])
                self.assertEqual([x.get("same_as") for x in records], [None, 0, 0, None, 3, 0])
                self.assertEqual({self.body(f"{form}.d/{x}") for x in ("x", "d/y", own)}, {b"/a"})
                self.assertEqual(self.body(f"{form}.d/zz"), b"/slow/1")

    def test_a_url_with_other_values_for_o_is_asked_once(self):
        (self.dir / "l").write_text("".join(f"{self.url}/a\t{x}\n" for x in "pqp") + f"{self.url}/b\tr\n")
        self.fetch("-i", "l", "--columns", "url,k", "-o", "o/{k}.{ext}", "--jsonl", "log")
        self.assertEqual(self.server.asked, {"/a": 1, "/b": 1})
        self.assertEqual([x["file"] for x in self.records()], [f"o/{x}.bin" for x in "pqpr"])
        self.assertEqual(self.files("o"), ["p.bin", "q.bin", "r.bin"])
        (self.dir / "l").write_text("".join(f"{self.url}/c\t{x}\n" for x in "pq"))
        self.fetch("-i", "l", "--columns", "url,k", "-o", "p/{k}-{sha256}")
        self.assertEqual((self.server.asked["/c"], len(self.files("p"))), (1, 2))

    def test_what_is_sent_makes_another_request(self):
        (self.dir / "l").write_text("".join(json.dumps({"url": self.url + "/a", **more}) + "\n" for more in (
            {"name": "1", "headers": {"X": "1"}}, {"name": "2", "headers": {"X": "2"}}, {"name": "3", "body": "b", "method": "GET"},
            {"name": "4"}, {"name": "5", "headers": {"X": "2"}}, {"name": "6", "method": "POST"}, {"name": "7", "method": "POST"})))
        self.fetch("-i", "l", "-O", "o", "--jsonl", "log")
        self.assertEqual(self.server.asked, {"/a": 6})
        self.assertEqual([x.get("same_as") for x in self.records()], [None] * 4 + [1] + [None] * 2)
        self.assertEqual(self.files("o"), list("1234567"))

    def test_a_line_whose_own_name_is_bad_holds_no_other_up(self):
        u = self.url
        text = f"{u}/b\tx\n{u}/slow/1\tx\n{u}/slow/1\ty\n{u}/slow/1\tz\n"
        self.fetch("-i", "-", "--columns", "url,name", "-O", "o", "--jsonl", "log", stdin=text.encode(), code=1)
        self.assertEqual(self.files("o"), ["x", "y", "z"])
        self.assertEqual([x["error"] for x in self.records()], [None, "name", None, None])
        self.assertEqual(self.server.asked["/slow/1"], 1)

    def test_beyond_the_names_that_are_remembered_a_repeat_is_asked_for_again(self):
        deep = "/".join(["d" * 250] * 15)
        with serving() as u, open(self.dir / "l", "w", encoding="utf-8") as f:
            f.writelines(f"{u}/bytes/1?{i}\t{deep}/{i}\n" for i in range(2300))
            f.writelines(f"{u}/bytes/1?{i}\t{name}\n" for i, name in ((0, "x"), ("z", "z1"), ("z", "z2"), ("z", "z1")))
            f.close()
            self.fetch("-i", "l", "--columns", "url,name", "-O", "o", "--jsonl", "log", "-c", "1", "-q", timeout=120)
            asked = json.loads(bide("get", u + "/stats").out)["requests"]
        self.assertEqual(asked, 2300 + 3)
        self.assertEqual([x.get("same_as") for x in self.records()[2300:]], [0, None, None, None])

    def test_a_copy_that_exists_is_skipped_too(self):
        (self.dir / "l").write_text(f"{self.url}/a\tx\n{self.url}/a\ty\n")
        (self.dir / "o").mkdir()
        (self.dir / "o/y").write_text("mine")
        self.fetch("-i", "l", "--columns", "url,name", "-O", "o", "--jsonl", "log", "--skip-existing")
        self.assertEqual((self.body("o/x"), self.body("o/y")), (b"/a", b"mine"))
        self.assertEqual([x.get("skipped") for x in self.records()], [None, "exists"])

    def test_what_repeats_a_url_whose_file_exists_is_skipped_too(self):
        """Its name, too, is that of the file that is there, which has the extension of a type that was known to the first run."""
        with serving() as u:
            self.list(f"{u}/json", f"{u}/json", f"{u}/json#x", f"{u}/bytes/4", f"{u}/bytes/4")
            self.fetch("-i", "list.txt", "-O", "o", "--jsonl", "first")
            r = self.fetch("-i", "list.txt", "-O", "o", "--jsonl", "log", "--skip-existing")
            (self.dir / "l").write_text(f"{u}/json\n{u}/json\tmine\n")
            self.fetch("-i", "l", "-O", "o", "--jsonl", "own", "--skip-existing")
        files = sorted("o/" + x for x in self.files("o") if not x.endswith("mine"))
        self.assertEqual(len(files), 2)
        self.assertTrue(any(x.endswith("json@.json") for x in files), files)
        for x, y in zip(self.records("first"), self.records()):
            self.assertEqual((y["file"], y["skipped"], y["bytes"], y.get("same_as")), (x["file"], "exists", x["bytes"], x.get("same_as")))
        self.assertIn("0 ok  0 failed  5 skipped", r.err)
        self.assertEqual([(x["file"], x.get("skipped")) for x in self.records("own")],
                         [(files[1], "exists"), ("o/mine", None)])
        self.assertEqual(self.body("o/mine"), self.body(files[1]))

    def test_globs_and_operands_repeat_as_lists_do(self):
        u = self.url
        self.fetch(f"{u}/[1-3]", f"{u}/[2-4]", f"{u}/{{5,5}}", "-O", "o", "--jsonl", "log")
        self.assertEqual(self.server.asked, {f"/{i}": 1 for i in range(1, 6)})
        self.assertEqual(len(self.records()), 8)
        self.fetch(f"{u}/x#[1-3]", "-o", "p/{1}")
        self.assertEqual((self.server.asked["/x"], self.files("p")), (1, ["1", "2", "3"]))

    def test_dups_chooses(self):
        self.list("/a", "/a", "/b")
        self.fetch("-i", "list.txt", "-O", "o", "--dups", "each")
        self.assertEqual(self.server.asked, {"/a": 2, "/b": 1})
        self.fetch("-i", "list.txt", "-o", "q/{name}", "--dups", "each")
        self.assertEqual(self.server.asked, {"/a": 4, "/b": 2})
        r = self.fetch("-i", "list.txt", "-O", "o", "--dups", "error", "--jsonl", "log", code=1)
        self.assertEqual(self.server.asked, {"/a": 5, "/b": 3})
        self.assertEqual([x["error"] for x in self.records()], [None, "repeated", None])
        self.assertIn(f"list.txt:2: {self.url}/a: repeated", r.err)

    def test_what_changes_something_is_asked_for_each_line(self):
        self.list("/a", "/a")
        self.fetch("-i", "list.txt", "-d", "x", "-O", "o")
        self.assertEqual(self.server.asked, {"/a": 2})
        self.fetch("-i", "list.txt", "-d", "x", "-O", "o", "--dups", "once")
        self.assertEqual(self.server.asked, {"/a": 3})

    def test_a_host_that_is_down_fails_all_lines_once_each(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            dead = f"http://127.0.0.1:{s.getsockname()[1]}/x"
            self.list(*[dead] * 3000, "/a")
            self.fetch("-i", "list.txt", "-O", "o", "--jsonl", "log", "--backoff", "1ms", "--backoff-max", "2ms", code=1)
        records = self.records()
        self.assertEqual([x["error"] for x in records], ["connect"] * 3000 + [None])

    def test_many_repeats_that_wait_do_not_hold_up_others(self):
        self.list(*["/held/1"] * 12000, *[f"/{i}" for i in range(20)])
        log = self.dir / "log"

        def release():
            comes_true(lambda: log.exists() and log.read_bytes().count(b"\n") == 20, seconds=20)
            self.server.released.set()
        threading.Thread(target=release).start()
        self.fetch("-i", "list.txt", "-O", "o", "--jsonl", "log", timeout=60)
        self.assertEqual(self.server.asked["/held/1"], 1)
        self.assertEqual(len(self.records()), 12020)
        with open(self.dir / "log", encoding="utf-8") as f:
            first = [json.loads(line)["i"] for line in f][:20]
        self.assertEqual(sorted(first), list(range(12000, 12020)), "the slow one was waited for")

    def test_more_repeats_than_may_wait_are_all_recorded(self):
        self.list(*["/slow/1", "/slow/2"] * 20000, "/a")
        self.fetch("-i", "list.txt", "--jsonl", "log", timeout=60)
        self.assertEqual(self.server.asked, {"/slow/1": 1, "/slow/2": 1, "/a": 1})
        records = self.records()
        self.assertEqual([x["i"] for x in records], list(range(40001)))
        self.assertTrue(all(x["ok"] for x in records))

    def test_the_rate_counts_requests_only(self):
        self.list(*["/a"] * 50, "/b")
        began = time.monotonic()
        self.fetch("-i", "list.txt", "--jsonl", "log", "--rate", "1/s")
        self.assertLess(time.monotonic() - began, 20 * SLOW) # of 51 it would be 50 s

    def test_stopping_records_those_that_wait(self):
        self.list(*["/held/1"] * 5, *[f"/held/{i}" for i in range(2, 200)])
        p = subprocess.Popen([BIDE, "fetch", "-q", "-i", "list.txt", "--jsonl", "log", "-c", "4", "--grace", "0s"], cwd=self.dir,
                             stderr=subprocess.DEVNULL)
        self.assertTrue(comes_true(lambda: len(self.server.asked) == 4))
        p.terminate()
        self.assertEqual(p.wait(20 * SLOW), -15)
        self.server.released.set()
        self.assertEqual([x["error"] for x in self.records() if x["line"] <= 5], ["cancelled"] * 5)


class Names(Case):
    SIBLINGS = ("/docs", "/docs/intro", "/docs/", "/docs/index.html", "/docs.html", "/docs.html/x", "/docs?x=1", "/docs.html?x=1",
                "/docs/intro/deep/er", "/a", "/a/", "/a/b", "/A", "/a?x=1", "/a%3Fx=1", "/v1.2", "/v1.2/x", "/docs@.html")

    def test_files_and_directories_coexist_in_any_order_and_again(self):
        n = len(self.SIBLINGS)
        names = set()
        for turn, urls in enumerate((self.SIBLINGS, self.SIBLINGS[::-1], self.SIBLINGS)):
            self.list(*urls)
            where = f"o{min(turn, 1)}"
            self.fetch("-i", "list.txt", "-O", where, "--jsonl", "log")
            self.assertEqual(len(self.files(where)), n)
            for x in self.records():
                self.assertEqual(self.body(x["file"]).decode(), x["url"][len(self.url):])
            names.add(tuple(self.files(where)))
        self.assertEqual(len(names), 1)
        self.assertIn(b"names  all different", self.fetch("-n", "-i", "list.txt", "-O", "o").out)

    def test_one_user_more_is_another_url_and_does_not_replace_the_file(self):
        host = f"127.0.0.1:{self.server.server_port}"
        self.list(f"http://a:x@{host}/p", f"http://b:x@{host}/p")
        r = self.fetch("-i", "list.txt", "-O", "o", "-c", "1", code=1)
        self.assertIn(f"list.txt:2: http://{host}/p: o/127.0.0.1+{self.server.server_port}/p@.bin: an earlier URL has this file name", r.err)
        self.fetch("-n", "-i", "list.txt", "-O", "o", code=2)

    def test_a_file_of_o_is_not_a_directory_whoever_comes_first(self):
        (self.dir / "first.txt").write_text("".join(f"{self.url}/{i}/x\n" for i in range(40000)))
        for pair in (("/p/q", "/p/q/r"), ("/p/q/r", "/p/q")):
            self.list(*pair)
            text = self.body("first.txt") + self.body("list.txt")
            r = self.fetch("-i", "-", "-o", "o/{path}", "--fail-fast", "--connect-to", "::127.0.0.1:1", "--retries", "0",
                           stdin=text[-1000:], code=5)
            self.assertIn("standard input:", r.err)
            r = self.fetch("-i", "list.txt", "-o", "o/{path}", code=2)
            self.assertIn(f"list.txt:2: {self.url}{pair[1]} would be saved as o{pair[1]}, but o/p/q cannot be a file and a directory", r.err)
            r = self.fetch("-i", "-", "-o", f"o{pair[0].count('/')}/{{path}}", "-c", "1", stdin=self.body("list.txt"), code=1)
            self.assertIn(f"standard input:2: {self.url}{pair[1]}: ", r.err)
            self.assertIn("1 failed (name 1)", r.err)

    def test_a_template_that_makes_one_name_of_many_urls_is_refused_at_once(self):
        self.list(*[f"/{i}/same" for i in range(5000)])
        r = self.fetch("-i", "list.txt", "-o", "o/{name}", code=2)
        self.assertIn(f"list.txt:2: {self.url}/0/same and {self.url}/1/same would both be saved as o/same; add {{i}} to -o", r.err)
        self.assertEqual(self.server.asked, {})

    def test_names_behind_the_first_are_compared_as_they_come(self):
        self.list(*[f"/{i}" for i in range(33000)], "/1/7", "/no")
        r = self.fetch("-n", "-i", "list.txt", "-o", "o/{name}", code=2)
        self.assertIn(f"list.txt:33001: {self.url}/7 and {self.url}/1/7 would both be saved as o/7", r.err)
        text = self.body("list.txt").replace(self.url.encode(), b"http://127.0.0.1:1")
        (self.dir / "list.txt").write_bytes(text)
        r = self.fetch("-i", "list.txt", "-o", "o/{name}", "--host-errors", "1", "--retries", "0", "-q", "--jsonl", "log", code=4)
        self.assertEqual(len(self.records()), 33002)


class Plan(Case):
    def test_the_first_request_does_not_wait_for_the_end_of_the_list(self):
        """A list of 1,500,000 lines; the first one answers, the others fail with the host of theirs."""
        with open(self.dir / "list.txt", "w", encoding="utf-8") as f:
            f.write(f"{self.url}/first\n")
            for k in range(15):
                f.write("".join(f"http://h.invalid/{k}/{i:06}\n" for i in range(100000)))
        for name in (["-O", "o"], ["-o", "o/{host}/{name}"], ["-o", "o/{i}"]):
            self.server.asked.clear()
            with subprocess.Popen([BIDE, "fetch", "-q", "-i", "list.txt", *name], cwd=self.dir, stderr=subprocess.DEVNULL) as p:
                came = comes_true(lambda: self.server.asked)
                used = cpu_s(p)
                p.kill()
            self.assertTrue(came, name)
            self.assertLess(used, 0.35 * SLOW, name)

    def test_a_pattern_of_any_length_leaves_others_their_turn(self):
        host = self.url.replace("127.0.0.1", "127.0.0.{1,2}")
        for pattern in (self.url + "/[1-1000000000]", self.url + "/x#[1-1000000000]", host + "/[1-1000000000]"):
            p = subprocess.Popen([BIDE, "fetch", "-q", pattern, "--jsonl", "log", "--grace", "0s"], cwd=self.dir, stderr=subprocess.DEVNULL)
            log = self.dir / "log"
            self.assertTrue(comes_true(lambda log=log: log.exists() and log.stat().st_size > 2000), pattern)
            p.terminate()
            self.assertEqual(p.wait(20 * SLOW), -15, pattern)
            os.unlink(self.dir / "log")

    def test_the_total_is_known_before_the_end(self):
        with open(self.dir / "list.txt", "w", encoding="utf-8") as f:
            f.write(f"{self.url}/slow/1\n# comment\n\n")
            f.write("http://h.invalid/\n" * 100000)
        said = tempfile.TemporaryFile()
        p = subprocess.Popen([BIDE, "fetch", "-i", "list.txt", "--jsonl", "/dev/null", "--progress", "plain", "--rate", "1/m"], cwd=self.dir,
                             stderr=said)

        def total_is_known():
            p.send_signal(signal.SIGUSR1)
            time.sleep(0.05)
            return b"/100001 (" in os.pread(said.fileno(), 1 << 20, 0)
        self.assertTrue(comes_true(lambda: self.server.asked)) # it listens to signals
        known = comes_true(total_is_known)
        p.kill()
        p.wait()
        said.close()
        self.assertTrue(known)

    def test_a_list_that_cannot_be_read_is_known_at_once(self):
        self.list("/a")
        for bad in ("none.txt", "."):
            self.fetch("-i", "list.txt", "-i", bad, "-O", "o", code=2)
        self.assertEqual(self.server.asked, {})


class Lines(Case):
    def test_every_message_about_a_line_has_its_number(self):
        self.list("# comment", "/gone/1", "", "no url", "/flaky/1", "/x", "http://127.0.0.1:1/", "ftp://h/x")
        r = self.fetch("-i", "list.txt", "-O", "o", "-v", "--retries", "1", "--backoff", "1ms", code=1)
        for line, what in ((2, "404 Not Found"), (4, "no url"), (5, "503"), (5, "200"), (6, "200"), (7, "127.0.0.1:1"), (8, "ftp://h/x")):
            self.assertTrue(any(f"list.txt:{line}: " in text and what in text for text in r.err.splitlines()), (line, what, r.err))
        about = [text for text in r.err.splitlines() if "bide fetch: " in text]
        self.assertEqual([text for text in about if "list.txt:" not in text], [])


class Variables(Case):
    def test_parts_of_the_url_are_filled_in(self):
        self.list("/p/a.tar.gz?x=/../y&z", "/docs", "/html/", "/v1.2", "/odd/1")
        self.fetch("-i", "list.txt", "-o", "o/{i}-{stem}-{ext}-{query}", "--jsonl", "log")
        self.assertEqual(self.files("o"), ["0-a.tar-gz-x=%2F..%2Fy&z", "1-docs-html-", "2-index-html-", "3-v1.2-bin-", "4-1-bin-"])

    def test_the_answer_and_the_day_are_filled_in(self):
        self.list("/a", "/odd/1", "/long/1", "/a")
        before = datetime.date.today()
        self.fetch("-i", "list.txt", "-o", "o/{date}/{status}/{sha256}.{ext}", "--jsonl", "log")
        days = {str(before), str(datetime.date.today())}
        for x in self.records():
            path = x["url"][len(self.url):]
            body = path.encode() * (20000 if path.startswith("/long") else 1)
            root, day, status, name = x["file"].split("/")
            self.assertEqual((root, status, name), ("o", "203" if "odd" in path else "200", hashlib.sha256(body).hexdigest() + ".bin"))
            self.assertIn(day, days)
            self.assertEqual(self.body(x["file"]), body)
        self.assertEqual(len(self.files("o")), 3)

    def test_bodies_that_are_alike_share_a_file_by_their_hash(self):
        self.fetch(f"{self.url}/a", f"http://me@{self.url[7:]}/a", f"{self.url}/c", "-o", "o/{sha256}")
        self.assertEqual(len(self.files("o")), 2)
        self.fetch(f"{self.url}/a", "-o", "p/{i}-{sha256}")
        self.assertEqual(self.files("p"), ["0-" + hashlib.sha256(b"/a").hexdigest()])

    def test_ones_that_are_unknown_are_named(self):
        self.list("/a", "/b")
        r = self.fetch("-i", "list.txt", "-o", "o/{nmae}", code=2)
        self.assertIn("'o/{nmae}': {nmae} is no variable, and no glob has this name; did you mean {name}?", r.err)
        self.assertIn("{sha256}", self.fetch("-i", "list.txt", "-o", "o/{wrong}", code=2).err)
        self.assertIn("is no variable", self.fetch("-i", "list.txt", "-o", "o/{ext:03}", code=2).err)
        self.assertIn("meaning of its own", self.fetch(f"{self.url}/[<query>1-2]", "-o", "o/{query}", code=2).err)

    def test_the_same_day_for_all_is_no_name(self):
        self.assertIn("would both be saved", self.fetch(f"{self.url}/[1-2]", "-o", "o/{date}", code=2).err)


class Existing(Case):
    def test_what_is_there_is_not_asked_for(self):
        self.list("/docs", "/docs/x.png", "/b", "/gone/1")
        self.fetch("-i", "list.txt", "-O", "o", code=1)
        self.server.asked.clear()
        os.unlink(next(self.dir.glob("o/*/b@*")))
        r = self.fetch("-i", "list.txt", "-O", "o", "--skip-existing", "--jsonl", "log", code=1)
        self.assertEqual(self.server.asked, {"/b": 1, "/gone/1": 1})
        records = self.records()
        self.assertEqual([x.get("skipped") for x in records], ["exists", "exists", None, None])
        self.assertEqual([x["ok"] for x in records], [True, True, True, False])
        self.assertTrue(records[0]["file"].endswith("/docs@.html"), records[0])
        self.assertEqual((records[0]["bytes"], records[0]["status"]), (5, None))
        self.assertIn("4 urls  1 ok  1 failed (http_404 1)  2 skipped", r.err)

    def test_all_there_is_success_and_one_failure_is_some(self):
        self.list("/a", "/b")
        self.fetch("-i", "list.txt", "-O", "o")
        self.fetch("-i", "list.txt", "-O", "o", "--skip-existing")
        self.list("/a", "/gone/1")
        self.fetch("-i", "list.txt", "-O", "o", "--skip-existing", code=1)

    def test_names_of_o_do_so_too(self):
        for template in ("o/{i}", "o/{stem}.{ext}"):
            self.fetch(f"{self.url}/docs", f"{self.url}/y.js", "-o", template)
            self.server.asked.clear()
            self.fetch(f"{self.url}/docs", f"{self.url}/y.js", "-o", template, "--skip-existing")
            self.assertEqual(self.server.asked, {})

    def test_it_costs_no_rate_and_no_request_of_a_dead_host(self):
        self.fetch(f"{self.url}/[1-30]", "-o", "o/{i}")
        began = time.monotonic()
        self.fetch("http://127.0.0.1:1/[1-30]", "-o", "o/{i}", "--skip-existing", "--rate", "1/s")
        self.assertLess(time.monotonic() - began, 20 * SLOW) # at that rate: 30 s

    def test_a_directory_and_a_part_of_a_file_do_not_count(self):
        (self.dir / "o/0").mkdir(parents=True)
        r = self.fetch(f"{self.url}/a", "-o", "o/{i}", "--skip-existing", code=3)
        self.assertIn("o/0", r.err)

    def test_names_that_are_known_too_late_are_refused(self):
        for args in (["-o", "o/{sha256}"], ["-o", "o/{status}"], ["--jsonl", "log"], ["-o", "-"]):
            r = self.fetch(f"{self.url}/a", "--skip-existing", *args, code=2)
            self.assertIn("--skip-existing", r.err)
        self.assertEqual(self.server.asked, {})


if __name__ == "__main__":
    main()
