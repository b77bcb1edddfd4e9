# SPDX-License-Identifier: MIT
"""What is measured.

A Figure is one program of ours and the peers that do the same work; they run in turn.  Its rows are what is read off:
a value of ours, and the bounds that it must and should keep, absolute or as a multiple of a peer's value in the same
round.  Commands name {bench} (the folder of our programs), {bide}, {shared} (that of the peers), and the ports {http},
{https}, {tickets} (where TLS can be resumed), {delay}, {own}, {own_delay}, {h2o}; those of own_peers {python}, {peers} (the
folder of their sources) and {made} (that of what is made of them).
"""
from dataclasses import dataclass, field

from servers import SMALL_FILES_BYTES


def cpu_ns(run):
    return run["cpu_s"] * 1e9 / run["ops"]


def cpu_us(run):
    return run["cpu_s"] * 1e6 / run["ops"]


def cpu_s(run):
    return run["cpu_s"]


def wall_s(run):
    return run["secs"]


def bytes_each(run):
    return run["rss_kb"] * 1024 / run["ops"]


def rss_mib(run):
    return run["rss_kb"] / 1024


def wall_ns(run):
    return run["secs"] * 1e9 / run["ops"]


def wall_us(run):
    return run["secs"] * 1e6 / run["ops"]


def of(key):
    """A value that the program says by itself."""
    return lambda run: run[key]


def again_ns(run):
    """Of a program that does it twice; of others what they do once."""
    return run.get("again_ns", cpu_ns(run))


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
    who: str = ""        # the peers of that file that run; PEERS=all: all of them
    also: dict = field(default_factory=dict)  # other ways of our own to do it: name and command
    own_peers: dict = field(default_factory=dict)  # programs of bench/peers: name and command
    needs: str = None    # "nginx", "large", "servers", "delay", "own_delay", "redis"
    pin: bool = True     # to the first core, for their servers run on the last
    rounds: int = 1000   # at most
    slow_after: float = 2.5  # seconds: a peer whose run takes longer runs once
    bytes: int = None    # what each run must have got
    peers_count: tuple = None  # in the peers' commands, this number becomes that one


SAVE = "d=$(mktemp -d {scratch}/save.XXXXXX) && {bench}/bench-files save 10000 %s $d && rm -r $d"

def lists(name, what, *rows, must=None, rounds=1):
    """A list of bench/lists.py, by us and by other tools."""
    command = "{here}/lists.py %s %%s {bide}" % name
    return Figure("lists-" + name, command % "bide", [Row(what, wall_s, "s", must), *rows], pin=False, rounds=rounds,
                  also={"curl -Z": command % "curl", "wget2": command % "wget2", "aria2": command % "aria2"})


PYTHON_POOLS = {"mp.Pool": "mp", "ProcessPoolExecutor": "ppe", "aiomultiprocess": "aiomp"}


def pools(mode, workers=2, **counts):
    """What other pools do in a mode of ours, so many times each; 0: it has no such thing."""
    peers = {name: "{python} {peers}/pool.py %s %s %d %d" % (kind, mode, counts[kind], workers)
             for name, kind in PYTHON_POOLS.items() if counts.get(kind)}
    if counts.get("go"):
        peers["go-channels"] = "{made}/pool %s %d %d" % (mode, counts["go"], workers)
    return peers


def large(name, what, url, to, must, trust="", ca=""):
    """1 GiB by bench-save and by curl: CPU time, and wall time.  `to` is a file, which the run makes anew, or /dev/null."""
    clean = "rm -f {scratch}/large.out; "
    curl = clean + "curl -sf %s -o %s %s && echo '{{\"ops\":1024}}'" % (trust, to, url)
    return Figure(name, clean + "{bench}/bench-save %s %s %s" % (url, to, ca),
                  [Row(what, cpu_s, "s", must, None, "curl"), Row("the same, wall", wall_s, "s", must, None, "curl")],
                  also={"curl": curl}, needs="large", slow_after=60)


def idle(name, what, must, keys="", tls=""):
    """10,000 connections that have had an answer, by our server and by nginx."""
    nginx = "{bench}/bench-idle 10000 %s $(pgrep -P $(cat {scratch}/nginx.pid)) %s" % ("{https}" if tls else "{http}", tls)
    return Figure(name, "{bench}/bench-idle 10000 " + keys, [Row(what, bytes_each, "bytes", must)], also={"nginx": nginx},
                  needs="nginx", pin=False, rounds=1)


