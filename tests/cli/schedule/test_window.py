#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many requests at once `bide fetch` sends to one host: what servers saw that bear more or less of them."""
import asyncio
import contextlib
import threading
import unittest

from support import Case, SLOW, bide


class Server:
    """Answers in the ways below, and notes how many requests there were whenever one came."""

    def __init__(self, workers=1000, seconds=0.02, refuse=None, slow_after=None):
        self.workers, self.seconds, self.refuse, self.slow_after = workers, seconds, refuse, slow_after
        self.seen, self.active, self.refused = [], 0, 0
        self.started = threading.Event()

    async def answer(self):
        self.active += 1
        self.seen.append(self.active)
        try:
            if self.refuse and self.active > self.refuse:
                self.refused += 1
                return b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n"
            slow = self.slow_after and len(self.seen) > self.slow_after
            async with self.free:
                await asyncio.sleep(self.seconds * (10 if slow else 1))
            return b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
        finally:
            self.active -= 1

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(await self.answer())
        writer.close()

    async def main(self):
        self.free = asyncio.Semaphore(self.workers)
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.stop, self.loop = asyncio.Event(), asyncio.get_running_loop()
        self.started.set()
        await self.stop.wait()
        server.close()

    def __enter__(self):
        self.thread = threading.Thread(target=asyncio.run, args=(self.main(),), daemon=True)
        self.thread.start()
        self.started.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()


class Window(Case):
    def fetch(self, server, n, *options):
        r = bide("fetch", "-q", f"{server.url}/[1-{n}]", "--jsonl", "/dev/null", *options)
        self.expect(r, 0)

    def test_host_that_bears_it_gets_as_many_as_there_may_be(self):
        with Server() as s:
            self.fetch(s, 1500)
        self.assertLessEqual(max(s.seen[:8]), 8, "it begins with a few")
        self.assertGreater(max(s.seen), 48)
        self.assertLessEqual(max(s.seen), 64)

    def test_host_that_queues_gets_about_as_many_as_it_serves(self):
        with Server(workers=10, seconds=0.03 * SLOW) as s:
            self.fetch(s, 800)
        late = s.seen[400:700]
        self.assertLessEqual(max(s.seen), 40)
        self.assertLessEqual(sum(late) / len(late), 25)
        self.assertGreaterEqual(sum(late) / len(late), 8)

    def test_host_that_refuses_is_asked_for_less(self):
        with Server(refuse=12) as s:
            self.fetch(s, 800, "--backoff", "50ms", "--retries", "20")
        self.assertLess(s.refused, 50)
        self.assertLessEqual(max(s.seen[300:]), 14)

    def test_host_that_becomes_slow_gets_as_few_as_in_the_beginning(self):
        with Server(slow_after=1000) as s:
            self.fetch(s, 1200)
        self.assertGreater(max(s.seen[:1000]), 40)
        self.assertLessEqual(max(s.seen[1180:]), 8)

    def test_per_host_is_never_exceeded(self):
        for n in (2, 15):
            with Server() as s:
                self.fetch(s, 50 * n, "--per-host", n)
            self.assertEqual(max(s.seen), n)

    def test_no_adaptive_is_as_many_at_once_from_the_beginning(self):
        for options, n in ((["--no-adaptive"], 64), (["--no-adaptive", "--per-host", "20"], 20)):
            with Server(workers=1, refuse=70, seconds=0.002) as s:
                self.fetch(s, 200, *options)
            self.assertEqual(max(s.seen[:100]), n)
            self.assertEqual(max(s.seen[100:]), n)


if __name__ == "__main__":
    unittest.main(verbosity=2)
