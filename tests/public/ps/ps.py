#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ps.py BIDE TARGET STRIPPED SCRIPT - `bide ps` of programs that wait, hang, compute, come and go.  TAP.

STRIPPED is the same program as TARGET, linked statically without unused sections and symbols; SCRIPT is for gdb.
"""
import contextlib
import fcntl
import http.server
import json
import os
import pathlib
import pty
import resource
import shutil
import select
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time

BIDE, TARGET, STRIPPED, SCRIPT = map(os.path.abspath, sys.argv[1:5])
tests = []


def test(f):
    tests.append(f)
    return f


class Skip(Exception):
    pass


@contextlib.contextmanager
def running(program=TARGET, sleepers=3, mode="wait", env=None):
    p = subprocess.Popen([program, str(sleepers), mode], stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    try:
        assert p.stdout.readline() == "ready\n", "the target did not start"
        yield p
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


def bide_ps(*args, user=None):
    return subprocess.run([BIDE, "ps", *map(str, args)], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, user=user)


def good(*args):
    r = bide_ps(*args)
    assert r.returncode == 0 and r.stderr == "", r
    return r.stdout


def look(*args):
    return json.loads(good("--json", *args))["processes"]


def until(condition, what):
    """What another process does soon, and nobody tells us of."""
    for _ in range(3000):
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"never: {what}")


def by_function(process):
    found = {}
    for t in process["tasks"]:
        found.setdefault(t["function"], []).append(t)
    return found


def expect(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is not in:\n{text}"


@test
def it_says_what_each_task_waits_for():
    with running() as p:
        [process] = look(p.pid)
        tasks = by_function(process)
        holder = tasks["holds_lock"][0]
        expect(tasks["wants_lock"][0]["text"], f"bide_lock_acquire, held by holder (#{holder['id']})")
        expect(tasks["wants_number"][0]["text"], "bide_queue_get")
        expect(tasks["wants_future"][0]["text"], "a future")
        expect(tasks["awaits"][0]["text"], f"task holder (#{holder['id']})")
        expect(tasks["reads_socket"][0]["text"], "bide_fd_wait fd ", "(unix)", "timeout in ")
        assert tasks["awaits"][0]["awaits"] == [holder["id"]] == tasks["wants_lock"][0]["awaits"]
        assert tasks["gathers"][0]["awaits"] == [t["id"] for t in tasks["sleeper"][-2:]], tasks
        assert len(tasks["sleeper"]) == 5
        assert all(t["waits"] == "timer" and 500 < t["left"] <= 700.002 and t["state"] == "waiting" for t in tasks["sleeper"]), tasks
        assert 800 < tasks["reads_socket"][0]["timeout"] <= 900
        assert process["complete"] and process["loops"] == 1 and process["pid"] == p.pid


@test
def it_says_what_those_wait_for_that_wait_for_several():
    with running(mode="several") as p:
        [process] = look(p.pid)
        tasks = by_function(process)
        sleepers = {t["id"] for t in tasks["sleeper"]}
        waits, chooses, shields, takes = (tasks[f][0] for f in ("waits_in_all_ways", "chooses_among", "shields_sleeper", "takes_next"))
        assert len(waits["awaits"]) == 2 and set(waits["awaits"]) <= sleepers, (waits, sleepers)
        assert waits["waits"] == "tasks" and 700 < waits["timeout"] <= 800, waits
        [chosen] = chooses["awaits"]
        expect(chooses["text"], f"one of a future, bide_queue_get, task #{chosen}, a timer and 1 more; ", " left")
        assert chooses["waits"] == "choice" and 700 < chooses["left"] <= 810 and chosen in sleepers, chooses
        assert shields["text"] == f"task Task-{shields['awaits'][0]}" and shields["awaits"][0] in sleepers, shields
        expect(takes["text"], f"task Task-{takes['awaits'][0]}; timeout in ")
        assert takes["waits"] == "next", takes
        [stackless] = [t for t in process["tasks"] if t["name"].startswith("stackless")]
        expect(tasks["waits_for_process"][0]["text"], "bide_process_wait fd ", ", cat)")
        assert tasks["reads_unix"][0]["peer"] in (f"unix to @bide-ps-{p.pid}", "unix"), tasks["reads_unix"]
        assert stackless["text"] == "a future" and "timeout" not in stackless, stackless


@test
def it_is_a_table_fit_for_a_terminal():
    with running() as p:
        out = good(p.pid)
        expect(out, f"process {p.pid} (ps-target), bide ", ": 13 tasks in 1 loop, 13 waiting\n", "STATE ", "WAITS FOR\n",
               "awaiter\\x1b[31m (#6)", "wants_lock")
        assert "\x1b" not in out and len(out.splitlines()) == 15, out


@test
def tree_shows_who_awaits_whom():
    with running() as p:
        out = good("--tree", p.pid)
        expect(out, "`- holder (#2)  holds_lock  waiting for a timer", "|- Task-", "holder (#2)  holds_lock  waiting  (see above)\n")


@test
def stacks_have_functions_and_lines_and_are_grouped():
    with running(sleepers=50) as p:
        out = good("--stacks", p.pid)
        if "libdw is not installed" in out:
            raise Skip("there is no libdw")
        expect(out, "52 tasks of sleeper: Task-9, ", "reads_socket (", "target.c:", "holds_lock (", "task_entry")


@test
def running_tasks_are_seen_blocked_and_computing():
    for mode, name, function, inside in (("block", "blocker", "blocks", "sleep"), ("spin", "spinner", "spins", "spins")):
        with running(mode=mode) as p:
            def runs():
                found = [t for t in look("--stacks", p.pid)[0]["tasks"] if t["state"] == "running"]
                return found if found and found[0]["function"] == function else None
            [task] = until(runs, f"{function} runs")
            assert task["name"].startswith(name), task
            if "stack" not in task:
                raise Skip("there is no libdw, or no right to stop a thread")
            assert any(inside in frame for frame in task["stack"]), task
            assert p.poll() is None


@test
def a_stopped_program_shows_where_it_ran_and_stays_stopped():
    with running(mode="spin") as p:
        until(lambda: any(t["state"] == "running" for t in look(p.pid)[0]["tasks"]), "the spinner runs")
        p.send_signal(signal.SIGSTOP)

        def state():
            return pathlib.Path(f"/proc/{p.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        until(lambda: state() == "T", "it is stopped")
        [task] = [t for t in look("--stacks", p.pid)[0]["tasks"] if t["state"] == "running"]
        if "stack" not in task:
            raise Skip("there is no libdw, or no right to stop a thread")
        assert state() == "T", state()
        assert any("task_entry" in frame for frame in task["stack"]), task


@test
def a_thread_stands_for_its_process():
    with running(mode="thread") as p:
        thread = until(lambda: [t for t in map(int, os.listdir(f"/proc/{p.pid}/task")) if t != p.pid], "it has another thread")[0]
        [process] = look(thread)
        assert process["pid"] == p.pid
        expect(by_function(process)["calls_thread"][0]["text"], "a call in a thread: blocks")


@test
def files_of_another_mount_namespace_are_found_there():
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skip("only root can make a mount namespace, with unshare")
    with tempfile.TemporaryDirectory() as folder:
        loaded = subprocess.run(["ldd", TARGET], capture_output=True, text=True).stdout
        library = [word for word in loaded.split() if "/libbide" in word]
        script = f"mount -t tmpfs none {folder} && cp {' '.join([TARGET, *library])} {folder}/ && " \
                 f"LD_LIBRARY_PATH={folder} exec {folder}/{os.path.basename(TARGET)} 3 wait"
        p = subprocess.Popen(["unshare", "-m", "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            if p.stdout.readline() != "ready\n":
                raise Skip("no mount namespace here")
            assert not os.listdir(folder)
            out = good("--stacks", p.pid)
            if "libdw is not installed" in out:
                raise Skip("there is no libdw")
            expect(out, "target.c:", "task_entry")
        finally:
            p.kill()
            p.wait()
            p.stdout.close()


@test
def stripped_and_static_it_has_names_and_states():
    with running(STRIPPED) as p:
        tasks = by_function(look(p.pid)[0])
        assert len(tasks["sleeper"]) == 5 and tasks["wants_lock"][0]["text"].startswith("bide_lock_acquire, held by"), tasks
        assert good("--stacks", p.pid)


@test
def tasks_have_an_age():
    with running(env={"BIDE_DEBUG": "0"}) as p:
        [process] = look(p.pid)
        assert len(process["tasks"]) == 13 and all(0 <= t["age"] < 100 for t in process["tasks"]), process
        first = process["tasks"][0]["age"]
        later = until(lambda: (lambda age: age > first and age)(look(p.pid)[0]["tasks"][0]["age"]), "it is older")
        assert later < first + 100, (first, later)


@test
def debug_mode_tells_the_age():
    with running(env={"BIDE_DEBUG": "1"}) as p:
        [process] = look(p.pid)
        assert len(process["tasks"]) == 13 and all(0 <= t["age"] < 100 for t in process["tasks"]), process


@test
def tasks_that_come_and_go_do_no_harm():
    with running(mode="churn", sleepers=100) as p:
        end, n, most = time.monotonic() + 3, 0, 0
        while time.monotonic() < end:
            [process] = look("--stacks", p.pid)
            ids = [t["id"] for t in process["tasks"]]
            assert len(set(ids)) == len(ids)
            steady = [t for t in process["tasks"] if not t["name"].startswith("short-lived") and t["function"] not in ("sleeper", "churns")]
            assert {t["function"] for t in steady} <= {"app", "holds_lock", "wants_lock", "wants_number", "wants_future", "awaits",
                                                       "reads_socket", "gathers", None}, steady
            assert sum(t["function"] == "sleeper" and t["waits"] == "timer" and t["left"] > 500 for t in process["tasks"]) == 102, process
            most = max(most, len(ids))
            n += 1
        assert n > 3 and p.poll() is None and most >= 110, (n, most)


@test
def workers_of_pools_are_followed():
    with running(mode="work") as p:
        def job():
            for process in look(p.pid)[1:]:
                found = by_function(process)
                if "job_that_waits" in found or any("a timer" in (t["text"] or "") for t in process["tasks"]):
                    return process
            return None
        worker = until(job, "a worker has the job")
        assert worker["worker_of"] == p.pid
        jobs = [t for t in worker["tasks"] if t.get("doing") == "job"]
        assert len(jobs) == 1 and jobs[0].get("of", "job_that_waits").startswith("job_that_waits"), worker
        expect(good(p.pid), "a job in a worker: job_that_waits", f"worker, process {worker['pid']} (")
        assert len(look("--no-workers", p.pid)) == 1


@test
def a_request_under_way_has_its_url():
    serve = subprocess.Popen([BIDE, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    url = serve.stdout.readline().strip().rstrip("/")

    class Redirect(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", url.replace("//", "//me:secret@") + "/delay/100000")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass
    first = http.server.HTTPServer(("127.0.0.1", 0), Redirect)
    threading.Thread(target=first.handle_request, daemon=True).start()
    get = subprocess.Popen([BIDE, "get", f"http://127.0.0.1:{first.server_port}/first"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def text():
            r = bide_ps(get.pid)
            return r.stdout if "/delay/100000: to read fd" in r.stdout else None
        out = until(text, "the request waits")
        expect(out, f"GET {url}/delay/100000: to read fd ", f"(tcp {url.split('//')[1]})")
        assert "secret" not in out
        expect(good(serve.pid), "GET /delay/100000: a timer, ")
    finally:
        for p in (get, serve):
            p.kill()
            p.wait()
        serve.stdout.close()
        first.server_close()


def dump(folder, program=TARGET):
    """The core file of a target that has crashed in its task `blocker`."""
    p = subprocess.Popen([program, "3", "block"], stdout=subprocess.PIPE, text=True, cwd=folder,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2))
    assert p.stdout.readline() == "ready\n"
    until(lambda: any(t["state"] == "running" for t in look(p.pid)[0]["tasks"]), "the blocker runs")
    p.send_signal(signal.SIGABRT)
    p.wait()
    p.stdout.close()
    found = list(pathlib.Path(folder).glob("core*"))
    if not found:
        raise Skip("this system dumps no core files here")
    return found[0]


@test
def a_core_file_shows_the_same():
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        raise Skip("core files are limited")
    with tempfile.TemporaryDirectory() as folder:
        core = dump(folder)
        [process] = look("--stacks", "--core", core)
        tasks = by_function(process)
        expect(tasks["wants_lock"][0]["text"], "bide_lock_acquire, held by holder (#2)")
        assert tasks["blocks"][0]["state"] == "running" and 500 < tasks["sleeper"][0]["left"] <= 600, tasks
        if "stack" in tasks["blocks"][0]:
            assert any("sleep" in frame for frame in tasks["blocks"][0]["stack"]), tasks["blocks"]
        assert look("--core", core, TARGET)[0]["tasks"], "with the program named"
        r = bide_ps("--core", core, shutil.which("true"))
        assert r.returncode == 3 and "/true: not the program of the core file " in r.stderr, r
        r = bide_ps("--core", core, folder + "/none")
        assert r.returncode == 3 and "/none: No such file" in r.stderr, r
        whole = core.read_bytes()
        for at in (5, 18):
            core.write_bytes(whole[:at] + b"\x02" + whole[at + 1:])
            r = bide_ps("--core", core)
            assert r.returncode == 3 and "another architecture" in r.stderr, r
        for n in (0, 10, 100, 5000, len(whole) // 2):
            core.write_bytes(whole[:n])
            r = bide_ps("--stacks", "--core", core)
            assert r.returncode in (0, 3), r
            assert n < 1000 or "is truncated" in r.stderr, r
        r = bide_ps("--core", folder + "/none")
        assert r.returncode == 3 and "No such file" in r.stderr, r
        r = bide_ps("--core", TARGET)
        assert r.returncode == 3 and "not a core file" in r.stderr, r


@test
def a_core_file_of_a_program_that_was_moved_takes_it_by_name():
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        raise Skip("core files are limited")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(STRIPPED, folder + "/before")
        core = dump(folder, folder + "/before")
        os.rename(folder + "/before", folder + "/later")
        tasks = by_function(look("--core", core, folder + "/later")[0])
        assert "wants_lock" in tasks and "holds_lock" in tasks, tasks


@test
def it_reports_itself_when_asked_and_at_a_signal():
    lines = ("bide: tasks of the event loop 1:\n", "bide:   holder (#2) (holds_lock) waits for a timer, ", " ms left\n",
             "bide:   Task-3 (wants_lock) waits for bide_lock_acquire, held by #2\n", "(wants_future) waits for a future\n",
             "(gathers) waits for Task-12 (sleeper), Task-13 (sleeper)\n", "(awaits) waits for holder (#2) (holds_lock)\n")
    # Where the stacks of the target have lines, the report has them, too.
    with running() as p:
        has_stacks = "target.c:" in good("--stacks", p.pid)
    stacks = ("bide:   stack of #4:\nbide:     bide_queue_get_item (", "bide:     wants_number (", "bide:   stack of #1:\n", "bide:     app (",
              "bide:   stack of #9, #10, #11, #12, #13:\nbide:     bide_sleep_ms (") if has_stacks else ()
    last = stacks[-1] if has_stacks else "Task-13 (sleeper) waits"
    with running(mode="report") as p:
        said = ""
        while last not in said:
            line = p.stdout.readline()
            assert line, said
            said += line
        expect(said, *lines, *stacks, "bide:   Task-1 (app) runs\n", "awaiter?[31m (#6)")
    with tempfile.TemporaryFile("w+") as err:
        p = subprocess.Popen([TARGET, "3"], stdout=subprocess.PIPE, stderr=err, text=True, env={**os.environ, "BIDE_SIGQUIT": "report"})
        try:
            assert p.stdout.readline() == "ready\n"
            p.send_signal(signal.SIGQUIT)

            def said_all():
                err.seek(0)
                said = err.read()
                return said if last in said else None
            expect(until(said_all, "the report"), *lines, *stacks)
            assert p.poll() is None, "it goes on"
        finally:
            p.kill()
            p.wait()
            p.stdout.close()


@test
def a_crash_in_debug_mode_names_the_task_and_who_awaits_it():
    for mode, what, code in (("abort", "abort", -signal.SIGABRT), ("fault", "SIGSEGV", -signal.SIGSEGV)):
        for debug in ("1", "0"):
            r = subprocess.run([TARGET, "1", mode], capture_output=True, text=True, timeout=60, env={**os.environ, "BIDE_DEBUG": debug},
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
            if "Sanitizer" in r.stderr or "runtime error" in r.stderr:
                raise Skip("a sanitizer reports crashes itself")
            assert r.returncode == code, r
            if debug == "1":
                expect(r.stderr, f"bide: {what} in task Task-", " (crashes)\n", "bide:   awaited by parent (#", ") (awaits_crash)\n",
                       "bide:   awaited by Task-1 (app)\n")
            else:
                assert " in task" not in r.stderr, r


@test
def a_crash_names_all_that_await_the_task_whichever_way():
    for mode, first in (("chain", "bide: abort in task Task-"), ("overflow", "bide: stack overflow in task Task (#")):
        with tempfile.TemporaryDirectory() as folder:
            trace = folder + "/t.json"
            r = subprocess.run([TARGET, "1", mode], capture_output=True, text=True, timeout=60, env={**os.environ, "BIDE_DEBUG": "1", "BIDE_TRACE": trace},
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
            if "Sanitizer" in r.stderr:
                raise Skip("AddressSanitizer reports crashes itself")
            assert r.returncode in (-signal.SIGABRT, -signal.SIGSEGV), r
            expect(r.stderr, first)
            chain = [line.rsplit("(", 1)[1].rstrip(")") for line in r.stderr.splitlines() if line.startswith("bide:   awaited by ")]
            assert chain == ["in_group", "shields", "waits_for_time", "chooses", "takes_completed", "app"], r.stderr
            names = [e["name"] for e in json.loads(pathlib.Path(trace).read_text())["traceEvents"]]
            assert any("ends_badly" in name for name in names), names


def gdb(*args):
    if not shutil.which("gdb"):
        raise Skip("there is no gdb")
    commands = [x for c in ("set debuginfod enabled off", f"source {SCRIPT}") for x in ("-iex", c)]
    r = subprocess.run(["gdb", "-q", "-nx", "-batch", *commands, *map(str, args)], capture_output=True, text=True, timeout=120)
    if "Python scripting is not supported" in r.stdout + r.stderr:
        raise Skip("gdb has no Python")
    return r.stdout + r.stderr


@test
def gdb_has_the_tasks_of_a_process():
    for program in (TARGET, STRIPPED):
        with running(program) as p:
            out = gdb("-p", p.pid, "-ex", "bide tasks", "-ex", "bide bt 3", "-ex", "bide bt 99", "-ex", "bide bt x")
            expect(out, "wants_lock    bide_lock_acquire, held by #2", "Task-3, wants_lock, waiting for", "there is no task #99",
                   "expected the number of a task")
            if program == TARGET:
                expect(out, "in bide_lock_acquire (", "in task_entry (")


@test
def gdb_says_what_bide_ps_says():
    with running(mode="several") as p:
        out = gdb("-p", p.pid, "-ex", "bide tasks")
        expect(out, "one of a future, bide_queue_get, task #", ", a timer and 1 more\n", "the next of task #", "; timeout in 79",
               "bide_fd_wait fd ", "; timeout in 89", "bide_lock_acquire, held by #2\n")
        assert "without a name" not in out, out
    with running(mode="thread") as p:
        expect(gdb("-p", p.pid, "-ex", "bide tasks"), "a call in a thread: blocks")


@test
def gdb_has_the_tasks_of_a_core_file():
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        raise Skip("core files are limited")
    with tempfile.TemporaryDirectory() as folder:
        out = gdb(TARGET, dump(folder), "-ex", "bide tasks", "-ex", "bide bt")
        expect(out, "running  blocker (#14)         blocks", "in bide_queue_get_item (", "wants_number () at ", "nanosleep (")


@test
def what_is_wrong_is_said():
    for args, code, part in ((("abc",), 2, "'abc' is not a process ID: expected a number"), (("-1",), 2, ""), (("0",), 2, "is not a process ID"),
                             (("12x",), 2, "is not a process ID"), (("99999999999",), 2, "is not a process ID"), ((), 2, "expected a process: bide ps PID"),
                             (("1", "2"), 2, "expected one process, not 2"), ((2147483647,), 3, "2147483647: no such process")):
        r = bide_ps(*args)
        assert r.returncode == code and len(r.stderr.splitlines()) == 1 and r.stdout == "", r
        expect(r.stderr, part)
    other = subprocess.Popen(["sleep", "1000"])
    try:
        r = until(lambda: (lambda r: r if "(sleep)" in r.stderr else None)(bide_ps(other.pid)), "sleep runs")
        assert r.returncode == 3, r
        expect(r.stderr, "it does not use bide")
    finally:
        other.kill()
    def zombie():
        r = bide_ps(other.pid)
        return r if "it has ended, and its parent" in r.stderr else None
    assert until(zombie, "a process that has ended").returncode == 3
    other.wait()


@test
def who_may_not_look_is_told_why():
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    with running() as p:
        r = bide_ps(p.pid, user=65534)
        if "Permission denied" in r.stderr and "bide ps" not in r.stderr:
            raise Skip("nobody may not run bide here")
        assert r.returncode == 3 and r.stdout == "", r
        expect(r.stderr, f"{p.pid}: not permitted: it belongs to user 0")


@test
def watch_prints_again_and_again_without_a_terminal():
    with running() as p:
        watch = subprocess.Popen([BIDE, "ps", "--watch", "--interval", "100ms", str(p.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, stdin=subprocess.DEVNULL)
        for _ in range(3):
            until(lambda: watch.stdout.readline().startswith("process "), "another look")
        p.kill()
        p.wait()
        _, err = watch.communicate(timeout=30)
        assert watch.returncode == 3 and "ended" in err or "no such process" in err, (watch.returncode, err)


@test
def q_ends_a_watch_on_a_terminal():
    with running() as p:
        here, there = pty.openpty()
        watch = subprocess.Popen([BIDE, "ps", "--watch", str(p.pid)], stdin=there, stdout=there, stderr=subprocess.PIPE)
        os.close(there)
        seen = b""
        while b"WAITS FOR" not in seen:
            assert select.select([here], [], [], 60)[0], seen
            seen += os.read(here, 65536)
        os.write(here, b"q")
        assert watch.wait(timeout=60) == 0, watch.stderr.read()
        watch.stderr.close()
        os.close(here)


@test
def a_signal_that_ends_a_watch_leaves_the_terminal_as_it_was():
    with running() as p:
        here, there = pty.openpty()
        before = termios.tcgetattr(there)
        for send in (lambda w: os.write(here, b"\x03"), lambda w: w.terminate()):
            watch = subprocess.Popen([BIDE, "ps", "--watch", str(p.pid)], stdin=there, stdout=there, stderr=subprocess.DEVNULL,
                                     start_new_session=True,
                                     preexec_fn=lambda: [signal.signal(s, signal.SIG_DFL) for s in (signal.SIGINT, signal.SIGTERM)] and
                                     fcntl.ioctl(there, termios.TIOCSCTTY, 0))
            seen = b""
            while b"WAITS FOR" not in seen:
                assert select.select([here], [], [], 60)[0], seen
                seen += os.read(here, 65536)
            assert not termios.tcgetattr(there)[3] & termios.ECHO
            send(watch)
            assert watch.wait(timeout=60) < 0, watch.returncode
            assert termios.tcgetattr(there) == before
        os.close(there)
        os.close(here)


def why_not():
    """It needs the right to read another process, and one that is not emulated."""
    if os.environ.get("BIDE_TEST_EMULATED"):
        return "the program is emulated"
    scope = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")
    if os.geteuid() != 0 and scope.exists() and int(scope.read_text()) > 0:
        return f"{scope} is {scope.read_text().strip()}"
    return None


print(f"1..{len(tests)}", flush=True)
reason, failed = why_not(), 0
for number, each in enumerate(tests, 1):
    try:
        if reason:
            raise Skip(reason)
        each()
        print(f"ok {number} - {each.__name__}", flush=True)
    except Skip as skip:
        print(f"ok {number} - {each.__name__} # SKIP {skip}", flush=True)
    except Exception as error:
        failed += 1
        print(f"not ok {number} - {each.__name__}", flush=True)
        print("\n".join("# " + line for line in f"{type(error).__name__}: {error}".splitlines()[:30]), flush=True)
sys.exit(failed > 0)
