# SPDX-License-Identifier: MIT
"""gdb commands for programs that use bide: `bide tasks`, `bide bt TASK`; for processes and core files.

gdb loads this together with libbide.so (set auto-load safe-path); otherwise, and for a program that is linked with libbide.a:
source bide-gdb.py.  The layout of the library's structs is read from the library (root.h).  Nothing is written to the program.
"""
import re
import struct

import gdb
import gdb.unwinder

LIVE = 0xb1de0b1e
TASKS_MAX = 1 << 20
WORDS = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}


def read(at, size):
    return bytes(gdb.selected_inferior().read_memory(at, size))


def number(at, size=8):
    return struct.unpack(WORDS[size], read(at, size))[0]


def text(at, most=200):
    """The text up to a zero byte, with control characters escaped."""
    found = b""
    while at and len(found) < most:
        byte = read(at + len(found), 1)
        if byte == b"\0":
            break
        found += byte
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in found.decode("utf-8", "backslashreplace"))


def without_secrets(url):
    return re.sub(r"://[^/?#]*@", "://", url)


# ---- the layout ----

def headers():
    """The addresses at which ELF files begin."""
    for line in gdb.execute("info proc mappings", to_string=True).splitlines():
        words = re.findall(r"0x[0-9a-f]+", line)
        if len(words) >= 4 and int(words[3], 16) == 0:
            yield int(words[0], 16)


