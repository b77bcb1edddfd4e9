#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""planted.py SOURCE BIDE - names.py sees each kind of error: one is added to a file of the tree (in memory), and must be named,
it alone; and what is none must not be.  TAP.
"""
import pathlib
import sys

import names

PAGE = "docs/guide/limits.md"
HELLO = "examples/hello_server.c"


def block(language, text):
    return f"```{language}\n{text}\n```"


# (file, what is added to it, what must be said)
PLANTED = [
    (PAGE, "Call `bide_frobnicate` first.", f"{PAGE}: no such name: bide_frobnicate"),
    (PAGE, "Set `BIDE_FROBNICATE=1`.", f"{PAGE}: no such name: BIDE_FROBNICATE"),
    ("src/core/README.md", "See bide__frobnicate.", "src/core/README.md: no such name: bide__frobnicate"),
    ("include/bide/task.h", "/* As bide_frobnicate does. */", "include/bide/task.h: no such name: bide_frobnicate"),
    (HELLO, "/* As bide_frobnicate does. */", f"{HELLO}: no such name: bide_frobnicate"),
    ("docs/tutorial/02_tasks.c", "/* As bide_frobnicate does. */", "docs/tutorial/02_tasks.c: no such name: bide_frobnicate"),
    ("README.zh-CN.md", "bide_frobnicate()", "README.zh-CN.md: no such name: bide_frobnicate"),

    (PAGE, "With `bide_get(s, url, .frobnicate = 1)`.", "no such option: .frobnicate"),
    (PAGE, block("c", "bide_pool_new(.workers = 4, .frobnicate = true)"), "no such option: .frobnicate"),
    (PAGE, "The option `.frobnicate` does that.", "no such option: .frobnicate"),

    (PAGE, block("c", "bide_await(bide_coro(frobnicate, 1));"), "frobnicate is handed over, and defined nowhere in the page"),
    (PAGE, block("c", "bide_pool_new(.init = bide_job(frobnicate));"), "frobnicate is handed over"),

    (PAGE, "Not there: `Frobnicate`, `gather`, pipes.", "gather is there: bide_gather"),
    ("docs/design/decisions.md", "**Not yet there** (*as planned*): `as_completed`, yaks.",
     "as_completed is there: bide_as_completed"),

    (PAGE, "Run `bide fetch --frobnicate URL`.", "bide fetch has no option --frobnicate"),
    (PAGE, "Run `bide fetch --dry-run --backlog=5s URL`.", "bide fetch has no option --backlog"),
    (PAGE, "Run `bide get -Z URL`.", "bide get has no option -Z"),
    (PAGE, "With `--frobnicate=4` it is faster.", "bide has no option --frobnicate"),
    (PAGE, block("sh", "seq 9 | build/bide fetch -i - --frobnicate 3 # so"), "bide fetch has no option --frobnicate"),
    (PAGE, "    bide serve --frobnicate", "bide serve has no option --frobnicate"),
    (HELLO, "/* Try it with `bide get --frobnicate URL`. */", "bide get has no option --frobnicate"),

    ("include/bide/task.h", "BIDE_API int bide_frobnicate(int n);", "bide_frobnicate: in no page, no program, no test"),
]

HARMLESS = [
    (PAGE, "Run `bide fetch -c 4 --per-host=2 -O out https://a.example/`, or `bide https://a.example/ -o -`."),
    (PAGE, "Run `curl --frobnicate`, `cc -g --frobnicate`, and `bide worker redis://h/ -- ./program --frobnicate`."),
    (PAGE, block("c", "struct point { int frobnicate; }; struct point p = {.frobnicate = 1};")),
    (PAGE, block("c", "static int frobnicate(void) { return 1; }\nint r = bide_await(bide_coro(frobnicate));")),
]

# (a command, what is added to its help, what must be said)
HELP = [
    ("serve", "See --frobnicate.", "bide help serve: serve has no option --frobnicate"),
    ("serve", "See --jsonl of `bide get`.", "bide help serve: get has no option --jsonl"),
]


def problems_of(tree, line):
    return [problem for _, problems in names.checks_of(tree, line) for problem in problems]


class Report:
    def __init__(self):
        self.count = 0
        self.failed = False

    def add(self, is_right, title, problems):
        self.count += 1
        self.failed |= not is_right
        print(f"{'ok' if is_right else 'not ok'} {self.count} - {title}".replace("\n", " "))
        for problem in [] if is_right else problems or ["nothing was said"]:
            print("#  ", problem)


def main():
    source, line = pathlib.Path(sys.argv[1]), names.CommandLine(sys.argv[2])
    report = Report()
    problems = problems_of(names.Tree(source), line)
    report.add(not problems, "nothing is wrong in the tree", problems)
    for file, text, wanted in PLANTED:
        problems = problems_of(names.Tree(source, {file: f"\n{text}\n"}), line)
        report.add(len(problems) == 1 and wanted in problems[0], f"{file}: {wanted}", problems)
    for file, text in HARMLESS:
        problems = problems_of(names.Tree(source, {file: f"\n{text}\n"}), line)
        report.add(not problems, f"harmless: {text}", problems)
    for command, text, wanted in HELP:
        kept = line.help[command]
        line.help[command] = f"{kept}\n{text}\n"
        problems = problems_of(names.Tree(source), line)
        line.help[command] = kept
        report.add(len(problems) == 1 and wanted in problems[0], wanted, problems)
    print(f"1..{report.count}")
    sys.exit(report.failed)


main()
