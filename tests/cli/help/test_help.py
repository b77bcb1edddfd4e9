#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_help.py - help, man page, completion, version, and what `bide` itself does with its words."""
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import unittest

from support import BIDE, SLOW, Case, bide

COMMANDS = ["get", "fetch", "serve", "compare", "worker", "doctor", "ps", "trace", "completion", "config", "help", "version"]


def options_of(command):
    """The long options that `bide COMMAND --help` lists."""
    return re.findall(r"^ +(?:-\w, )?--([\w-]+)", bide(command, "--help").out.decode(), re.M)


class Help(Case):
    def test_alone_shows_what_there_is_and_exits_2(self):
        r = bide()
        self.assertEqual((r.code, r.out), (2, b""))
        for word in COMMANDS + ["exit-codes"]:
            self.assertRegex(r.err, rf"\n  {word} +\w")

    def test_the_same_in_all_ways(self):
        overview = bide().err.encode()
        for words in (["help"], ["--help"], ["-h"]):
            self.expect(bide(*words), 0, overview)

    def test_of_a_command(self):
        for command in COMMANDS:
            r = bide("help", command)
            self.expect(r, 0, bide(command, "--help").out)
            self.assertIn(f"Usage: bide {command}", r.out.decode())
            self.assertIn("help", options_of(command))

    def test_short_help_fits_a_screen(self):
        """24 lines of 80 columns: what is not needed often is .rare, what is longer has a .brief."""
        for command in COMMANDS:
            short, whole = (bide(command, h).out.decode().splitlines() for h in ("-h", "--help"))
            self.assertLess(len(short), len(whole))
            self.assertLessEqual(len(short), 24, command)
            self.assertLessEqual(max(map(len, short)), 80, command)
            self.assertIn(f"Usage: bide {command}", short[1])

    def test_lines_fit_80_columns(self):
        for words in (*([c, "--help"] for c in COMMANDS), ["help"], ["help", "exit-codes"], ["help", "curl"]):
            for line in bide(*words).out.decode().split("\nExamples:")[0].splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_exit_codes(self):
        r = bide("help", "exit-codes")
        self.expect(r, 0)
        for code in "0", "1", "2", "3", "4", "5", "130":
            self.assertRegex(r.out.decode(), rf"\n +{code} +\w")

    def test_defaults_are_shown(self):
        text = bide("help", "get").out.decode()
        self.assertRegex(text, r"(?s)--concurrency N .*?\[64\]")
        self.assertRegex(text, r"(?s)--connect-timeout TIME.*?\[10s\]")

    def test_of_nothing_known(self):
        self.expect_line(bide("help", "gett"), 2, "'gett'", "`bide help get`?")
        self.expect_line(bide("help", "exit-code"), 2, "`bide help exit-codes`?")
        self.expect_line(bide("help", "zzzzzz"), 2, "'zzzzzz'", "`bide help`")
        self.expect_line(bide("help", "get", "serve"), 2, "one command or topic at a time")

    def test_full_disk(self):
        for words in (["help"], ["help", "get"], ["help", "--man"], ["completion", "bash"], ["completion", "zsh"], ["completion", "fish"],
                      ["version"], ["help", "exit-codes"], ["config", "show"]):
            with self.subTest(words), open("/dev/full", "wb") as full:
                self.expect_line(bide(*words, stdout=full), 3, "standard output: No space left on device")

    def test_reader_who_goes_ends_it_quietly(self):
        read, write = os.pipe()
        os.close(read)
        r = bide("help", "get", stdout=write)
        os.close(write)
        self.assertEqual((r.code, r.err), (-signal.SIGPIPE, ""))


class Words(Case):
    def test_version(self):
        for word in "version", "--version", "-V":
            r = bide(word)
            self.expect(r, 0)
            self.assertRegex(r.out.decode(), r"^bide \d+\.\d+\.\d+\n$")

    def test_unknown_command(self):
        self.expect_line(bide("gett"), 2, "unknown command 'gett'", "`bide get`?")
        self.expect_line(bide("sevre"), 2, "`bide serve`?")
        self.expect_line(bide("zzzzz"), 2, "unknown command 'zzzzz'", "`bide help`")
        self.expect_line(bide("\x1b[2J"), 2, "'\\x1b[2J'")
        self.expect_line(bide(""), 2, "unknown command ''")

    def test_unknown_option(self):
        self.expect_line(bide("--verson"), 2, "--verson", "--version?")
        self.expect_line(bide("-x"), 2, "-x")

    def test_operands_where_there_are_none(self):
        self.expect_line(bide("version", "x"), 2, "bide version: takes no operand, got 'x'")