def root_in(header):
    """The address of the root, by the note of the ELF file that begins there; or None."""
    e = read(header, 64)
    if e[:5] != b"\x7fELF\x02":
        return None
    offset, size, n = struct.unpack_from("<Q", e, 32)[0], *struct.unpack_from("<HH", e, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", read(header + offset + i * size, 56)) for i in range(min(n, 64))]
    bias = next((header - s[3] for s in segments if s[0] == 1 and s[2] == 0), header)
    for s in segments:
        at, end = bias + s[3], bias + s[3] + min(s[6], 65536)
        while s[0] == 4 and end - at >= 12:
            name, desc, kind = struct.unpack("<III", read(at, 12))
            align = 8 if s[7] == 8 else 4
            body = at + 12 + (name + align - 1) // align * align
            if kind == 1 and name == 5 and read(at + 12, 5) == b"bide\0":
                return body + 8 + struct.unpack("<q", read(body + 8, 8))[0]
            at = body + (desc + align - 1) // align * align
    return None


def find_root():
    try:
        return int(gdb.parse_and_eval("(unsigned long) &bide__root"))
    except gdb.error:
        pass
    for header in headers():
        try:
            root = root_in(header)
        except gdb.MemoryError:
            continue
        if root:
            return root
    raise gdb.GdbError("this is no program of bide's, or it has not begun")


class Library:
    """Its structs by name, and its loops."""

    def __init__(self):
        root = find_root()
        magic, version, _, members, size, layout, self.loops, process, alone, self.resume = struct.unpack("<8sIIIIQQQQQ", read(root, 64))
        if magic != b"bideroot" or version != 1:
            raise gdb.GdbError(f"the library describes itself in version {version}, and this script knows version 1")
        table = read(layout, min(members, 1024) * size)
        self.members = {}
        for i in range(min(members, 1024)):
            name, offset, width = struct.unpack_from("<24sII", table, i * size)
            self.members[name.split(b"\0")[0].decode()] = offset, width
        self.process, self.alone = number(process, 4), number(alone, 1)

    def get(self, object, name):
        """A member of an object; 0 of none."""
        if not object or name not in self.members:
            return 0
        offset, size = self.members[name]
        return number(object + offset, min(size, 8))

    def each_loop(self):
        node, n = number(self.loops), 0
        while node != self.loops and n < 1024:
            loop = node - self.members["loop.alive"][0]
            if self.get(loop, "loop.process") == self.process:
                yield loop
            node, n = number(node), n + 1

    def places(self, loop):
        """Where its tasks may lie."""
        n = 0
        if self.alone:
            head = loop + self.members["loop.tasks"][0]
            node = number(head)
            while node != head and n < TASKS_MAX:
                yield node - self.members["task.all"][0]
                node, n = number(node), n + 1
            return
        chunk, size = self.get(loop, "loop.chunks"), self.members["task"][1]
        while chunk and n < TASKS_MAX:
            first, width = self.members["chunk.tasks"]
            for i in range(width // size):
                yield chunk + first + i * size
            chunk, n = self.get(chunk, "chunk.next"), n + width // size

    def each_task(self):
        for loop in self.each_loop():
            current = self.get(loop, "loop.current") if self.get(loop, "loop.runner") else 0
            for place in self.places(loop):
                if self.get(place, "task.word") == LIVE and self.get(place, "task.loop") == loop and self.get(place, "task.state") == 0:
                    yield Task(self, place, place == current, loop)

    def find(self, id):
        for task in self.each_task():
            if task.id == id:
                return task
        raise gdb.GdbError(f"there is no task #{id}")


class Task:
    def __init__(self, library, address, runs, loop):
        self.library, self.address, self.runs, self.loop = library, address, runs, loop
        self.id = self.get("task.id")
        self.is_stackless = self.get("task.stackless")

    def get(self, name):
        return self.library.get(self.address, name)

    def name(self):
        given = text(self.library.get(self.get("task.extra"), "extra.name"))
        return f"{given} (#{self.id})" if given and not given.startswith("Task-") else f"Task-{self.id}"

    def function(self):
        if self.is_stackless:
            return "(stackless)"
        return text(self.library.get(self.get("task.stack") - self.library.members["top"][1], "top.function"))

    def state(self):
        if self.runs:
            return "running"
        if not self.get("task.started"):
            return "new"
        return "ready" if self.get("task.place") else "waiting"

    def doing(self):
        """"GET https://a.example/: ", or "" """
        library = self.library
        at = library.get(self.get("task.stack") - library.members["top"][1], "top.doing") if self.get("task.started") and not self.is_stackless else 0
        what = text(library.get(at, "doing.what")) if at else ""
        of = text(library.get(at, "doing.of")) if at else ""
        code = library.get(at, "doing.code") if at and not of else 0
        if code:
            block = gdb.block_for_pc(code)
            of = block.function.name if block and block.function else hex(code)
        return " ".join(part for part in (what, without_secrets(of)) if part)

    def future(self, future):
        library = self.library
        if library.get(future, "future.is_task"):
            return f"task #{library.get(future, 'task.id')}"
        type = library.get(future, "future.type")
        at = library.get(type, "type.label_at")
        label = text(number(future + at)) if at else ""
        return "a " + (text(library.get(type, "type.name")) or "future") + (f": {label}" if label else "")

    def several(self, futures, before=""):
        pending = [f for f in futures if f and not self.library.get(f, "future.state")]
        if not pending:
            return before + "what has ended"
        return before + ", ".join(map(self.future, pending[:4])) + (f" and {len(pending) - 4} more" if len(pending) > 4 else "")

    def waits(self):
        library = self.library
        if self.state() != "waiting":
            return ""
        if self.is_stackless:
            awaited = self.get("task.awaited")
            return self.future(awaited) if awaited else "a timer"
        wait = self.get("task.wait")
        if not wait:
            return "something without a name"
        awaits = library.get(wait, "wait.awaits")
        return (self.future(awaits) if awaits else self.kind(wait)) + self.limit()

    def left(self, when_ms):
        return f"{when_ms - self.library.get(self.loop, 'loop.now_ns') // 1000000} ms"

    def limit(self):
        """The first of the blocks around it that ends."""
        library, at, whens = self.library, self.get("task.scopes"), []
        while at and len(whens) < 64:
            armed = library.get(at, "scope.armed")
            whens.append(library.get(at, "scope.when_ms") if armed not in (0, at) else None)
            at = library.get(at, "scope.outer")
        whens = [w for w in whens if w is not None]
        wait = self.get("task.wait")
        if library.get(wait, "wait.kind") in [library.members[k][0] for k in ("kind.group_for", "kind.completed_for") if k in library.members]:
            whens.append(library.get(library.get(wait, "wait.on"), "timer.when_ms"))
        return f"; timeout in {self.left(min(whens))}" if whens else ""

    def operation(self, at):
        library = self.library
        ops, object = library.get(at, "operation.ops"), library.get(at, "operation.object")
        fd_at, holder_at = library.get(ops, "ops.fd_at"), library.get(ops, "ops.holder_at")
        fd = f" fd {number((object or at) + fd_at, 4)}" if fd_at else ""
        holder = number(object + holder_at) if holder_at and object else 0
        return text(library.get(ops, "ops.name")) + fd + (f", held by #{holder}" if holder else "")

    def choices(self, wait):
        library, members = self.library, self.library.members
        all, n, said = library.get(wait, "choice.all"), library.get(wait, "choice.n"), []
        for i in range(min(n, 4)):
            at = all + i * members["alternative"][1]
            what = library.get(at, "alternative.what")
            kind, future = library.get(what, "awaitable.kind"), library.get(at, "alternative.future")
            said.append(self.operation(what + members["awaitable.operation"][0]) if kind == members["awaitable.is_operation"][0] else
                        "a timer" if kind == members["awaitable.is_sleep"][0] else self.future(future) if future else "a future")
        return ("one of " if n > 1 else "") + ", ".join(said) + (f" and {n - 4} more" if n > 4 else "")

    def members_of(self, list):
        node, n = number(list), 0
        while node != list and n < 64:
            yield self.library.get(node, "member.future")
            node, n = number(node), n + 1

    def kind(self, wait):
        library, members = self.library, self.library.members
        kind, on = library.get(wait, "wait.kind"), library.get(wait, "wait.on")
        name = {place: n[5:] for n, (place, _) in members.items() if n.startswith("kind.")}.get(kind)
        if name in ("read", "write", "either"):
            return f"to {'read or write' if name == 'either' else name} fd {number(on, 4)}"
        if name == "time":
            return f"a timer, {self.left(library.get(on, 'timer.when_ms'))} left when its loop last looked"
        if name == "operation":
            return self.choices(wait) if library.get(wait, "choice.is_choice") else self.operation(library.get(wait, "choice.operation"))
        if name in ("group", "group_for"):
            group = wait - members["group.wait"][0]
            first, n = library.get(group, "group.watches"), min(library.get(group, "group.started"), 64)
            return self.several(library.get(first + i * members["watch"][1], "watch.future") for i in range(n))
        if name in ("completed", "completed_for"):
            list = library.get(wait, "next.list")
            first, n = list + members["list.all"][0], min(library.get(list, "list.n"), 64)
            return self.several((library.get(first + i * members["ended"][1], "ended.future") for i in range(n)), "the next of ")
        if name == "members":
            return self.several(self.members_of(on))
        if name == "named":
            return text(on)
        return "a call in a thread" + (f": {text(on)}" if on else "") if name == "thread" else "something without a name"

    def says(self):
        return ": ".join(part for part in (self.doing(), self.waits()) if part)


# ---- stacks ----

class Suspended(gdb.unwinder.Unwinder):
    """The caller of the innermost frame is a suspended context: no register is changed, so that it works for core files, too."""

    def __init__(self):
        super().__init__("bide-suspended")
        self.place = self.innermost = None

    def __call__(self, frame):
        x86 = "x86" in frame.architecture().name()
        sp, pc, fp = ("rsp", "rip", "rbp") if x86 else ("sp", "pc", "x29")
        if not self.place or (int(frame.read_register(sp)), int(frame.read_register(pc))) != self.innermost:
            return None
        place = self.place
        # Below the stack's end, for gdb takes a caller that lies below what it calls for a broken stack.
        info = frame.create_unwind_info(Identity(place[0] - 16, place[1]))
        for name, value in ((sp, place[0]), (pc, place[1])) + (((fp, place[2]),) if x86 else ()):
            info.add_saved_register(name, gdb.Value(value).cast(frame.read_register(name).type))
        return info


class Identity:
    def __init__(self, sp, pc):
        self.sp, self.pc = gdb.Value(sp), gdb.Value(pc)


suspended = Suspended()
gdb.unwinder.register_unwinder(None, suspended, replace=True)


def backtrace(task):
    """Its frames, as gdb's bt prints them; the first is that of the thread, which is left out."""
    innermost = gdb.newest_frame()
    suspended.innermost = int(innermost.read_register("sp")), int(innermost.pc())
    suspended.place = task.get("task.sp"), task.get("task.pc") or task.library.resume, task.get("task.fp")
    gdb.invalidate_cached_frames()
    try:
        lines = gdb.execute("bt", to_string=True)
    finally:
        suspended.place = None
        gdb.invalidate_cached_frames()
    begin = re.search(r"^#1 ", lines, re.M)
    return re.sub(r"^#(\d+) ", lambda m: f"#{int(m[1]) - 1} ", lines[begin.start():] if begin else lines, flags=re.M)


def backtrace_of_thread(task):
    """Of one that runs; None: its thread is not known."""
    selected, lwp = gdb.selected_thread(), task.library.get(task.loop, "loop.thread")
    for thread in gdb.selected_inferior().threads():
        if thread.ptid[1] == lwp:
            thread.switch()
            lines = gdb.execute("bt", to_string=True)
            selected.switch()
            return lines
    return None


# ---- commands ----

class Bide(gdb.Command):
    """bide tasks: the tasks of this program, and what they wait for.  bide bt TASK: the stack of one, by its number; bide bt: of all."""

    def __init__(self):
        super().__init__("bide", gdb.COMMAND_STACK, prefix=True)


class Tasks(gdb.Command):
    """The tasks of this program: state, name, function, and what each waits for."""

    def __init__(self):
        super().__init__("bide tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        rows = [(t.state(), t.name(), t.function(), t.says()) for t in sorted(Library().each_task(), key=lambda t: t.id)]
        rows.insert(0, ("STATE", "NAME", "FUNCTION", "WAITS FOR"))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        for row in rows:
            print("  ".join([cell.ljust(width) for cell, width in zip(row, widths)] + [row[3]]).rstrip())


class Backtrace(gdb.Command):
    """The stack of a task, by its number; without one, of all."""

    def __init__(self):
        super().__init__("bide bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        library = Library()
        id = re.fullmatch(r"#?(\d+)", argument.strip())
        if argument.strip() and not id:
            raise gdb.GdbError("expected the number of a task: bide bt 12")
        for task in [library.find(int(id[1]))] if id else sorted(library.each_task(), key=lambda t: t.id):
            print(f"{task.name()}, {task.function()}, {task.state()}" + (f" for {task.says()}" if task.waits() else f": {task.says()}" if task.says() else ""))
            if task.runs:
                print(backtrace_of_thread(task) or "  it runs: see the bt of its thread\n")
            elif task.is_stackless or task.state() == "new":
                print("  it has no stack\n")
            else:
                print(backtrace(task))


Bide()
Tasks()
Backtrace()
