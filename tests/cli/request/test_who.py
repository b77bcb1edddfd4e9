#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_who.py - who asks, of get and fetch: -u with --digest and --anyauth, --bearer, --netrc, --hsts."""
import contextlib
import hashlib
import os
import pathlib
import pty
import re
import signal
import stat
import tempfile
import termios
import unittest

from support import BIDE, Case, RawServer, bide

NO = (b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n"
      b"Content-Length: 0\r\n\r\n")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BASIC_ME_SECRET = b"Basic bWU6c2VjcmV0"


def in_turn(*answers):
    """One of them for each request."""
    rest = iter(answers)
    return lambda s: s.sendall(next(rest))


def field(request):
    return request.partition(b"\r\nAuthorization: ")[2].partition(b"\r\n")[0]


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Who(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.commands = (["get", "-c", 1], ["fetch", "-q", "-c", 1, "-O", folder.name])

    def write(self, name, text):
        path = pathlib.Path(self.folder, name)
        path.write_text(text)
        return str(path)

    def expect_digest(self, request, user, password):
        value = field(request).decode()
        self.assertTrue(value.startswith("Digest "), value)
        said = dict(re.findall(r'(\w+)="?([^",]*)"?', value))
        self.assertEqual(said["username"], user)
        key = sha256(f"{user}:r:{password}")
        self.assertEqual(said["response"], sha256(":".join((key, "n1", said["nc"], said["cnonce"], "auth", sha256("GET:/d")))))

    def test_digest_answers_what_the_server_asks(self):
        for command in self.commands:
            for word in "--digest", "--anyauth":
                with RawServer({"/d": in_turn(NO, OK)}) as s:
                    self.expect(bide(*command, "-u", "me:sec:ret", word, f"{s.url}/d"), 0)
                    self.assertEqual(field(s.requests[0]), b"", command)
                    self.expect_digest(s.requests[1], "me", "sec:ret")

    def test_digest_is_for_the_user_of_a_url_too(self):
        with RawServer({"/d": in_turn(NO, OK)}) as s:
            self.expect(bide("get", "--digest", s.url.replace("//", "//you:word@") + "/d"), 0)
            self.expect_digest(s.requests[1], "you", "word")

    def test_basic_and_bearer_are_sent_unasked(self):
        for command in self.commands:
            with RawServer({"/": OK}) as s:
                self.expect(bide(*command, "-u", "me:secret", "--basic", s.url + "/"), 0)
                self.expect(bide(*command, "--bearer", "tok.en", s.url + "/"), 0)
                self.expect(bide(*command, "--bearer", "@" + self.write("token", "from-file\n"), s.url + "/"), 0)
                self.assertEqual([field(r) for r in s.requests], [BASIC_ME_SECRET, b"Bearer tok.en", b"Bearer from-file"], command)

    def test_netrc_is_for_hosts_that_it_names(self):
        path = self.write("netrc", "machine 127.0.0.1 login me password secret\n")
        for command in self.commands:
            with RawServer({"/": OK}) as s:
                self.expect(bide(*command, "--netrc-file", path, s.url + "/"), 0)
                self.expect(bide(*command, "--netrc", s.url + "/", env={"NETRC": path}), 0)
                self.expect(bide(*command, "--netrc-file", path, s.url.replace("127.0.0.1", "localhost") + "/"), 0)
                self.expect(bide(*command, s.url + "/"), 0)
                self.assertEqual([field(r) for r in s.requests], [BASIC_ME_SECRET, BASIC_ME_SECRET, b"", b""], command)

    def test_hsts_file_is_read_and_written(self):
        path = os.path.join(self.folder, "hsts")
        for command in self.commands:
            with RawServer({"/": OK}) as s:
                self.expect(bide(*command, "--hsts", path, s.url + "/"), 0)  # there is none yet
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
                pathlib.Path(path).write_text('a.test "20990101 00:00:00"\n')
                words = command if command[0] == "get" else ["fetch", "--retries", 0, "-O", self.folder]
                failed = bide(*words, "--hsts", path, "--connect-to", "::127.0.0.1:1", "http://a.test/")
                self.assertNotEqual(failed.code, 0)
                self.assertIn("https://a.test", failed.err)
                self.assertIn("a.test", pathlib.Path(path).read_text())

    def typed(self, keys, *words):
        """What the terminal shows when these keys are typed at its question, how the program ended, and whether it echoes again."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(BIDE, [BIDE, *map(str, words)])
        shown, asked = b"", False
        with contextlib.suppress(OSError):  # EIO: the program has ended
            while more := os.read(terminal, 4096):
                shown += more
                if b"): " in shown and not asked:
                    asked = True
                    os.write(terminal, keys)
        echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
        os.close(terminal)
        return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), echoes

    def test_a_name_alone_has_its_password_typed(self):
        with RawServer({"/": OK}) as s:
            shown, code, echoes = self.typed(b"secret\n", "get", "-u", "me", s.url + "/")
        self.assertEqual((code, echoes), (0, True), shown)
        self.assertIn("password of me (--user): ", shown)
        self.assertNotIn("secret", shown)
        self.assertEqual(field(s.requests[0]), BASIC_ME_SECRET)

    def test_a_proxy_too(self):
        with RawServer({"http://a.test/": OK}) as s:
            shown, code, _ = self.typed(b"secret\n", "get", "-x", s.url, "-U", "me", "http://a.test/")
        self.assertEqual(code, 0, shown)
        self.assertIn(b"\r\nProxy-Authorization: " + BASIC_ME_SECRET + b"\r\n", s.requests[0])

    def test_ctrl_c_ends_the_question_and_the_program(self):
        shown, code, echoes = self.typed(b"sec\x03", "get", "-u", "me", "http://127.0.0.1:1/")
        self.assertEqual((code, echoes), (-signal.SIGINT, True), shown)

    def test_what_contradicts_is_refused(self):
        for words, said in ((("--basic", "--digest"), "exclude each other"), (("--bearer", "t", "-u", "a:b"), "--bearer needs no --user"),
                            (("--bearer", ""), "--bearer: expected a token"), (("-u", "a", "--digest"), "--user: expected NAME:PASSWORD"),
                            (("--digest", "-u", "a:b", "-H", "Authorization: x"), "--user and --header Authorization"),
                            (("--netrc-file", "/nowhere"), "--netrc-file /nowhere: No such file")):
            r = bide("get", *words, "http://127.0.0.1:1/")
            self.assertIn(r.code, (2, 3), words)
            self.assertIn(said, r.err)
            self.assertNotIn("bide_", r.err)


if __name__ == "__main__":
    unittest.main()
