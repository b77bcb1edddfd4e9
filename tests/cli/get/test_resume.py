#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--continue: bodies of which a part is here, with servers that know ranges and such that do not."""
import http.server
import os
import pathlib
import threading

from support import Case, bide, main

BODY = bytes(i * 7 % 251 for i in range(300000))


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that has gone."""


class Ranges(http.server.BaseHTTPRequestHandler):
    """cut: how many bytes of the next body come; ranges: those that were asked for."""
    protocol_version = "HTTP/1.1"
    cut, ranges, body, tag, knows = None, [], BODY, '"v1"', True

    def do_GET(self):
        cls, first = type(self), 0
        wanted = self.headers.get("Range")
        cls.ranges.append(wanted)
        if self.headers.get("If-Range", cls.tag) != cls.tag or not cls.knows:
            wanted = None
        if wanted:
            first = int(wanted[len("bytes="):-1])
        if wanted and first >= len(cls.body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(cls.body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        rest = cls.body[first:]
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{len(cls.body) - 1}/{len(cls.body)}")
        self.send_header("Content-Length", str(len(rest)))
        if cls.tag:
            self.send_header("ETag", cls.tag)
        self.end_headers()
        cut, cls.cut = cls.cut, None
        self.wfile.write(rest[:cut])
        self.close_connection = cut is not None

    def log_message(self, *_):
        pass


class Continue(Case):
    def setUp(self):
        super().setUp()
        self.handler = type("Handler", (Ranges,), {"ranges": []})
        self.server = Quiet(("127.0.0.1", 0), self.handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/f"
        self.file = os.path.join(self.folder, "out")

    def get(self, *options):
        return bide("get", *options, self.url)

    def expect_file(self, content=BODY):
        self.assertEqual(pathlib.Path(self.file).read_bytes(), content)

    def test_interrupted_file_is_gone_on_with(self):
        self.handler.cut = 100000
        r = self.get("-C", "-", "-o", self.file)
        self.expect(r, 4)
        self.assertIn(".part; --continue - goes on", r.err)
        self.assertFalse(os.path.exists(self.file))
        self.expect(self.get("-C", "-", "-o", self.file), 0)
        self.expect_file()
        self.assertEqual(self.handler.ranges, [None, "bytes=100000-"])
        self.assertEqual(os.listdir(self.folder), ["out"])

    def test_nothing_is_gone_on_with_where_nothing_has_come(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        for path, why in (os.path.join(self.folder, "none", "out"), "No such file"), (pipe, "no regular file"):
            r = self.get("-C", "-", "-o", path)
            self.expect(r, 4)
            self.assertIn(why, r.err)
            self.assertNotIn("goes on", r.err)

    def test_part_of_what_has_changed_is_not_used(self):
        self.handler.cut = 100000
        self.expect(self.get("-C", "-", "-o", self.file), 4)
        self.handler.tag, self.handler.body = '"v2"', BODY[::-1]
        self.expect(self.get("-C", "-", "-o", self.file), 0)
        self.expect_file(BODY[::-1])

    def test_file_that_is_there_gets_its_end(self):
        pathlib.Path(self.file).write_bytes(BODY[:1234])
        self.expect(self.get("--continue", "-", "-o", self.file), 0)
        self.expect_file()
        self.assertEqual(self.handler.ranges, ["bytes=1234-"])
        self.expect(self.get("--continue", "-", "-o", self.file), 0) # 416: nothing is missing
        self.expect_file()

    def test_server_without_ranges_leaves_the_file_alone(self):
        self.handler.knows = False
        pathlib.Path(self.file).write_bytes(BODY[:1234])
        r = self.get("-C", "-", "-o", self.file)
        self.expect_line(r, 4, "asked for the bytes from 1234 on", "(200)")
        self.expect_file(BODY[:1234])

    def test_offset_to_standard_output_and_to_a_file(self):
        self.expect(self.get("-C", "299990"), 0, BODY[299990:])
        self.expect(self.get("-C", "0"), 0, BODY)
        pathlib.Path(self.file).write_bytes(BODY[:5])
        self.expect(self.get("-C", "5", "-o", self.file), 0)
        self.expect_file()
        os.unlink(self.file)
        self.expect(self.get("-C", "5", "-o", self.file), 0)
        self.expect_file(BODY[5:])

    def test_what_cannot_be_is_said(self):
        pathlib.Path(self.file).write_bytes(b"123")
        for options, text in ((["-C", "-"], "--continue - needs --output FILE"), (["-C", "x"], "expected a number of bytes or -, got 'x'"),
                              (["-C", "-1"], "expected a number"), (["-C", "4", "-o", self.file], "has 3 bytes"),
                              (["-C", "-", "-o", self.file, "-d", "x"], "the method is POST"),
                              (["-C", "-", "-o", self.file, "--include"], "exclude each other"),
                              (["-C", "1", "http://a.example/"], "is for one URL")):
            self.expect_line(self.get(*options), 2, text)


if __name__ == "__main__":
    main()
