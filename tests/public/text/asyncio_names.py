#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""asyncio_names.py SOURCE - docs/guide/coming-from-asyncio.md has every public name of asyncio, and none that is not there.  TAP.

Names are those of the package, of the loop's methods (`loop.call_soon`), and of its classes' (`Queue.put`), inherited ones where
they come from.  They are read from the Python at hand; what later ones have, and it has not, is listed here.  That our own names on the page are there
is for names.py.
"""
import asyncio
import asyncio.subprocess
import inspect
import pathlib
import re
import sys

LOOP = asyncio.AbstractEventLoop
CLASSES = {
    "Barrier": asyncio.Barrier, "BaseProtocol": asyncio.BaseProtocol, "BaseTransport": asyncio.BaseTransport,
    "BoundedSemaphore": asyncio.BoundedSemaphore, "BufferedProtocol": asyncio.BufferedProtocol, "Condition": asyncio.Condition,
    "DatagramProtocol": asyncio.DatagramProtocol, "DatagramTransport": asyncio.DatagramTransport, "Event": asyncio.Event,
    "Future": asyncio.Future, "Handle": asyncio.Handle, "Lock": asyncio.Lock, "Process": asyncio.subprocess.Process,
    "Protocol": asyncio.Protocol, "Queue": asyncio.Queue, "ReadTransport": asyncio.ReadTransport, "Runner": asyncio.Runner,
    "Semaphore": asyncio.Semaphore, "Server": asyncio.base_events.Server, "StreamReader": asyncio.StreamReader,
    "StreamWriter": asyncio.StreamWriter, "SubprocessProtocol": asyncio.SubprocessProtocol,
    "SubprocessTransport": asyncio.SubprocessTransport, "Task": asyncio.Task, "TaskGroup": asyncio.TaskGroup,
    "Timeout": asyncio.Timeout, "TimerHandle": asyncio.TimerHandle, "Transport": asyncio.Transport, "WriteTransport": asyncio.WriteTransport,
}
# Those of 3.12, 3.13 and 3.14.
NEWER = {
    "eager_task_factory", "create_eager_task_factory",
    "EventLoop", "QueueShutDown", "Queue.shutdown", "Server.abort_clients", "Server.close_clients",
    "FrameCallGraphEntry", "FutureCallGraph", "capture_call_graph", "format_call_graph", "print_call_graph",
    "future_add_to_awaited_by", "future_discard_from_awaited_by", "Handle.get_context", "TimerHandle.get_context", "Task.get_context",
}
# Those that 3.14 has no more, and what other systems have alone.
GONE = re.compile(r"^(\w*ChildWatcher|[sg]et_child_watcher|loop\.[sg]et_child_watcher|Windows\w*|Proactor\w*|IocpProactor|BaseDefault\w*|_.*)$")


def is_public(name):
    return not name.startswith("_")


def inherited(cls, name):
    """The same function as a base's, which has a row of its own."""
    return any(name in vars(base) and getattr(base, name) is getattr(cls, name) for base in cls.__mro__[1:]
               if base.__module__.startswith(("asyncio", "_asyncio")) and base.__name__ in CLASSES)


def names_of_python():
    names = {n for n in dir(asyncio) if is_public(n) and not inspect.ismodule(getattr(asyncio, n))}
    names |= {f"loop.{n}" for n in dir(LOOP) if is_public(n)}
    for title, cls in CLASSES.items():
        names |= {f"{title}.{n}" for n in dir(cls) if is_public(n) and not inherited(cls, n)}
    names |= {"subprocess.PIPE", "subprocess.STDOUT", "subprocess.DEVNULL"}
    return {n for n in names if not GONE.match(n)}


def names_of_page(page):
    """The code in the first column of its tables."""
    names = set()
    for line in page.splitlines():
        if line.startswith("| `"):
            names |= set(re.findall(r"`([\w.]+)", line.split(" | ")[0]))
    return names


def main():
    page = (pathlib.Path(sys.argv[1]) / "docs/guide/coming-from-asyncio.md").read_text()
    theirs, said = names_of_python(), names_of_page(page)
    missing = sorted((theirs | NEWER) - said)
    strange = sorted(n for n in said - theirs - NEWER if "." in n and n.split(".")[0] in CLASSES.keys() | {"loop"})
    print("1..3")
    print(f"{'ok' if len(theirs) > 250 else 'not ok'} 1 - the names of Python were read ({len(theirs)})")
    for number, (what, found) in enumerate((("the page has every name of asyncio", missing), ("each name of the page is one", strange)), 2):
        print(f"{'not ' if found else ''}ok {number} - {what}")
        for name in found:
            print(f"# {name}")


if __name__ == "__main__":
    main()
