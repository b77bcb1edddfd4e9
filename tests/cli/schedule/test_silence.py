#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hosts that stop answering, and hosts behind redirects that never do: who is held up by them, and what is said of it."""
import asyncio
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import unittest

from support import BIDE, Case, SLOW, bide


class Server:
    """All hosts at once: the path says what happens.  asked: how often each host was."""

    def __init__(self):
        self.asked, self.paths, self.started = {}, [], threading.Event()

    async def answer(self, path, writer):
        kind = path.split("/")[1]
        if kind == "hang":
            await asyncio.sleep(600)
        elif kind == "to":
            writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://%b\r\n\r\n" % path[4:].encode())
        elif kind == "drip":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(1000):
                writer.write(b"x")
                await asyncio.sleep(0.2)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                if "Content-Length: 1\r\n" in head:
                    await reader.readexactly(1)
                host = head.split("Host: ")[1].split("\r\n")[0]
                self.asked[host] = self.asked.get(host, 0) + 1
                self.paths.append(host + head.split()[1])
                self.head = head
                await self.answer(head.split()[1], writer)
        writer.close()

    async def main(self):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=512)
        self.to = f"::127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.stop, self.loop = asyncio.Event(), asyncio.get_running_loop()
        self.started.set()
        async with server:
            await self.stop.wait()

    def __enter__(self):
        threading.Thread(target=asyncio.run, args=(self.main(),), daemon=True).start()
        self.started.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)


