#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays the same scripts in asyncio and in bide (play.c) and compares the traces.

usage: differential.py PLAYER [COUNT [SEED]]

A script is a line for each task: a letter (p: what a wait raises is passed on, s: it is swallowed), then its steps:

  say N   yield   sleep MS   ret N   fail
  all (how many tasks there are)
  spawn T   cancel T   cself   cancelling   uncancel
  await T   shield T   nest T (awaited inside a coroutine)   awaitf F   shieldf F
  tsleep LIMIT MS   tawait T LIMIT   tshield T LIMIT   ttsleep OUTER INNER MS   (blocks of timeout, nested in ttsleep)
  resched LIMIT OTHER MS (a block of timeout that is given another time)
  wfor T LIMIT   sgather T T (gather of a shield of the first, and the second)   gather T T (return_exceptions)   wait T T   waitfirst T T   waiterr T T   waitfor T T LIMIT
  setf F N   failf F   cancelf F   cbf F   cbt T   uncbf F   (done callbacks, added and removed)
  hold Y   acquire Y   release Y   (a lock; hold lets one turn pass inside)
  evwait   evset   evclear   (an event)
  cwait   cnotify N   (a condition; both hold its lock)
  sacq   srel   (a semaphore of 2)   bwait   breset   babort   (a barrier of 2)
  put Q N   get Q   tget Q LIMIT   putn Q N   getn Q   done Q   join Q   len Q   (queues of 2: FIFO, LIFO, the smallest first)
  each T T T (as_completed)   eachfor LIMIT T T T (the same with a time)
  group LIMIT (a block of a TaskGroup, of a timeout if LIMIT > 0, to the next step "close" or to the end)   close
  gstart O T   gcancel O   glen O   (the innermost group of the task O: a child that is started in it, its end, how many it has)
  soon   later MS   drop (a call_soon that is cancelled)   dropl MS (a call_later that is cancelled in a later step: undo)

A task starts and awaits only tasks with a higher number than its own, and has only such in its groups, so none waits in a circle.  Both sides run on a virtual clock in
whole units, so the order of everything is defined.

