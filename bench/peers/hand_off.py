#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hand_off.py queue|event|lock N - what bench/hand_off.c does, by asyncio."""
import asyncio
import json
import resource
import sys
import time


async def queue(own, others, n):
    for _ in range(n):
        await others.put(await own.get())


async def event(own, others, n):
    for _ in range(n):
        await own.wait()
        own.clear()
        others.set()


async def lock(token, _, n):
    for i in range(n):
        async with token:
            if i == 0:
                await asyncio.sleep(0)


async def main():
    mode, n = sys.argv[1], int(sys.argv[2]) // 2
    make = {"queue": lambda: asyncio.Queue(2), "event": asyncio.Event, "lock": asyncio.Lock}[mode]
    play = {"queue": queue, "event": event, "lock": lock}[mode]
    a, b = make(), make()
    if mode == "queue":
        a.put_nowait(0)
    elif mode == "event":
        a.set()
    else:
        b = a
    wall, cpu = time.monotonic(), time.process_time()
    await asyncio.gather(play(a, b, n), play(b, a, n))
    print(json.dumps({"ops": n * 2, "secs": time.monotonic() - wall, "cpu_s": time.process_time() - cpu,
                      "rss_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


asyncio.run(main())
