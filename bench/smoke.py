#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""smoke.py OPS PROGRAM [ARGUMENT...] - a few operations of a bench program: it must succeed, and say so in its last line.

URL among the arguments is that of a `bide serve` ($BIDE), which is started for it.  PORT is a free port, at which a
connection is made that sends a line and wants it back.  FOLDER is an empty one, which is removed in the end.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def connect(port):
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), 5)
        except ConnectionRefusedError:
            time.sleep(0.05)
    sys.exit("smoke.py: nobody listens at port %d" % port)


def hear_an_echo(port):
    with connect(port) as s:
        s.sendall(b"is somebody there?\n")
        answer = s.makefile("rb").readline()
    if answer != b"is somebody there?\n":
        sys.exit("smoke.py: the echo is %r" % answer)


def check(ops, output):
    last = json.loads(output.splitlines()[-1])
    if last["ops"] != ops or not last["secs"] >= 0 or not last["cpu_s"] >= 0 or not last["rss_kb"] > 0:
        sys.exit("smoke.py: %d operations were wanted; it says %s" % (ops, last))


def run(words, folder, url):
    port = free_port()
    places = {"PORT": str(port), "FOLDER": folder, "URL": url}
    program = subprocess.Popen([places.get(word, word) for word in words], stdout=subprocess.PIPE)
    if "PORT" in words:
        hear_an_echo(port)
    output, _ = program.communicate(timeout=60)
    return program, output


def main():
    ops, words = int(sys.argv[1]), sys.argv[2:]
    server, url = None, None
    if "URL" in words:
        server = subprocess.Popen([os.environ["BIDE"], "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
        url = server.stdout.readline().strip() + "/json"
    try:
        with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
            program, output = run(words, folder, url)
    finally:
        if server:
            server.terminate()
            server.wait()
    if program.returncode == 77:
        sys.exit(77)
    if program.returncode != 0:
        sys.exit("smoke.py: exit code %d" % program.returncode)
    check(ops, output)


main()
