#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays the same scripts in asyncio and in bide (play.c) and compares the traces.

usage: differential.py PLAYER [COUNT [SEED]]

Steps: say N - yield - sleep MS - spawn T - cancel T - uncancel - await T - shield T - tsleep LIMIT MS (a timeout around
a sleep) - tawait T LIMIT - awaitf F - setf F N - cancelf F - soon - later MS - gather T T (return_exceptions) -
wait T T - waitfirst T T - ret N - fail.  A task starts and awaits only tasks with a higher number, so none waits in a
circle.  Both sides run on a virtual clock in whole units, so the order of everything is defined.
"""
import asyncio
import math
import random
import selectors
import subprocess
import sys

FUTURES = 4


class VirtualSelector(selectors.DefaultSelector):
    """When asyncio would sleep, it is that time now."""
    loop = None

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("nothing left to wait for")
        if timeout > 0:
            self.loop.now = math.floor(self.loop.now + timeout + 1e-6)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        selector = VirtualSelector()
        super().__init__(selector)
        selector.loop = self
        self.now = 0
        self.order = 0
        self._clock_resolution = 0.5
        self.set_task_factory(lambda loop, coro, **kw: asyncio.tasks._PyTask(coro, loop=loop, **kw))

    def time(self):
        return self.now

    def call_at(self, when, callback, *args, context=None):
        # asyncio leaves the order of equal times open; bide promises that of arming.
        self.order += 1
        return super().call_at(when + self.order * 1e-7, callback, *args, context=context)


def uncancel(task):
    left = task.uncancel()
    if left == 0:
        task._must_cancel = False  # as asyncio does since 3.13
    return left


class Timeout(asyncio.Timeout):
    """asyncio's since 3.12: a cancellation that was caught before the block does not count.

    One that was asked for and not delivered yet does: in bide a cancellation outranks a timeout."""

    async def __aenter__(self):
        task = asyncio.current_task()
        before = task.cancelling() - task._must_cancel
        await super().__aenter__()
        self._cancelling = before
        return self

    async def __aexit__(self, kind, error, trace):
        states = asyncio.timeouts._State
        if self._timeout_handler is not None:
            self._timeout_handler.cancel()
        if self._state is not states.EXPIRING:
            self._state = states.EXITED
            return
        self._state = states.EXPIRED
        if uncancel(self._task) <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error


def word_of(value):
    return str(int(value))


class Player:
    def __init__(self, script):
        self.script = script
        self.tasks = {}
        self.out = []

    def say(self, text):
        self.out.append(text)

    async def timeout_around(self, limit, thing):
        async with Timeout(asyncio.get_running_loop().time() + limit):
            return await thing

    async def gather(self, a, b):
        results = await asyncio.gather(self.tasks[a], self.tasks[b], return_exceptions=True)
        self.say("codes " + " ".join(self.outcome(r) for r in results))
        return 0

    async def wait(self, a, b, when):
        done, _ = await asyncio.wait([self.tasks[a], self.tasks[b]], return_when=when)
        return sum(t.done() for t in (self.tasks[a], self.tasks[b]))

    @staticmethod
    def outcome(r):
        if isinstance(r, asyncio.CancelledError):
            return "cancelled"
        if isinstance(r, TimeoutError):
            return "timeout"
        if isinstance(r, BaseException):
            return "error"
        return word_of(r or 0)

    def waiting_step(self, op, a, b):
        have_a, have_b = a in self.tasks, b in self.tasks
        if op == "yield":
            return asyncio.sleep(0)
        if op == "sleep":
            return asyncio.sleep(a)
        if op == "tsleep":
            return self.timeout_around(a, asyncio.sleep(b))
        if op == "awaitf":
            return self.futures[a]
        if op == "await" and have_a:
            return self.tasks[a]
        if op == "shield" and have_a:
            return asyncio.shield(self.tasks[a])
        if op == "tawait" and have_a:
            return self.timeout_around(b, self.tasks[a])
        if op == "gather" and have_a and have_b:
            return self.gather(a, b)
        if op == "wait" and have_a and have_b:
            return self.wait(a, b, asyncio.ALL_COMPLETED)
        if op == "waitfirst" and have_a and have_b:
            return self.wait(a, b, asyncio.FIRST_COMPLETED)
        return None

    def plain_step(self, me, op, a, b, step):
        loop = asyncio.get_running_loop()
        if op == "say":
            self.say(f"{me} says {a}")
        elif op == "spawn":
            if a not in self.tasks:
                self.tasks[a] = loop.create_task(self.play(a))
        elif op == "cancel" and a in self.tasks:
            self.say(f"{me} cancel {a} {int(self.tasks[a].cancel())}")
        elif op == "uncancel":
            self.say(f"{me} uncancel {uncancel(asyncio.current_task())}")
        elif op == "setf" and not self.futures[a].done():
            self.futures[a].set_result(b)
        elif op == "cancelf":
            self.say(f"{me} cancelf {int(self.futures[a].cancel())}")
        elif op == "soon":
            loop.call_soon(self.say, f"loop {step}")
        elif op == "later":
            loop.call_later(a, self.say, f"loop {step}")
        else:
            return False
        return True

    def settle_futures(self):
        for f in self.futures:
            if not f.done():
                f.set_result(99)

    async def finish(self):
        self.settle_futures()
        for _ in range(200):
            if all(t.done() for t in self.tasks.values()):
                return 0
            await asyncio.sleep(10)
        self.say("stuck")
        return 0

    async def play(self, me):
        line = self.script[me]
        passes_on = line[0] == "p"
        for step in filter(None, line[1:].split(";")):
            op, *numbers = step.split()
            a, b = ([int(n) for n in numbers] + [-1, -1])[:2]
            if op == "ret":
                return a
            if op == "fail":
                raise OSError
            if self.plain_step(me, op, a, b, step):
                continue
            thing = self.waiting_step(op, a, b)
            if thing is None:
                continue
            try:
                r = await thing
            except (asyncio.CancelledError, OSError) as e:
                self.say(f"{me} {op} {self.outcome(e)}")
                if passes_on:
                    raise
            else:
                self.say(f"{me} {op} {self.outcome(r)}")
        return await self.finish() if me == 0 else 0

    async def main(self):
        loop = asyncio.get_running_loop()
        self.futures = [loop.create_future() for _ in range(FUTURES)]
        loop.call_later(500, self.settle_futures)  # whoever waits for one that nobody sets
        await self.play(0)
        for i in sorted(self.tasks):
            t = self.tasks[i]
            if not t.done():
                end = "pending"
            elif t.cancelled():
                end = "cancelled"
            else:
                end = self.outcome(t.exception() or t.result())
            self.say(f"end {i} {end}")

    def run(self):
        loop = VirtualLoop()
        loop.set_exception_handler(lambda *_: None)
        try:
            loop.run_until_complete(self.main())
        finally:
            loop.close()
        return "".join(line + "\n" for line in self.out)


def random_step(rng, me, n):
    higher = rng.randrange(me + 1, n) if me + 1 < n else None
    other = rng.randrange(me + 1, n) if me + 1 < n else None
    steps = ["yield", "yield", f"sleep {rng.randrange(1, 6)}", f"say {rng.randrange(9)}", "soon",
             f"later {rng.randrange(4)}", f"setf {rng.randrange(FUTURES)} {rng.randrange(50)}",
             f"awaitf {rng.randrange(FUTURES)}", f"tsleep {rng.randrange(4)} {rng.randrange(6)}", "uncancel"]
    if rng.random() < 0.2:
        steps.append(f"cancelf {rng.randrange(FUTURES)}")
    if higher is not None:
        steps += [f"spawn {higher}", f"spawn {other}", f"spawn {higher}", f"await {higher}", f"shield {higher}",
                  f"cancel {higher}", f"cancel {other}", f"tawait {higher} {rng.randrange(5)}",
                  f"gather {higher} {other}", f"wait {higher} {other}", f"waitfirst {higher} {other}"]
    if me > 0:
        steps.append(f"cancel {rng.randrange(1, n)}")
    return rng.choice(steps)


def random_script(rng):
    n = rng.randrange(2, 9)
    lines = []
    for me in range(n):
        steps = [random_step(rng, me, n) for _ in range(rng.randrange(2, 9))]
        if me == 0:
            steps = [f"spawn {i}" for i in range(1, n) if rng.random() < 0.7] + steps
        elif rng.random() < 0.3:
            steps.append(rng.choice(["fail", "ret 7"]))
        mode = "s" if me == 0 else rng.choice("ps")
        lines.append(mode + ";".join(steps))
    return lines


def play_in_bide(player, script):
    p = subprocess.run([player], input="\n".join(script) + "\n", capture_output=True, text=True, timeout=60)
    return p.stdout if p.returncode == 0 else f"{p.stdout}exit {p.returncode} {p.stderr}"


def main():
    player, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    for i in range(seed, seed + count):
        script = random_script(random.Random(i))
        want, got = Player(script).run(), play_in_bide(player, script)
        if want != got:
            print(f"seed {i}: the traces differ\n--- script\n" + "\n".join(script))
            print("--- asyncio\n" + want + "--- bide\n" + got)
            return 1
    print(f"{count} scripts from seed {seed}: asyncio {sys.version.split()[0]} and bide agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