Every other script is played in the mode "ticks": no step lets time pass, and every line begins with the number of the
loop's turn, so that asyncio and bide must take the same number of turns for everything.
"""
import asyncio
import math
import random
import selectors
import subprocess
import sys

FUTURES = 4
QUEUES = 3
ERRORS = (OSError, BaseExceptionGroup)


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
        self.steps = 0
        self.set_task_factory(lambda loop, coro, **kw: Task(coro, loop=loop, **kw))

    def time(self):
        return self.now

    def call_at(self, when, callback, *args, context=None):
        # asyncio leaves the order of equal times open; bide promises that of arming.
        self.order += 1
        return super().call_at(when + self.order * 1e-7, callback, *args, context=context)


class Task(asyncio.tasks._PyTask):
    """asyncio's, but a cancellation goes through a task to what that awaits once in each step, as in bide.

    Sets of tasks are in the order of their numbers, so that as_completed takes those that are done in a known order."""
    passed_on = None

    def __init__(self, coro, **kw):
        self.number = coro.cr_frame.f_locals.get("me", 0)
        super().__init__(coro, **kw)

    def __hash__(self):
        return self.number

    def _Task__step(self, exc=None):
        self._loop.steps += 1
        super()._Task__step(exc)

    def cancel(self, msg=None):
        if not self.done() and self.awaits_a_task() and not self._fut_waiter.done():
            if self.passed_on == self._loop.steps:
                self._num_cancels_requested += 1
                return True
            self.passed_on = self._loop.steps
        return super().cancel(msg)

    def awaits_a_task(self):
        return isinstance(self._fut_waiter, (Task, asyncio.tasks._GatheringFuture))

    def uncancel(self):
        self._loop.steps += 1  # the next request is news
        return self.take_back()

    def take_back(self):
        left = super().uncancel()
        if left == 0:
            self._must_cancel = False  # as asyncio does since 3.13
        return left

    def requests_delivered(self):
        return self.cancelling() - self._must_cancel


class Timeout(asyncio.Timeout):
    """asyncio's since 3.12: a cancellation that was caught before the block does not count.

    One that was asked for and not delivered yet does: in bide a cancellation outranks a timeout."""

    async def __aenter__(self):
        before = asyncio.current_task().requests_delivered()
        await super().__aenter__()
        self._cancelling = before
        return self

    def _on_timeout(self):
        """What was cancelled, declined that and has ended gives its result: asyncio does not know which of the requests that was."""
        waiter = self._task._fut_waiter
        if isinstance(waiter, Task) and waiter.done() and self._task.cancelling() > self._cancelling:
            self._timeout_handler = None
        else:
            super()._on_timeout()

    async def __aexit__(self, kind, error, trace):
        states = asyncio.timeouts._State
        if self._timeout_handler is not None:
            self._timeout_handler.cancel()
        if self._state is not states.EXPIRING:
            self._state = states.EXITED
            return
        self._state = states.EXPIRED
        if self._task.take_back() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error


class Condition(asyncio.Condition):
    """asyncio's since 3.13: a task that was notified and then cancelled passes that on.  (asyncio's does so when it was not notified,
    too, which wakes somebody for nothing.)"""

    async def wait(self):
        future = asyncio.get_running_loop().create_future()
        self._waiters.append(future)
        self.release()
        try:
            try:
                return await future
            finally:
                self._waiters.remove(future)
                await self.acquire_whatever_comes()
        except asyncio.CancelledError:
            if not future.cancelled():
                self.notify(1)
            raise

    async def acquire_whatever_comes(self):
        cancelled = None
        while True:
            try:
                await self.acquire()
                break
            except asyncio.CancelledError as e:
                cancelled = e
        if cancelled:
            raise cancelled


class OrderedSet(dict):
    def add(self, x):
        self[x] = None

    def discard(self, x):
        self.pop(x, None)


class TaskGroup(asyncio.TaskGroup):
    """asyncio's since 3.13: if an error goes before a cancellation, that is delivered by the next wait.

    As with Timeout, one that was caught before the block does not count.  Behind an error of the body only one that came after
    it is delivered again: in bide the block was left, not waited for.  It can be cancelled (3.15), which its body does not feel."""
    is_cancelled = False
    was_waited_for = True
    failures = 0

    async def __aenter__(self):
        await super().__aenter__()
        self._tasks = OrderedSet()  # they are cancelled in the order in which they were started
        self.before = self._parent_task.requests_delivered()
        return self

    def cancel(self):
        if not self._aborting:
            self.is_cancelled = True
            self._abort()

    def take_back_ours(self):
        if self._parent_cancel_requested:
            self._parent_task.uncancel()
        self._parent_cancel_requested = False

    async def drain(self):
        cancelled = None
        while self._tasks:
            self._on_completed_fut = self._loop.create_future()
            try:
                await self._on_completed_fut
            except asyncio.CancelledError as e:
                if not self._aborting or self.is_cancelled:
                    cancelled = e
                    if not self._aborting:
                        self._abort()
            self._on_completed_fut = None
        return cancelled

    async def __aexit__(self, kind, error, trace):
        task = self._parent_task
        self._exiting = True
        self.take_back_ours()
        is_error = error is not None and kind is not asyncio.CancelledError
        if is_error:
            self.was_waited_for = False
        self.before = task.requests_delivered() if is_error else min(self.before, task.requests_delivered())
        if error is not None and not self._aborting:
            self._abort()
        cancelled = await self.drain() or error
        if is_error:
            cancelled = None
        self.take_back_ours()
        self.failures = len(self._errors)
        if cancelled and not self._errors:
            raise cancelled
        if is_error:
            self._errors.append(error)
        if self._errors:
            if task.cancelling() > self.before:
                task._must_cancel = True
            raise BaseExceptionGroup("of a group", self._errors)


def is_of_what_was_taken(error):
    """Did what was taken from as_completed end so, or is it the taking that was cancelled or timed out?"""
    trace = error.__traceback__
    while trace.tb_frame.f_code.co_name != "_wait_for_one":
        trace = trace.tb_next
    return trace.tb_next is not None and trace.tb_next.tb_frame.f_code.co_name == "result"


async def wait_for(task, limit):
    """asyncio's since 3.12."""
    async with Timeout(asyncio.get_running_loop().time() + limit):
        return await task


