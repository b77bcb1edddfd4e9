# SPDX-License-Identifier: MIT
"""Who calls whom, from the symbols of object files; and the circles in it.  scripts/rooms.py uses this.

A file *calls* another if its object needs a symbol, function or variable, that the other's object defines.  What a compiler
inlines within a file does not show, and what it cannot inline across files always does, so every build tells the same.
"""
import json
import pathlib
import subprocess


def objects_of(build, top):
    """{source file, relative to top: its object}, of the sources below src/; a file in two libraries has one of them."""
    found = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        source = (pathlib.Path(command["directory"]) / command["file"]).resolve()
        if source.is_relative_to(top / "src"):
            found.setdefault(str(source.relative_to(top)), pathlib.Path(command["directory"]) / command["output"])
    return found


def is_ours(name, source):
    """What src/unblock/ defines under the names of libc stays libc's: that is whom the others call."""
    return name.startswith("bide") or not source.startswith("src/unblock/")


def symbols_of(objects):
    """Two dictionaries: {symbol: the file that defines it} and {file: the symbols it needs}."""
    by_object = {str(path): source for source, path in objects.items()}
    lines = subprocess.run(["nm", "--print-file-name", "--extern-only", "--format=posix", *by_object],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    defined, needed = {}, {source: set() for source in objects}
    for line in lines:
        path, rest = line.split(": ", 1)
        name, kind = rest.split()[:2]
        if kind in "Uvw":
            needed[by_object[path]].add(name)
        elif is_ours(name, by_object[path]):
            defined[name] = by_object[path]
    return defined, needed


def calls(build, top):
    """{file: {file that it calls: one of the symbols}}"""
    objects = objects_of(build, top)
    missing = [str(path) for path in objects.values() if not path.is_file()]
    if missing or not objects:
        raise SystemExit(f"rooms: {build} is not built: there is no {missing[0] if missing else 'object of src/'}")
    defined, needed = symbols_of(objects)
    graph = {}
    for source, names in needed.items():
        graph[source] = {defined[name]: name for name in sorted(names) if defined.get(name, source) != source}
    return graph


def circles(graph, larger_than):
    """The sets of files that all reach each other, if they have more than so many members (Tarjan)."""
    number, lowest, stack, found = {}, {}, [], []

    def visit(v):
        number[v] = lowest[v] = len(number)
        stack.append(v)
        for w in graph[v]:
            if w not in number:
                visit(w)
                lowest[v] = min(lowest[v], lowest[w])
            elif w in stack:
                lowest[v] = min(lowest[v], number[w])
        if lowest[v] == number[v]:
            at = stack.index(v)
            found.append(frozenset(stack[at:]))
            del stack[at:]

    for v in sorted(graph):
        if v not in number:
            visit(v)
    return [members for members in found if len(members) > larger_than]
