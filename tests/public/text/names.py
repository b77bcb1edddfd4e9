#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""names.py SOURCE [BIDE] - what the pages speak of is there.  TAP, a line for each kind of name.

Pages are all *.md, and the comments of public headers, examples and programs of the tutorial.  Looked for are

  1. bide_names and BIDE_NAMES: in the code of include/bide (a comment there declares nothing); private ones (bide__) and
     variables of the environment in the sources;
  2. .options of calls, as in bide_get(s, url, .timeout_ms = 5000): among the members that the headers declare;
  3. options of `bide COMMAND ...`: in the help of that command; one that stands alone, as in "`--jsonl`": in any; those that
     the help itself speaks of: in the same command;
  4. functions that a C program in a page hands to bide_coro or bide_job: in that page;
  5. what a page says is "Not there": nowhere;
  6. the other way round, every public name: in a page, a program (bide is one), another name's contract, or a
     test.

What is introduced before it is there, and what is no name of ours, stands in the lists below, with the reason.
"""
import functools
import pathlib
import re
import subprocess
import sys

# Names that are no names: patterns of them, in a page about patterns.
NO_NAMES = {
    "BIDE_E": "error.h: BIDE_E..., the codes",
    "bide_verb": "CONTRIBUTING.md: how names are built",
    "bide_noun_verb": "CONTRIBUTING.md: how names are built",
    "bide__noun_verb": "CONTRIBUTING.md: how names are built",
}
# Introduced before they are there: name or option, and which change brings it.
NOT_YET = {}
# Options that stand alone in a page, and are other programs': (page, option).
OTHERS = {
    ("CONTRIBUTING.md", "--no-fork"): "of the test programs",
}
# Functions that stand for any.
ANY_FUNCTION = {"f", "g", "fn", "a", "b", "blocking"}

NAME = re.compile(r"\b(?:bide|BIDE)_\w*[A-Za-z0-9]\b(?!\*)")
CODE_OR_SCRIPT = (".c", ".h", ".S", ".sh", ".py", ".build", "")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
OPTION_ROW = re.compile(r"^  (?:-(\w), |    )--([a-z0-9-]+)", re.M)
MEMBER = re.compile(r"(?<=[(,{ `])\.([a-z]\w*)(?=\s*=[^=]|`)")
HANDED = re.compile(r"\bbide_(?:coro|jobs?)\((\w+)")


@functools.cache
def text_of(path):
    return path.read_text(errors="replace")


@functools.cache
def private_names_of(path):
    text = COMMENT.sub(" ", text_of(path)) if path.suffix in (".c", ".h") else text_of(path)
    return {word for word in NAME.findall(text) if word.startswith(("bide__", "BIDE_"))}


class Tree:
    """The sources: pages as (path, text), and what is declared.  added: what a test appends to a file."""

    def __init__(self, source, added=None):
        self.source = source
        self.added = added or {}
        self.headers = sorted((source / "include").rglob("*.h"))
        self.code = "\n".join(COMMENT.sub(" ", self.read(path)) for path in self.headers)
        self.public = set(NAME.findall(self.code))
        harness = source / "tests" / "harness" / "harness.h" # whose options CONTRIBUTING.md shows
        self.members = set(re.findall(r"\b[a-z]\w*\b", self.code + self.read(harness)))
        self.programs = sorted(list((source / "examples").rglob("*.c")) + list((source / "docs").rglob("*.c")))
        folders = ["docs", "examples", "src", "bench"]
        self.markdown = sorted(source.glob("*.md")) + sorted(page for f in folders for page in (source / f).rglob("*.md"))

    def read(self, path):
        return text_of(path) + self.added.get(str(path.relative_to(self.source)), "")

    def pages(self):
        """(path, text): markdown as it is, of the others the comments."""
        for path in self.markdown:
            yield path.relative_to(self.source), self.read(path)
        for path in self.headers + self.programs:
            yield path.relative_to(self.source), "\n".join(COMMENT.findall(self.read(path)))

    def elsewhere(self):
        """Private names in the sources; variables and macros of the build also in the scripts."""
        words = set()
        for folder in ["src", "tests", "scripts", ".ci", "examples"]:
            for path in (self.source / folder).rglob("*"):
                if path.is_file() and path.suffix in CODE_OR_SCRIPT and "public" not in path.parts:
                    words |= private_names_of(path)
        return words


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def unknown_names(tree):
    known = tree.public | tree.elsewhere() | set(NO_NAMES) | set(NOT_YET)
    for page, text in tree.pages():
        for word in sorted(set(NAME.findall(text)) - known):
            yield f"{page}: no such name: {word}"


# ---- code in pages ----

def c_blocks(text):
    return re.findall(r"^```c\n(.*?)^```", text, re.M | re.S)


def snippets(text):
    """What is set as code: lines of blocks, and what stands between backticks.  (position, text)"""
    inside, position = False, 0
    for line in text.splitlines(keepends=True):
        if line.startswith("```"):
            inside = not inside
        elif inside or re.match(r"    (?!\s*[*|])", line):
            yield position, line.strip()
        position += len(line)
    without_blocks = re.sub(r"^```.*?^```", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.M | re.S)
    for match in re.finditer(r"`([^`\n]+(?:\n[^`\n]+)?)`", without_blocks):
        yield match.start(), " ".join(match[1].split())


def unknown_members(tree):
    for path in tree.markdown:
        text = tree.read(path)
        own = set(re.findall(r"\b(\w+)(?:\[[^]]*\])?[;,]", "\n".join(c_blocks(text))))
        for position, code in snippets(text):
            for match in MEMBER.finditer("`" + code + "`"):
                if match[1] not in tree.members | own and match[1] not in NOT_YET:
                    yield f"{path.relative_to(tree.source)}:{line_of(text, position)}: no such option: .{match[1]}"


def undefined_functions(tree):
    for path in tree.markdown:
        text = tree.read(path)
        code = "\n".join(c_blocks(text))
        defined = set(re.findall(r"^(?:static )?(?:int|void|ssize_t) \*?(\w+)\(", code, re.M))
        for name in sorted(set(HANDED.findall(code)) - defined - ANY_FUNCTION - tree.public):
            yield f"{path.relative_to(tree.source)}: {name} is handed over, and defined nowhere in the page"


# ---- what is said not to be there ----

def there_after_all(tree):
    for page, text in tree.pages():
        for match in re.finditer(r"\bNot (?:yet )?there\b(?:\*\*)?[^:]{0,40}:([^.]*)\.", text):
            for word in re.findall(r"`?([A-Za-z_]+)`?", match[1]):
                stem = re.sub(r"(?<!^)(?=[A-Z])", "_", word).lower()
                for name in {stem, stem.rstrip("s")}:
                    found = {f"bide_{name}", f"bide_{name}_new"} & tree.public
                    for there in sorted(found):
                        yield f"{page}: {word} is there: {there}"


# ---- the command line ----

class CommandLine:
    def __init__(self, bide):
        self.bide = bide
        overview = self.ask("help")
        self.commands = re.findall(r"^  (\w+)  +\S", overview.split("Commands", 1)[1].split("\n\n", 1)[0], re.M)
        self.topics = re.findall(r"^  ([\w-]+)  +\S", overview.split("Topics", 1)[1], re.M)
        self.help = {command: self.ask(command, "--help") for command in self.commands}
        self.options = {command: self.options_of(text) for command, text in self.help.items()}
        self.all = set().union(*self.options.values()) | {"--version", "-V"}

    def ask(self, *words):
        return subprocess.run([self.bide, *words], capture_output=True, text=True, check=True).stdout

    @staticmethod
    def options_of(help_text):
        rows = OPTION_ROW.findall(help_text)
        return {f"--{name}" for _, name in rows} | {f"-{letter}" for letter, _ in rows if letter} | {"--help", "-h"}


def words_of(code):
    """A command line in words; what is quoted has no dash in front."""
    return re.findall(r"'[^']*'|\"[^\"]*\"|[^\s'\"]+", code)


def commands_in(code, line):
    """(command, options) of each bide in a line of shell."""
    for part in re.split(r"\|\|?|&&|;|\$\(", re.sub(r"\s#.*", "", code)):
        words = [w for w in words_of(part) if not re.match(r"[A-Z_]+=", w)]
        while words and words[0] in ("$", "sudo", "exec", "time"):
            words = words[1:]
        if len(words) < 2 or not re.fullmatch(r"(?:\S*/)?bide", words[0]):
            continue
        command = "fetch" if "://" in words[1] else words[1]
        if command in line.commands:
            options = words[2:words.index("--")] if "--" in words else words[2:]
            yield command, [w for w in options if re.match(r"--?[A-Za-z]", w)]


def plain(option):
    """--name=value, -c4: without its value."""
    return option.split("=", 1)[0] if option.startswith("--") else option[:2]


def unknown_in(page, text, line):
    for position, code in snippets(text):
        where = f"{page}:{line_of(text, position)}"
        for command, options in commands_in(code, line):
            for option in options:
                if plain(option) not in line.options[command] and plain(option) not in NOT_YET:
                    yield f"{where}: bide {command} has no option {option}"
        alone = re.match(r"(--[a-z][a-z0-9-]*|-[A-Za-z](?![A-Za-z]))(?:[ =].*)?$", code)
        if alone and alone[1] not in line.all and alone[1] not in NOT_YET and (str(page), alone[1]) not in OTHERS:
            yield f"{where}: bide has no option {alone[1]}"


def unknown_in_help(line):
    """An option in a command's text is its own, or stands behind the name of the command that has it.  In a topic it belongs
    to a command that the topic names."""
    def named_in(text):
        return [c for c in line.commands if c != "help" and re.search(rf"\bbide {c}\b", text)]

    texts = dict(line.help)
    texts.update({topic: line.ask("help", topic) for topic in line.topics})
    del texts["curl"] # options of other programs; those of ours in it are looked up by a test of foreign.c
    for title, text in texts.items():
        for row in OPTION_ROW.sub("", text).splitlines():
            named = named_in(row) or (named_in(text) if title in line.topics else []) or [title]
            has = set().union(*(line.options.get(c, set()) for c in named)) if title != "config" else line.all
            for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", row):
                if option not in has and title != "worker":
                    yield f"bide help {title}: {' and '.join(named)} has no option {option}"


def unknown_options(tree, line):
    for page, text in tree.pages():
        yield from unknown_in(page, text, line)
    yield from unknown_in_help(line)


# ---- the other way round ----

def unspoken(tree):
    spoken = set()
    for path in tree.markdown + tree.programs:
        spoken |= set(NAME.findall(tree.read(path)))
    for path in tree.headers:
        spoken |= set(NAME.findall("\n".join(COMMENT.findall(tree.read(path)))))
    for path in [*(tree.source / "tests").rglob("*.[ch]"), *(tree.source / "src" / "cli").rglob("*.[ch]")]:
        spoken |= set(NAME.findall(text_of(path)))
    functions = re.findall(r"^BIDE_API[^;(]*?\b(bide_(?!_)\w+)\(", tree.code, re.M)
    macros = re.findall(r"^#define (bide_(?!_)\w+)", tree.code, re.M)
    for name in sorted(set(functions + macros)):
        if name not in spoken and re.sub(r"_(with|into)$", "", name) not in spoken: # bide_get_with is what bide_get( ) calls
            yield f"{name}: in no page, no program, no test"


def checks_of(tree, line=None):
    """(what is checked, what is wrong)"""
    checks = [("every bide_ name exists", unknown_names(tree)),
              ("every .option is a member", unknown_members(tree)),
              ("every function that is handed over is defined in its page", undefined_functions(tree)),
              ("what is not there is nowhere", there_after_all(tree)),
              ("every public name is spoken of", unspoken(tree))]
    if line:
        checks.append(("every option of the command line is in its help", unknown_options(tree, line)))
    return [(title, list(problems)) for title, problems in checks]


def main():
    checks = checks_of(Tree(pathlib.Path(sys.argv[1])), CommandLine(sys.argv[2]) if len(sys.argv) > 2 else None)
    failed = False
    for number, (title, problems) in enumerate(checks, 1):
        failed |= bool(problems)
        print(f"{'not ok' if problems else 'ok'} {number} - {title}")
        for problem in problems:
            print("#  ", problem)
    print(f"1..{len(checks)}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