def word_of(value):
    return str(int(value))


class Line:
    def __init__(self, me, text):
        self.me, self.value, self.is_over = me, None, False
        self.left = [step for step in text[1:].split(";") if step]

    def next_step(self):
        self.is_over = not self.left
        return self.left.pop(0) if self.left else ""

    def end_with(self, value):
        self.value, self.is_over = value, True


class Player:
    def __init__(self, script, ticks):
        self.script = script
        self.ticks = ticks
        self.turn = self.rescues = 0
        self.tasks = {}
        self.groups = {}
        self.handles = {}
        self.out = []

    def say(self, text):
        self.out.append(f"{self.turn} {text}" if self.ticks else text)

    def count_turn(self):
        self.turn += 1
        if self.turn % 100 == 0:  # time does not pass here, so nobody else would
            self.rescue()
        self.counter = asyncio.get_running_loop().call_soon(self.count_turn)

    # ---- what is awaited ----

    async def timeout_around(self, limit, thing):
        async with Timeout(asyncio.get_running_loop().time() + limit):
            return await thing

    async def shield_in_timeout(self, task, limit):
        async with Timeout(asyncio.get_running_loop().time() + limit):
            return await asyncio.shield(task)

    async def two_timeouts(self, me, outer, inner, ms):
        now = asyncio.get_running_loop().time()
        async with Timeout(now + outer):
            try:
                async with Timeout(now + inner):
                    r = await asyncio.sleep(ms)
            except (asyncio.CancelledError, OSError) as e:
                self.say(f"{me} inner {self.outcome(e)}")
                # What was cancelled by the outer block goes on to it; a timeout of the inner one ends there.
                if isinstance(e, asyncio.CancelledError):
                    raise
                r = 0
            return await asyncio.sleep(0, r)

    async def rescheduled(self, limit, other, ms):
        now = asyncio.get_running_loop().time()
        async with Timeout(now + limit) as block:
            block.reschedule(now + other)
            return await asyncio.sleep(ms)

    async def nest(self, task):
        async def inner():
            return await task
        return await inner()

    async def gather(self, a, b, shielded=False):
        first = asyncio.shield(self.tasks[a]) if shielded else self.tasks[a]
        results = await asyncio.gather(first, self.tasks[b], return_exceptions=True)
        self.say("codes " + " ".join(self.outcome(r) for r in results))
        return 0

    async def wait(self, a, b, when, timeout=None):
        await asyncio.wait([self.tasks[a], self.tasks[b]], return_when=when, timeout=timeout)
        return sum(t.done() for t in (self.tasks[a], self.tasks[b]))

    async def each(self, me, which, limit=None):
        last = None
        for one in asyncio.as_completed([self.tasks[i] for i in which], timeout=limit):
            try:
                self.say(f"{me} took {self.outcome(await one)}")
            except (asyncio.CancelledError, *ERRORS) as e:
                if is_of_what_was_taken(e):
                    self.say(f"{me} took {self.outcome(e)}")
                    continue
                last = e
                self.say(f"{me} missed {self.outcome(e)}")
                if self.passes_on(me) and not isinstance(e, TimeoutError):
                    break
        if last:
            raise last
        return 0

    async def group(self, line, limit):
        if limit > 0:
            async with Timeout(asyncio.get_running_loop().time() + limit):
                return await self.group_without_limit(line)
        return await self.group_without_limit(line)

    async def group_without_limit(self, line):
        me, outer = line.me, self.groups.get(line.me)
        g = self.groups[me] = TaskGroup()
        try:
            async with g:
                await self.steps(line)
        finally:
            self.groups[me] = outer
            if g.was_waited_for:  # bide releases it when the body fails
                self.say(f"{me} failures {g.failures}")
        return 0

    def step_of_group(self, me, op, owner, a):
        g = self.groups.get(owner)
        if op == "gstart" and g and a not in self.tasks:
            self.say(f"{me} gstart {a} {self.start_in(g, a)}")
        elif op == "gcancel" and g:
            g.cancel()
        elif op == "glen" and g:
            self.say(f"{me} glen {len(g._tasks)}")

    def start_in(self, g, a):
        play = self.play(a)
        try:
            self.tasks[a] = g.create_task(play)
            return "begun"
        except RuntimeError:
            play.close()
            return "refused"

    # ---- those that wait for each other ----

    def make_values(self):
        self.locks = [asyncio.Lock(), asyncio.Lock()]
        self.holder = [None, None]
        self.event, self.condition = asyncio.Event(), Condition()
        self.semaphore, self.barrier = asyncio.Semaphore(2), asyncio.Barrier(2)
        self.queues = [asyncio.Queue(2), asyncio.LifoQueue(2), asyncio.PriorityQueue(2)]

    async def acquire(self, me, lock):
        if self.holder[lock] == me:  # bide says so; asyncio would wait for itself
            raise OSError
        await self.locks[lock].acquire()
        self.holder[lock] = me
        return 0

    def release(self, me, lock):
        if self.holder[lock] != me or not self.locks[lock].locked():  # asyncio lets others release it
            return -1
        self.holder[lock] = None
        self.locks[lock].release()
        return 0

    async def hold(self, me, lock):
        await self.acquire(me, lock)
        try:
            self.say(f"{me} holds {lock}")
            await asyncio.sleep(0)
        finally:
            self.release(me, lock)
        return 0

    async def condition_wait(self, me):
        async with self.condition:
            try:
                await self.condition.wait()
            finally:
                self.say(f"{me} has it again")
        return 0

    async def condition_notify(self, n):
        async with self.condition:
            self.condition.notify(n)
        return 0

    async def broken_is_error(self, thing):
        try:
            return await thing
        except asyncio.BrokenBarrierError:
            raise OSError

    async def quiet(self, thing):
        await thing
        return 0

    def step_of_values(self, me, op, a, b):
        if op in ("hold", "acquire"):
            return self.hold(me, a) if op == "hold" else self.acquire(me, a)
        if op == "evwait":
            return self.quiet(self.event.wait())
        if op == "cwait":
            return self.condition_wait(me)
        if op == "cnotify":
            return self.condition_notify(a)
        if op == "sacq":
            return self.quiet(self.semaphore.acquire())
        if op == "bwait":
            return self.broken_is_error(self.barrier.wait())
        if op in ("breset", "babort"):
            return self.barrier.reset() if op == "breset" else self.barrier.abort()
        if op == "put":
            return self.quiet(self.queues[a].put(b))
        if op == "get":
            return self.queues[a].get()
        if op == "tget":
            return self.timeout_around(b, self.queues[a].get())
        if op == "join":
            return self.quiet(self.queues[a].join())
        return None

    def plain_step_of_values(self, me, op, a, b):
        if op == "release":
            self.say(f"{me} release {self.release(me, a)}")
        elif op == "evset":
            self.event.set()
        elif op == "evclear":
            self.event.clear()
        elif op == "srel":
            self.semaphore.release()
        elif op in ("putn", "getn", "done"):
            try:
                q = self.queues[a]
                r = q.put_nowait(b) if op == "putn" else q.get_nowait() if op == "getn" else q.task_done()
                self.say(f"{me} {op} {r or 0}")
            except (asyncio.QueueFull, asyncio.QueueEmpty, ValueError):
                self.say(f"{me} {op} error")
        elif op == "len":
            self.say(f"{me} len {self.queues[a].qsize()}")
        else:
            return False
        return True

    @staticmethod
    def outcome(r):
        if isinstance(r, asyncio.CancelledError):
            return "cancelled"
        if isinstance(r, TimeoutError):
            return "timeout"
        if isinstance(r, BaseException):
            return "error"
        return word_of(r or 0)

    def waiting_step(self, me, op, a, b, c, d):
        have_a, have_b = a in self.tasks, b in self.tasks
        thing = self.step_of_values(me, op, a, b)
        if thing is not None:
            return thing
        if op == "yield":
            return asyncio.sleep(0)
        if op == "sleep":
            return asyncio.sleep(a)
        if op == "tsleep":
            return self.timeout_around(a, asyncio.sleep(b))
        if op == "ttsleep":
            return self.two_timeouts(me, a, b, c)
        if op == "resched":
            return self.rescheduled(a, b, c)
        if op == "each" and all(i in self.tasks for i in (a, b, c)):
            return self.each(me, (a, b, c))
        if op == "eachfor" and all(i in self.tasks for i in (b, c, d)):
            return self.each(me, (b, c, d), a)
        if op == "awaitf":
            return self.futures[a]
        if op == "shieldf":
            return asyncio.shield(self.futures[a])
        if op in ("await", "shield", "nest", "tawait", "tshield", "wfor") and have_a:
            task = self.tasks[a]
            return {"await": lambda: task, "shield": lambda: asyncio.shield(task), "nest": lambda: self.nest(task),
                    "tawait": lambda: self.timeout_around(b, task), "tshield": lambda: self.shield_in_timeout(task, b),
                    "wfor": lambda: wait_for(task, b)}[op]()
        if op in ("gather", "sgather") and have_a and have_b:
            return self.gather(a, b, op == "sgather")
        when = {"wait": asyncio.ALL_COMPLETED, "waitfirst": asyncio.FIRST_COMPLETED, "waiterr": asyncio.FIRST_EXCEPTION,
                "waitfor": asyncio.ALL_COMPLETED}.get(op)
        if when and have_a and have_b:
            return self.wait(a, b, when, c if op == "waitfor" else None)
        return None

    # ---- what does not wait ----

    def called_back(self, future):
        self.say(f"callback {self.outcome_of(future)}")

    @staticmethod
    def outcome_of(future):
        if not future.done():
            return "pending"
        if future.cancelled():
            return "cancelled"
        return Player.outcome(future.exception() or future.result())

    def plain_step(self, me, op, a, b, step):
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if op == "say":
            self.say(f"{me} says {a}")
        elif op == "spawn":
            if a not in self.tasks:
                self.tasks[a] = loop.create_task(self.play(a))
        elif op == "cancel" and a in self.tasks:
            self.say(f"{me} cancel {a} {int(self.tasks[a].cancel())}")
        elif op == "all":
            self.say(f"{me} all {len(asyncio.all_tasks())}")
        elif op == "cself":
            self.say(f"{me} cself {int(task.cancel())}")
        elif op == "cancelling":
            self.say(f"{me} cancelling {task.cancelling()}")
        elif op == "uncancel":
            self.say(f"{me} uncancel {task.uncancel()}")
        elif op == "setf" and not self.futures[a].done():
            self.futures[a].set_result(b)
        elif op == "failf" and not self.futures[a].done():
            self.futures[a].set_exception(OSError())
        elif op == "cancelf":
            self.say(f"{me} cancelf {int(self.futures[a].cancel())}")
        elif op == "cbf":
            self.futures[a].add_done_callback(self.called_back)
        elif op == "uncbf":
            self.say(f"{me} uncbf {self.futures[a].remove_done_callback(self.called_back)}")
        elif op == "cbt" and a in self.tasks:
            self.tasks[a].add_done_callback(self.called_back)
        elif op == "soon":
            loop.call_soon(self.say, f"loop {step}")
        elif op == "later":
            loop.call_later(a, self.say, f"loop {step}")
        elif op == "drop":
            loop.call_soon(self.say, f"loop {step}").cancel()
        elif op == "dropl":
            self.handles[me] = loop.call_later(a, self.say, f"loop {step}")
        elif op in ("gstart", "gcancel", "glen"):
            self.step_of_group(me, op, a, b)
        elif op == "undo":
            if me in self.handles:
                self.handles.pop(me).cancel()
        else:
            return self.plain_step_of_values(me, op, a, b)
        return True

    def settle_futures(self):
        for f in self.futures:
            if not f.done():
                f.set_result(99)
        # Who waits for another one goes on, too.
        self.event.set()
        for _ in range(4):
            self.semaphore.release()
        for q in self.queues:
            if q.empty():
                q.put_nowait(77)

    def rescue(self):
        """Who waits for what nobody will do goes on."""
        self.settle_futures()
        which = self.rescues % len(self.script)
        self.rescues += 1
        if which in self.tasks:
            self.tasks[which].cancel()
        elif which == 0 and not self.is_finishing:
            self.main_task.cancel()

    def rescue_later(self):
        asyncio.get_running_loop().call_later(500, self.rescue_and_again)

    def rescue_and_again(self):
        self.rescue()
        self.rescue_later()

    async def finish(self):
        self.is_finishing = True
        while self.main_task.uncancel() > 0:  # what a group has left to be delivered
            pass
        self.settle_futures()
        for _ in range(10000):
            if all(t.done() for t in self.tasks.values()):
                return 0
            await asyncio.sleep(0 if self.ticks else 10)
        self.say("stuck")
        return 0

    def passes_on(self, me):
        return self.script[me][0] == "p"

    async def play(self, me):
        line = Line(me, self.script[me])
        while not line.is_over:
            await self.steps(line)
        if line.value is not None:
            return line.value
        return await self.finish() if me == 0 else 0

    async def steps(self, line):
        """To the end of the line, or of a block."""
        me = line.me
        while not line.is_over:
            step = line.next_step()
            op, *numbers = step.split() or [""]
            a, b, c, d = ([int(n) for n in numbers] + [-1] * 4)[:4]
            if op == "close":
                return
            if op == "ret":
                line.end_with(a)
                return
            if op == "fail":
                raise OSError
            if self.plain_step(me, op, a, b, step):
                continue
            thing = self.group(line, a) if op == "group" else self.waiting_step(me, op, a, b, c, d)
            if thing is None:
                continue
            try:
                r = await thing
            except (asyncio.CancelledError, *ERRORS) as e:
                self.say(f"{me} {op} {self.outcome(e)}")
                if self.passes_on(me):
                    raise
            else:
                self.say(f"{me} {op} {self.outcome(r)}")

    async def main(self):
        loop = asyncio.get_running_loop()
        self.futures = [loop.create_future() for _ in range(FUTURES)]
        self.make_values()
        self.is_finishing, self.main_task = False, asyncio.current_task()
        self.rescue_later()
        if self.ticks:
            self.counter = loop.call_soon(self.count_turn)
        await self.play(0)
        if self.ticks:
            self.counter.cancel()
        for i in sorted(self.tasks):
            self.say(f"end {i} {self.outcome_of(self.tasks[i])}")

    def run(self):
        loop = VirtualLoop()
        loop.set_exception_handler(lambda *_: None)
        try:
            loop.run_until_complete(self.main())
        finally:
            loop.close()
        return "".join(line + "\n" for line in self.out)


