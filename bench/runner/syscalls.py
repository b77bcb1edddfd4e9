#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""syscalls.py PROGRAM URL COUNT CONNECTIONS - system calls of one operation, counted by strace.

The program runs twice, with COUNT and with twice as many operations; the difference is what the operations alone make.
"""
import json
import subprocess
import sys
import tempfile


def run(program, url, count, connections):
    with tempfile.NamedTemporaryFile("r") as out:
        command = ["strace", "-f", "-c", "-o", out.name, program, url, str(count), connections]
        result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
        calls = sum(int(line.split()[3]) for line in out if line[:4].strip()[:1].isdigit() and "total" not in line)
    return calls, result


def main():
    program, url, count, connections = sys.argv[1:5]
    once, _ = run(program, url, int(count), connections)
    twice, result = run(program, url, 2 * int(count), connections)
    result["syscalls"] = (twice - once) / int(count)
    print(json.dumps(result))


main()
