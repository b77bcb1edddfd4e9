#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_timeline.py - BIDE_TRACE: the file as programs read it, of a client and of a server."""
import json
import os
import signal
import subprocess
import unittest

from support import BIDE, Case, RawServer, bide

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\ngone\n"


class Timeline(Case):
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
                while open_until and open_until[-1] <= begin + 0.0005:
                    open_until.pop()
                self.assertTrue(not open_until or begin - minus_dur <= open_until[-1] + 0.0015, (name, begin))
                open_until.append(begin - minus_dur)

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
        self.assertIn("BIDE_TRACE_SIZE=7 is no size from 64K to 1G", r.err)
        self.assertIn("BIDE_TRACE=/no/such/folder/t: a timeline cannot be written to /no/such/folder/t: No such file or directory; "
                      "the program goes on without", r.err)

    def test_a_full_disk(self):
        with RawServer({"/": OK}) as s:
            r = bide("get", s.url, env={"BIDE_TRACE": "/dev/full"})
            self.expect(r, 0, b"ok\n")
        self.assertIn("bide: the timeline is incomplete: /dev/full: No space left on device", r.err)


if __name__ == "__main__":
    unittest.main()