# ---- scripts ----

def steps_of_time(rng, others):
    steps = [f"sleep {rng.randrange(1, 6)}", f"later {rng.randrange(4)}", f"tsleep {rng.randrange(4)} {rng.randrange(6)}",
             f"ttsleep {rng.randrange(1, 5)} {rng.randrange(1, 5)} {rng.randrange(1, 7)}", f"dropl {rng.randrange(4)}", "undo",
             f"resched {rng.randrange(4)} {rng.randrange(6)} {rng.randrange(6)}"]
    if len(others) > 2:
        steps += ["eachfor %d %d %d %d" % (rng.randrange(1, 6), *sorted(rng.sample(others, 3)))] * 3
    if others:
        a, b = rng.choice(others), rng.choice(others)
        steps += [f"tawait {a} {rng.randrange(5)}", f"tshield {a} {rng.randrange(5)}", f"wfor {a} {rng.randrange(1, 5)}",
                  f"waitfor {a} {b} {rng.randrange(1, 5)}"]
    return steps


def steps_of_values(rng, ticks):
    lock, queue = rng.randrange(2), rng.randrange(QUEUES)
    steps = [f"hold {lock}", f"hold {lock}", f"acquire {lock}", f"release {lock}", "evwait", "evset", "evclear", "cwait", "cwait",
             f"cnotify {rng.randrange(1, 3)}", "sacq", "sacq", "srel", "bwait", "bwait", rng.choice(["breset", "babort"]),
             f"len {queue}", f"done {queue}", f"join {queue}"]
    steps += [f"put {queue} {rng.randrange(1, 9)}", f"get {queue}"] * 3
    steps += [f"putn {queue} {rng.randrange(1, 9)}", f"getn {queue}"]
    return steps + ([] if ticks else [f"tget {queue} {rng.randrange(1, 5)}"])


