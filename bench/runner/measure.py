# SPDX-License-Identifier: MIT
"""Run the programs of a figure in turn, round after round, and take medians."""
import json
import os
import statistics
import subprocess
import tempfile
import time

TIMEOUT_S = 120


def apart(core):
    """For a child before it begins: its core, and a scheduling group of its own, which goes first if we may say so."""
    def begin():
        os.setsid()
        try:
            with open("/proc/self/autogroup", "w") as f:
                f.write("-10")
        except OSError:
            pass  # not root, or a kernel without such groups: then others on the machine take more of a share
        if core is not None:
            os.sched_setaffinity(0, {core})
    return begin


class Contestant:
    """A program that is measured: its command, the folder it runs in, and what its runs gave."""

    def __init__(self, name, command, folder):
        self.name, self.command, self.folder = name, command, folder
        self.runs = {}     # by round
        self.error = None  # why there will be no further run
        self.slow = False

    def median(self, value):
        return statistics.median(value(run) for run in self.runs.values())

    def spread(self, value):
        values = [value(run) for run in self.runs.values()]
        return min(values), max(values)

    def ratio(self, other, value):
        """Ours by theirs, the median of those rounds in which both ran: what slows down a machine does so for both."""
        both = [r for r in self.runs if r in other.runs]
        return statistics.median(value(self.runs[r]) / value(other.runs[r]) for r in both) if both else None


def run_once(contestant, core):
    """What its last line says; CPU time and memory, where that does not, are those of the whole command."""
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    begin = time.monotonic()
    process = subprocess.Popen(["timeout", str(TIMEOUT_S), "sh", "-c", contestant.command], cwd=contestant.folder,
                               stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=apart(core))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begin

    out.seek(0), err.seek(0)
    lines = [line for line in out.read().decode(errors="replace").splitlines() if line.startswith("{")]
    if process.returncode != 0 or not lines:
        words = err.read().decode(errors="replace").strip().splitlines()
        raise RuntimeError(words[-1] if words else "exit code %d" % process.returncode)
    run = {"secs": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "rss_kb": usage.ru_maxrss, "wall_s": wall}
    run.update(json.loads(lines[-1]))
    return run


def alternate(contestants, figure, rounds, core, say):
    """A B C, A B C, ...  One that fails is out; a peer that takes long, and is not what ours is held to, runs once."""
    kept = {"bide"} | {row.against for row in figure.rows}
    for number in range(min(rounds, figure.rounds)):
        for c in contestants:
            if c.error or c.slow:
                continue
            try:
                run = run_once(c, core)
                if figure.bytes not in (None, run.get("bytes")):
                    raise RuntimeError("it got %s bytes instead of %d" % (run.get("bytes"), figure.bytes))
                c.runs[number] = run
                c.slow = c.name not in kept and run["wall_s"] > figure.slow_after
            except (RuntimeError, ValueError, OSError) as e:
                c.error = str(e)
            say(number, c)