class Foreign(Case):
    """Each option that curl, wget and aria2 have (words/, from their own help) is ours, or is answered."""

    SOURCE = os.path.join(os.environ["BIDE_SOURCE"], "src/cli/option/foreign_words.c")

    def setUp(self):
        super().setUp()
        self.ours = set(options_of("get")) | set(options_of("fetch")) | {"help", "version"}
        self.ours |= {o[3:] for o in self.ours if o.startswith("no-")} | {"no-" + o for o in self.ours}
        self.text = bide("help", "curl").out.decode()

    @staticmethod
    def names(tool):
        with open(os.path.join(os.path.dirname(__file__), "words", tool + ".txt")) as f:
            return f.read().split()

    def test_every_option_is_spoken_of(self):
        said = set(re.findall(r"--([\w-]+(?:\.\d)?)", self.text))
        for tool in ("curl", "wget", "aria2"):
            for name in self.names(tool):
                if name in self.ours or name in said:
                    continue
                r = bide("fetch", f"--{name}=1", "http://a.example/")
                self.assertEqual(r.code, 2, name)
                self.assertRegex(r.err, f"unknown option --{name}: bide has nothing like|unknown option --{name}: .* is .* here", name)

    def test_those_that_are_the_same_are_there(self):
        with open(self.SOURCE) as f:
            same = re.findall(r'"([\w-]+)"', f.read().split("foreign_same[] = {")[1])
        self.assertEqual([name for name in same if name not in self.ours or name not in self.names("curl")], [])
        self.assertGreater(len(same), 40)

    def test_what_is_said_to_be_ours_is(self):
        with open(self.SOURCE) as f:
            named = re.findall(r'(?:OURS|SET), "([\w-]+)"', f.read())
        self.assertEqual([name for name in named if name not in self.ours], [])

    def test_pages_of_get_and_fetch_have_it(self):
        for command in COMMANDS:
            page = bide("help", "--man", command).out.decode()
            self.assertEqual("COMING FROM CURL, WGET, ARIA2" in page, command in ("get", "fetch"), command)


class Man(Case):
    """The manual pages are made from the same tables, and are good roff."""

    @staticmethod
    def pages():
        """Name and text of each: bide.1, bide-get.1, ..."""
        yield "bide.1", bide("help", "--man").out.decode()
        for command in COMMANDS:
            yield f"bide-{command}.1", bide("help", "--man", command).out.decode()

    def test_each_has_its_command_and_options(self):
        for name, page in list(self.pages())[1:]:
            text, command = page.replace("\\-", "-"), name[5:-2]
            self.assertIn(f"\n.SH NAME\nbide-{command} - ", text)
            self.assertEqual(re.findall(r"^\.TP\n\\fB.*?--([\w-]+)\\fR(?:$| \\fI)", text, re.M),
                             [o for o in options_of(command) if o not in ("help", "version")], name)

    def test_overview_has_topics_and_all_pages(self):
        text = bide("help", "--man").out.decode().replace("\\-", "-")
        self.assertIn('.SH "EXIT-CODES', text)
        for command in COMMANDS:
            self.assertIn(f"\\fBbide-{command}\\fR(1)", text)

    def test_of_no_command(self):
        self.expect_line(bide("help", "--man", "zzz"), 2, "no command 'zzz'", "bide(1)")

    def test_those_that_make_installs_are_these(self):
        folder = os.path.join(os.environ["BIDE_BUILD"], "docs", "man")
        if not os.path.isdir(folder):
            self.skipTest(f"there is no {folder}")
        for name, page in self.pages():
            with open(os.path.join(folder, name)) as f:
                self.assertEqual(f.read(), page)

    def lint(self, *command):
        if not shutil.which(command[0]):
            self.skipTest(f"there is no {command[0]}")
        env = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
        for name, page in self.pages():
            path = self.write(name, page)
            r = subprocess.run([*command, path], capture_output=True, env=env)
            self.assertEqual(r.stderr, b"", name)
            yield name, re.sub(r".\x08", "", r.stdout.decode())

    def test_groff_has_nothing_to_say(self):
        for name, text in self.lint("groff", "-ww", "-man", "-Tutf8"):
            self.assertIn("NAME", text)

    def test_mandoc_has_nothing_to_say(self):
        # Warnings and worse, but for the date: a page that is built twice is the same.
        for name, text in self.lint("mandoc", "-T", "lint", "-W", "warning"):
            self.assertEqual([line for line in text.splitlines() if "missing date" not in line], [])

    def test_man_has_nothing_to_say_and_shows_it(self):
        texts = dict(self.lint("man", "--warnings", "-E", "UTF-8", "-l"))
        self.assertIn("bide get [OPTION]... URL...", texts["bide.1"])
        self.assertIn("--concurrency N", texts["bide-fetch.1"])
        self.assertIn("\\xNN", texts["bide-get.1"])


