#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--continue of fetch: bodies that break off leave a part, which the next attempt and the next run go on with."""
import hashlib
import json
import os
import pathlib
import re
import threading

from support import Case, bide, main, RawServer

BODY = bytes(i * 7 % 251 for i in range(200000))
TAG = b'ETag: "v1"\r\n'


class Server(RawServer):
    """Bodies of which `piece` bytes come at a time; a request for more is answered with 206."""

    def __init__(self, piece):
        self.piece, self.ranges = piece, []
        super().__init__({})

    def answer(self, s):
        with s:
            head = b""
            while b"\r\n\r\n" not in head:
                more = s.recv(65536)
                if not more:
                    return
                head += more
            wanted = re.search(rb"Range: bytes=(\d+)-", head)
            first = int(wanted.group(1)) if wanted else 0
            self.ranges.append(first)
            if wanted and first >= len(BODY):
                s.sendall(b"HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\nContent-Range: bytes */%d\r\n\r\n" % len(BODY))
                return
            status = b"206 Part\r\nContent-Range: bytes %d-%d/%d" % (first, len(BODY) - 1, len(BODY)) if wanted else b"200 OK"
            s.sendall(b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n%b\r\n" % (status, len(BODY) - first, TAG))
            s.sendall(BODY[first:first + self.piece])


class Continue(Case):
    def fetch(self, s, *options):
        return bide("fetch", "-q", "--continue", "-", "-o", os.path.join(self.folder, "out/{name}"), "--jsonl", "-", "--backoff", "1ms",
                    *options, f"{s.url}/a")

    def expect_whole(self, r):
        record = json.loads(r.out)
        self.expect(r, 0)
        self.assertEqual((record["bytes"], record["sha256"]), (len(BODY), hashlib.sha256(BODY).hexdigest()))
        self.assertEqual(pathlib.Path(self.folder, "out/a").read_bytes(), BODY)
        self.assertEqual(os.listdir(os.path.join(self.folder, "out")), ["a"])

    def test_attempts_go_on_where_the_one_before_ended(self):
        with Server(60000) as s:
            self.expect_whole(self.fetch(s, "--retries", "5"))
            self.assertEqual(s.ranges, [0, 60000, 120000, 180000])

    def test_runs_go_on_where_the_one_before_ended(self):
        with Server(150000) as s:
            self.expect(self.fetch(s, "--retries", "0"), 4)
            self.assertEqual(sorted(os.listdir(os.path.join(self.folder, "out"))), ["a.part", "a.part.tag"])
            self.expect_whole(self.fetch(s))
            self.assertEqual(s.ranges, [0, 150000])

    def test_part_that_is_whole_already_is_taken(self):
        os.mkdir(os.path.join(self.folder, "out"))
        pathlib.Path(self.folder, "out/a.part").write_bytes(BODY)
        pathlib.Path(self.folder, "out/a.part.tag").write_text('"v1"')
        with Server(150000) as s:
            self.expect_whole(self.fetch(s))
            self.assertEqual(s.ranges, [200000])

    def test_links_lead_nowhere(self):
        outside = os.path.join(self.folder, "outside")
        os.makedirs(outside)
        os.mkdir(os.path.join(self.folder, "out"))
        os.symlink(os.path.join(outside, "f"), os.path.join(self.folder, "out/a.part"))
        with Server(len(BODY)) as s:
            self.expect(self.fetch(s), 0)
        self.assertEqual(os.listdir(outside), [])

    def test_what_cannot_be_is_said(self):
        for options, text in ((["-C", "5", "-o", "{name}"], "a number is for one URL"), (["-C", "-"], "it needs --output"),
                              (["-C", "-", "-o", "-"], "it needs --output"),
                              (["-C", "-", "-o", "{name}", "--durability", "each"], "it excludes --durability")):
            self.expect_line(bide("fetch", *options, "http://a.example/"), 2, text)


if __name__ == "__main__":
    main()
