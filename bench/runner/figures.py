# SPDX-License-Identifier: MIT
"""What is measured.

A Figure is one program of ours and the peers that do the same work; they run in turn.  Its rows are what is read off:
a value of ours, and the bounds that it must and should keep, absolute or as a multiple of a peer's value in the same
round.  Commands name {bench} (the folder of our programs), {bide}, and the ports {http}, {https}, {delay}, {own_delay}.
"""
from dataclasses import dataclass, field


def cpu_ns(run):
    return run["cpu_s"] * 1e9 / run["ops"]


def cpu_us(run):
    return run["cpu_s"] * 1e6 / run["ops"]


def wall_s(run):
    return run["secs"]


def bytes_each(run):
    return run["rss_kb"] * 1024 / run["ops"]


def rss_mib(run):
    return run["rss_kb"] / 1024


def system_calls(run):
    return run["syscalls"]


@dataclass
class Row:
    what: str
    value: object        # a function of a run
    unit: str
    must: float = None
    aim: float = None
    against: str = None  # the bounds are multiples of this peer's value


@dataclass
class Figure:
    name: str
    ours: str
    rows: list
    peers: str = None    # a .peers file of ../shared/bench, without its suffix
    without: set = field(default_factory=set)  # peers of that file that say nothing about this figure
    needs: str = None    # "nginx", "delay", "own_delay"
    pin: bool = True     # all to the first core, for their servers run on the last
    slow_after: float = 3.0  # seconds: a peer whose run takes longer runs once


RAW_SWITCHES = {"asm-inline", "asm-call", "asm-jmp", "asm-call+fpcsr", "ucontext", "greenlet-switch"}

FIGURES = [
    Figure("switch", "{bench}/bench-switch 2 10000000",
           [Row("yield and resume through the loop, 2 tasks", cpu_ns, "ns", 25, 12)],
           "1-switch/switch", without=RAW_SWITCHES),
    Figure("switch-16k", "{bench}/bench-switch 16384 3000000",
           [Row("the same, 16,384 tasks in random order", cpu_ns, "ns", 80, 30)]),
    Figure("spawn", "{bench}/bench-spawn 2000000 1000",
           [Row("start, run and join a trivial task, warm", cpu_ns, "ns", 150, 60)], "2-spawn/spawn"),
    Figure("parked", "{bench}/bench-parked stackful 100000",
           [Row("a parked stackful task, at 100,000", bytes_each, "bytes", 5120, 4300)],
           "2-spawn/alive100k", without={"limit-64k-noguard", "limit-16k-guard"}),
    Figure("parked-stackless", "{bench}/bench-parked stackless 1000000",
           [Row("a parked stackless task, at 1,000,000", bytes_each, "bytes", 300, 160)],
           "2-spawn/alive1m", without={"limit-64k-noguard", "limit-64k-guard", "limit-16k-guard"}),
    Figure("timers-fire", "{bench}/bench-timers fire 1000000",
           [Row("call_later, made", cpu_ns, "ns")], "3-timers/fire"),
    Figure("timers-cancel", "{bench}/bench-timers cancel 1000000",
           [Row("call_later, cancelled", cpu_ns, "ns")], "3-timers/cancel"),
    Figure("echo", "./one.py 64 1.5 {bench}/bench-echo PORT",
           [Row("TCP echo, 64 connections, a message", cpu_us, "us")], "4-echo/c64"),
    Figure("get", "{bench}/bench-http_get http://127.0.0.1:{http}/j 100000 64",
           [Row("keep-alive GET of 200 bytes, 64 connections", cpu_us, "us", 1.25, 1.1, "raw-epoll")],
           "5-http/plain", needs="nginx"),
    Figure("get-tls", "{bench}/bench-http_get https://127.0.0.1:{https}/j 50000 64 {cert}",
           [Row("the same over TLS 1.3", cpu_us, "us", 1.4, 1.2, "raw-epoll-openssl")],
           "5-http/tls", needs="nginx"),
    Figure("get-syscalls", "{runner}/syscalls.py {bench}/bench-http_get http://127.0.0.1:{http}/j 10000 64",
           [Row("system calls of a keep-alive GET", system_calls, "", 2.3, 2.1)], needs="nginx"),
    Figure("delay-100", "{bench}/bench-http_get http://127.0.0.1:{delay}/ 100 100",
           [Row("100 GETs answered after 100 ms", wall_s, "s", 0.12, 0.105)], "6-latency/n100", needs="delay"),
    Figure("delay-10000", "{bench}/bench-http_get http://127.0.0.1:{delay}/ 10000 10000",
           [Row("10,000 at once, answered after 100 ms", wall_s, "s", 1.6, None, "raw-epoll"),
            Row("the same, memory", rss_mib, "MiB", 100)], "6-latency/n10000", needs="delay"),
    Figure("delay-serve", "{bench}/bench-http_get http://127.0.0.1:{own_delay}/json 10000 10000",
           [Row("the same, answered by bide serve --delay 100", wall_s, "s"),
            Row("the same, memory of client", rss_mib, "MiB", 100)], needs="own_delay"),
    Figure("fetch", "{here}/fetch.sh 10000 {bide} fetch -q -c 64 --per-host 64 -o f{{1}}.json "
                    "'http://127.0.0.1:{http}/f/[0-9999].json'",
           [Row("bide fetch of 10,000 small files, each saved", cpu_us, "us", 1.0, 0.5, "curl-parallel64")],
           "7-cli/files", without={"xargs-P64-n1-curl(200)"}, needs="nginx",
           pin=False),
]