@unittest.skipUnless(shutil.which("bash"), "there is no bash")
class Completion(Case):
    """The script is sourced by bash, and asked."""

    def setUp(self):
        super().setUp()
        self.script = self.write("completion", bide("completion", "bash").out.decode())

    def complete(self, *words):
        """What is offered for the last word; bash divides at '=' and ':'."""
        ask = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bide; printf "%s\\n" "${COMPREPLY[@]}"')
        r = subprocess.run(["bash", "--norc", "-c", ask, "bash", self.script, "bide", *words], capture_output=True,
                           cwd=self.folder)
        self.assertEqual([line for line in r.stderr.splitlines() if b"compopt" not in line], [])
        return sorted(r.stdout.decode().split("\n")[:-1])

    def test_is_registered(self):
        r = subprocess.run(["bash", "--norc", "-c", 'source "$1"; complete -p bide', "bash", self.script], capture_output=True)
        self.assertEqual(r.stdout, b"complete -o default -F _bide bide\n")

    def test_commands(self):
        self.assertEqual(self.complete("g"), ["get"])
        for command in COMMANDS:
            self.assertIn(command, self.complete(""))

    def test_every_option(self):
        for command in COMMANDS:
            self.assertEqual(sorted(w[2:] for w in self.complete(command, "--")), sorted(options_of(command)))
        self.assertEqual(self.complete("get", "http://a/", "--conn"), ["--connect-timeout", "--connect-to"])

    def test_values(self):
        self.write("ca 1.pem", "")
        os.mkdir(os.path.join(self.folder, "pages"))
        self.assertEqual(self.complete("get", "--cacert", "ca"), ["ca 1.pem"])
        self.assertEqual(self.complete("get", "--cacert", "=", "ca"), ["ca 1.pem"])
        self.assertEqual(self.complete("serve", "--root", ""), ["pages"])
        self.assertEqual(self.complete("fetch", "--progress", "p"), ["plain"])
        self.assertEqual(self.complete("serve", "--color", "a"), ["always", "auto"])
        self.assertEqual(self.complete("http://a/", "--output-d"), ["--output-dir"])
        self.assertEqual(self.complete("get", "--max-time", ""), [""])

    def test_operands(self):
        self.assertEqual(self.complete("help", "ex"), ["exit-codes"])
        self.assertEqual(self.complete("help", "cu"), ["curl"])
        self.assertEqual(self.complete("completion", ""), ["bash", "fish", "zsh"])
        self.assertEqual(self.complete("config", ""), ["show"])

    def test_one_that_make_installs_is_this_one(self):
        path = os.path.join(os.environ["BIDE_BUILD"], "docs", "man", "bide")
        if not os.path.exists(path):
            self.skipTest(f"there is no {path}")
        with open(path) as f, open(self.script) as script:
            self.assertEqual(f.read(), script.read())

    def test_of_another_shell(self):
        self.expect_line(bide("completion", "tcsh"), 2, "bash, zsh or fish")
        self.expect_line(bide("completion"), 2, "bash")


