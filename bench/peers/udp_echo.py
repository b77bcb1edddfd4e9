#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""udp_echo.py LOAD DATAGRAMS PEERS - what bench/udp_echo.c does, by asyncio; LOAD: `bench-udp_echo`, which asks."""
import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import time

LOAD, DATAGRAMS, PEERS = sys.argv[1], int(sys.argv[2]), sys.argv[3]


class Echo(asyncio.DatagramProtocol):
    def __init__(self, ended):
        self.left, self.ended = DATAGRAMS, ended

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)
        self.left -= 1
        if self.left == 0:
            self.ended.set_result(None)


async def main():
    ended = asyncio.get_running_loop().create_future()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind(("127.0.0.1", 0))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Echo(ended), sock=sock)
    os.sched_setaffinity(0, {1 if os.cpu_count() > 1 else 0})
    with subprocess.Popen([LOAD, "load", str(sock.getsockname()[1]), PEERS]) as load:
        wall, cpu = time.monotonic(), time.process_time()
        await ended
        print(json.dumps({"ops": DATAGRAMS, "secs": time.monotonic() - wall, "cpu_s": time.process_time() - cpu,
                          "rss_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
        load.kill()
    transport.close()


asyncio.run(main())
