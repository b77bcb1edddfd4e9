#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dead.py: hosts that do not answer, each in a way of its own.  Prints one line: http://127.0.0.1:FULL REFUSED SILENT RESET

FULL: nobody accepts, and the kernel's queue is full: connecting takes until it times out.  REFUSED: nobody listens.
SILENT: reads the request and says nothing.  RESET: closes at once.
"""
import asyncio
import socket


def full():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    rest = []
    for _ in range(4):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
        rest.append(s)
    return listener, rest


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


async def silent(reader, writer):
    while await reader.read(65536):
        pass
    writer.close()


async def reset(_reader, writer):
    writer.transport.abort()


async def main():
    listener, rest = full()
    quiet = await asyncio.start_server(silent, "127.0.0.1", 0)
    short = await asyncio.start_server(reset, "127.0.0.1", 0)
    ports = [listener.getsockname()[1], free_port(), quiet.sockets[0].getsockname()[1], short.sockets[0].getsockname()[1]]
    print("http://127.0.0.1:" + " ".join(map(str, ports)), flush=True)
    await asyncio.Event().wait()
    del rest


asyncio.run(main())
