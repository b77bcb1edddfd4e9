#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""server_cpu.py PORT OPS COMMAND... - CPU time of the server at a port of 127.0.0.1 while a client asks it.

It is that of every process which listens there, whatever it spends between the start of the command and its end.
"""
import glob
import json
import os
import subprocess
import sys
import time


def listening_inodes(port):
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f][1:]
    return {"socket:[%s]" % row[9] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port}


def processes(port):
    inodes, found = listening_inodes(port), set()
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) in inodes:
                found.add(int(link.split("/")[2]))
        except OSError:
            pass  # it has gone
    return found


def cpu_s(pids):
    total = 0
    for pid in pids:
        for task in glob.glob("/proc/%d/task/*/schedstat" % pid):
            with open(task) as f:
                total += int(f.read().split()[0])
    return total / 1e9


def main():
    port, ops, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    pids = processes(port)
    if not pids:
        sys.exit("nobody listens at port %d" % port)
    before, begin = cpu_s(pids), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    secs = time.monotonic() - begin
    time.sleep(0.05)  # until it has closed the last ones
    print(json.dumps({"ops": ops, "secs": secs, "cpu_s": cpu_s(pids) - before, "rss_kb": 1}))


main()