def random_step(rng, me, n, ticks):
    if rng.random() < 0.4:
        return rng.choice(steps_of_values(rng, ticks))
    others = list(range(me + 1, n))
    future = rng.randrange(FUTURES)
    steps = ["yield", "yield", f"say {rng.randrange(9)}", "soon", f"setf {future} {rng.randrange(50)}", f"awaitf {future}",
             f"shieldf {future}", f"cbf {future}", "uncancel", "cancelling", "all"]
    if rng.random() < 0.3:
        steps += [f"cancelf {future}", f"failf {future}", f"uncbf {future}", "drop"]
    if others:
        a, b = rng.choice(others), rng.choice(others)
        steps += [f"spawn {a}", f"spawn {b}", f"spawn {a}", f"await {a}", f"shield {a}", f"nest {a}", f"cancel {a}",
                  f"cancel {b}", f"gather {a} {b}", f"sgather {a} {b}", f"wait {a} {b}", f"waitfirst {a} {b}", f"waiterr {a} {b}", f"cbt {a}"]
    if len(others) > 2:
        steps += ["each %d %d %d" % tuple(sorted(rng.sample(others, 3)))] * 3
    owner = rng.randrange(min(me + 1, n - 1))
    steps += [f"gstart {owner} {rng.randrange(owner + 1, n)}"] * 4 + [f"glen {owner}"] + [f"gcancel {owner}"] * (rng.random() < 0.3)
    if me > 0:
        steps += [f"cancel {rng.randrange(1, n)}", "cself"]
    return rng.choice(steps + ([] if ticks else steps_of_time(rng, others)))


