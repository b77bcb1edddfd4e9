#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""count.py LOG...: how many single tests passed and failed in Meson's testlog.json files: two numbers on one line.

A TAP test counts as what it lists; a skipped one counts as nothing.  A program that failed without a failed line in its
TAP (a crash, a time-out) counts as one more failure.  A test that was repeated has its second result in again.json beside
the first; that one counts.  If it failed and then passed it is flaky: after the two numbers, each such test has a line with
its build folder and its name, and for TAP what of it had failed.

count.py --failed LOG: the names of Meson's tests that failed, as `meson test` takes them.
"""
import json
import pathlib
import re
import sys

OK = re.compile(r"^ok\b(?!.*#\s*SKIP)", re.M | re.I)
NOT_OK = re.compile(r"^not ok\b(?: \d+)?(?: -)?(.*)", re.M)
GOOD = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}


def name_of(test):
    return test["name"].split(" / ")[-1]


def has_failed(test):
    return test["result"] not in GOOD | SKIPPED


def read(path):
    with open(path) as log:
        return [json.loads(line) for line in log]


def count(test):
    """How many of its single tests passed and failed."""
    out = test.get("stdout") or ""
    if not re.search(r"^1\.\.\d+", out, re.M):
        return test["result"] in GOOD, has_failed(test)
    bad = len(NOT_OK.findall(out))
    return len(OK.findall(out)), bad + (bad == 0 and has_failed(test))


def describe(folder, test):
    failed = [name.strip() for name in NOT_OK.findall(test.get("stdout") or "")]
    return ": ".join([str(folder), name_of(test), *([", ".join(failed)] if failed else [])])


def runs_of(logs):
    """{(build folder, name): the test's runs, the repeated one last}"""
    runs = {}
    for path in sorted(map(pathlib.Path, logs), key=lambda path: path.name.startswith("again")):
        for test in read(path):
            runs.setdefault((path.parent.parent, test["name"]), []).append(test)
    return runs


def summarize(logs):
    passed, failed, flaky = 0, 0, []
    for (folder, _), runs in runs_of(logs).items():
        good, bad = count(runs[-1])
        if has_failed(runs[0]) and runs[-1]["result"] in GOOD:
            flaky.append(describe(folder, runs[0]))
        elif has_failed(runs[0]) and runs[-1]["result"] in SKIPPED:
            bad += 1  # to skip what has just failed is not to pass it
        passed += good
        failed += bad
    print(passed, failed)
    print(*flaky, sep="\n", end="\n" if flaky else "")


if sys.argv[1:2] == ["--failed"]:
    print(*(name_of(test) for path in sys.argv[2:] for test in read(path) if has_failed(test)))
else:
    summarize(sys.argv[1:])
