#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ps.py BUILD [TASKS] - what `bide ps` costs: the time it takes, and what the program that is looked at loses meanwhile.

The target has so many sleeping tasks (10,000) beside one that counts how many turns it gets in a second; that number, alone and while
`bide ps` looks ten times a second, is its throughput.  On one processor the two compete, so the target has its own if there are two.
"""
import os
import signal
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
    """
    Looked at, to alone: of 40 pairs that follow one another, so that what else the machine does falls on both, the quartiles.
    The turns of one 250 ms and the next differ by a tenth on a machine that is shared.
    """
    watch = subprocess.Popen([BUILD + "/bide", "ps", "--watch", "--interval", "100ms", pid], stdout=subprocess.DEVNULL)
    ratios = []
    for _ in range(40):
        os.kill(watch.pid, signal.SIGSTOP)
        alone = turns(target, 1)[0]
        os.kill(watch.pid, signal.SIGCONT)
        ratios.append(turns(target, 1)[0] / alone)
    watch.kill()
    watch.wait()
    return statistics.quantiles(ratios, n=4)


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
        low, median, high = (100 * ratio for ratio in throughput(target, pid))
        print(f"turns of the target while looked at ten times a second: {median:.1f} % of those alone ({low:.1f} to {high:.1f})")
    finally:
        target.kill()
        target.wait()
