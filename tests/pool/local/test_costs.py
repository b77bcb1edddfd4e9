#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_costs.py - system calls and instructions of a job, counted: these are the same on a busy machine, as no time is.

A load of tests/pool/test_cost.c runs with N and with 2 N jobs; the difference is what the jobs alone cost.  Bounds are about
1.3 times what was measured, but for counts that depend on who sleeps: there they are where one call more a job would be seen.
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

PROGRAM = os.path.join(os.environ["BIDE_BUILD"], "tests", "test-pool")
with open(PROGRAM, "rb") as file:
    content = file.read()
    SANITIZED = b"__asan_init" in content or b"__tsan_init" in content


def run(load, n, *before, **env):
    """Output of a tracer and the load."""
    result = subprocess.run([*before, PROGRAM, "--no-fork", load], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                            env={**os.environ, "BIDE_COST_N": str(n), "BIDE_TEST_SLOW": "30", **env}, errors="replace")
    return result.returncode, result.stdout


def system_calls(load, n):
    """Of the program, its helper and its workers: {name: how many}."""
    with tempfile.NamedTemporaryFile("r") as out:
        code, text = run(load, n, "strace", "-f", "-c", "-o", out.name)
        if "ptrace" in text and code != 0:
            raise unittest.SkipTest("nothing may be traced here")
        if code != 0:
            raise AssertionError(f"{load}: exit {code}: {text}")
        rows = [line.split() for line in out if re.match(r" *[0-9.]+ +[0-9.]+ +[0-9]+ +[0-9]+ ", line)]
    return {row[-1]: int(row[3]) for row in rows if row[-1] != "total"}


def calls_for_one(load, n):
    once, twice = system_calls(load, n), system_calls(load, 2 * n)
    return {name: (twice[name] - once.get(name, 0)) / n for name in twice}


@unittest.skipIf(SANITIZED, "a sanitizer has system calls of its own")
@unittest.skipUnless(shutil.which("strace"), "needs strace")
class SystemCalls(unittest.TestCase):
    def test_jobs_at_once(self):
        """pool no. 56: while both sides are awake a job costs no system call.  Measured: 0.03 to 0.1, for falling asleep."""
        calls = calls_for_one("cost_of_jobs_at_once", 20000)
        print(f"{sum(calls.values()):.3f} system calls for a job, of many")
        self.assertLess(sum(calls.values()), 0.3, calls)

    def test_jobs_one_at_a_time(self):
        """pool no. 52: each side sleeps now and then.  Measured: 3 to 4.7, a bell and a wait on either side."""
        calls = calls_for_one("cost_of_jobs_one_at_a_time", 500)
        print(f"{sum(calls.values()):.2f} system calls for a call, one at a time")
        self.assertLess(sum(calls.values()), 7, calls)

    def test_opening(self):
        """pool no. 55: two workers opened, and closed again.  Measured: 176, two of them births."""
        calls = calls_for_one("cost_of_opening", 10)
        births = sum(calls.get(name, 0) for name in ("clone", "clone3", "fork", "vfork"))
        print(f"{sum(calls.values()):.1f} system calls for a pool, {births} births")
        self.assertEqual(births, 2)
        self.assertEqual(calls.get("execve", 0), 0)
        self.assertLess(sum(calls.values()), 230, calls)


@unittest.skipIf(SANITIZED, "a sanitizer has instructions of its own")
@unittest.skipUnless(shutil.which("valgrind"), "needs valgrind")
class Instructions(unittest.TestCase):
    def count(self, n):
        code, text = run("cost_of_jobs_at_once", n, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                         BIDE_COST_KIND="thread")
        if "debuginfo reader" in text:
            self.skipTest("this valgrind cannot read what this compiler writes")
        self.assertEqual(code, 0, text)
        return int(re.search(r"Collected : (\d+)", text)[1])

    def test_a_job(self):
        """pool no. 51: 64 bytes there and back.  Measured: 2,580 to 3,700 instructions on both sides, with workers that are threads."""
        # How often a thread looks again before it sleeps depends on how the threads are scheduled: the least of a few is what a job costs.
        each = [-self.count(10000) / 10000 + self.count(20000) / 10000 for _ in range(3)]
        print(f"{min(each):.0f} instructions for a job, at most {max(each):.0f}")
        self.assertLess(min(each), 3400)


if __name__ == "__main__":
    unittest.main()
