#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_timeline.py - BIDE_TRACE and `bide trace`: the file as programs read it, of a client, of a server, and of one that runs already."""
import contextlib
import json
import os
import signal
import subprocess
import threading
import time
import unittest

from support import BIDE, SLOW, Case, RawServer, bide, interrupt

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\ngone\n"


class TimelineCase(Case):
    def path(self, name="t.json"):
        return os.path.join(self.folder, name)

    def load(self, path):
        with open(path, encoding="utf-8") as f:
            return json.load(f)["traceEvents"]

    def check(self, events):
        """Slices nest, each begin has its end, and time does not go back in it."""
        spans, slices, arrows = {}, {}, {}
        for e in events:
            if e["ph"] in "be":
                row = spans.setdefault((e["cat"] == "task", e["id2"]["local"], e["cat"]), [])
                if e["ph"] == "b":
                    self.assertTrue(not row or row[-1]["ts"] <= e["ts"], e)
                    row.append(e)
                else:
                    begin = row.pop()
                    self.assertEqual(begin["name"], e["name"])
                    self.assertLessEqual(begin["ts"], e["ts"])
            elif e["ph"] == "X":
                slices.setdefault(e["tid"], []).append((e["ts"], -e["dur"], e["name"]))
            elif e["ph"] in "sf":
                arrows.setdefault(e["id"], []).append(e["ph"])
        self.assertEqual([row for row in spans.values() if row], [])
        self.assertTrue(all(ends == ["s", "f"] for ends in arrows.values()))
        for row in slices.values():
            open_until = []
            for begin, minus_dur, name in sorted(row):
                while open_until and open_until[-1] <= begin:
                    open_until.pop()
                self.assertTrue(not open_until or begin - minus_dur <= open_until[-1], (name, begin))
                open_until.append(begin - minus_dur)


