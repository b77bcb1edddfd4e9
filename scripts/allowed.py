# SPDX-License-Identifier: MIT
"""scripts/rooms-allowed.txt: what is not yet as scripts/rooms.py demands, and may stay for now.

The list only shrinks: what is worse than it says is an error, and so is what is better, because then a line can go or a
number can fall.  `scripts/rooms.py --build BUILD --write` writes it as the tree is now, after a move for example; its diff
should only lose.

    folder FOLDER N       has N files
    header FILE N         has N lines
    knows ROOM ROOM       the first includes or calls the second, against the table
    calls FILE FILE       the first calls the second, against the table
    knot                  a circle of files that call each other; one of them on each indented line
"""

HEAD = """\
# What is not yet as scripts/rooms.py demands.  The list only shrinks; scripts/allowed.py says what its lines mean.
"""


class Allowed:
    def __init__(self, path):
        self.sizes, self.pairs, self.knots = {}, set(), []
        self.seen_sizes, self.seen_pairs, self.seen_knots = {}, set(), []
        for line in path.read_text().splitlines() if path.is_file() else []:
            self._read(line, path)
        self.knots = [frozenset(knot) for knot in self.knots]

    def _read(self, line, path):
        words = line.split()
        if not words or line.startswith("#"):
            return
        if line[0] == " " and self.knots and len(words) == 1:
            self.knots[-1].append(words[0])
        elif words == ["knot"]:
            self.knots.append([])
        elif words[0] in ("folder", "header") and len(words) == 3 and words[2].isdigit():
            self.sizes[words[0], words[1]] = int(words[2])
        elif words[0] in ("knows", "calls") and len(words) == 3:
            self.pairs.add(tuple(words))
        else:
            raise SystemExit(f"{path}: not understood: {line}")

    # ---- what rooms.py finds: each says whether the list allows it ----

    def size(self, kind, name, n):
        self.seen_sizes[kind, name] = n
        return n <= self.sizes.get((kind, name), 0)

    def pair(self, *words):
        """Of several possible lines the first that is on the list is the one that is needed."""
        listed = [word for word in words if word in self.pairs]
        self.seen_pairs.add((listed or list(words))[0])
        return bool(listed)

    def knot(self, members):
        """The files that make it a new one; none if it is on the list."""
        self.seen_knots.append(members)
        return min((members - knot for knot in self.knots), key=len, default=members)

    # ---- what can go ----

    def unneeded(self, with_symbols):
        for (kind, name), n in self.sizes.items():
            seen = self.seen_sizes.get((kind, name))
            if seen is None:
                yield f"{kind} {name}: no longer too large: shrink the list"
            elif seen < n:
                yield f"{kind} {name}: {seen} now, not {n}: shrink the list"
        if not with_symbols:
            return
        for words in sorted(self.pairs - self.seen_pairs):
            yield f"{' '.join(words)}: no longer so: shrink the list"
        for knot in self.knots:
            inside = [seen for seen in self.seen_knots if seen <= knot]
            free = sorted(knot - frozenset().union(*inside))
            if free:
                yield f"knot: no longer in it: {' '.join(free)}: shrink the list"
            elif len(inside) > 1:
                yield f"knot: {sorted(knot)[0]} ...: now {len(inside)} smaller ones: shrink the list"

    def write(self, path):
        lines = [f"{kind} {name} {n}" for (kind, name), n in sorted(self.seen_sizes.items())]
        lines += [" ".join(words) for words in sorted(self.seen_pairs)]
        for knot in sorted(map(sorted, self.seen_knots)):
            lines += ["knot"] + [f"    {name}" for name in knot]
        path.write_text(HEAD + "".join(line + "\n" for line in lines))
