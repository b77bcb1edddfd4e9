#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_manners.py - what people type out of habit: `bide URL`, options of curl, wget and aria2, colour."""
import os
import unittest

from support import Case, RawServer, bide, on_terminal

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\ngone\n"
RED = "\x1b[31m"


class Bare(Case):
    """`bide URL`, without a command."""

    def test_prints_as_get_does(self):
        with RawServer({"/": OK, "/no": MISSING}) as s:
            self.expect(bide(s.url), 0, b"ok\n")
            self.assertEqual(bide(s.url).err, "")
            r = bide(f"{s.url}/no")
            self.expect(r, 0, b"gone\n")
            self.assertIn("answered 404", r.err)
            self.expect(bide("-f", f"{s.url}/no"), 4, b"")
            self.assertTrue(bide("--include", s.url).out.startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_options_may_come_first(self):
        with RawServer({"/": OK}) as s:
            self.expect(bide("-sSL", s.url), 0, b"ok\n")
            self.expect(bide("-H", "X-A: 1", s.url), 0, b"ok\n")
            self.assertIn(b"X-A: 1", s.requests[-1])

    def test_is_fetch_with_an_option_of_its_own(self):
        with RawServer({"/": OK}) as s:
            for options in (["-O", "o"], ["-o", "o/a"], ["--jsonl", "o/b"]):
                self.expect(bide(s.url, *options, "-q", cwd=self.folder), 0, b"")
            self.assertEqual(len(os.listdir(os.path.join(self.folder, "o"))), 3)
            with open(os.path.join(self.folder, "o", "a")) as f:
                self.assertEqual(f.read(), "ok\n")

    def test_several_bodies_are_refused_with_the_fix(self):
        with RawServer({"/": OK}) as s:
            for urls in ([s.url, s.url], [f"{s.url}/[1-2]"], [f"{s.url}/{{a,b}}"]):
                self.expect_line(bide(*urls), 2, "2 bodies", "-O DIR", "`bide get`")
            self.assertEqual(s.requests, [])

    def test_a_settings_file_or_variable_may_say_where_it_goes(self):
        with RawServer({"/": OK}) as s:
            self.expect(bide(s.url, "-q", env={"BIDE_OUTPUT": "saved"}, cwd=self.folder), 0, b"")
            self.expect(bide(s.url, env={"BIDE_OUTPUT": "again", "BIDE_QUIET": "1"}, cwd=self.folder), 0, b"")
        self.assertEqual(sorted(os.listdir(self.folder)), ["again", "saved"])

    def test_without_a_scheme_it_is_proposed(self):
        for word in "example.org", "example.org/a", "127.0.0.1:8080/a", "localhost", "localhost:8080", "[::1]:80/x", "example.org:80/a.b?c":
            self.expect_line(bide(word), 2, f"'{word}' is not a URL: it has no scheme; did you mean http://{word}?")
            self.expect_line(bide("-sSL", "-o", "x.txt", word), 2, f"did you mean http://{word}?")
        for word in "./x", "/etc/passwd", "foo":
            self.expect_line(bide(word), 2, f"unknown command '{word}'")

    def test_every_command_says_its_version(self):
        version = bide("version").out
        self.assertRegex(version.decode(), r"^bide \d+\.\d+\.\d+\n$")
        for command in "get", "fetch", "serve", "compare", "config", "worker", "help":
            for word in "-V", "--version":
                self.expect(bide(command, word), 0, version)
        self.expect(bide("fetch", "-qV", "--retries", "x", "http://a/"), 0, version)
        full = bide("--version", "--verbose").out.decode()
        self.assertTrue(full.startswith(version.decode()) and all(x in full for x in ("built in", "OpenSSL", "zlib", "zstd", "jansson", "HTTP/1.1")), full)

    def test_list_belongs_to_fetch(self):
        self.expect_line(bide("-i", "urls"), 2, "`bide fetch -i FILE`")


class Foreign(Case):
    """Options of other tools: taken if they change nothing, else answered with ours."""

    def test_harmless_ones_are_taken(self):
        words = ("-L -s -S -f -# -Z -N -sSL -fsSL --location --silent --show-error --fail --progress-bar --compressed --parallel "
                 "--parallel-immediate --create-dirs --no-progress-meter --no-buffer --retry-connrefused --tcp-fastopen --no-keepalive "
                 "--tlsv1.2 -1 --remove-on-error --no-parent --no-cookies --no-proxy --file-allocation=none --disk-cache=64M").split()
        with RawServer({"/": OK}) as s:
            for word in words:
                r = bide("get", word, s.url)
                self.expect(r, 0, b"ok\n")
                self.assertEqual(r.err, "", word)
                self.expect(bide("fetch", word, "-q", "-o", "-", s.url), 0, b"ok\n")

    def test_silent_is_quiet(self):
        with RawServer({"/": OK}) as s:
            for word in "-s", "--silent", "--no-verbose":
                self.assertEqual(bide("fetch", word, s.url, "-o", "/dev/null").err, "", word)
            self.expect(bide("get", "-nv", s.url), 0, b"ok\n")

    def test_output_without_a_directory_is_curls(self):
        with RawServer({"/a.txt": OK, "/b.txt": OK}) as s:
            self.expect(bide("-O", f"{s.url}/a.txt", "-s", cwd=self.folder), 0)
            self.expect(bide("-sLO", f"{s.url}/b.txt", cwd=self.folder), 0)
            self.expect(bide("fetch", f"{s.url}/a.txt", "-s", "-O", cwd=self.folder), 0)
            self.expect(bide("fetch", "-s", "-O", f"{s.url}/a.txt", "-O", f"{s.url}/b.txt", cwd=self.folder), 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.txt", "b.txt"])
        self.expect_line(bide("fetch", "-OL", "http://a/"), 2, "-OL: -O takes a directory", "-L -O")
        self.expect_line(bide("fetch", "-o", "x", "-O", "http://a/"), 2, "-O without a directory", "another --output")

    def test_hash_and_number_in_a_name_are_the_value_of_a_glob(self):
        with RawServer({f"/{k}{n}": OK for k in "ab" for n in (1, 2)}) as s:
            self.expect(bide(f"{s.url}/{{a,b}}[1-2]", "-s", "-o", "d/#2/#1.bin", cwd=self.folder), 0)
            self.expect(bide("fetch", "-q", f"{s.url}/[<k>a-b]1", "-o", "#<k>.bin", cwd=self.folder), 0)
            self.expect(bide("fetch", "-q", f"{s.url}/a1", "-o", "track #1", cwd=self.folder), 0)
            asked = len(s.requests)
            self.expect_line(bide("fetch", f"{s.url}/a[1-2]", "-o", "f#2"), 2, "#2, but a URL has only 1 glob")
            self.expect_line(bide("get", f"{s.url}/a[1-2]", "-o", "f#1"), 2, "--output f#1: get has one file for all bodies", "`bide fetch`")
            self.expect_line(bide("get", s.url, s.url, "-o", "f{i}"), 2, "one file for all bodies")
            self.assertEqual(len(s.requests), asked)
        names = [os.path.relpath(os.path.join(where, name), self.folder) for where, _, names in os.walk(self.folder) for name in names]
        self.assertEqual(sorted(names), ["a.bin", "b.bin", "d/1/a.bin", "d/1/b.bin", "d/2/a.bin", "d/2/b.bin", "track #1"])

    def test_others_are_answered_with_our_word(self):
        answers = {
            "-m 3": "curl's is --timeout here", "--range 1-2": "Range: bytes=",
            "--retry 3": "curl's is --retries here", "--max-time 3": "--timeout",
            "--parallel-max 5": "--concurrency", "--data-raw x": "--data",
            "--include": "--include of `bide get`", "--fail-early": "--fail-fast",
            "-P dir": "wget's is --output-dir here", "-t 3": "wget's is --retries here", "--tries=3": "--retries", "-nv": "--quiet", "-np": "leave it out",
            "--no-check-certificate": "--insecure", "-nd": "-o '{name}'",
            "-j 5": "aria2's is --concurrency here", "-s 16": "one connection",
            "-s16": "one connection", "--max-connection-per-server=4": "--per-host", "--dir=x": "--output-dir", "--split=4": "one connection",
            "--no-color": "--color never", "-K f": "curl's is --config here", "--disable": "--no-config", "--url-query a=b": "--query here",
            "--next": "asked for alike", "-J": "made of the URL",
            "--http3-only": "HTTP/1.1", "--stderr f": "2>FILE", "--trace-ascii f": "--trace", "--fail-with-body": "keeps none",
            "--retry-all-errors": "are tried again", "--proxy-header x": "--proxy-user", "--ftp-pasv": "http and https",
            "--background": "&", "-l 2": "follows no links", "--convert-links": "follows no links",
            "--accept=pdf": "follows no links", "--waitretry=2": "--backoff-max", "--read-timeout=2": "--stall", "--warc-file=x": "files and records",
            "--summary-interval=0": "--stats-interval", "--auto-file-renaming=false": "--skip-existing", "--allow-overwrite=true": "is replaced",
            "--start-pos=5": "wget's is --continue here", "--checksum=sha-256=0": "SHA-256", "--bt-max-peers=1": "http and https",
            "--conf-path=f": "--config",
        }
        for words, answer in answers.items():
            option = words.split("=")[0].split()[0].rstrip("0123456789")
            self.expect_line(bide("fetch", *words.split(), "http://a/"), 2, f"unknown option {option}: ", answer)

    def test_a_command_that_has_not_says_which_has(self):
        self.expect_line(bide("get", "--retry", "3", "http://a/"), 2, "--retries of `bide fetch`")
        self.expect_line(bide("get", "-P", "x", "http://a/"), 2, "--output-dir of `bide fetch`")
        self.expect_line(bide("get", "--jsonl", "x", "http://a/"), 2, "`bide fetch` has one")

    def test_ours_come_first(self):
        self.expect_line(bide("fetch", "-c", "http://me:secret@a/"), 2, "-c: expected a whole number", "'http://a/'", "wget's -c")
        self.expect_line(bide("fetch", "-i", "http://a/"), 2, "-i: expected a file", "--include")

    def test_other_commands_know_them_not(self):
        self.expect_line(bide("serve", "-L"), 2, "unknown option -L")
        self.expect_line(bide("compare", "--retry", "3"), 2, "unknown option --retry")

    def test_help_has_all_of_them(self):
        text = bide("help", "curl").out.decode()
        for word in "--location", "--retry ", "--max-concurrent-downloads", "-P --directory-prefix", "--form", "-O URL":
            self.assertIn(word, text)


class Alike(Case):
    def test_only_words_that_are_alike_are_proposed(self):
        for word, known in (("--concurency", "--concurrency"), ("--max-error", "--max-errors"), ("--verbos", "--verbose"),
                            ("--outptu", "--output"), ("--per-hots", "--per-host")):
            self.expect_line(bide("fetch", f"{word}=1", "http://a/"), 2, f"did you mean {known}?")
        for word in "--healing", "--zzz", "--it", "--dirty":
            r = bide("fetch", word, "http://a/")
            self.expect_line(r, 2, f"unknown option {word};")
            self.assertNotIn("did you mean", r.err)
        for word in "foo", "run", "fix", "go", "test":
            self.assertNotIn("did you mean", bide(word).err)
        for word, known in (("gte", "get"), ("fecth", "fetch"), ("compar", "compare"), ("comp", "compare")):
            self.expect_line(bide(word), 2, f"did you mean `bide {known}`?")


class Colour(Case):
    """--color, NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE, TERM, the terminal: the first that says something decides."""

    NONE = {"NO_COLOR": "", "FORCE_COLOR": "", "CLICOLOR_FORCE": "", "TERM": "xterm", "BIDE_COLOR": ""}

    def failure(self, *options, **env):
        return bide("get", *options, "x://a/", env={**self.NONE, **env}).err

    def test_marks_failures_and_says_the_same(self):
        plain, red = self.failure(), self.failure("--color", "always")
        self.assertEqual(red, plain.replace("bide get:", f"{RED}bide get:\x1b[0m"))

    def test_order_of_what_decides(self):
        for red, options, env in (
                (False, [], {}), (True, [], {"FORCE_COLOR": "1"}), (True, [], {"CLICOLOR_FORCE": "1"}), (False, [], {"CLICOLOR_FORCE": "0"}),
                (False, [], {"NO_COLOR": "1", "FORCE_COLOR": "1"}), (True, [], {"FORCE_COLOR": "1", "TERM": "dumb"}),
                (True, ["--color=always"], {"NO_COLOR": "1"}), (False, ["--color=never"], {"FORCE_COLOR": "1"}),
                (True, [], {"NO_COLOR": "1", "BIDE_COLOR": "always"}), (False, ["--color=auto"], {"NO_COLOR": "1", "BIDE_COLOR": "always"})):
            with self.subTest((options, env)):
                self.assertEqual(RED in self.failure(*options, **env), red)

    def on_terminal(self, **env):
        old = dict(os.environ)
        os.environ.update({**self.NONE, **env})
        try:
            return on_terminal("get", "x://a/")
        finally:
            os.environ.clear()
            os.environ.update(old)

    def test_of_a_terminal(self):
        self.assertIn(RED, self.on_terminal())
        self.assertNotIn(RED, self.on_terminal(TERM="dumb"))
        self.assertNotIn(RED, self.on_terminal(NO_COLOR="1"))

    def test_each_stream_by_its_own_terminal(self):
        """Standard output is a terminal, standard error is none."""
        main, side = os.openpty()
        r = bide("get", "x://a/", stdout=side, env=self.NONE)
        os.close(side)
        os.close(main)
        self.assertNotIn(RED, r.err)

    def test_what_is_no_failure_has_none(self):
        with RawServer({"/": MISSING}) as s:
            self.assertNotIn(RED, bide("get", "--color", "always", s.url).err)
            self.assertIn(RED, bide("get", "--color", "always", "-f", s.url).err)
            self.assertIn(RED, bide("fetch", "--color", "always", "-q", s.url, "-o", "/dev/null").err)


if __name__ == "__main__":
    unittest.main()
