# SPDX-License-Identifier: MIT
"""support.py - what the Python tests of the command line share: run bide, and servers that misbehave.

A test is a unittest.TestCase; `python3 test_x.py -v Class.test_name` runs one by hand, with $BIDE set.
"""
import concurrent.futures
import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

BIDE = os.environ["BIDE"]
with open(BIDE, "rb") as program:
    SANITIZED = b"__asan_init" in program.read()
SLOW = 5 if SANITIZED else 1


class Result:
    def __init__(self, args, code, out, err, rss_kb):
        self.args, self.code, self.out, self.rss_kb = args, code, out, rss_kb
        self.err = err.decode(errors="backslashreplace")

    def __repr__(self):
        return f"bide {' '.join(map(str, self.args))}: exit {self.code}, out {self.out[:200]!r}, err {self.err!r}"


def bide(*args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=30, env=None, cwd=None, preexec_fn=None):
    """Run it to its end.  code is negative for a signal; rss_kb is the most it ever held."""
    data = None
    if isinstance(stdin, bytes):
        data, stdin = stdin, subprocess.PIPE
    p = subprocess.Popen([BIDE, *map(str, args)], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, cwd=cwd,
                         env={**os.environ, **(env or {})}, preexec_fn=preexec_fn)
    threads = [Reader(p.stdout), Reader(p.stderr)]
    if data is not None:
        with contextlib.suppress(BrokenPipeError):
            p.stdin.write(data)
            p.stdin.close()
    timer = threading.Timer(timeout * SLOW, p.kill)
    timer.start()
    _, status, usage = os.wait4(p.pid, 0)
    timer.cancel()
    p.returncode = os.waitstatus_to_exitcode(status)
    out, err = (t.result() for t in threads)
    return Result(args, p.returncode, out, err, usage.ru_maxrss)


class Reader(threading.Thread):
    """Reads a pipe to its end, so that its writer never waits."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.data = pipe, b""
        self.start()

    def run(self):
        if self.pipe:
            self.data = self.pipe.read()
            self.pipe.close()

    def result(self):
        self.join()
        return self.data


@contextlib.contextmanager
def serving(*options):
    """`bide serve` on a free port; gives its URL."""
    p = subprocess.Popen([BIDE, "serve", "--port", "0", *map(str, options)], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    try:
        url = p.stdout.readline().decode().strip()
        if not url:
            raise AssertionError(f"bide serve {options} gave no URL")
        yield url
    finally:
        code = interrupt(p)
        p.stdout.close()
        if code != -signal.SIGINT:
            raise AssertionError(f"bide serve {options} ended with {code}")


def interrupt(p):
    """SIGINT, and again while it waits for requests that nobody waits for; its exit code.

    Two that come before it has seen the first are one: a busy machine may need a third.
    """
    for _ in range(50):
        p.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return p.wait(0.2)
    return p.wait(30)


def reset(s):
    """Close with RST in place of FIN."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