def with_group(rng, me, n, steps, has_limit):
    at = rng.randrange(len(steps) + 1)
    begin = [f"group {rng.randrange(1, 6) if has_limit else 0}"]
    begin += [f"gstart {me} {rng.randrange(me + 1, n)}" for _ in range(rng.randrange(1, 4))]
    steps = steps[:at] + begin + steps[at:]
    if has_limit:  # what a limit ends in asyncio once, it ends in bide each time, so nothing is behind it
        steps[at + len(begin):at + len(begin)] = ["sleep 1", "close"] if rng.random() < 0.5 else ["close"]
    elif rng.random() < 0.8:
        steps.insert(rng.randrange(at + len(begin), len(steps) + 1), "close")
    return steps


def random_script(rng, ticks):
    n = rng.randrange(2, 9)
    lines = []
    for me in range(n):
        steps = [random_step(rng, me, n, ticks) for _ in range(rng.randrange(2, 9))]
        if me == 0:
            steps = [f"spawn {i}" for i in range(1, n) if rng.random() < 0.35] + steps
        elif rng.random() < 0.3:
            steps.append(rng.choice(["fail", "ret 7"]))
        if me > 0 and rng.random() < 0.4:  # perhaps too late
            owner = rng.randrange(me)
            steps.insert(rng.randrange(len(steps) // 2, len(steps) + 1), f"gstart {owner} {rng.randrange(owner + 1, n)}")
        mode = "s" if me == 0 else rng.choice("ps")
        if me < n - 1:
            for _ in range(rng.choice([0, 0, 1, 1, 2])):
                steps = with_group(rng, me, n, steps, False)
            if mode == "p" and not ticks and rng.random() < 0.3:
                steps = with_group(rng, me, n, steps, True)
        lines.append(mode + ";".join(steps))
    return lines


def play_in_bide(player, script, ticks):
    try:
        p = subprocess.run([player] + ["ticks"] * ticks, input="\n".join(script) + "\n", capture_output=True, text=True,
                           timeout=5)
    except subprocess.TimeoutExpired:
        return "it hangs\n"
    return p.stdout if p.returncode == 0 else f"{p.stdout}exit {p.returncode} {p.stderr}"


def differs(player, script, ticks):
    want, got = Player(script, ticks).run(), play_in_bide(player, script, ticks)
    return None if want == got else (want, got)


def shortest(player, script, ticks):
    """The same difference with as few steps as possible."""
    script = [line[0] + ";".join(filter(None, line[1:].split(";"))) for line in script]
    again = True
    while again:
        again = False
        for i, line in enumerate(script):
            steps = line[1:].split(";")
            for k in range(len(steps) if line[1:] else 0):
                shorter = script[:i] + [line[0] + ";".join(steps[:k] + steps[k + 1:])] + script[i + 1:]
                if differs(player, shorter, ticks):
                    script, again = shorter, True
                    break
            if again:
                break
    return script


def main():
    player, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    seen = {}
    for i in range(seed, seed + count):
        ticks = i % 2 == 0
        script = random_script(random.Random(i), ticks)
        if differs(player, script, ticks):
            script = shortest(player, script, ticks)
            want, got = differs(player, script, ticks)
            print(f"seed {i}: the traces differ{' (ticks)' * ticks}\n--- script\n" + "\n".join(script))
            print("--- asyncio\n" + want + "--- bide\n" + got)
            return 1
        for line in Player(script, ticks).run().splitlines():
            words = line.split()[1 if ticks else 0:]
            key = " ".join(w for w in words[1:] if not w.lstrip("-").isdigit()) if words[0].isdigit() else words[0]
            seen[key] = seen.get(key, 0) + 1
    missing = [k for k in MUST_BE_SEEN if not seen.get(k)]
    if count >= 300 and missing:
        print("the scripts are too tame: never seen: " + ", ".join(missing))
        return 1
    print(f"{count} scripts from seed {seed}: asyncio {sys.version.split()[0]} and bide agree;"
          f" {sum(seen.values())} lines of {len(seen)} kinds")
    return 0


# A run without these would prove little.
MUST_BE_SEEN = [f"{op} {word}".strip() for op, words in {
    "await": ["", "cancelled", "error"], "nest": ["", "cancelled", "error"], "shield": ["", "cancelled", "error"],
    "awaitf": ["", "cancelled", "error"], "shieldf": ["", "cancelled", "error"], "gather": ["", "cancelled"],
    "sgather": ["", "cancelled"], "resched": ["", "cancelled", "timeout"], "all": [""],
    "wait": ["", "cancelled"], "waitfirst": ["", "cancelled"], "waiterr": ["", "cancelled"], "waitfor": ["", "cancelled"],
    "sleep": ["", "cancelled"], "yield": ["", "cancelled"], "tsleep": ["", "cancelled", "timeout"],
    "ttsleep": ["", "cancelled", "timeout"], "inner": ["cancelled", "timeout"], "tawait": ["", "cancelled", "timeout"],
    "tshield": ["", "cancelled", "timeout"], "wfor": ["", "cancelled", "timeout"],
    "each": ["", "cancelled"], "eachfor": ["", "cancelled", "timeout"], "took": ["", "cancelled", "error"],
    "missed": ["cancelled", "timeout"], "group": ["", "cancelled", "error", "timeout"], "gstart": ["begun", "refused"], "glen": [""],
    "hold": ["", "cancelled", "error"], "acquire": ["", "cancelled"], "evwait": ["", "cancelled"], "cwait": ["", "cancelled"],
    "sacq": ["", "cancelled"], "bwait": ["", "cancelled", "error"], "put": ["", "cancelled"], "get": ["", "cancelled"],
    "tget": ["", "cancelled", "timeout"], "join": ["", "cancelled"], "done": ["", "error"], "putn": ["", "error"]}.items() for word in words]

if __name__ == "__main__":
    sys.exit(main())