class Timeline(TimelineCase):
    def test_of_a_client(self):
        with RawServer({"/": OK, "/no": MISSING}) as s:
            url = s.url.replace("http://", "http://user:secret@")
            r = bide("get", f"{url}/", f"{url}/no", env={"BIDE_TRACE": self.path()})
            self.expect(r, 0)
        events = self.load(self.path())
        self.check(events)
        requests = [e for e in events if e["cat"] == "request" and e["ph"] == "e"]
        self.assertEqual(sorted(e["args"]["status"] for e in requests), [200, 404])
        self.assertIn(f"GET {s.url}/no", [e["name"] for e in requests])
        self.assertNotIn("secret", json.dumps(events))
        self.assertTrue(any(e["ph"] == "X" for e in events))
        self.assertTrue(any(e["name"].startswith("reads fd ") for e in events))

    def test_of_what_fails(self):
        r = bide("get", "http://127.0.0.1:1/", env={"BIDE_TRACE": self.path()})
        self.assertNotEqual(r.code, 0)
        events = self.load(self.path())
        self.check(events)
        errors = [e["args"]["error"] for e in events if e["cat"] == "request" and e["ph"] == "e"]
        self.assertEqual(errors, ["Connection refused"])

    def test_of_a_server_that_is_ended(self):
        env = dict(os.environ, BIDE_TRACE=self.path("%p.json"))
        p = subprocess.Popen([BIDE, "serve", "--port", "0"], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            self.expect(bide("get", f"{p.stdout.readline().strip()}/delay/1"), 0, b'{"delay_ms":1}\n')
        finally:
            p.send_signal(signal.SIGTERM)
            p.communicate(timeout=60)
        events = self.load(self.path(f"{p.pid}.json"))
        self.check(events)
        served = [(e["name"], e["args"].get("status")) for e in events if e["cat"] == "exchange" and e["ph"] == "e"]
        self.assertEqual(served, [("GET /delay/1", 200)])

    def test_a_path_that_cannot_be_written(self):
        with RawServer({"/": OK}) as s:
            r = bide("get", s.url, env={"BIDE_TRACE": "/no/such/folder/t", "BIDE_TRACE_SIZE": "7"})
            self.expect(r, 0, b"ok\n")
        self.assertIn("BIDE_TRACE_SIZE=7: expected a size from 64K to 1G", r.err)
        self.assertIn("BIDE_TRACE=/no/such/folder/t: a timeline cannot be written to /no/such/folder/t: No such file or directory; "
                      "the program runs without a timeline", r.err)

    def test_a_full_disk(self):
        with RawServer({"/": OK}) as s:
            r = bide("get", s.url, env={"BIDE_TRACE": "/dev/full"})
            self.expect(r, 0, b"ok\n")
        self.assertIn("bide: the timeline is incomplete: /dev/full: No space left on device", r.err)


@contextlib.contextmanager
def server(env=None):
    """`bide serve`: its process and its URL."""
    p = subprocess.Popen([BIDE, "serve", "--port", "0"], env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield p, p.stdout.readline().strip()
    finally:
        if p.poll() is None:
            interrupt(p)
        p.stdout.close()


def signals_of_a_terminal():
    """As in the foreground, also where we are in the background."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class OfAnother(TimelineCase):
    """`bide trace PID`."""

    @contextlib.contextmanager
    def tracing(self, pid, seconds=300):
        """One that records by now."""
        p = subprocess.Popen([BIDE, "trace", "-o", self.path(), str(pid), str(seconds)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             text=True, preexec_fn=signals_of_a_terminal)
        try:
            line = p.stderr.readline()
            if "not permitted" in line:
                self.skipTest(line)
            self.assertIn(f"recording process {pid} (bide) for {seconds} s; Ctrl-C ends it earlier", line)
            yield p
        finally:
            p.kill()
            p.communicate()

    def end(self, p, number=signal.SIGINT):
        p.send_signal(number)
        err = p.stderr.read()
        return p.wait(60 * SLOW), err

    def test_of_a_server_under_load(self):
        with server() as (s, url):
            done = threading.Event()
            asked = []

            def ask():
                while not done.is_set() and len(asked) < 10000:
                    asked.append(bide("get", f"{url}/json", f"{url}/delay/5").code)

            threads = [threading.Thread(target=ask) for _ in range(2)]
            with self.tracing(s.pid) as p:
                for t in threads:
                    t.start()
                try:
                    while len(asked) < 6:
                        time.sleep(0.01)
                    code, err = self.end(p)
                finally:
                    done.set()
                    for t in threads:
                        t.join()
            self.assertEqual((code, set(asked), s.poll()), (0, {0}, None), err)
            self.assertRegex(err, r"entries of 1 thread\n$")
        events = self.load(self.path())
        self.check(events)
        ended = [e for e in events if e["cat"] == "exchange" and e["ph"] == "e"]
        served = [(e["name"], e["args"]["status"]) for e in ended if "status" in e["args"]]
        self.assertLessEqual({("GET /json", 200), ("GET /delay/5", 200)}, set(served))
        self.assertTrue(any(e["ph"] == "X" and e["name"] == "connection_task" for e in events))
        self.assertEqual({e["pid"] for e in events}, {s.pid})

    def test_again_and_a_signal_that_ends_it(self):
        with server() as (s, url):
            for path in ("/echo/a", "/echo/b"):
                with self.tracing(s.pid) as p:
                    self.expect(bide("get", url + "/json"), 0)
                    bide("get", url + path)
                    code, err = self.end(p, signal.SIGTERM)
                self.assertEqual(code, -signal.SIGTERM, err)
                events = self.load(self.path())
                self.check(events)
                self.assertEqual([e["name"] for e in events if e["cat"] == "exchange" and e["ph"] == "b"], ["GET /json", "GET " + path])

    def test_the_size_that_its_environment_says(self):
        with server({"BIDE_TRACE_SIZE": "64K"}) as (s, url):
            with self.tracing(s.pid) as p:
                for _ in range(8):
                    self.expect(bide("get", *[url + "/json"] * 100), 0)
                code, err = self.end(p)
            self.assertEqual(code, 0, err)
            self.assertIn(" older ones were overwritten", err)
            self.check(self.load(self.path()))

    def test_a_killed_one_leaves_nothing_on(self):
        with server() as (s, url):
            with self.tracing(s.pid) as p:
                p.kill()
                p.wait()
            refused = 0
            while True:  # for three seconds
                self.expect(bide("get", url + "/json"), 0)
                r = bide("trace", "-o", self.path("again.json"), s.pid, "0.01")
                if r.code == 0:
                    break
                self.assertIn("another `bide trace` is recording it", r.err)
                self.assertLess(refused, 2000)
                refused += 1
                time.sleep(0.02)

    def test_a_process_that_ends_meanwhile(self):
        with server() as (s, _):
            with self.tracing(s.pid) as p:
                s.kill()
                s.wait()
                err = p.stderr.read()
                self.assertEqual(p.wait(60 * SLOW), 3)
        self.assertIn(f"{s.pid} (bide): it has ended, and what was recorded is lost", err)
        self.assertFalse(os.path.exists(self.path()))

    def test_one_that_only_waits(self):
        with server() as (s, _):
            with self.tracing(s.pid, 0.05) as p:
                err = p.stderr.read()
                self.assertEqual(p.wait(60 * SLOW), 0)
            self.assertIn("nothing was recorded: no event loop of process", err)
            self.check(self.load(self.path()))
            r = bide("trace", "-o", "-", s.pid, "0.05")
            self.assertIn("standard output: nothing was recorded", r.err)
            self.expect(r, 0)
            self.assertEqual(json.loads(r.out)["traceEvents"][0]["args"]["name"], "bide")

    def test_one_that_records_by_itself(self):
        with server({"BIDE_TRACE": self.path("own.json")}) as (s, url):
            self.expect(bide("get", url + "/json"), 0)
            r = bide("trace", "-o", self.path(), s.pid, "0.05")
            if "not permitted" in r.err:
                self.skipTest(r.err)
            self.assertEqual(r.code, 3)
            self.assertIn("it is recording a timeline already (BIDE_TRACE or bide_trace_start)", r.err)
            self.assertFalse(os.path.exists(self.path()))
        self.check(self.load(self.path("own.json")))

    def test_a_file_that_cannot_be_written(self):
        with server() as (s, _):
            for path, why in (("/no/such/folder/t", "No such file or directory"), ("/dev/full", "No space left on device")):
                r = bide("trace", "-o", path, s.pid, "0.01")
                if "not permitted" in r.err:
                    self.skipTest(r.err)
                self.assertEqual(r.code, 3)
                self.assertIn(f"{path}: {why}", r.err)

    def test_what_is_no_such_process(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        for code, words, text in ((3, [gone.pid], ": no such process"), (2, ["x"], "'x' is not a process ID"), (2, [], "expected a process"),
                                  (2, [1, 2, 3], "expected a process"), (2, [1, "0"], "'0': expected a time from 0.001 to 3600 seconds"),
                                  (2, [1, "1e9"], "expected a time from"), (3, [os.getpid()], ("it does not use bide", "not permitted"))):
            r = bide("trace", *words)
            self.assertEqual(r.code, code, r)
            self.assertTrue(any(t in r.err for t in ([text] if isinstance(text, str) else text)), r)


if __name__ == "__main__":
    unittest.main()