class RawServer:
    """Answers each connection with what is under its path: bytes, then the end; or a function of the socket."""

    def __init__(self, answers):
        self.answers, self.requests = answers, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()

    def accept(self):
        with contextlib.suppress(OSError):  # close() has shut it down
            while True:
                s, _ = self.listener.accept()
                threading.Thread(target=self.answer, args=(s,), daemon=True).start()

    def answer(self, s):
        with contextlib.suppress(OSError), s:
            head = b""
            while b"\r\n\r\n" not in head:
                more = s.recv(65536)
                if not more:
                    return
                head += more
            self.requests.append(head)
            answer = self.answers[head.split(b" ")[1].decode()]
            if callable(answer):
                answer(s)
                return
            s.sendall(answer)
            s.shutdown(socket.SHUT_WR)
            s.settimeout(5)
            while s.recv(65536):
                pass

    def close(self):
        """Not before the thread has ended: its accept() could meet the next server's socket, of the same number."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def closed_port():
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Certificates:
    """A CA, and certificates (chain and key in one file) of it: good for localhost and 127.0.0.1, expired, other."""

    EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def __init__(self, folder):
        self.folder = folder
        openssl("req", "-x509", *self.EC, "-keyout", self.path("ca.key"), "-out", self.path("ca"), "-subj", "/CN=ca",
                "-days", "2")
        self.ca = self.path("ca")
        self.good = self.make("good", "DNS:localhost,IP:127.0.0.1", 2)
        self.expired = self.make("expired", "DNS:localhost,IP:127.0.0.1", -1)
        self.other = self.make("other", "DNS:other.example", 2)

    def path(self, name):
        return os.path.join(self.folder, name + ".pem")

    def make(self, name, names, days):
        with open(self.path("ext"), "w") as ext:
            ext.write("subjectAltName=" + names)
        openssl("req", *self.EC, "-keyout", self.path(name + ".key"), "-out", self.path("csr"), "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", self.path("csr"), "-CA", self.path("ca"), "-CAkey", self.path("ca.key"),
                "-CAcreateserial", "-days", str(days), "-extfile", self.path("ext"), "-out", self.path(name))
        with open(self.path(name), "a") as chain, open(self.path(name + ".key")) as key:
            chain.write(key.read())
        return self.path(name)


class Case(unittest.TestCase):
    """With what the tests say over and over."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def expect(self, result, code, out=None):
        self.assertEqual(result.code, code, result)
        if out is not None:
            self.assertEqual(result.out, out, result)

    def expect_line(self, result, code, *parts):
        """It ended with this code and one line on standard error that has all the parts, in this order."""
        self.assertEqual(result.code, code, result)
        self.assertEqual(result.err.count("\n"), 1, result)
        self.assertTrue(result.err.startswith("bide"), result)
        self.expect_clean(result.err)
        at = 0
        for part in parts:
            self.assertIn(part, result.err[at:], result)
            at = result.err.index(part, at) + len(part)

    def expect_clean(self, text):
        """Nothing that a terminal would obey."""
        bad = [c for c in text if (ord(c) < 32 and c not in "\n\r\t") or 127 <= ord(c) < 160]
        self.assertEqual(bad, [], repr(text))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path


def on_terminal(*args, code=None):
    """What bide writes to a terminal, on both outputs; its exit code is added to the list `code`."""
    main, side = os.openpty()
    p = subprocess.Popen([BIDE, *map(str, args)], stdin=subprocess.DEVNULL, stdout=side, stderr=side)
    os.close(side)
    out = b""
    with contextlib.suppress(OSError):  # EIO: the other side has closed
        while select.select([main], [], [], 10 * SLOW)[0]:
            more = os.read(main, 65536)
            if not more:
                break
            out += more
    p.wait()
    if code is not None:
        code.append(p.returncode)
    os.close(main)
    return out.decode(errors="surrogateescape")


# ---- several at once ----

def run_one(case):
    """The test's name with how it went, and what there is to say of it if it failed."""
    result = unittest.TestResult()
    case.run(result)
    bad = [text for _, text in result.errors + result.failures]
    if bad or not result.wasSuccessful():
        return f"{case} ... FAIL", "\n".join(bad or ["an unexpected success"])
    return f"{case} ... " + (f"skipped: {result.skipped[0][1]}" if result.skipped else "ok"), None


def cases_in(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases_in(test)
        else:
            yield test


def main(at_once=4):
    """As unittest.main(), but so many tests at once, for those that mostly wait; what they share must bear that.  Tests that
    are named on the command line run one after the other."""
    if len(sys.argv) > 1:
        unittest.main()
    cases = list(cases_in(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    failed = 0
    with contextlib.ExitStack() as stack:
        for kind in dict.fromkeys(map(type, cases)):
            kind.setUpClass()
            stack.callback(kind.tearDownClass)
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            for line, why in pool.map(run_one, cases):
                print(line + (f"\n{why}" if why else ""), file=sys.stderr)
                failed += why is not None
    print(f"{len(cases)} tests, {failed} failed", file=sys.stderr)
    sys.exit(failed > 0 or not cases)


if __name__ == "__main__":
    raise SystemExit("support.py is imported by tests, it is none")
