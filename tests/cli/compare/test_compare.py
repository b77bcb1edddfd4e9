#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_compare.py - `bide compare`: every mode against real servers, what is refused, who cheats, how it ends."""
import contextlib
import itertools
import json
import os
import resource
import shutil
import signal
import subprocess
import time
import unittest
import xml.etree.ElementTree

from support import BIDE, SANITIZED, SLOW, Case, RawServer, bide, closed_port, on_terminal

MODES = ["sequential", "fake-async", "unblocked", "async", "processes", "async-processes", "threads", "write", "awaited-write"]
if SANITIZED:
    MODES.remove("unblocked")  # left out then
FETCHING = ",".join(MODES[:-2])


def answer(body, status="200 OK"):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


def descriptors(limit):
    """For a process before it begins."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def compare(*args, **more):
    """Its JSON, with the modes by name, and the result."""
    r = bide("compare", *args, "--json", "-", timeout=60, **more)
    modes = {m["name"]: m for m in json.loads(r.out)["modes"]} if r.out else {}
    return modes, r


class Modes(Case):
    def test_all_do_the_same(self):
        modes, r = compare("-n", 8, "-c", 8, "-p", 2, "--delay", 30, "--repeat", 2, "--budget", 0)
        self.expect(r, 0)
        self.assertEqual(list(modes), MODES)
        digests = set()
        for name, m in modes.items():
            self.assertEqual((m["failed"], m["seen_by_server"], m["fault"], len(m["runs"])), (0, 8, None, 2), name)
            self.assertGreater(m["speed_up"], 0)
            for run in m["runs"]:
                digests.add((run["digest"], run["body_bytes"]))
                self.assertEqual((run["failed"], run["seen_by_server"], run["error"]), (0, 8, None))
                self.assertGreater(run["peak_memory"], 500_000)
                self.assertGreater(run["cpu_s"], 0)
                self.assertGreaterEqual(run["wall_s"], 0.03)
        self.assertEqual(len(digests), 1, modes)
        # One after the other is 8 x 30 ms at least; two workers, half of that; all at once, once.
        at_least = {"sequential": 8, "fake-async": 8, "processes": 4}
        for name, turns in at_least.items():
            self.assertTrue(all(run["wall_s"] >= turns * 0.03 for run in modes[name]["runs"]), name)
        self.assertLess(min(run["wall_s"] for run in modes["async"]["runs"]), modes["sequential"]["wall_s"])

    def test_work_is_part_of_the_digest(self):
        shared = ("-n", 4, "--delay", 0, "--repeat", 1, "--modes", FETCHING)
        idle, r = compare(*shared, "--work", 0)
        self.expect(r, 0)
        busy, r = compare(*shared, "--work", 4)
        self.expect(r, 0)
        self.assertEqual(len({m["runs"][0]["digest"] for m in idle.values()}), 1)
        self.assertEqual(len({m["runs"][0]["digest"] for m in busy.values()}), 1)
        self.assertNotEqual(idle["async"]["runs"][0]["digest"], busy["async"]["runs"][0]["digest"])
        for m in busy.values():
            self.assertGreater(m["cpu_s"], 4 * 0.004 * 0.4, m["name"])  # also in workers

    def test_without_delay_there_is_work(self):
        r = bide("compare", "-n", 2, "--delay", "0", "--repeat", 1, "--modes", "sequential")
        self.expect(r, 0)
        self.assertIn("2 requests, answered at once, 5 ms of work on each answer", r.out.decode())

    def test_slow_modes_run_once(self):
        modes, r = compare("-n", 3, "--delay", 5, "--repeat", 4, "--budget", "1ms", "--modes", "sequential,async")
        self.expect(r, 0)
        self.assertEqual([len(m["runs"]) for m in modes.values()], [1, 1])

    def test_names_and_order(self):
        modes, r = compare("-n", 2, "--delay", 1, "--repeat", 1, "--modes", "async,sequential,async")
        self.expect(r, 0)
        self.assertEqual(list(modes), ["sequential", "async"])
        modes, r = compare("-n", 2, "--delay", 1, "--repeat", 1, "--modes", "async")
        self.assertEqual((r.code, modes["async"]["speed_up"]), (0, None))  # there is nothing to measure it by

    def test_globs_are_used_in_turn(self):
        with RawServer({"/1": answer("one"), "/2": answer("two")}) as s:
            modes, r = compare(s.url + "/[1-2]", "-n", 5, "--repeat", 1, "--modes", "sequential,async,processes")
            self.expect(r, 0)
            paths = [head.split(b" ")[1] for head in s.requests]
            self.assertEqual((paths.count(b"/1"), paths.count(b"/2")), (1 + 3 * 3, 3 * 2))  # the first asks how long it takes
            self.assertEqual(paths[1:6], [b"/1", b"/2", b"/1", b"/2", b"/1"])
            for m in modes.values():
                self.assertEqual((m["seen_by_server"], m["fault"]), (None, None))
                self.assertEqual(m["runs"][0]["body_bytes"], 15)

    def test_few_descriptors(self):
        """Each mode has as many at once as it can, and says so; none fails for want of what another does not need."""
        narrowed_note = "fewer at once, for lack of descriptors (ulimit -n): "
        shared = ("-n", 60, "-c", 60, "-p", 2, "--delay", 1, "--repeat", 1, "-q")
        few = {"unblocked": 12, "async": 24, "async-processes": 24, "threads": 2, "write": 24, "awaited-write": 12}
        few = {name: n for name, n in few.items() if name in MODES}
        for limit, narrowed in (40, few), (150, {"threads": 14}):
            modes, r = compare(*shared, preexec_fn=descriptors(limit))
            self.expect(r, 0)
            self.assertIn(f"bide compare: {narrowed_note}{', '.join(f'{m} {n}' for m, n in narrowed.items())}\n", r.err)
            for name, m in modes.items():
                width = {"sequential": 1, "fake-async": 1, "processes": 2, **narrowed}.get(name, 60)
                self.assertEqual((m["failed"], m["seen_by_server"], m["at_once"]), (0, 60, width), (limit, name))
        table = bide("compare", *shared, "--modes", "threads", preexec_fn=descriptors(150)).out.decode()
        self.assertIn(f"\n{narrowed_note}threads 14\n", table)

    def test_too_few_descriptors(self):
        for mode, words in ("processes", "the descriptors for 8 workers (ulimit -n)"), ("threads", "the descriptors for it"):
            r = bide("compare", "-p", 8, "--modes", "sequential," + mode, preexec_fn=descriptors(23))
            self.expect_line(r, 3, f"bide compare: {mode}: this process may not have {words}")


class Fairness(Case):
    def expect_fault(self, answers, code, *parts):
        """A server whose answers are no good for a comparison: what is said, and no speed-up in any form."""
        with RawServer(answers) as s:
            r = bide("compare", s.url + "/", "-n", 4, "--repeat", 2, "--modes", "sequential,async", "-q", "--json",
                     self.folder + "/out.json")
            table = bide("compare", s.url + "/", "-n", 4, "--repeat", 2, "--modes", "sequential,async", "-q").out.decode()
        self.assertEqual((r.code, r.err), (code, ""), r)
        for text in r.out.decode(), table:
            self.assertNotRegex(text, r"\d x\b")
            for part in parts:
                self.assertIn(part, text)
        with open(self.folder + "/out.json") as f:
            self.assertEqual([m["speed_up"] for m in json.load(f)["modes"]], [None, None])

    def test_answers_that_differ(self):
        numbers = itertools.count()
        changing = {"/": lambda s: s.sendall(answer(f"this is answer {next(numbers)}"))}
        self.expect_fault(changing, 1, "sequential: its answers differ from run to run: no speed-up")

    def test_failures(self):
        numbers = itertools.count()

        def sometimes(s):
            s.sendall(answer("fine") if next(numbers) % 4 < 2 else answer("busy", "503 Busy"))

        self.expect_fault({"/": sometimes}, 1, "of 4 requests failed: the server answered 503")

    def test_broken_connections(self):
        numbers = itertools.count()

        def only_the_first(s):
            if next(numbers) == 0:
                s.sendall(answer("fine"))

        with RawServer({"/": only_the_first}) as s:
            modes, r = compare(s.url + "/", "-n", 4, "-p", 2, "--repeat", 1, "-q")
        self.expect(r, 4)
        self.assertEqual(list(modes), MODES)
        for name, m in modes.items():
            self.assertEqual((m["failed"], m["speed_up"]), (4, None), name)
            self.assertIn("closed the connection without an answer", m["runs"][0]["error"], name)

    def test_a_crowd_that_is_too_slow_fails(self):
        with RawServer({"/": lambda s: (time.sleep(0.3), s.sendall(answer("late")))}) as s:
            modes, r = compare(s.url + "/", "-n", 2, "--timeout", "100ms", "--repeat", 1, "--modes", FETCHING)
        self.assertEqual((r.code, modes), (4, {}), r)
        self.assertIn("100 ms", r.err)


class Output(Case):
    def test_table_fits(self):
        for columns in 80, 120, 200:
            r = bide("compare", "-n", 3, "--delay", 2, "--repeat", 1, "-q", env={"COLUMNS": str(columns), "LC_ALL": "C"})
            self.expect(r, 0)
            lines = r.out.decode("ascii").splitlines()
            for name in MODES:
                self.assertEqual(sum(line.startswith(name + " ") for line in lines), 2 if columns > 80 else 3, name)
            self.assertLessEqual(max(map(len, lines)), columns)

    def test_progress(self):
        shared = ("compare", "-n", 4, "--delay", 60, "--repeat", 1, "--modes", "sequential,async")
        r = bide(*shared)
        self.expect_line(r, 0, "bide compare: 4 requests", "2 modes, up to 1 run each: about")
        self.assertEqual(bide(*shared, "-q").err, "")
        os.environ.pop("NO_COLOR", None)
        shown = on_terminal(*shared)
        self.assertRegex(shown, r"\rbide compare: sequential, run 1 of 1, \d of 4 requests, about \d+ s left\x1b\[K")
        self.assertIn("\r\x1b[K4 requests, each answered after 60 ms", shown)

    def test_svg(self):
        for name, url in ("built-in", None), ("url", "/?a=1&b=<2>"):
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(RawServer({"/?a=1&b=%3C2%3E": answer("fine")}))
                path = f"{self.folder}/{name}.svg"
                where = [server.url + url] if url else ["--delay", "1"]
                r = bide("compare", *where, "-n", 2, "--repeat", 2, "-q", "--svg", path)
            self.expect(r, 0)
            with open(path) as f:
                root = xml.etree.ElementTree.fromstring(f.read())
            words = " ".join("".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text"))
            for word in MODES + ["speed-up", url or "each answered after 1 ms"]:
                self.assertIn(word, words)
            bars = [e for e in root.iter("{http://www.w3.org/2000/svg}rect") if e.get("class") not in ("card", "rail")]
            self.assertEqual(len(bars), len(MODES))
            self.assertAlmostEqual(max(float(e.get("width")) for e in bars), 500)

    def test_secrets_are_not_shown(self):
        with RawServer({"/": answer("fine")}) as s:
            url = s.url.replace("//", "//somebody:secret@") + "/"
            r = bide("compare", url, "-n", 1, "--repeat", 1, "--modes", "async", "--svg", self.folder + "/svg", "--json",
                     self.folder + "/json")
        self.expect(r, 0)
        texts = [r.out.decode(), r.err]
        for name in "svg", "json":
            with open(f"{self.folder}/{name}") as f:
                texts.append(f.read())
        for text in texts:
            self.assertIn(s.url + "/", text)
            self.assertNotIn("secret", text)

    def test_files_are_replaced_at_the_end(self):
        path = self.write("out.json", "before")
        self.expect(bide("compare", "-n", 1, "--delay", 1, "--repeat", 1, "-q", "--json", path), 0)
        with open(path) as f:
            self.assertEqual(json.load(f)["requests"], 1)
        self.assertEqual(os.listdir(self.folder), ["out.json"])

    def test_full_disk(self):
        shared = ("compare", "-n", 1, "--delay", 1, "--repeat", 1, "-q", "--modes", "async")
        self.expect_line(bide(*shared, "--json", "/dev/full"), 3, "/dev/full: No space left")
        with open("/dev/full", "w") as full:
            self.expect_line(bide(*shared, stdout=full), 3, "standard output", "No space left")


class Refusals(Case):
    """Each is one line, and no request was sent."""

    def expect_refused(self, code, args, *parts):
        with RawServer({"/": answer("fine")}) as s:
            r = bide("compare", *[s.url + "/" if a == "URL" else a for a in args])
            self.assertEqual(s.requests, [])
        self.expect_line(r, code, "bide compare: ", *parts)
        self.assertEqual(r.out, b"")

    def test_modes(self):
        self.expect_refused(2, ["URL", "--modes", "sequential,asinc"], "unknown mode 'asinc'; did you mean async?")
        self.expect_refused(2, ["--modes", "zzzzzz"], "unknown mode 'zzzzzz'; `bide help compare` lists them")
        self.expect_refused(2, ["--modes", ""], "unknown mode ''")
        self.expect_refused(2, ["--modes", "async,"], "unknown mode ''")

    def test_values(self):
        self.expect_refused(2, ["URL", "-n", "0"], "-n", "1 to 100000", "'0'")
        self.expect_refused(2, ["-c", "1001"], "-c", "'1001'")
        for bad in "0", "257", "many", "-1", "":
            self.expect_refused(2, [f"--workers={bad}"], "--workers: expected 'auto' or a whole number from 1 to 256")
        self.expect_refused(2, ["--delay", "soon"], "--delay: expected a time", "'soon'")
        self.expect_refused(2, ["--work", "2m"], "--work: expected a time of at most 60 s", "'2m'")
        self.expect_refused(2, ["URL", "--delay", "5"], "--delay is that of the built-in server")
        self.expect_refused(2, ["--modez", "async"], "unknown option --modez; did you mean --modes?")

    def test_urls(self):
        self.expect_refused(2, ["URL", "URL"], "expected one URL, got also 'http://127.0.0.1:")
        self.expect_refused(2, ["ftp://a.example/"], "ftp")
        self.expect_refused(2, ["a.example"], "a.example")
        self.expect_refused(2, ["http://a.example/[1-"], "http://a.example/[1-")

    def test_unblock_is_not_installed(self):
        shutil.copy(os.environ["BIDE_BUILD"] + "/src/libbide.so.0", self.folder)
        alone = {"LD_LIBRARY_PATH": self.folder}
        self.expect_line(bide("compare", "--modes", "async,unblocked", env=alone), 3,
                         "--modes: unblocked needs libbide-unblock.so.0, which is not installed beside libbide")
        self.expect_line(bide("compare", "ftp://a.example/", env=alone), 2, "ftp")
        r = bide("compare", "-n", 1, "--delay", 1, "--repeat", 1, "--json", "-", env=alone)
        self.expect(r, 0)
        self.assertIn("unblocked: left out, for libbide-unblock is not installed", r.err)
        self.assertEqual([m["name"] for m in json.loads(r.out)["modes"]], [m for m in MODES if m != "unblocked"])

    def test_files(self):
        self.expect_refused(2, ["URL", "--json", "/nonexistent/x"], "--json /nonexistent/x: No such file or directory")
        self.expect_refused(2, ["URL", "--svg", self.folder], f"--svg {self.folder}: Is a directory")
        self.expect_refused(2, ["URL", "--svg", ""], "--svg : No such file")
        self.expect_refused(2, ["URL", "--svg", "-", "--json", "-"], "run into each other on standard output")

    def test_nobody_answers(self):
        port = closed_port()
        r = bide("compare", f"http://127.0.0.1:{port}/")
        self.expect_line(r, 4, f"http://127.0.0.1:{port}/", "refused")
        with RawServer({"/": answer("gone", "404 Not Found")}) as s:
            self.expect_line(bide("compare", s.url + "/"), 4, s.url, "answers 404: there is nothing to compare")
            self.assertEqual(len(s.requests), 1)

    def test_no_directory_for_the_files(self):
        r = bide("compare", "-n", 1, "--delay", 1, "-q", "--modes", "write", env={"TMPDIR": "/nonexistent"})
        self.expect_line(r, 3, "a directory for the files, in /nonexistent: No such file or directory")


def comes_true(condition):
    """Up to five seconds."""
    for _ in range(500):
        if condition():
            return True
        time.sleep(0.01 * SLOW)
    return False


def is_gone(group):
    """Has every process of the group ended?  Up to five seconds."""
    def ended():
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        return False

    return comes_true(ended)


class Ends(Case):
    def end_by(self, number, modes):
        """Send a signal while the second request of a run is on its way; its exit code."""
        started = []

        def answer_the_first(s):
            started.append(0)
            if len(started) == 1:
                s.sendall(answer("fine"))
            else:
                s.recv(1)  # until the client has gone

        with RawServer({"/": answer_the_first}) as slow:
            path = self.write("out.json", "before")
            p = subprocess.Popen([BIDE, "compare", slow.url + "/", "-n", "4", "-p", "2", "--modes", modes, "--json", path],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                 env={**os.environ, "TMPDIR": self.folder})
            for _ in range(1000):
                if len(started) > 1:
                    break
                time.sleep(0.01)
            self.assertGreater(len(started), 1)
            os.kill(p.pid, number)
            code = p.wait(10 * SLOW)
            self.assertTrue(is_gone(p.pid), f"{modes}: something is left after signal {number}")
        with open(path) as f:
            self.assertEqual(f.read(), "before")
        return code

    def test_signals_leave_nothing(self):
        for modes in "sequential", "async-processes", "write":
            for number in signal.SIGINT, signal.SIGTERM:
                self.assertEqual(self.end_by(number, modes), -number)
                self.assertEqual(os.listdir(self.folder), ["out.json"])

    def test_ctrl_c_at_any_moment(self):
        """To the whole group, as a terminal sends it: starting, between two modes, in one, at the end."""
        ended_by_it = 0
        for i in range(10):
            p = subprocess.Popen([BIDE, "compare", "-n", "20", "-c", "5", "--delay", "2", "--repeat", "2"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True, env={**os.environ, "TMPDIR": self.folder})
            time.sleep(0.06 * i * SLOW)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(p.pid, signal.SIGINT)
            code = p.wait(10 * SLOW)
            self.assertIn(code, (0, -signal.SIGINT))
            ended_by_it += code != 0
            self.assertTrue(is_gone(p.pid), f"something is left after Ctrl-C at {0.06 * i} s")
            self.assertEqual(os.listdir(self.folder), [])
        self.assertGreater(ended_by_it, 3)

    def test_a_kill_leaves_no_process(self):
        for modes in "sequential", "processes", "threads":
            self.assertEqual(self.end_by(signal.SIGKILL, modes), -signal.SIGKILL)

    def test_a_kill_leaves_no_files(self):
        for kill in os.kill, os.killpg:
            for mode in "write", "awaited-write":
                p = subprocess.Popen([BIDE, "compare", "-n", "50000", "-c", "50", "--delay", "0", "--work", "0", "-q",
                                      "--modes", mode], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     start_new_session=True, env={**os.environ, "TMPDIR": self.folder})
                self.assertTrue(comes_true(lambda: any(files for _, _, files in os.walk(self.folder))), mode)
                kill(p.pid, signal.SIGKILL)
                p.wait()
                self.assertTrue(comes_true(lambda: not os.listdir(self.folder)), (kill, mode))

    def test_a_run_that_is_killed_is_reported(self):
        with RawServer({"/": answer("fine")}) as s:
            killed = []

            def kill_client(sock):
                if killed:  # the second connection is that of the run
                    os.kill(children_of(p.pid)[0], signal.SIGKILL)
                killed.append(0)
                sock.sendall(answer("fine"))

            s.answers["/"] = kill_client
            p = subprocess.Popen([BIDE, "compare", s.url + "/", "-n", "2", "-q", "--modes", "sequential"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            out, err = p.communicate(timeout=20 * SLOW)
        self.assertEqual((p.returncode, out), (3, b""))
        self.assertIn(b"the process of a run was ended by signal 9 (Killed)", err)


    def test_a_worker_that_is_killed_is_a_failure(self):
        with RawServer({"/": answer("fine")}) as s:
            seen = []

            def kill_worker(sock):
                seen.append(0)
                if len(seen) == 12:  # one to see how long it takes, eight in a row, the third of the pool
                    run, = children_of(p.pid)
                    os.kill(max(children_of(run)), signal.SIGKILL)  # what the workers are born of came first
                time.sleep(0.05)  # all workers are busy meanwhile
                sock.sendall(answer("fine"))

            s.answers["/"] = kill_worker
            p = subprocess.Popen([BIDE, "compare", s.url + "/", "-n", "8", "-p", "2", "-q", "--repeat", "1", "--modes",
                                  "sequential,processes", "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            out, _ = p.communicate(timeout=30 * SLOW)
        self.assertEqual(p.returncode, 1)
        sequential, processes = json.loads(out)["modes"]
        self.assertEqual((sequential["failed"], sequential["speed_up"]), (0, 1))
        self.assertEqual((processes["failed"], processes["speed_up"]), (1, None))
        self.assertIn("the worker died", processes["fault"])

    def test_an_ignored_signal_stays_ignored(self):
        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)

        p = subprocess.Popen([BIDE, "compare", "-n", "8", "--delay", "60", "--repeat", "1", "--modes", "sequential"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=ignore)
        p.stderr.readline()  # it has begun
        p.send_signal(signal.SIGHUP)
        p.send_signal(signal.SIGINT)
        out, _ = p.communicate(timeout=20 * SLOW)
        self.assertEqual(p.returncode, 0)
        self.assertIn(b"sequential", out)


def children_of(parent):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{entry}/stat") as f:
            if int(f.read().rsplit(")", 1)[1].split()[1]) == parent:
                found.append(int(entry))
    return found


if __name__ == "__main__":
    unittest.main()
