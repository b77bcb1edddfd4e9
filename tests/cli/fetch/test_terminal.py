#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `bide fetch` shows on a terminal, and elsewhere."""
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest

from support import RawServer, main

BIDE = os.environ["BIDE"]


def read_all(fd):
    data = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            piece = b""
        if not piece:
            return data.decode()
        data += piece


class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen([BIDE, "serve", "--port", "0"], stdout=subprocess.PIPE)
        cls.url = cls.server.stdout.readline().decode().strip().rstrip("/")

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        cls.server.stdout.close()

    def fetch(self, *args, columns=100, env=None, meanwhile=None, stdout=subprocess.DEVNULL):
        """Run on a terminal of so many columns; what it has shown.  meanwhile: called with the process."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C", **(env or {})}
        environment = {k: v for k, v in environment.items() if v is not None}
        with tempfile.TemporaryDirectory() as folder:
            p = subprocess.Popen([BIDE, "fetch", *args], stderr=theirs, stdin=theirs, stdout=stdout or theirs, cwd=folder,
                                 env=environment)
            os.close(theirs)
            if meanwhile:
                threading.Thread(target=meanwhile, args=(p,), daemon=True).start()
            shown = read_all(ours)
            self.code = p.wait()
        os.close(ours)
        return shown

    def test_a_terminal_that_is_named_is_sent_what_is_fit_for_it(self):
        ours, theirs = pty.openpty()
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/x", "wb") as f:
                f.write(b"A\033]0;title\007\233\xe2\x80\xaeB\n")
            with subprocess.Popen([BIDE, "serve", "--port", "0", "--root", folder], stdout=subprocess.PIPE) as server:
                url = server.stdout.readline().decode().strip().rstrip("/") + "/x"
                p = subprocess.run([BIDE, "fetch", "-q", "-o", os.ttyname(theirs), url], stdout=subprocess.DEVNULL, timeout=20)
                server.terminate()
            records = subprocess.run([BIDE, "fetch", "-q", "--jsonl", os.ttyname(theirs), url], capture_output=True)
        os.close(theirs)
        shown = read_all(ours)
        os.close(ours)
        self.assertEqual(records.returncode, 2)
        self.assertIn(b": a terminal; --jsonl - writes there what is fit for it", records.stderr)
        self.assertEqual(p.returncode, 0)
        self.assertIn("A\\x1b]0;title\\x07\\x9b\\xe2\\x80\\xaeB", shown)

    def slow(self, **more):
        return self.fetch(f"{self.url}/delay/100?[1-30]", "-o", "x/{1}", "-c", "5", **more)

    def test_line_moves_and_is_erased(self):
        shown = self.slow()
        lines = re.findall(r"\r( *[\d.]+%[^\r\n]*?)(?:\033\[K)", shown)
        self.assertGreaterEqual(len(lines), 4, shown)
        self.assertLessEqual(len(lines), 25, "more than ten times a second")
        self.assertIn("/30", lines[-1])
        self.assertIn("5 live", lines[1])
        self.assertRegex(shown, r"\r\033\[K30 urls  30 ok  0 failed")

    def test_no_line_is_wider_than_the_terminal(self):
        for columns in (20, 40, 60, 200):
            shown = self.slow(columns=columns)
            for line in re.findall(r"\r( *[\d.]+%[^\r\n]*?)(?:\033\[K)", shown):
                self.assertLess(len(re.sub(r"\033\[\d*m", "", line)), columns)

    def test_colour_only_where_it_is_wanted(self):
        self.assertIn("\033[32m", self.slow(env={"NO_COLOR": None}))
        self.assertNotIn("\033[32m", self.slow(env={"NO_COLOR": "1"}))
        self.assertIn("\033[32m", self.slow(env={"NO_COLOR": ""}))

    def test_dumb_terminal_gets_plain_lines(self):
        shown = self.slow(env={"TERM": "dumb"})
        self.assertNotIn("\033", shown)
        self.assertNotIn("%", shown)
        self.assertIn("30 urls  30 ok", shown)

    def test_message_erases_the_line_first(self):
        shown = self.fetch(f"{self.url}/delay/200?[1-5]", f"{self.url}/delay/300/x?1", f"{self.url}/status/404", "--retries", "0",
                           "-o", "x/{i}", "-c", "1")
        at = shown.index("\033[31mbide fetch:")
        self.assertTrue(shown[:at].endswith("\r\033[K"), repr(shown[:at]))

    def test_utf8_bar_where_the_locale_has_it(self):
        self.assertIn("\u2588", self.slow(env={"LC_ALL": "C.UTF-8"}))
        self.assertIn("#", self.slow(env={"LC_ALL": "C"}))

    def test_none_and_quiet_show_no_line(self):
        self.assertNotIn("%", self.fetch(f"{self.url}/delay/50?[1-30]", "-o", "x/{1}", "-c", "5", "--progress", "none"))
        self.assertEqual("", self.fetch(f"{self.url}/delay/50?[1-30]", "-o", "x/{1}", "-c", "5", "-q"))

    def test_no_line_between_what_goes_to_the_terminal(self):
        for where in (["-o", "-"], ["--jsonl", "-"]):
            shown = self.fetch(f"{self.url}/delay/400", *where, stdout=None)
            self.assertNotIn("\033", shown)
            self.assertIn("1 url  1 ok", shown)

    def test_bar_may_be_asked_for_without_a_terminal(self):
        with tempfile.TemporaryDirectory() as folder:
            p = subprocess.run([BIDE, "fetch", f"{self.url}/delay/100?[1-30]", "-o", "x/{1}", "-c", "5", "--progress", "bar"],
                               stderr=subprocess.PIPE, cwd=folder, check=True)
        self.assertIn(b"%", p.stderr)
        self.assertNotIn(b"\033[32m", p.stderr)

    def test_not_a_terminal_gets_no_cursor_movement(self):
        with tempfile.TemporaryDirectory() as folder:
            p = subprocess.run([BIDE, "fetch", f"{self.url}/delay/100?[1-30]", "-o", "x/{1}", "-c", "5"], stderr=subprocess.PIPE,
                               cwd=folder, check=True)
        self.assertNotIn(b"\033", p.stderr)
        self.assertNotIn(b"\r", p.stderr)

    def quiet_lines(self, *args):
        with tempfile.TemporaryDirectory() as folder:
            p = subprocess.run([BIDE, "fetch", *args, "-O", "o"], stderr=subprocess.PIPE, cwd=folder, check=False, text=True)
        return p.stderr.splitlines()

    def test_json_is_a_line_at_the_beginning_now_and_then_and_at_the_end(self):
        lines = self.quiet_lines(f"{self.url}/delay/100?[1-30]", f"{self.url}/status/404", "--per-host", "3", "--progress", "json",
                                 "--stats-interval", "200ms")
        objects = [json.loads(line) for line in lines if line.startswith("{")]
        words = [line for line in lines if not line.startswith("{")]
        self.assertEqual((len(words), "404" in words[0]), (1, True), words)
        summary = objects.pop()["summary"]
        self.assertEqual((summary["urls"], summary["ok"], summary["failed_by"]), (31, 30, {"http_404": 1}))
        progress = [o["progress"] for o in objects]
        self.assertEqual({o["v"] for o in objects}, {1})
        first, last = progress[0], progress[-1]
        self.assertEqual((first["done"], first["urls"], first["eta"], first["live"], first["host"], first["file"]), (0, 31, None, 0, None, None))
        self.assertEqual((last["done"], last["ok"], last["failed"], last["skipped"], last["live"], last["eta"]), (31, 30, 1, 0, 0, 0))
        self.assertEqual([p["done"] for p in progress], sorted(p["done"] for p in progress))
        self.assertGreaterEqual(len(progress), 5, lines)
        self.assertTrue(any(p["live"] == 3 and p["urls_per_second"] > 3 and p["eta"] for p in progress), lines)

    def test_stats_interval_moves_the_plain_lines(self):
        def plain(interval, n=3):
            args = (f"{self.url}/delay/100?[1-{n}]", "--per-host", "1", "--progress", "plain", "--stats-interval", interval)
            return [line for line in self.quiet_lines(*args) if line.startswith("bide fetch: ")]
        self.assertGreaterEqual(len(plain("0.2", 10)), 3)
        self.assertEqual(plain("0"), [])
        self.assertEqual(plain("10s"), [])

    def test_control_characters_of_a_url_are_not_obeyed(self):
        shown = self.fetch("-v", "-g", f"{self.url}/bytes/1?\033[31m", "-o", "x", "--progress", "none")
        self.assertNotIn("\033", shown)
        self.assertIn("\\x1b", shown)

    def test_large_file_has_a_line_and_its_bytes_count(self):
        with RawServer({"/big.iso": drip(3, 1000000)}) as s:
            shown = self.fetch(f"{s.url}/big.iso", "-O", "x")
        lines = re.findall(r"\r( *[\d.]+%[^\r\n]*?)\033\[K\r+\n([^\r\n]*big\.iso[^\r\n]*)\033\[K\033\[A", shown)
        self.assertGreater(len(lines), 8, repr(shown))
        percents = [float(re.match(r" *([\d.]+)%", first)[1]) for first, _ in lines]
        self.assertEqual(percents, sorted(percents))
        self.assertTrue(any(40 < p < 80 for p in percents), percents)
        first, large = lines[len(lines) // 2]
        self.assertRegex(first, r"0/1  eta 0:0[0-3]  .*[KM]B/s  1 live")
        self.assertRegex(large, r"x/127\.0\.0\.1.*/big\.iso +[\d.]+%  [\d.]+ MB/3\.0 MB  [\d.]+ [KM]B/s  eta 0:0[0-3]$")
        self.assertRegex(shown, r"\r\033\[J1 url  1 ok")

    def test_lines_of_a_large_file_fit_a_narrow_terminal(self):
        path = "/" + "long/" * 20 + "big.iso"
        with RawServer({path: drip(2, 1000000)}) as s:
            shown = self.fetch(s.url + path, "-O", "x", columns=56)
        lines = re.findall(r"\r\n?([^\r\n]*?)\033\[K", shown)
        self.assertTrue(any("big.iso" in line for line in lines), lines)
        for line in lines:
            self.assertLess(len(re.sub(r"\033\[\d*m", "", line)), 56, line)

    def test_summary_fits_the_terminal_and_breaks_no_words(self):
        wide = self.fetch(f"{self.url}/delay/5?[1-30]", f"{self.url}/status/{{404,403}}", "-o", "x/{i}", columns=200,
                          env={"LC_ALL": "C.UTF-8"})
        for columns in (40, 60, 80, 99):
            shown = self.fetch(f"{self.url}/delay/5?[1-30]", f"{self.url}/status/{{404,403}}", "-o", "x/{i}", columns=columns,
                               env={"LC_ALL": "C.UTF-8"})
            lines = shown[shown.index("32 urls"):].splitlines()
            self.assertLess(max(map(len, lines)), columns, lines)
            words = [re.sub(r"[\d.]+", "0", shown[shown.index("32 urls"):].partition("limited")[0]).split() for shown in (shown, wide)]
            self.assertEqual(*[[w for w in ws if w not in ("us", "ms", "s")] for ws in words])

    def test_eta_is_right_after_the_process_was_stopped(self):
        def meanwhile(p):
            time.sleep(1)
            p.send_signal(signal.SIGSTOP)
            time.sleep(2)
            p.send_signal(signal.SIGCONT)
            time.sleep(0.5)
            p.kill()
        shown = self.fetch(f"{self.url}/delay/50?[1-1000]", "-o", "x/{1}", "-c", "1", meanwhile=meanwhile)
        etas = [int(m) * 60 + int(s) for m, s in re.findall(r"eta (\d+):(\d\d)", shown)]
        self.assertGreater(len(etas), 10)
        self.assertLess(etas[-1], etas[len(etas) // 2] * 1.4 + 5, etas)

    def test_stopped_process_does_not_take_its_own_pause_for_a_stall(self):
        def meanwhile(p):
            while not s.requests:
                time.sleep(0.05)
            time.sleep(0.5)
            p.send_signal(signal.SIGSTOP)
            time.sleep(3)
            p.send_signal(signal.SIGCONT)
        with RawServer({"/big": drip(4, 1000000)}) as s:
            shown = self.fetch(f"{s.url}/big", "-O", "x", "--stall", "2s", meanwhile=meanwhile)
            self.assertEqual(len(s.requests), 1)
        self.assertRegex(shown, "1 url  1 ok  0 failed  4.0 MB")


def drip(seconds, rate):
    """An answer that takes so long."""
    def answer(s):
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (seconds * rate))
        for _ in range(seconds * 20):
            s.sendall(bytes(rate // 20))
            time.sleep(0.05)
    return answer


if __name__ == "__main__":
    main()
