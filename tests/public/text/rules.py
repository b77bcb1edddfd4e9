#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rules.py SOURCE - numbers that tests and comments cite mean something.  TAP, a line for each check.

Two pages have a table with a row for each number:

  docs/design/http-rules.md     R and D, rules of HTTP: cited in comments of tests/http and src/http, in docs/conformance.md and in
                                tests/conform/exceptions.txt.  A row names the files of tests/http that cite it, or says "held" or
                                "later: ..." if none does.
  docs/design/asyncio-order.md  facts of asyncio, 1 to 125: cited above a test of tests/core, tests/sync or tests/io as "asyncio 54, 60".
                                A row names those tests, or says why there is none.

Last it is shown on changed texts that each kind of fault is found.
"""
import pathlib
import re
import sys

HTTP, ASYNCIO = "docs/design/http-rules.md", "docs/design/asyncio-order.md"
ASYNCIO_NUMBERS = [str(n) for n in range(1, 126)]
ASYNCIO_FOLDERS = ("tests/core/", "tests/sync/", "tests/io/")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
RULE = re.compile(r"(?<![A-Za-z0-9_%\\])[RD]\d{1,3}\b")
ROW = re.compile(r"^\| ([RD]?\d+) \|(.*)\|$", re.M)
NUMBERED = re.compile(r"^(?:TEST|UNIT)\(((?:\w+_)?(?:[RDrd]\d+|no_\d+)(?:_\w+)?)\b", re.M)
TEST = re.compile(r"(/\*(?:(?!\*/).)*\*/\n)?^(?:TEST|UNIT)\((\w+)", re.M | re.S)


def read(source):
    """{path: text} of all that may cite."""
    found = {}
    for folder in ["tests/http", "tests/io", "tests/core", "tests/sync", "src/http"]:
        for path in sorted((source / folder).rglob("*.[ch]")):
            found[str(path.relative_to(source))] = path.read_text()
    for name in ["docs/conformance.md", "tests/conform/exceptions.txt", HTTP, ASYNCIO]:
        found[name] = (source / name).read_text()
    return found


def rows_of(page):
    """Of tables whose first column is "no."."""
    rows, twice = {}, []
    for number, rest in ROW.findall("\n".join(re.findall(r"^\| no\. \|.*\n(?:\|.*\n)*", page, re.M))):
        twice += [number] if number in rows else []
        rows[number] = rest
    return rows, twice


def rules_cited(path, text):
    return set(RULE.findall("\n".join(COMMENT.findall(text)) if path.endswith((".c", ".h")) else text))


def http_rules(texts):
    rows, twice = rows_of(texts[HTTP])
    yield from (f"{HTTP}: {number} has two rows" for number in twice)
    cited_by = {}
    for path, text in texts.items():
        if path in (HTTP, ASYNCIO) or path.startswith(("tests/core/", "tests/sync/")):
            continue
        for number in sorted(rules_cited(path, text)):
            if number not in rows:
                yield f"{path}: {number} has no row in {HTTP}"
            for folder, short in ("tests/http/", ""), ("tests/io/", "io/"):
                if path.startswith(folder):
                    cited_by.setdefault(number, set()).add(short + path[len(folder):])
    for number, rest in rows.items():
        state = rest.rsplit("|", 1)[1].strip()
        named, citing = set(re.findall(r"`([\w./]+)`", state)), cited_by.get(number, set())
        yield from (f"{HTTP}: {number}: {path} does not cite it" for path in sorted(named - citing))
        yield from (f"{HTTP}: {number}: {path} cites it, and is not in its row" for path in sorted(citing - named))
        if not named and not re.fullmatch(r"held|later: .+", state):
            yield f"{HTTP}: {number}: no test, and neither held nor later"


def asyncio_cited(texts):
    """{test: numbers}; a test that cites nothing has none."""
    found = {}
    for path, text in texts.items():
        if path.startswith(ASYNCIO_FOLDERS):
            for comment, name in TEST.findall(text):
                cite = re.search(r"\basyncio ((?:\d+, )*\d+)(?!\.?\d)", comment)
                found[name] = set(cite[1].split(", ")) if cite else set()
    return found


def asyncio_order(texts):
    rows, twice = rows_of(texts[ASYNCIO])
    cited = asyncio_cited(texts)
    yield from (f"{ASYNCIO}: {number} has two rows" for number in twice)
    yield from (f"{ASYNCIO}: {number} is missing" for number in ASYNCIO_NUMBERS if number not in rows)
    for number, rest in rows.items():
        for name in re.findall(r"`([a-z]\w*_\w+)`", rest.rsplit("|", 1)[1]):
            if name not in cited and not name.startswith("bide_"):
                yield f"{ASYNCIO}: {number}: there is no test {name}"
            elif name in cited and number not in cited[name]:
                yield f"{ASYNCIO}: {number}: the test {name} does not cite it"
    for name, numbers in cited.items():
        for number in sorted(numbers):
            if f"`{name}`" not in rows.get(number, ""):
                yield f"{ASYNCIO}: the test {name} cites {number}, and is not in its row"


def test_names(texts):
    """A number is in a comment above the test: its name says what happens."""
    for path, text in texts.items():
        if path.startswith("tests/"):
            yield from (f"{path}: {name}: a number in the name of a test" for name in NUMBERED.findall(text))


def finds(texts, check, path, old, new, words):
    """Is the fault that this change makes found?"""
    if old not in texts[path]:
        return [f"{path} has no longer: {old}"]
    problems = list(check({**texts, path: texts[path].replace(old, new, 1)}))
    return [] if any(words in problem for problem in problems) else [f"not found: {words}", *problems]


def main():
    texts = read(pathlib.Path(sys.argv[1]))
    url, decoders = "tests/http/url/test_url.c", "tests/http/client/test_decode.c"
    checks = [
        ("rules of HTTP that are cited have a row, and rows name who cites them", list(http_rules(texts))),
        ("facts of asyncio have a row, and rows name the tests that cite them", list(asyncio_order(texts))),
        ("names of tests have no such numbers", list(test_names(texts))),
        *((f"found: {name}", finds(texts, test_names, decoders, "TEST(", f"TEST({name})\nTEST(", f"{name}: a number in the name"))
          for name in ["url_R4_is_read", "url_d11", "R4_is_read", "url_no_12_is_read"]),
        ("found: a number without a row", finds(texts, http_rules, url, "/* R4 */", "/* R4, R999 */", f"{url}: R999 has no row")),
        ("found: a test that no longer cites", finds(texts, http_rules, "tests/http/h1/test_framing.c", "/* R29 */", "/* */",
                                                     "R29: h1/test_framing.c does not cite it")),
        ("found: a test that cites, and is not named", finds(texts, http_rules, HTTP, "`exchange/test_head.c` `url/test_url.c` |",
                                                             "`exchange/test_head.c` |", "R4: url/test_url.c cites it, and is not")),
        ("found: a row without a state", finds(texts, http_rules, HTTP, "| held |", "| |", "no test, and neither held nor later")),
        ("found: a fact without a row", finds(texts, asyncio_order, ASYNCIO, "| 47 |", "| x |", "47 is missing")),
        ("found: a test that is not there", finds(texts, asyncio_order, ASYNCIO, "`sleep_cancelled_leaves_no_timer`",
                                                  "`sleep_for_good`", "there is no test sleep_for_good")),
        ("found: a test that is not in its row", finds(texts, asyncio_order, ASYNCIO, "`sleep_cancelled_leaves_no_timer`", "none",
                                                       "sleep_cancelled_leaves_no_timer cites 48")),
    ]
    for number, (title, problems) in enumerate(checks, 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {title}")
        for problem in problems:
            print("#  ", problem)
    print(f"1..{len(checks)}")
    sys.exit(any(problems for _, problems in checks))


main()
