#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_cookies.py - cookies of get and fetch: -b and --cookie-jar, as curl has them."""
import os
import pathlib
import stat
import tempfile
import unittest

from support import Case, RawServer, bide


def answer(body, status="200 OK", fields=b""):
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status.encode(), fields, len(body), body)


SITE = {"/login": answer(b"", "302 Found", b"Location: /in\r\nSet-Cookie: sid=1\r\n"), "/in": answer(b"in"), "/": answer(b"ok"),
        "/cut": b"HTTP/1.1 200 OK\r\nSet-Cookie: cut=1\r\nContent-Length: 9\r\n\r\nshort"}


def cookies(requests):
    """The field of each request, b"" where there is none."""
    return [r.partition(b"\r\nCookie: ")[2].partition(b"\r\n")[0] for r in requests]


class Cookies(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.jar = pathlib.Path(folder.name, "jar")
        self.commands = (["get", "-c", 1], ["fetch", "-q", "-c", 1, "-O", folder.name])

    def test_last_for_the_redirects_of_a_url_by_default(self):
        for command in self.commands:
            with RawServer(SITE) as s:
                self.expect(bide(*command, f"{s.url}/login", f"{s.url}/"), 0)
                self.assertEqual(cookies(s.requests), [b"", b"sid=1", b""], command)

    def test_that_are_given_are_sent_with_every_url(self):
        for command in self.commands:
            with RawServer(SITE) as s:
                self.expect(bide(*command, "-b", "a=1; b=x=y;c", "--cookie", "d=", f"{s.url}/in", f"{s.url}/"), 0)
                self.assertEqual(cookies(s.requests), [b"a=1; b=x=y; c; d="] * 2, command)

    def test_are_kept_from_one_url_to_the_next_when_asked_for(self):
        for command in self.commands:
            with RawServer(SITE) as s:
                self.expect(bide(*command, "-b", "", f"{s.url}/login", f"{s.url}/"), 0)
                self.assertEqual(cookies(s.requests), [b"", b"sid=1", b"sid=1"], command)

    def test_are_saved_for_the_owner_alone_and_come_back(self):
        for command in self.commands:
            with RawServer(SITE) as s:
                first = bide(*command, "-b", self.jar, "--cookie-jar", self.jar, f"{s.url}/login")
                self.expect(first, 0)
                self.assertEqual(first.err, "")
                self.assertEqual(stat.S_IMODE(os.stat(self.jar).st_mode), 0o600)
                self.assertRegex(self.jar.read_text(), r"(?m)^127\.0\.0\.1\t.*\tsid\t1$")
                self.expect(bide(*command, "-b", self.jar, "-b", "own=2", f"{s.url}/"), 0)
                self.assertEqual(cookies(s.requests)[-1], b"sid=1; own=2", command)
            self.jar.unlink()

    def test_are_saved_after_failures_too(self):
        for command in self.commands:
            with RawServer(SITE) as s:
                r = bide(*command, "--cookie-jar", self.jar, f"{s.url}/cut", "--retries" if command[0] == "fetch" else "--timeout",
                         "0")
                self.assertEqual(r.code, 4, r)
            self.assertIn("\tcut\t1\n", self.jar.read_text())
            self.jar.unlink()

    def test_a_jar_that_cannot_be_written_is_a_failure(self):
        for command in self.commands:
            with RawServer(SITE) as s:
                r = bide(*command, "--cookie-jar", self.jar / "not" / "there", f"{s.url}/")
            self.assertEqual(r.code, 3, r)
            self.assertEqual(len(s.requests), 1)
            self.assertIn("--cookie-jar: ", r.err)

    def test_a_file_that_is_not_there_is_mentioned(self):
        with RawServer(SITE) as s:
            r = bide("get", "-b", self.jar, s.url)
        self.expect(r, 0, b"ok")
        self.assertIn("there is no such file", r.err)

    def test_mistakes_are_found_before_the_first_request(self):
        self.jar.write_text("no cookies\n")
        with RawServer(SITE) as s:
            for options in (["-b", "a=1", "-H", "Cookie: b=2"], ["-b", "a=1\x01"], ["-b", self.jar]):
                r = bide("get", *options, s.url)
                self.assertEqual(r.code, 2, r)
            self.assertEqual(s.requests, [])


if __name__ == "__main__":
    unittest.main()