class Silence(Case):
    def fetch(self, server, urls, *options, timeout=30):
        """Records, the summary last."""
        with open(self.path("list"), "w") as f:
            f.write("".join(f"http://{u}\n" for u in urls))
        r = bide("fetch", "-i", self.path("list"), "--connect-to", server.to, "--jsonl", self.path("log"), "--jsonl-mode=replace",
                 *options, timeout=timeout)
        with open(self.path("log")) as f:
            records = [json.loads(line) for line in f]
        self.said = r.err
        return [x for x in records if "url" in x]

    def path(self, name):
        return os.path.join(self.folder, name)

    def test_recalled_requests_come_again(self):
        """Slow once is no failure: what was recalled is there in the end."""
        class Late(Server):
            async def answer(self, path, writer):
                if path.startswith("/late"):
                    await asyncio.sleep(2)
                await Server.answer(self, "/ok", writer)

        urls = [f"s{h}.test/{kind}/{i}" for kind in ("ok", "late") for h in range(4) for i in range(4)]
        with Late() as s:
            r = self.fetch(s, urls + [f"g.test/ok/{i}" for i in range(300)], "-c", 16, "--per-host", 4)
        self.assertEqual(len(r), 332)
        self.assertTrue(all(x["ok"] for x in r))
        self.assertGreater(len(s.paths), 332)
        self.assertLessEqual(len(s.paths), 332 + 16)
        self.assertEqual(sum(x["attempts"] for x in r), len(s.paths))

    def test_redirects_to_a_dead_host_end_together(self):
        with Server() as s:
            r = self.fetch(s, [f"a.test/to/dead.test/hang/{i}" for i in range(200)] + [f"a.test/ok/{i}" for i in range(200)],
                           "--stall", f"{300 * SLOW}ms", "--backoff", "10ms")
        bad = [x for x in r if not x["ok"]]
        self.assertEqual([x["ok"] for x in r].index(False), 200)
        self.assertEqual((len(r), len(bad)), (400, 200))
        self.assertEqual({x["error"] for x in bad}, {"timeout"})
        self.assertTrue(all("http://dead.test/hang/" in x["error_msg"] for x in bad))
        self.assertTrue(all(x["final_url"].startswith("http://dead.test/hang/") for x in bad if x["redirects"]))
        self.assertLess(s.asked["dead.test"], 20)
        self.assertLessEqual(s.asked["a.test"], 800)
        self.assertIn("it is redirected to dead.test, which is given up: GET http://dead.test/hang/", bad[-1]["error_msg"])
        self.assertIn("dead.test is given up after 5 failures in a row", self.said)

    def test_redirects_over_hosts_cost_one_request_each(self):
        """The last host is slow at first, and jobs wait for it where they are."""
        class Late(Server):
            async def answer(self, path, writer):
                if path.startswith("/ok"):
                    await asyncio.sleep(0.2)
                await super().answer(path, writer)

        urls = [f"a.test/to/b.test/to/c.test/ok/{i}" for i in range(200)]
        with Late() as s:
            r = self.fetch(s, urls)
            self.assertEqual(s.asked, {"a.test": 200, "b.test": 200, "c.test": 200})
            self.assertTrue(all(x["ok"] and x["redirects"] == 2 and x["final_url"].startswith("http://c.test/ok/") for x in r))
            # What has fields that must not go everywhere begins again after each host that it waited for: two, at most.
            r = self.fetch(s, urls, "-H", "X-Token: secret")
            self.assertLessEqual(s.asked["a.test"], 200 + 3 * 200)
            self.assertEqual((len(r), sum(x["ok"] for x in r)), (200, 200))

    def test_redirects_that_wait_keep_the_cookies_set_on_the_way(self):
        class Login(Server):
            seen = []

            async def answer(self, path, writer):
                i = path.split("/")[-1]
                cookies = [line for line in self.head.split("\r\n") if line.startswith("Cookie:")]
                if path.startswith("/login"):
                    writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nSet-Cookie: s=%b; Domain=corp.test; Path=/\r\n"
                                 b"Location: http://b.corp.test/more/%b\r\n\r\n" % (i.encode(), i.encode()))
                elif path.startswith("/more"):
                    self.seen.append((i, cookies))
                    await asyncio.sleep(0.2)
                    writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nSet-Cookie: t=%b; Domain=corp.test; Path=/\r\n"
                                 b"Location: http://c.corp.test/ok/%b\r\n\r\n" % (i.encode(), i.encode()))
                else:
                    self.seen.append((i, cookies))
                    await asyncio.sleep(0.2)
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")

        with Login() as s:
            r = self.fetch(s, [f"a.corp.test/login/{i}" for i in range(200)])
            self.assertEqual(s.asked, {"a.corp.test": 200, "b.corp.test": 200, "c.corp.test": 200})
            self.assertEqual((len(r), sum(x["ok"] for x in r)), (200, 200))
            self.assertEqual(sorted(s.seen), sorted([(str(i), [f"Cookie: s={i}"]) for i in range(200)] +
                                                    [(str(i), [f"Cookie: s={i}; t={i}"]) for i in range(200)]))

    def test_redirects_over_hosts_to_a_dead_one_end(self):
        for options in ([], ["-H", "X-Token: secret"]):
            with Server() as s:
                r = self.fetch(s, [f"a.test/to/b.test/to/dead.test/hang/{i}" for i in range(60)], "--stall", f"{200 * SLOW}ms",
                               "--backoff", "10ms", *options)
            self.assertEqual((len(r), [x for x in r if x["ok"]]), (60, []))
            self.assertLess(max(s.asked.values()), 4 * 60)

    def test_posts_that_are_redirected_are_sent_once(self):
        with Server() as s:
            r = self.fetch(s, [f"a.test/to/b.test/ok/{i}" for i in range(100)], "-d", "x")
        self.assertEqual(s.asked["a.test"], 100)
        self.assertEqual((len(r), sum(x["ok"] for x in r)), (100, 100))

    def test_host_that_refuses_all_is_given_up(self):
        class Busy(Server):
            async def answer(self, path, writer):
                writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % {"/429": b"429 Too Many\r\nRetry-After: 0", "/503": b"503 Busy\r\nRetry-After: 3600"}[path[:4]])

        for path, error in ("429", "http_4xx"), ("503", "http_5xx"):
            with Busy() as s:
                r = self.fetch(s, [f"h.test/{path}/{i}" for i in range(1000)], "--backoff", "20ms")
            self.assertEqual((len(r), {x["error"] for x in r}), (1000, {error}))
            self.assertLess(s.asked["h.test"], 100)

    def test_host_that_stops_in_bodies_is_given_up(self):
        class Half(Server):
            async def answer(self, path, writer):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                await asyncio.sleep(600)

        with Half() as s:
            r = self.fetch(s, [f"h.test/{i}" for i in range(300)], "--backoff", "20ms", "--stall", f"{200 * SLOW}ms")
        self.assertEqual((len(r), {x["error"] for x in r}), (300, {"timeout"}))
        self.assertLess(s.asked["h.test"], 40)

    def status(self, kind):
        """A line of status that names a host, while 20 requests of that kind are on their way."""
        with Server() as s, open(self.path("err"), "w+", encoding="utf-8") as err:
            p = subprocess.Popen([BIDE, "fetch", "--progress", "none", "-O", self.path("out"), "--connect-to", s.to, f"http://h.test/{kind}/[1-20]"], stderr=err)
            end = time.monotonic() + 20 * SLOW
            while p.poll() is None and time.monotonic() < end and "waiting" not in pathlib.Path(err.name).read_text("utf-8"):
                time.sleep(0.1)
                if s.asked:
                    p.send_signal(signal.SIGUSR1)
            p.kill()
            p.wait()
            return pathlib.Path(err.name).read_text("utf-8")

    def test_status_names_the_host_that_does_not_answer(self):
        self.assertRegex(self.status("hang"), r"8 live, eta -, waiting 1\d s for h\.test \(no answer for \d s, 20 urls\)")

    def test_status_names_the_host_that_is_slow(self):
        self.assertRegex(self.status("drip"), r"8 live, eta [^,]*, waiting for h\.test \(slow, 20 urls\)")


if __name__ == "__main__":
    unittest.main()
