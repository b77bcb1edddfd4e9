#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_help.py - help, man page, completion, version, and what `bide` itself does with its words."""
import os
import re
import shutil
import signal
import subprocess
import unittest

from support import BIDE, Case, bide

COMMANDS = ["get", "fetch", "serve", "compare", "worker", "completion", "help", "version"]


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

    def test_short_help_is_shorter(self):
        for command in "get", "serve":
            short, whole = (bide(command, h).out.decode().splitlines() for h in ("-h", "--help"))
            self.assertLess(len(short), len(whole))
            self.assertLess(len(short), 50)

    def test_lines_fit_80_columns(self):
        for words in (["get", "--help"], ["serve", "--help"], ["compare", "--help"], ["help"], ["help", "exit-codes"]):
            for line in bide(*words).out.decode().splitlines():
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
        for words in (["help"], ["help", "get"], ["help", "--man"], ["completion", "bash"], ["version"], ["help", "exit-codes"]):
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


class Man(Case):
    """The manual page is made from the same tables, and is good roff."""

    def setUp(self):
        super().setUp()
        self.page = bide("help", "--man").out.decode()

    def test_has_every_command_and_option(self):
        text = self.page.replace("\\-", "-")
        for command in COMMANDS:
            self.assertIn(f'.SS "bide {command} - ', text)
            section = text.split(f'.SS "bide {command} - ')[1].split("\n.S")[0]
            for option in options_of(command):
                if option != "help":
                    self.assertIn(f"--{option}\\fR", section)
        self.assertIn('.SH "EXIT-CODES', text)

    def test_one_that_make_installs_is_this_one(self):
        path = os.path.join(os.environ["BIDE_BUILD"], "docs", "man", "bide.1")
        if not os.path.exists(path):
            self.skipTest(f"there is no {path}")
        with open(path) as f:
            self.assertEqual(f.read(), self.page)

    def lint(self, *command):
        if not shutil.which(command[0]):
            self.skipTest(f"there is no {command[0]}")
        path = self.write("bide.1", self.page)
        r = subprocess.run([*command, path], capture_output=True, env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        return r.stdout.decode()

    def test_groff_has_nothing_to_say(self):
        self.lint("groff", "-ww", "-man", "-Tutf8")

    def test_man_has_nothing_to_say_and_shows_it(self):
        text = re.sub(r".\x08", "", self.lint("man", "--warnings", "-E", "UTF-8", "-l"))
        self.assertIn("bide get [OPTION]... URL...", text)
        self.assertIn("--concurrency N", text)
        self.assertIn("\\xNN", text)


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
        self.assertEqual(self.complete("http://a/", "--output-d"), ["--output-dir"])
        self.assertEqual(self.complete("get", "--max-time", ""), [""])

    def test_operands(self):
        self.assertEqual(self.complete("help", "ex"), ["exit-codes"])
        self.assertEqual(self.complete("completion", ""), ["bash"])

    def test_one_that_make_installs_is_this_one(self):
        path = os.path.join(os.environ["BIDE_BUILD"], "docs", "man", "bide")
        if not os.path.exists(path):
            self.skipTest(f"there is no {path}")
        with open(path) as f, open(self.script) as script:
            self.assertEqual(f.read(), script.read())

    def test_of_another_shell(self):
        self.expect_line(bide("completion", "tcsh"), 2, "bash")
        self.expect_line(bide("completion"), 2, "bash")


if __name__ == "__main__":
    unittest.main()
