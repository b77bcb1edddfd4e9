#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lists.py LIST TOOL BIDE - fetch a list as people have them, with all defaults: bide, curl -Z, wget2 or aria2.

LIST: dead mixed sorted shuffled hosts one big.  Prints {"ops","secs","end_s","cpu_s","connections"}: secs is the
time of the last good file, end_s that of the whole command.  A tool that is not done within
its limit is ended; a good file that is missing then is an error.

In a network of its own, which root may make: hosts that answer are 127.0.h.1, all one `bide serve`, and packets to 10.0.h.1
are lost, as they are on the way to a machine that is switched off.
"""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

LIMIT_S = {"bide": 100, "curl": 40, "wget2": 40, "aria2": 40}
PORT = 8000


def urls(network, hosts, each, port=PORT):
    return ["http://%s.%d.%d.1:%d/f%d" % (network, h // 250, h % 250, port, k) for h in range(hosts) for k in range(each)]


def good(hosts, each):
    return urls("127", hosts, each)


def dead(hosts, each):
    return urls("10", hosts, each)


def refusing(hosts, each):
    return urls("127", hosts, each, PORT + 1)


def shuffled(urls):
    random.Random(1).shuffle(urls)
    return urls


# The URLs, how large the files are, how long the server waits (ms), and what follows for /f0, /f1, ...
LISTS = {
    "dead": (lambda: dead(16, 10) + good(40, 500), 200, 0),
    "mixed": (lambda: shuffled(good(488, 204) + dead(6, 30) + refusing(6, 30)), 200, 0),
    "sorted": (lambda: good(8, 400), 200, 50),
    "shuffled": (lambda: shuffled(good(8, 400)), 200, 50),
    "hosts": (lambda: shuffled(good(64, 62)), 200, 0),
    "one": (lambda: good(1, 4000), 200, 50),
    "big": (lambda: good(1, 200), 10000000, 0),
}


def name_of(url):
    return url.split("//")[1].replace(":%d" % PORT, "")


def prepare(tool, bide, all_urls):
    """The command; what it reads is in the current folder."""
    with open("list", "w") as f:
        for url in all_urls:
            if tool == "curl":
                f.write('url = "%s"\noutput = "out/%s"\n' % (url, name_of(url)))
            elif tool == "aria2":
                f.write("%s\n out=%s\n" % (url, name_of(url)))
            else:
                f.write(url + "\n")
    return {
        "bide": [bide, "fetch", "-q", "-i", "list", "-O", "out"],
        "curl": ["curl", "-s", "-Z", "--parallel-max", "64", "--connect-timeout", "10", "--create-dirs", "-K", "list"],
        "wget2": ["wget2", "-q", "--max-threads=64", "--connect-timeout=10", "-x", "-P", "out", "-i", "list"],
        "aria2": ["aria2c", "-q", "-j64", "--connect-timeout=10", "--file-allocation=none", "-d", "out", "-i", "list"],
    }[tool]


def start_server(bide, size, delay, count):
    os.mkdir("root")
    for k in range(count):
        with open("root/f%d" % k, "wb") as f:
            f.truncate(size)
    command = [bide, "serve", "--host", "0.0.0.0", "--port", str(PORT), "--root", "root"]
    if delay:
        command += ["--delay", str(delay)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    server.stdout.readline()
    return server


def run(command, limit_s):
    """Its begin, its end, and what it used."""
    begin = time.time()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    signal.signal(signal.SIGALRM, lambda *_: process.kill())
    signal.alarm(limit_s)
    _, _, usage = os.wait4(process.pid, 0)
    signal.alarm(0)
    return begin, time.time(), usage


def measure(which, tool, bide):
    make, size, delay = LISTS[which]
    all_urls = make()
    wanted = sum(url.startswith("http://127.") and ":%d/" % PORT in url for url in all_urls)
    server = start_server(bide, size, delay, 1 + max(int(url.rsplit("f", 1)[1]) for url in all_urls))
    try:
        begin, end, usage = run(prepare(tool, bide, all_urls), LIMIT_S[tool])
        with urllib.request.urlopen("http://127.0.0.1:%d/stats" % PORT) as answer:
            connections = json.load(answer)["connections"] - 1
    finally:
        server.terminate()
        server.wait()
    files = [os.stat(path) for path in glob.glob("out/127.*/f*")]
    got = [s.st_ctime for s in files if s.st_size == size]
    if len(got) != wanted:
        sys.exit("lists.py: %d of %d good files after %.0f s" % (len(got), wanted, end - begin))
    print(json.dumps({"ops": len(all_urls), "secs": round(max(got) - begin, 3), "end_s": round(end - begin, 3),
                      "cpu_s": usage.ru_utime + usage.ru_stime, "connections": connections}))


def main():
    which, tool, bide = sys.argv[1:4]
    if os.environ.get("LISTS_APART") != "1":
        if not shutil.which("aria2c" if tool == "aria2" else tool) and tool != "bide":
            sys.exit("lists.py: there is no %s" % tool)
        if os.geteuid() != 0:
            sys.exit("lists.py: only root may make a network of its own")
        os.environ["LISTS_APART"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable] + sys.argv)
    subprocess.run("ip link set lo up && ip route add 10.0.0.0/8 dev lo", shell=True, check=True)
    folder = tempfile.mkdtemp(prefix="bide-lists.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    here = os.getcwd()
    try:
        bide = os.path.abspath(bide)
        os.chdir(folder)
        measure(which, tool, bide)
    finally:
        os.chdir(here)
        shutil.rmtree(folder)


main()
