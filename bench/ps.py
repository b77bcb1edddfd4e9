#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ps.py BUILD [TASKS] - what `bide ps` costs: the time it takes, and what the program that is looked at loses meanwhile.

The target has so many sleeping tasks (10,000) beside one that counts how many turns it gets in a second; that number, alone and while
`bide ps` looks ten times a second, is its throughput.  On one processor the two compete, so the target has its own if there are two.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
TASKS = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <bide/bide.h>
static unsigned long turns;
static int sleeper(int ms) { return bide_sleep_ms(ms); }
static int counts(void)
{
    for (;; turns++)
        BIDE_TRY(bide_sleep_ms(0));
}
static int app(int n)
{
    for (int i = 0; i < n; i++)
        bide_detach(BIDE_TRY_PTR(bide_create_task(bide_coro(sleeper, 3600000 + i))));
    bide_detach(BIDE_TRY_PTR(bide_create_task(bide_coro(counts))));
    for (;;) {
        BIDE_TRY(bide_sleep_ms(250));
        printf("%lu\n", turns);
        fflush(stdout);
        turns = 0;
    }
}
int main(int argc, char **argv) { return bide_main(bide_coro(app, argc > 1 ? atoi(argv[1]) : 10000)); }
"""


def median_ms(*args, runs=15):
    times = []
    for _ in range(runs):
        begun = time.monotonic()
        subprocess.run([BUILD + "/bide", "ps", *args], check=True, stdout=subprocess.DEVNULL)
        times.append((time.monotonic() - begun) * 1000)
    return statistics.median(times), min(times)


def turns(target, rounds):
    target.stdout.readline()
    return [int(target.stdout.readline()) for _ in range(rounds)]


def throughput(target, pid):
    """Alone and looked at by turns, so that what else the machine does falls on both."""
    alone, watched = [], []
    for _ in range(6):
        alone += turns(target, 4)
        watch = subprocess.Popen([BUILD + "/bide", "ps", "--watch", "--interval", "100ms", pid], stdout=subprocess.DEVNULL)
        watched += turns(target, 4)
        watch.kill()
        watch.wait()
    return statistics.median(alone), statistics.median(watched)


with tempfile.TemporaryDirectory() as folder:
    source, program = folder + "/target.c", folder + "/target"
    with open(source, "w") as f:
        f.write(PROGRAM)
    subprocess.run(["cc", "-O2", "-g", "-I" + HERE + "/../include", source, "-o", program, "-L" + BUILD + "/src", "-lbide",
                    "-Wl,-rpath," + BUILD + "/src"], check=True)
    cpus = sorted(os.sched_getaffinity(0))
    target = subprocess.Popen([program, str(TASKS)], stdout=subprocess.PIPE, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, cpus[-1:]))
    os.sched_setaffinity(0, cpus[:-1] or cpus)
    pid = str(target.pid)
    try:
        turns(target, 2)
        for name, args in (("list", [pid]), ("list as JSON", ["--json", pid]), ("with stacks", ["--stacks", pid])):
            median, least = median_ms("--no-workers", *args)
            print(f"{TASKS} tasks, {name}: {median:.0f} ms (at best {least:.0f})")
        median, least = median_ms("--help", runs=15)
        print(f"of that, a program that only starts: {median:.0f} ms (at best {least:.0f})")
        alone, watched = throughput(target, pid)
        print(f"turns of the target in 250 ms: {alone:.0f} alone, {watched:.0f} while looked at ten times a second: {100 * watched / alone:.1f} %")
    finally:
        target.kill()
        target.wait()