def timers(suffix, n, words):
    """call_later, made and cancelled, n at once.  The peers that are beside the million do the same number."""
    who = ["limit-wheel", "libuv", "tokio", "go-afterfunc"] + (["asyncio"] if n == 1000000 else [])
    sizes = {"peers_count": ("1000000", str(n))}
    return [Figure("timers-fire" + suffix, "{bench}/bench-timers fire %d" % n,
                   [Row("call_later, made" + words, cpu_ns, "ns", 2, None, "limit-wheel")], "3-timers/fire", " ".join(who),
                   rounds=3, **sizes),
            Figure("timers-cancel" + suffix, "{bench}/bench-timers cancel %d" % n,
                   [Row("call_later, cancelled" + words, cpu_ns, "ns"),
                    Row("the same, in memory that was used before", again_ns, "ns", 2, None, "limit-wheel")],
                   "3-timers/cancel", " ".join(who), rounds=3, **sizes)]


ASK_AND_CLOSE = "{runner}/server_cpu.py {%s} 20000 {shared}/5-http/rawepoll {%s} %s 20000 64 close"

FIGURES = [
    Figure("switch", "{bench}/bench-switch 2 10000000",
           [Row("yield and resume through the loop, 2 tasks", cpu_ns, "ns", 25, 12)],
           "1-switch/switch", "tokio-yield tokio-mpsc go-gosched asyncio-sleep0"),
    Figure("switch-16k", "{bench}/bench-switch 16384 3000000",
           [Row("the same, 16,384 tasks in random order", cpu_ns, "ns", 80, 30)]),
    *[Figure("hand-off-" + mode, "{bench}/bench-hand_off %s 5000000" % mode,
             [Row("a hand-off between two tasks, " + what, cpu_ns, "ns", must, 40)],
             own_peers={"go-channel": "{made}/hand_off %s 5000000" % mode.replace("channel", "queue"),
                        "tokio": "{made}/rust/target/release/hand_off %s 5000000" % mode.replace("channel", "queue"),
                        **({"asyncio": "{python} {peers}/hand_off.py %s 200000" % mode} if mode in ("queue", "event", "lock") else {})},
             rounds=3)
      for mode, what, must in (("queue", "queue", 40), ("event", "event", 40), ("lock", "lock", 40), ("select", "bide_select", 80),
                               ("channel", "channel", 60))],
    *[Figure("unblock-" + call, "{bench}/bench-unblock outside %s 5000000" % call,
             [Row("what libbide-unblock adds to a %s() outside of tasks" % name, of("extra_ns"), "ns", 5 if call == "mutex" else None)], rounds=3)
      for call, name in (("mutex", "pthread_mutex_lock"), ("recv", "recv"), ("poll", "poll"))],
    *[Figure("unblock-in-" + call, "{bench}/bench-unblock inside %s 5000000" % call,
             [Row("what it adds to a %s() in a task that need not wait" % name, of("extra_ns"), "ns")], rounds=3)
      for call, name in (("mutex", "pthread_mutex_lock"), ("recv", "recv"))],
    Figure("spawn", "{bench}/bench-spawn 2000000 1000",
           [Row("start, run and join a trivial task, warm", cpu_ns, "ns", 150, 60)],
           "2-spawn/spawn", "limit-pooled tokio go asyncio"),
    Figure("spawn-100k", "{bench}/bench-spawn 1000000 100000",
           [Row("the same, 100,000 alive at a time", cpu_ns, "ns", 1200)],
           own_peers={"go": "{made}/tasks spawn 1000000 100000"}, rounds=3),
    Figure("spawn-1m", "{bench}/bench-spawn 2000000 1000000",
           [Row("the same, 1,000,000 alive at a time", cpu_ns, "ns", 1200)],
           own_peers={"go": "{made}/tasks spawn 2000000 1000000"}, rounds=3),
    *[Figure(name, "{bench}/bench-live %s 100000" % mode,
             [Row("100,000 tasks made, parked and " + what, cpu_ns, "ns"), Row("the same, once more", again_ns, "ns", 1, None, "go")],
             own_peers={"go": "{made}/tasks %s 100000" % mode}, rounds=3)
      for name, mode, what in (("live-100k", "wake", "woken"), ("live-cancel", "cancel", "cancelled"))],
    Figure("process", "{bench}/bench-process bide 1000",
           [Row("spawn of /bin/true from a program of 4 GiB, wall", wall_us, "us", 1.2, None, "posix_spawn"),
            Row("the same, CPU of both", cpu_us, "us", 1.2, None, "posix_spawn")],
           also={"posix_spawn": "{bench}/bench-process posix 1000", "fork": "{bench}/bench-process fork 20"}, pin=False, rounds=3),
    Figure("parked", "{bench}/bench-parked stackful 100000",
           [Row("a parked stackful task, at 100,000", bytes_each, "bytes", 5120, 4300)],
           "2-spawn/alive100k", "limit-64k-guard tokio go asyncio"),
    Figure("parked-stackless", "{bench}/bench-parked stackless 1000000",
           [Row("a parked stackless task, at 1,000,000", bytes_each, "bytes", 300, 160)],
           "2-spawn/alive1m", "tokio go asyncio", rounds=3),
    *timers("", 1000000, ""), *timers("-100k", 100000, ", of 100,000"), *timers("-1k", 1000, ", of 1,000"),
    Figure("wheel", "{bench}/bench-wheel wheel",
           [Row("the timer wheel: cancel and arm one of 100,000", cpu_ns, "ns")],
           also={"4-ary heap": "{bench}/bench-wheel heap"}, rounds=3),
    Figure("echo", "./one.py 64 1.5 {bench}/bench-echo PORT",
           [Row("TCP echo, 64 connections, a message", cpu_us, "us")],
           "4-echo/c64", "raw-epoll libuv tokio go asyncio-streams", rounds=3, slow_after=10),
    Figure("echo-1024", "./one.py 1024 1.5 {bench}/bench-echo PORT",
           [Row("TCP echo, 1,024 connections, a message", cpu_us, "us")],
           "4-echo/c1024", "raw-epoll libuv tokio go asyncio-streams", rounds=3, slow_after=10),
    *(Figure(f"udp-echo{name}", f"{{bench}}/bench-udp_echo bide 200000 {peers}",
             [Row(f"UDP echo, {peers:,} peers, a datagram", cpu_us, "us")],
             also={"raw epoll": f"{{bench}}/bench-udp_echo epoll 200000 {peers}",
                   "in batches": f"{{bench}}/bench-udp_echo batch 200000 {peers}"},
             own_peers={"libuv": f"{{made}}/udp_echo-libuv {{bench}}/bench-udp_echo 200000 {peers}",
                        "asyncio": f"{{python}} {{peers}}/udp_echo.py {{bench}}/bench-udp_echo 200000 {peers}"}, rounds=3,
             slow_after=6)
      for name, peers in (("", 64), ("-1024", 1024))),
    Figure("get", "{bench}/bench-http_get http://127.0.0.1:{http}/j 100000 64",
           [Row("keep-alive GET of 200 bytes, 64 connections", cpu_us, "us", 1.25, 1.1, "raw-epoll")],
           "5-http/plain", "raw-epoll wrk hyper-0.14 libcurl-multi go-net/http aiohttp-asyncio", needs="nginx",
           slow_after=4),
    Figure("get-tls", "{bench}/bench-http_get https://127.0.0.1:{https}/j 50000 64 {cert}",
           [Row("the same over TLS 1.3", cpu_us, "us", 1.4, 1.2, "raw-epoll-openssl")],
           "5-http/tls", "raw-epoll-openssl wrk hyper-0.14-openssl libcurl-multi go-net/http aiohttp-asyncio",
           needs="nginx", slow_after=4),
    Figure("get-curl", "{bench}/unblock/bench-curl easy http://127.0.0.1:{http}/j 30000 64",
           [Row("GET by curl_easy_perform in 64 tasks", cpu_us, "us", 1.15, None, "curl_multi_socket_action")], needs="nginx",
           also={"curl_multi_socket_action": "{bench}/unblock/bench-curl socket http://127.0.0.1:{http}/j 30000 64",
                 "curl_multi_poll": "{bench}/unblock/bench-curl poll http://127.0.0.1:{http}/j 30000 64"}, slow_after=4),
    Figure("trace-on", "{bench}/bench-http_get http://127.0.0.1:{http}/j 100000 64 '' trace",
           [Row("CPU of a keep-alive GET while a timeline is recorded, to that without", of("ratio"), "", 1.03)], needs="nginx"),
    Figure("get-gzip", "{bench}/bench-http_get http://127.0.0.1:{http}/page.html 20000 64",
           [Row("GET of a page of 20 KB in gzip", cpu_us, "us", 1.1, None, "GET and zlib alone")],
           also={"GET and zlib alone": "{bench}/bench-http_get http://127.0.0.1:{http}/page.html 20000 64 '' zlib"}, needs="nginx"),
    Figure("get-close", "{bench}/bench-http_get http://127.0.0.1:{http}/j 20000 64 '' close",
           [Row("GET with a connection of its own", cpu_us, "us", 1.15, None, "raw-epoll")],
           "5-http/close", "raw-epoll hyper-0.14 libcurl-multi go-net/http", needs="nginx", slow_after=4),
    Figure("get-close-tls", "{bench}/bench-http_get https://127.0.0.1:{tickets}/j 3000 64 {cert} close",
           [Row("the same over TLS 1.3, resumed", cpu_us, "us", 0.6, None, "full handshakes")],
           "5-http/closetls", "libcurl-multi go-net/http", needs="nginx", slow_after=4,
           also={"full handshakes": "{bench}/bench-http_get https://127.0.0.1:{https}/j 3000 64 {cert} close"}),
    Figure("get-first-tls", "{bench}/bench-first https://127.0.0.1:{https}/j 500 {cert}",
           [Row("a session for one https GET, CPU", cpu_us, "us", 1000),
            Row("the first of a program", of("first_us"), "us")], needs="nginx"),
    Figure("get-beside", "{bench}/bench-beside http://127.0.0.1:{http}/j http://127.0.0.1:{http}/large 300 8",
           [Row("a small GET beside eight downloads, median wait", of("p50_us"), "us", 2000)], needs="large"),
    large("save-null", "1 GiB to /dev/null, CPU", "http://127.0.0.1:{http}/large", "/dev/null", 0.7),
    large("save-large", "1 GiB to a file, CPU", "http://127.0.0.1:{http}/large", "{scratch}/large.out", 0.7),
    large("save-null-tls", "1 GiB over TLS to /dev/null, CPU", "https://127.0.0.1:{https}/large", "/dev/null", 1,
          "--cacert {cert}", "{cert}"),
    large("save-large-tls", "1 GiB over TLS to a file, CPU", "https://127.0.0.1:{https}/large", "{scratch}/large.out", 1,
          "--cacert {cert}", "{cert}"),
    Figure("upload", "{bench}/bench-upload http://127.0.0.1:{http}/put/a {scratch}/www/large",
           [Row("1 GiB uploaded from a file, CPU", cpu_s, "s", 1, None, "curl")], needs="large", slow_after=60,
           also={"curl": "curl -sf -T {scratch}/www/large http://127.0.0.1:{http}/put/a && echo '{{\"ops\":1024}}'"}),
    idle("idle", "a server's idle connection, at 10,000", 5120),
    idle("idle-tls", "the same over TLS", 22 * 1024, "{cert} {key}", "tls"),
    Figure("serve-close", ASK_AND_CLOSE % ("own", "own", "/json"),
           [Row("a server's connection with one request, CPU", cpu_us, "us", 1.15, None, "nginx")],
           also={"nginx": ASK_AND_CLOSE % ("http", "http", "/j"), "h2o": ASK_AND_CLOSE % ("h2o", "h2o", "/json")},
           needs="servers"),
    Figure("get-syscalls", "{runner}/syscalls.py {bench}/bench-http_get http://127.0.0.1:{http}/j 10000 64",
           [Row("system calls of a keep-alive GET", system_calls, "", 2.3, 2.1)], needs="nginx", rounds=3),
    Figure("delay-100", "{bench}/bench-http_get http://127.0.0.1:{delay}/ 100 100",
           [Row("100 GETs answered after 100 ms", wall_s, "s", 0.12, 0.105)],
           "6-latency/n100", "raw-epoll hyper-0.14 libcurl-multi go-net/http aiohttp-asyncio threads64-requests "
           "pool2-requests requests-in-asyncio", needs="delay"),
    Figure("delay-10000", "{bench}/bench-http_get http://127.0.0.1:{delay}/ 10000 10000",
           [Row("10,000 GETs at once, answered after 100 ms", wall_s, "s", 1.6, None, "raw-epoll"),
            Row("the same, resident memory", rss_mib, "MiB", 100)],
           "6-latency/n10000", "raw-epoll hyper-0.14 libcurl-multi go-net/http aiohttp-asyncio", needs="delay",
           slow_after=4),
    Figure("delay-serve", "{bench}/bench-http_get http://127.0.0.1:{own_delay}/json 10000 10000",
           [Row("the same, answered by bide serve --delay 100", wall_s, "s"),
            Row("the same, resident memory of the client", rss_mib, "MiB", 100)], needs="own_delay"),
    Figure("save", SAVE % "64",
           [Row("save a file of 200 bytes, 64 tasks", cpu_us, "us")],
           also={"threads": "BIDE_FILES=threads; export BIDE_FILES; " + SAVE % "64", "bare calls": SAVE % "0"}, rounds=3),
    Figure("fetch", "{here}/fetch.sh 10000 {bide} fetch -q -c 64 --per-host 64 -o 'f{{1}}.json' "
                    "'http://127.0.0.1:{http}/f/[0-9999].json'",
           [Row("bide fetch of 10,000 small files, each saved", cpu_us, "us", 1.0, 0.5, "curl-parallel64")],
           "7-cli/files", "curl-parallel64 wget2-64threads xargs-P8-n100-curl aria2-j64 aiohttp", needs="nginx",
           pin=False, slow_after=5, bytes=SMALL_FILES_BYTES),
    lists("dead", "20,000 URLs behind 16 hosts that do not answer: the last good file",
          Row("the same: the end", of("end_s"), "s")),
    lists("mixed", "99,912 URLs over 500 hosts, 12 of them bad: the last good file",
          Row("the same: connections made", of("connections"), "")),
    lists("sorted", "3,200 URLs of 50 ms, sorted by 8 hosts", rounds=3),
    lists("shuffled", "the same list shuffled", rounds=3),
    lists("hosts", "3,968 URLs over 64 hosts", Row("the same: connections made", of("connections"), "", 300), rounds=3),
    lists("one", "4,000 URLs of 50 ms of one host", must=5, rounds=1),
    lists("big", "200 files of 10 MB", Row("the same, CPU of a file", cpu_us, "us"), rounds=3),
    Figure("pool-batch", "{bench}/bench-pool batch 1000000",
           [Row("pool of 2 processes: a no-op job of 64 bytes, a million at once", wall_ns, "ns", 1000)], pin=False,
           own_peers=pools("batch", mp=400000, ppe=400000, aiomp=1000, go=1000000)),
    Figure("pool-stream", "{bench}/bench-pool stream 1000000",
           [Row("the same as a stream, 4,096 under way", wall_ns, "ns", 1000)], pin=False, rounds=3,
           own_peers=pools("stream", mp=20000, ppe=5000, aiomp=1000)),
    Figure("pool-one", "{bench}/bench-pool one 100000",
           [Row("the same, one at a time", wall_us, "us", 16.6), Row("one call, median", of("p50_us"), "us", 20)], pin=False,
           own_peers=pools("one", mp=5000, ppe=3000, aiomp=60, go=100000)),
    Figure("pool-idle", "{bench}/bench-pool idle 200",
           [Row("one call after everybody slept, median", of("p50_us"), "us", 120)], pin=False,
           own_peers=pools("idle", mp=200, ppe=200, aiomp=60, go=200)),
    Figure("pool-spin", "{bench}/bench-pool -w 1 one 100000",
           [Row("one call, one worker, a processor to spare, median", of("p50_us"), "us", 2)], pin=False, rounds=3,
           own_peers=pools("one", workers=1, mp=5000, ppe=3000, aiomp=60, go=100000)),
    Figure("pool-crash", "{bench}/bench-pool crash 200",
           [Row("from a job that kills its worker to its failed future, median", of("p50_us"), "us", 5000)], pin=False,
           own_peers=pools("crash", mp=1, ppe=10, aiomp=1)),
    Figure("pool-open", "{bench}/bench-pool open 100",
           [Row("from opening two workers to the first result, median", of("p50_us"), "us", 2000)], pin=False,
           own_peers=pools("open", mp=20, ppe=20, aiomp=5, go=100)),
    Figure("pool-echo", "{bench}/bench-pool echo 2000",
           [Row("1 MiB there and back in place, median", of("p50_us"), "us", 50)], pin=False,
           own_peers=pools("echo", mp=100, ppe=100, aiomp=20)),
    Figure("pool-cpu", "{bench}/bench-pool cpu",
           [Row("4 jobs that compute on 2 workers, to the ideal", of("ratio"), "", 1.1)], pin=False,
           own_peers=pools("cpu", mp=4, ppe=4, aiomp=4, go=4)),
    Figure("pool-memory", "{bench}/bench-pool memory",
           [Row("private memory of an idle worker", of("private_kb"), "KB", 300),
            Row("wake-ups of an idle pool in a second", of("wakeups"), "", 0)], pin=False, rounds=3,
           own_peers=pools("memory", mp=1, ppe=1, aiomp=1)),
    Figure("pool-redis", "{bench}/bench-redis batch 100000",
           [Row("pool over Redis: a no-op job of 64 bytes, 100,000 at once", wall_us, "us", 33.3)], pin=False, needs="redis",
           also={"without append-only file": "{bench}/bench-redis -m batch 100000"}, rounds=3),
    Figure("pool-redis-one", "{bench}/bench-redis one 2000",
           [Row("one call over Redis, median", of("p50_us"), "us")], pin=False, needs="redis",
           also={"without append-only file": "{bench}/bench-redis -m one 2000"}, rounds=3),
]
