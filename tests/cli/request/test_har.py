#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_har.py - --har and --replay of get and fetch: what was asked is written, and answers again without a network."""
import json
import os
import pathlib
import stat
import tempfile
import unittest

from support import Case, RawServer, bide

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\nSet-Cookie: id=secret\r\n\r\nok"
HOP = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Har(Case):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.path = os.path.join(self.folder, "a.har")
        self.commands = [["get"], ["fetch", "-O", os.path.join(self.folder, "out")]]

    def test_recording_is_written_and_answers(self):
        for command in self.commands:
            with RawServer({"/here": HOP, "/there": OK}) as s:
                url = s.url + "/here"
                self.assertEqual(bide(*command, "--har", self.path, "-u", "me:secret", url).code, 0)
            text = pathlib.Path(self.path).read_text()
            entries = json.loads(text)["log"]["entries"]
            self.assertEqual([e["response"]["status"] for e in entries], [302, 200], command)
            self.assertEqual(entries[1]["response"]["content"]["text"], "ok")
            self.assertNotIn("secret", text)
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
            played = bide(*command, "--replay", self.path, url)  # the server is gone
            self.assertEqual(played.code, 0, played.err)
            if command[0] == "get":
                self.assertEqual(played.out, "ok" if isinstance(played.out, str) else b"ok")
            other = bide(*command, "--replay", self.path, s.url + "/other")
            self.assertNotEqual(other.code, 0)
            self.assertIn("the recording has no such answer", other.err)

    def test_files_that_cannot_be_are_refused(self):
        for words, said in ((("--har", "/nowhere/a.har"), "recording /nowhere/a.har: No such file"),
                            (("--replay", "/nowhere/a.har"), "/nowhere/a.har: No such file"),
                            (("--replay", "/dev/null"), "not a HAR file"), (("--replay", "a", "--har", "b"), "exclude each other")):
            for command in self.commands:
                r = bide(*command, *words, "http://127.0.0.1:1/")
                self.assertNotEqual(r.code, 0)
                self.assertIn(said, r.err)


if __name__ == "__main__":
    unittest.main()