@unittest.skipUnless(shutil.which("fish"), "there is no fish")
class Fish(Case):
    """The script is sourced by fish, which says what it would offer."""

    def complete(self, line):
        ask = f"{BIDE} completion fish | source; complete -C '{line}'"
        r = subprocess.run(["fish", "--no-config", "-c", ask], capture_output=True, cwd=self.folder,
                           env={**os.environ, "HOME": self.folder, "TERM": "dumb"})
        self.assertEqual(r.stderr, b"")
        return sorted(w.split("\t")[0] for w in r.stdout.decode().splitlines())

    def test_commands(self):
        self.assertEqual(self.complete("bide ge"), ["get"])
        self.assertEqual([w for w in self.complete("bide ") if w in COMMANDS], sorted(COMMANDS))

    def test_every_option(self):
        for command in COMMANDS:
            offered = {w[2:] for w in self.complete(f"bide {command} --")}
            self.assertEqual(offered, set(options_of(command)), command)
        self.assertEqual(self.complete("bide http://a/ --output-d"), ["--output-dir"])

    def test_values_and_operands(self):
        self.write("ca.pem", "")
        os.mkdir(os.path.join(self.folder, "pages"))
        self.assertEqual(self.complete("bide fetch --progress p"), ["plain"])
        self.assertEqual(self.complete("bide get --cacert c"), ["ca.pem"])
        self.assertEqual(self.complete("bide serve --root p"), ["pages/"])
        self.assertEqual(self.complete("bide help ex"), ["exit-codes"])
        self.assertEqual(self.complete("bide completion z"), ["zsh"])


@unittest.skipUnless(shutil.which("zsh"), "there is no zsh")
class Zsh(Case):
    """The script is loaded by an interactive zsh on a terminal, where a key lists what there is."""

    ASK = """
        PS1=; autoload -Uz compinit; compinit -u -D; source {script}
        zstyle ':completion:*' list-prompt ''; zstyle ':completion:*' verbose no
        LISTMAX=9999; setopt no_always_last_prompt no_list_packed
        show() {{ compadd() {{
            local -a out=(); local -i is_array=0
            builtin compadd -O out "$@" 2>/dev/null; print -rl -- $out >> {found}
            builtin compadd "$@" }}; zle complete-word; exit }}
        zle -C complete-word complete-word _main_complete; zle -N show; bindkey '^I' show
    """

    def complete(self, line):
        found = os.path.join(self.folder, "found")
        script = self.write("_bide", bide("completion", "zsh").out.decode())
        with open(found, "w"):
            pass
        ask = self.write(".zshrc", self.ASK.format(script=script, found=found))
        main, side = os.openpty()
        p = subprocess.Popen(["zsh", "-i"], stdin=side, stdout=side, stderr=side, start_new_session=True, cwd=self.folder,
                             env={**os.environ, "ZDOTDIR": self.folder, "HOME": self.folder, "TERM": "dumb"})
        os.close(side)
        os.write(main, line.encode() + b"\t")
        said = b""
        with contextlib.suppress(OSError):
            while select.select([main], [], [], 10 * SLOW)[0]:
                more = os.read(main, 65536)
                if not more:
                    break
                said += more
        p.kill()
        p.wait()
        os.close(main)
        with open(found) as f:
            return sorted(set(f.read().split()))

    def test_syntax(self):
        script = self.write("_bide", bide("completion", "zsh").out.decode())
        r = subprocess.run(["zsh", "-n", script], capture_output=True)
        self.assertEqual((r.returncode, r.stderr), (0, b""))

    def test_commands_options_and_values(self):
        os.mkdir(os.path.join(self.folder, "pages"))
        self.assertEqual(self.complete("bide fe"), ["fetch"])
        self.assertEqual(self.complete("bide fetch --output"), ["--output", "--output-dir"])
        self.assertEqual(self.complete("bide fetch --progress p"), ["plain"])
        self.assertEqual(self.complete("bide http://a/ --per-h"), ["--per-host"])
        self.assertEqual(self.complete("bide help ex"), ["exit-codes"])


if __name__ == "__main__":
    unittest.main()
