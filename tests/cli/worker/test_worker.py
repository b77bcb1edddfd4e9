#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_worker.py - `bide worker`: what it says, what it refuses, and that the program finds what was said."""
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from support import bide


# The two are one program, which looks at the name that it is called by.
SERVER = shutil.which("redis-server") or shutil.which("redis-check-rdb")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Redis:
    def __enter__(self):
        self.port = free_port()
        self.dir = tempfile.mkdtemp()
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                                         "--dir", self.dir], executable=SERVER, stdout=subprocess.DEVNULL)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("redis-server does not listen")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir)


class Worker(unittest.TestCase):
    def expect(self, r, code, *parts):
        self.assertEqual(r.code, code, r)
        self.assertEqual(len(r.err.splitlines()), 1, r)
        for part in parts:
            self.assertIn(part, r.err)

    def test_usage(self):
        self.expect(bide("worker"), 2, "expected a URL and a program")
        self.expect(bide("worker", "redis://h/0/n"), 2, "expected a URL and a program")
        self.expect(bide("worker", "http://h/", "true"), 2, "not the URL of a Redis")
        self.expect(bide("worker", "redis://:secret@h/0", "true"), 2, "the queue has no name: end the URL with one (redis://HOST/0/NAME), or give it with the option name")
        self.expect(bide("worker", "unix:/here", "true"), 2, "or give it with the option name")
        self.expect(bide("worker", "redis://:secret@h/0/a%20b", "true"), 2, "a b: not the name of a queue: letters, digits")
        self.expect(bide("worker", "redis://h/0/" + 101 * "n", "true"), 2, "a queue's name of 101 bytes: 100 at most")
        self.expect(bide("worker", "-w", "many", "redis://h/0/n", "true"), 2, "expected a whole number")

    def test_redis_that_is_not_there(self):
        r = bide("worker", f"redis://u:secret@127.0.0.1:{free_port()}/0/n", "true")
        self.expect(r, 6, "Redis at 127.0.0.1:", "refused")
        self.assertNotIn("secret", r.err)

    def test_unchecked_starts_the_program(self):
        r = bide("worker", "--unchecked", "-w", "3", "--name", "n", "redis://h/0", "--", "sh", "-c",
                 "echo $BIDE_REDIS $BIDE_REDIS_NAME $BIDE_WORKERS; exit 7")
        self.assertEqual((r.code, r.out, r.err), (7, b"redis://h/0 n 3\n", ""))

    @unittest.skipUnless(SERVER, "there is no redis-server, and no redis-check-rdb")
    def test_we_become_the_program(self):
        with Redis() as redis:
            url = f"redis://127.0.0.1:{redis.port}/0/n"
            if "6.2 or newer is needed" in bide("worker", url, "true").err:
                self.skipTest("this Redis is too old")
            r = bide("worker", url, "--", "sh", "-c", "echo $BIDE_REDIS", env={"BIDE_REDIS_NAME": "old"})
            self.assertEqual((r.code, r.out, r.err), (0, f"{url}\n".encode(), ""))
            self.expect(bide("worker", url, "/nowhere/program"), 3, "/nowhere/program", "No such file")
            self.expect(bide("worker", f"redis://127.0.0.1:{redis.port}/99/n", "true"), 6, "SELECT: ERR DB index")
            self.expect(bide("worker", f"redis://:secret@127.0.0.1:{redis.port}/0/n", "true"), 6, "AUTH: ERR AUTH")


if __name__ == "__main__":
    unittest.main()
