#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tutorial.py [--update] - the pages of docs/tutorial are true.

docs/tutorial/NN_name.c is a program and NN-name.md its page.  The page quotes the program from its first #include on
(the first ```c block) and shows a run (the first ```console block): the command, then what the program prints, standard
output first.  Programs that fetch get the URL of a `bide serve` of our own, which stands in the page as port 8080; one
that says "press Ctrl-C" gets a SIGINT.  --update writes both blocks anew, after a program was changed.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

source = pathlib.Path(__file__).resolve().parent.parent.parent
build = pathlib.Path(os.environ.get("BIDE_BUILD", source / "build"))
bide = os.environ.get("BIDE", build / "bide")
tutorial = source / "docs" / "tutorial"
URL_IN_PAGES = "http://127.0.0.1:8080"
TIMEOUT_S = 60

# AddressSanitizer says so when a coroutine calls a function that does not return.
ASAN_REMARK = re.compile(r"==\d+==WARNING: ASan is ignoring requested __asan_handle_no_return.*\n.*\n.*\n")

problems = []


def complain(page, text):
    problems.append(f"{page.relative_to(source)}: {text}")


def fence(language):
    return re.compile(rf"^```{language}\n(.*?)^```$", re.M | re.S)


def quoted(program):
    text = program.read_text()
    return text[text.index("#include"):]


def run(program, url, folder):
    """What the program prints: standard output, then standard error."""
    needs_server = URL_IN_PAGES in program.read_text()
    command = [build / "examples" / program.stem] + ([url] if needs_server else [])
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
    out = ""
    if "press Ctrl-C" in program.read_text():
        while "press Ctrl-C" not in out:
            line = child.stdout.readline()
            if not line:
                break
            out += line
        child.send_signal(signal.SIGINT)
    rest, errors = child.communicate(timeout=TIMEOUT_S)
    errors = ASAN_REMARK.sub("", errors)
    return (out + rest + errors).replace(url, URL_IN_PAGES)


def check(program, url, folder, update):
    page = tutorial / (program.stem.replace("_", "-") + ".md")
    if not page.is_file():
        complain(page, f"there is no page for {program.name}")
        return
    text = page.read_text()
    session = f"$ build/examples/{program.stem}\n" + run(program, url, folder)
    for language, wanted in ("c", quoted(program)), ("console", session):
        block = fence(language).search(text)
        if not block:
            complain(page, f"no ```{language} block")
        elif update:
            text = text[:block.start(1)] + wanted + text[block.end(1):]
        elif block[1] != wanted:
            complain(page, f"the ```{language} block is not what {program.name} has:\n{wanted}")
    if update:
        page.write_text(text)


def check_pages_have_programs():
    for page in sorted(tutorial.glob("[0-9][0-9]-*.md")):
        if not (tutorial / (page.stem.replace("-", "_") + ".c")).is_file():
            complain(page, "there is no program for this page")
        if f"({page.name})" not in (tutorial / "README.md").read_text():
            complain(page, "docs/tutorial/README.md does not name it")


def main():
    update = sys.argv[1:] == ["--update"]
    server = subprocess.Popen([bide, "serve", "--port", "0", "--delay", "20"], stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as folder:
            for program in sorted(tutorial.glob("*.c")):
                check(program, url, folder, update)
        check_pages_have_programs()
    finally:
        server.terminate()
        server.wait(TIMEOUT_S)
    for problem in problems:
        print(problem)
    print(f"{len(list(tutorial.glob('*.c')))} programs, {len(problems)} problems")
    return bool(problems)


sys.exit(main())
