#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""count.py LOG...: how many single tests passed and failed in Meson's testlog.json files: two numbers on one line.

A TAP test counts as what it lists; a skipped one counts as nothing.  A program that failed without a failed line in its
TAP (a crash, a time-out) counts as one more failure.

count.py --failed LOG: the names of Meson's tests that failed, as `meson test` takes them.
"""
import json
import re
import sys

OK = re.compile(r"^ok\b(?!.*#\s*SKIP)", re.M | re.I)
NOT_OK = re.compile(r"^not ok\b", re.M)
GOOD = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}

if sys.argv[1:2] == ["--failed"]:
    with open(sys.argv[2]) as log:
        tests = [json.loads(line) for line in log]
    print(*(t["name"].split(" / ")[-1] for t in tests if t["result"] not in GOOD | SKIPPED))
    sys.exit()
passed = failed = 0
for name in sys.argv[1:]:
    with open(name) as log:
        for line in log:
            test = json.loads(line)
            out = test.get("stdout") or ""
            if re.search(r"^1\.\.\d+", out, re.M):
                bad = len(NOT_OK.findall(out))
                passed += len(OK.findall(out))
                failed += bad + (bad == 0 and test["result"] not in GOOD | SKIPPED)
            elif test["result"] not in SKIPPED:
                good = test["result"] in GOOD
                passed += good
                failed += not good
print(passed, failed)
