#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pool.py KIND MODE [N] [WORKERS] - what a job costs in the pools of Python: the modes of ../pool.c.

    KIND   mp: multiprocessing.Pool; ppe: concurrent.futures.ProcessPoolExecutor; aiomp: aiomultiprocess.Pool
    MODE   batch stream one idle crash open echo cpu memory

Workers are forked, as that is the quickest for all of them.  The last line is that of our own programs.  A future that
never comes is waited for three seconds; its time is Infinity then, and gave_up_s says how long was waited.
"""
import asyncio
import json
import multiprocessing
import os
import resource
import signal
import sys
import time

GIVE_UP_S = 3
PAYLOAD = bytes(64)
LARGE = bytes(1 << 20)
now = time.perf_counter


def payloads(n):
    """All different: of one that comes again, pickle would send a reference."""
    return [i.to_bytes(64, "little") for i in range(n)]


# ---- jobs ----

def echo(x):
    return x


def burn(seconds):
    end = now() + seconds
    while now() < end:
        pass


def nap(seconds):
    time.sleep(seconds)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


async def in_a_coroutine(job, *args):
    return job(*args)


# ---- the pools ----

class Mp:
    dead = ()  # it says nothing of a dead worker

    def __init__(self, workers):
        self.pool = multiprocessing.get_context("fork").Pool(workers)

    def call(self, job, *args, timeout=None):
        return self.pool.apply_async(job, args).get(timeout)

    def map(self, job, items):
        return self.pool.map(job, items)

    def stream(self, job, items):
        return sum(1 for _ in self.pool.imap_unordered(job, items))

    def sleep(self, seconds):
        time.sleep(seconds)

    def close(self):
        self.pool.terminate()
        self.pool.join()


class Executor:
    def __init__(self, workers):
        from concurrent.futures import ProcessPoolExecutor, process
        self.dead = process.BrokenProcessPool
        self.workers = workers
        self.pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork"))

    def call(self, job, *args, timeout=None):
        return self.pool.submit(job, *args).result(timeout)

    def map(self, job, items):
        at_once = -(-len(items) // (4 * self.workers))  # as Pool.map does by itself
        return list(self.pool.map(job, items, chunksize=at_once))

    def stream(self, job, items):
        return sum(1 for _ in self.pool.map(job, items))

    def sleep(self, seconds):
        time.sleep(seconds)

    def close(self):
        self.pool.shutdown()


class Aio:
    dead = ()

    def __init__(self, workers):
        import aiomultiprocess
        aiomultiprocess.set_start_method("fork")
        self.loop = asyncio.new_event_loop()
        self.pool = self.loop.run_until_complete(self.open(aiomultiprocess, workers))

    async def open(self, aiomultiprocess, workers):
        return aiomultiprocess.Pool(workers)

    def call(self, job, *args, timeout=None):
        return self.loop.run_until_complete(self.called(job, args, timeout))

    async def called(self, job, args, timeout):
        return await asyncio.wait_for(self.pool.apply(in_a_coroutine, (job, *args)), timeout)

    def map(self, job, items):
        return self.loop.run_until_complete(self.mapped(job, items))

    async def mapped(self, job, items):
        return await self.pool.starmap(in_a_coroutine, [(job, item) for item in items])

    def stream(self, job, items):
        return len(self.map(job, items))

    def sleep(self, seconds):
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def close(self):
        self.loop.run_until_complete(self.closed())

    async def closed(self):
        self.pool.terminate()
        await self.pool.join()


KINDS = {"mp": Mp, "ppe": Executor, "aiomp": Aio}


def warm(kind, workers):
    """With all its workers: some begin only when there is work."""
    pool = kind(workers)
    pool.map(nap, [0.05] * workers)
    return pool


# ---- modes: each gives the number of operations, the seconds, and what more there is to say ----

def figures(times):
    times.sort()
    return {"p50_us": times[len(times) // 2] * 1e6, "p99_us": times[int(len(times) * 0.99)] * 1e6}


def batch(kind, n, workers):
    pool, items = warm(kind, workers), payloads(n)
    begin = now()
    answers = len(pool.map(echo, items))
    secs = now() - begin
    pool.close()
    return answers, secs, {}


def stream(kind, n, workers):
    pool, items = warm(kind, workers), payloads(n)
    begin = now()
    answers = pool.stream(echo, items)
    secs = now() - begin
    pool.close()
    return answers, secs, {}


def one(kind, n, workers, payload=PAYLOAD, pause_s=0):
    pool, times = warm(kind, workers), []
    begin = now()
    for _ in range(n):
        if pause_s:
            pool.sleep(pause_s)
        t = now()
        answer = pool.call(echo, payload)
        times.append(now() - t)
        assert len(answer) == len(payload)
    secs = now() - begin
    pool.close()
    return n, secs, figures(times)


def idle(kind, n, workers):
    return one(kind, n, workers, pause_s=0.005)


def large(kind, n, workers):
    return one(kind, n, workers, LARGE)


def time_of_death(kind):
    """None: the future does not fail.  The pool is left to itself, for its workers are beyond its reach."""
    pool = warm(kind, 1)
    t = now()
    try:
        pool.call(die, timeout=GIVE_UP_S)
    except pool.dead:
        return now() - t
    except (multiprocessing.TimeoutError, TimeoutError, asyncio.TimeoutError):
        return None


def crash(kind, n, _):
    times, begin = [], now()
    while len(times) < n:
        seconds = time_of_death(kind)
        if seconds is None:
            return 1, now() - begin, {"p50_us": float("inf"), "p99_us": float("inf"), "gave_up_s": GIVE_UP_S}
        times.append(seconds)
    return n, now() - begin, figures(times)


def open_and_close(kind, n, workers):
    times, begin = [], now()
    for _ in range(n):
        t = now()
        pool = kind(workers)
        pool.call(echo, PAYLOAD)
        times.append(now() - t)
        pool.close()
    return n, now() - begin, figures(times)


def cpu(kind, _, workers):
    pool = warm(kind, workers)
    begin = now()
    pool.map(burn, [0.2] * 4)
    secs = now() - begin
    pool.close()
    return 4, secs, {"ratio": secs / (0.2 * 4 / workers)}


def number_of(path, words):
    with open(path) as f:
        return sum(int(line.split()[1]) for line in f if line.startswith(words))


def wake_ups(pids):
    return sum(number_of(f"/proc/{pid}/task/{thread}/status", ("voluntary_ctxt_switches:",))
               for pid in pids for thread in os.listdir(f"/proc/{pid}/task"))


def memory(kind, _, workers):
    pool = warm(kind, workers)
    children = [p.pid for p in multiprocessing.active_children()]
    everybody = [os.getpid(), *children]
    pool.sleep(0.2)
    before = wake_ups(everybody)
    pool.sleep(1)
    more = wake_ups(everybody) - before - 1  # our own sleep
    private = min(number_of(f"/proc/{pid}/smaps_rollup", ("Private_Clean:", "Private_Dirty:")) for pid in children)
    pool.close()
    return 1, 1, {"private_kb": private, "wakeups": more}


MODES = {"batch": batch, "stream": stream, "one": one, "idle": idle, "crash": crash, "open": open_and_close, "echo": large,
         "cpu": cpu, "memory": memory}


def cpu_s():
    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in usages)


def main():
    kind, mode = KINDS[sys.argv[1]], MODES[sys.argv[2]]
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    ops, secs, more = mode(kind, n, int(sys.argv[4]) if len(sys.argv) > 4 else 2)
    rss_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"ops": ops, "secs": round(secs, 6), "cpu_s": round(cpu_s(), 3), "rss_kb": rss_kb, **more}), flush=True)
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(0)  # the way out of a pool whose worker has died may have no end


main()
