#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_oom.py [--all] [NAME...] - whole programs in which one allocation fails.

Each command of the command line, and each example, runs once to number its allocations (shim.c), and then again and
again with one of them failing, or that one and all behind it.  However it ends, it must not crash, hang, say nothing,
leave something behind or claim to have done what it has not:

    exit 0      it wrote what it writes when nothing fails, to standard output and into files
    exit 3      (1 of an example) with a message, and files are whole or not there

Without --all, one allocation of each call stack fails; with it, every one.  NAME limits it to these cases.
"""
import argparse
import concurrent.futures
import contextlib
import glob
import itertools
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from support import BIDE, Certificates, bide, interrupt, serving  # noqa: E402

BUILD = os.environ["BIDE_BUILD"]
SHIM = os.environ["BIDE_OOM_SHIM"]
TIMEOUT_S = 60
ALL_STRIDE = 3  # without --all, of the runs in which everything behind it fails as well
MISSED_MAX = 8  # with --all: so many numbers in a row that no run reaches are the end


class Ended:
    """How a run ended: code, out, err, and the files below its folder."""

    def __init__(self, code, out, err, folder, report):
        self.code, self.out, self.err, self.report = code, out, err, report
        self.files = {}
        for path in glob.glob("**", root_dir=folder, recursive=True, include_hidden=True):
            full = os.path.join(folder, path)
            if os.path.isfile(full) and not os.path.islink(full):
                with open(full, "rb") as f:
                    self.files[path] = f.read()


class Case:
    """A program, its arguments ({url}, {tls}, {ca} and {dir} are filled in), and what becomes of its output."""

    tells_in_output = False

    def __init__(self, name, *command, failed=(3,), same=None, stdin=b"", env=None, processes=False, most=0, good=0):
        self.name, self.command, self.failed, self.good = name, command, failed, good
        self.same = same or (lambda out: out)
        self.stdin, self.env, self.processes = stdin, env or {}, processes
        self.most = most  # runs without --all, when they are slow or many; 0: no limit

    def prepare(self, folder):
        pass

    def run(self, places, **oom):
        must_work = "OOM_ALL" not in oom
        with tempfile.TemporaryDirectory(prefix="oom-") as scratch:
            folder, report = os.path.join(scratch, "run"), os.path.join(scratch, "report")
            os.mkdir(folder)
            self.prepare(folder)
            env = {**os.environ, **self.env, "LD_PRELOAD": SHIM, "OOM_REPORT": report, "TMPDIR": folder, **oom}
            command = [part.format(**places, dir=folder) for part in self.command]
            p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 cwd=folder, env=env, start_new_session=True)
            code, out, err = self.watch(p, must_work)
            rest = self.left_behind(p.pid) if self.processes or code == "hangs" else []
            if rest and code != "hangs":
                err += b" [processes left behind]"
                code = "leaves processes"
            with contextlib.suppress(FileNotFoundError), open(report) as f:
                return Ended(code, out, err, folder, [int(line) for line in f])
            return Ended(code, out, err, folder, [])

    def watch(self, p, _must_work):
        try:
            out, err = p.communicate(self.stdin, timeout=TIMEOUT_S)
            return p.returncode, out, err
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            out, err = p.communicate()
            return "hangs", out, err

    def left_behind(self, session):
        """Processes of that session, which get a second to see that it is over."""
        for _ in range(40):
            rest = processes_of(session)
            if not rest:
                return []
            time.sleep(0.05)
        for pid in rest:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return rest

    def fault(self, good, got):
        """What is wrong with how it ended; None: nothing."""
        if got.code == 0:
            return self.fault_of_success(good, got)
        if got.code not in self.failed:
            return f"ended with {got.code}"
        if not got.err.strip() and not (self.tells_in_output and got.out.strip()):
            return f"exit {got.code} without a message"
        for path, data in got.files.items():
            if path not in good.files:
                return f"left {path} behind"
            if not path.endswith(".jsonl") and self.same(data) != self.same(good.files[path]):
                return f"left a part of {path} behind"
        return None

    def fault_of_success(self, good, got):
        if self.same(got.out) != self.same(good.out):
            return "exit 0, but another output"
        if set(got.files) != set(good.files):
            return f"exit 0, but other files: {sorted(set(got.files) ^ set(good.files))}"
        for path, data in got.files.items():
            if path.endswith(".jsonl"):
                if data.count(b'"ok":true') != good.files[path].count(b'"ok":true'):
                    return f"exit 0, but {path} has other records"
            elif self.same(data) != self.same(good.files[path]):
                return f"exit 0, but {path} has another content"
        return None


class Compare(Case):
    """`bide compare`: what became of a run stands in its table."""

    tells_in_output = True


class Lists(Case):
    """One that reads URLs and fields out of files."""

    def prepare(self, folder):
        with open(os.path.join(folder, "fields"), "w") as f:
            f.write("X-One: 1\nX-Two: 2\n")


class Configured(Case):
    """With a configuration file."""

    def prepare(self, folder):
        with open(os.path.join(folder, "c"), "w") as f:
            f.write("color = never\n[get]\nheader = X-C: 3\nheader = X-D: 4\n[fetch]\nper-host = 3\n")


class Server(Case):
    """One that serves: it is asked, and then made to end.  A request may fail; the server may not, once it is there."""

    def watch(self, p, must_work):
        p.stdin.close()
        p.stdin = None
        url = b""
        if select.select([p.stdout], [], [], TIMEOUT_S)[0]:
            url = p.stdout.readline().strip()
        if not url:
            out, err = self.end(p)
            return p.returncode, out, err
        urls = [url.decode().rstrip("/") + path for path in ("/json", "/stream/20", "/gzip", "/a.txt", "/echo")]
        answers = [bide("get", "-kf", "--timeout", "20s", u).out for u in urls]
        again = [bide("get", "-kf", "--timeout", "20s", u).out for u in urls[:2]]
        if must_work and p.poll() is None and not any(again):
            self.end(p)
            return "answers nothing any more", b"", b""
        out, err = self.end(p)
        ended_well = p.returncode == -signal.SIGINT or p.returncode == 0
        return 0 if ended_well else p.returncode, b"", err + (b"" if all(answers) else b" [a request failed]")

    def end(self, p):
        with contextlib.suppress(ProcessLookupError):
            p.send_signal(signal.SIGINT)
        try:
            return b"", p.communicate(timeout=TIMEOUT_S)[1]
        except (subprocess.TimeoutExpired, ValueError):
            p.kill()
            p.wait()
            p.returncode = "hangs"
            return b"", b""

    def prepare(self, folder):
        with open(os.path.join(folder, "a.txt"), "w") as f:
            f.write("text\n")


def processes_of(session):
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(path) as f:
            fields = f.read().rsplit(")", 1)[1].split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append(int(path.split("/")[2]))
    return found


# ---- what is run ----

def any_order(out):
    """The same lines, in whatever order, and times and ports that differ from run to run left out."""
    return sorted(re.sub(rb"\d+\.\d+|:\d{4,5}|\d+ ms", b"", line) for line in out.splitlines())


def table(out):
    """Of `bide compare`: the modes, whose figures differ from run to run."""
    return re.findall(rb'^ *(?:sequential|async|processes|async-processes|threads)\b', out, re.M)


def example(name, *args, **more):
    return Case("example " + os.path.basename(name), os.path.join(BUILD, "examples", name), *args, failed=(1,),
                same=any_order, **more)


def cases():
    b = BIDE
    yield Case("version", b, "version")
    yield Case("help", b, "help", "fetch")
    yield Case("overview", b, "help")
    yield Case("completion", b, "completion", "bash")
    yield Case("help curl", b, "help", "curl")
    yield Case("manual", b, "help", "--man")
    yield Configured("config", b, "config", "show", "--origin", "--config", "c", env={"BIDE_HEADER": "X-A: 1\nX-B: 2", "BIDE_USER": "a:b"})
    yield Configured("get configured", b, "{url}/bytes/30", "--config", "c", env={"BIDE_HEADER": "X-A: 1\nX-B: 2"})
    yield Case("get patterns", b, "get", "{url}/bytes/[1-3]", "{url}/bytes/{{7,8}}")
    yield Case("words of curl", b, "fetch", "--retry", "3", "{url}/json", good=2)
    yield Case("get", b, "get", "--include", "{url}/bytes/300", "{url}/stream/50", "{url}/redirect/2", same=lambda out: len(out) > 900)
    yield Case("get several", b, "get", "-c", "2", "{url}/bytes/300000", "{url}/bytes/400000", "{url}/json")
    yield Case("get output", b, "get", "-o", "x", "{url}/bytes/300000", "{url}/bytes/4")
    yield Lists("get with fields", b, "get", "-u", "a:b", "-H", "@fields", "-H", "X-Three: 3", "-d", "@-", "{url}/echo", stdin=b"a body",
                same=lambda out: re.sub(rb":\d{4,5}", b"", out))
    # OpenSSL does not always say that it was memory.
    yield Case("get tls", b, "get", "--cacert", "{ca}", "{tls}/json", failed=(2, 3, 4), most=150)
    yield Case("get name", b, "get", "--connect-to", "a.example:80:127.0.0.1:{port}", "http://a.example/json")
    yield Case("fetch directory", b, "fetch", "{url}/bytes/300?[1-3]", "{url}/bytes/200000?{{a,b}}", "-O", "o", "-q",
               "--jsonl", "r.jsonl", "--retries", "0", "--durability", "batch")
    yield Case("fetch names", b, "fetch", "{url}/x/player/pagelist?aid=[1-4]", "-o", "a/{{1}}/b.json", "-v")
    yield Case("fetch list", b, "fetch", "-i", "-", "-O", "o", "--progress", "plain",
               stdin=b"".join(b"%s/bytes/%d\n" % (b"{url}", n) for n in (1, 200, 300000)))
    yield Case("fetch list options", b, "fetch", "-i", "-", "-O", "o", "-q",
               stdin=b"{url}/echo\t{url}/bytes/2\n out=a\n header=X: 1\n body=x\n{url}/bytes/3\tname\n")
    yield Case("fetch list objects", b, "fetch", "-i", "-", "-o", "o/{{sku}}", "-q", "--input-format", "jsonl",
               stdin=b'{"url":"{url}/echo","sku":7,"headers":{"A":["1","2"]},"json":{"x":[1]}}\n{"url":"{url}/echo","sku":8,"body":"x"}\n')
    yield Case("fetch list columns", b, "fetch", "-i", "-", "-o", "o/{{sku}}", "-q", "--columns", "url,sku,header:A",
               stdin=b"{url}/echo\t7\t1\n{url}/echo\t8\t\n")
    yield Case("fetch records", b, "fetch", "{url}/status/{{200,204}}?[1-6]", "--jsonl", "r.jsonl", "--per-host", "2", "--summary-line",
               "--report", "report.jsonl")
    yield Case("fetch output", b, "fetch", "{user}/stream/30", "-o", "-")
    yield Case("fetch retry", b, "fetch", "-q", "{url}/bytes/10?[1-4]", "-o", "{{1}}", "--rate", "1000/s", "-c", "2")
    yield Case("fetch dry run", b, "fetch", "-n", "{url}/[1-5]/{{a,b}}", "-o", "x/{{1}}/{{2}}")
    yield Case("fetch dry run sets", b, "fetch", "-n", "{url}/{{a,b}}/{{c,d}}", "-o", "x/{{path}}")
    yield Compare("compare", b, "compare", "-n", "4", "-p", "1", "--delay", "1ms", "--repeat", "1", "-q", "--modes",
               "sequential,async,processes,threads", same=table, processes=True,
                  failed=(1, 3, 4), most=60)
    yield Case("worker", b, "worker", "--unchecked", "redis://127.0.0.1:1/0/q", "echo", "done")
    yield Server("serve", b, "serve", "--port", "0", "--root", "{dir}")
    yield Server("serve tls", b, "serve", "--port", "0", "--cert", "{cert}", "--root", "{dir}", most=60)

    for name in ("coroutine", "task_create", "task_ensure_future", "task_list_wait", "task_callback", "await_three_kinds",
                 "event_loop"):
        yield example("seed/" + name)
    for name in ("fake_async", "true_async", "crawler"):
        yield example("seed/" + name, "{url}", "3")
    for name in ("process_pool", "async_process_pool"):
        yield example("seed/" + name, "{url}", "3", env={"BIDE_WORKERS": "1"}, processes=True)
    for name in ("01_first_coroutine", "02_tasks", "06_streams"):
        yield example(name)
    yield example("03_errors", good=1)
    for name in ("04_http_client", "05_crawler"):
        yield example(name, "{url}")
    yield example("08_pool", env={"BIDE_WORKERS": "1"}, processes=True)
    yield Server("example hello_server", os.path.join(BUILD, "examples", "hello_server"), "0", failed=(1,))


# ---- running it ----

class Tally:
    def __init__(self, case, good):
        self.case, self.good, self.runs, self.faults, self.codes = case, good, 0, [], {}

    def add(self, label, got):
        self.runs += 1
        self.codes[got.code] = self.codes.get(got.code, 0) + 1
        fault = self.case.fault(self.good, got)
        if fault:
            self.faults.append(f"{self.case.name}, {label}: {fault}: {got.err[-300:].decode(errors='replace').strip()!r}")


def sample(good, most):
    """One allocation of each call stack, and at some of them all that follow; at most so many, evenly."""
    runs = [(n, False) for n in good.report] + [(n, True) for n in good.report[::ALL_STRIDE]]
    return runs if not most or len(runs) <= most else [runs[i * len(runs) // most] for i in range(most)]


def every(case, places, tally, pool):
    for fails_all in (False, True):
        missed, numbers = 0, itertools.count(1)
        while missed < MISSED_MAX:
            some = list(itertools.islice(numbers, MISSED_MAX))
            for n, got in zip(some, pool.map(lambda n: run_one(case, places, n, fails_all), some)):
                tally.add(label(n, fails_all), got)
                missed = 0 if got.report else missed + 1


def label(n, fails_all):
    return f"allocation {n}{' and all behind it' if fails_all else ''}"


def run_one(case, places, n, fails_all):
    return case.run(places, OOM_FAIL=str(n), **({"OOM_ALL": "1"} if fails_all else {}))


def check(case, places, wants_all, pool):
    if isinstance(case.stdin, bytes):
        case.stdin = case.stdin.replace(b"{url}", places["url"].encode())
    good = case.run(places)
    tally = Tally(case, good)
    if good.code != case.good or not good.report:
        tally.faults.append(f"{case.name}: fails with all memory: {good.code}: {good.err.decode(errors='replace')}")
    elif wants_all:
        every(case, places, tally, pool)
    else:
        runs = sample(good, case.most)
        for (n, fails_all), got in zip(runs, pool.map(lambda r: run_one(case, places, *r), runs)):
            tally.add(label(n, fails_all), got)
    return tally


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    faults, runs = [], 0
    folder = tempfile.mkdtemp()
    try:
        certificates = Certificates(folder)
        with serving() as url, serving("--cert", certificates.good) as tls, \
                concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            places = {"url": url.rstrip("/"), "user": url.rstrip("/").replace("//", "//me:secret@"), "tls": tls.rstrip("/"), "ca": certificates.ca, "cert": certificates.good,
                      "port": url.rstrip("/").rsplit(":", 1)[1]}
            for case in cases():
                if options.names and not any(name in case.name for name in options.names):
                    continue
                begin = time.monotonic()
                tally = check(case, places, options.all, pool)
                runs += tally.runs
                faults += tally.faults
                print(f"{case.name}: {tally.runs} runs, ended with {tally.codes}, {len(tally.faults)} faults, "
                      f"{time.monotonic() - begin:.1f} s", flush=True)
                for fault in tally.faults:
                    print("   ", fault, flush=True)
    finally:
        shutil.rmtree(folder)
    print(f"{runs} runs, {len(faults)} faults")
    return bool(faults) or runs == 0


if __name__ == "__main__":
    sys.exit(main())
