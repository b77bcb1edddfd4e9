#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_config.py - options from files and the environment: which value counts, what is refused, what is never shown."""
import base64
import json
import os
import subprocess
import time
import unittest

from support import BIDE, SLOW, Case, RawServer, bide, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
SECRETS = ("s3cret", base64.b64encode(b"me:s3cret").decode())


class Config(Case):
    """With a home of its own."""

    def setUp(self):
        super().setUp()
        os.makedirs(os.path.join(self.folder, "home", ".config", "bide"))
        self.users = os.path.join(self.folder, "home", ".config", "bide", "config")
        self.env = {"HOME": os.path.join(self.folder, "home"), "XDG_CONFIG_HOME": "", "BIDE_NO_CONFIG": ""}

    def user(self, text):
        with open(self.users, "w") as f:
            f.write(text)

    def bide(self, *args, env=None, **more):
        return bide(*args, env={**self.env, **(env or {})}, **more)

    def shown(self, *args, env=None):
        """`bide config show`: {"fetch": {"per-host": ["8", "default"]}}, with where each is from."""
        r = self.bide("config", "show", "--origin", *args, env=env)
        self.expect(r, 0)
        sections, section = {"": {}}, ""
        for line in r.out.decode().splitlines():
            if line.startswith("["):
                section = line.strip("[]")
                sections[section] = {}
            elif line:
                pair, _, origin = line.rpartition("  # ")
                key, _, value = pair.partition(" =")
                sections[section].setdefault(key, []).append((value.strip(), origin))
        return sections


class Layers(Config):
    def value(self, option, *args, env=None):
        return self.shown("fetch", *args, env=env)["fetch"][option][0]

    def test_default(self):
        self.assertEqual(self.value("per-host"), ("0", "default"))

    def test_user_beats_default(self):
        self.user("# mine\n\nper-host = 3\n")
        self.assertEqual(self.value("per-host"), ("3", f"{self.users}:3"))

    def test_xdg_config_home_beats_home(self):
        self.user("per-host = 3\n")
        os.makedirs(os.path.join(self.folder, "xdg", "bide"))
        path = self.write("xdg/bide/config", "per-host = 4\n")
        self.assertEqual(self.value("per-host", env={"XDG_CONFIG_HOME": os.path.join(self.folder, "xdg")}), ("4", f"{path}:1"))
        self.assertEqual(self.value("per-host", env={"XDG_CONFIG_HOME": "xdg"})[0], "3")

    def test_config_beats_user(self):
        self.user("per-host = 3\nretries = 9\n")
        path = self.write("c", "per-host = 5")
        self.assertEqual(self.value("per-host", "--config", path), ("5", f"{path}:1"))
        self.assertEqual(self.value("per-host", env={"BIDE_CONFIG": path})[0], "5")
        self.assertEqual(self.value("retries", "--config", path)[0], "9")

    def test_environment_beats_config(self):
        path = self.write("c", "per-host = 5")
        self.assertEqual(self.value("per-host", "--config", path, env={"BIDE_PER_HOST": "6"}), ("6", "BIDE_PER_HOST"))
        self.assertEqual(self.value("per-host", "--config", path, env={"BIDE_PER_HOST": ""})[0], "5")

    def test_command_line_beats_environment(self):
        with RawServer({"/": OK}) as s:
            self.expect(self.bide("get", "-A", "line", s.url, env={"BIDE_USER_AGENT": "variable"}), 0)
            self.assertIn(b"User-Agent: line\r\n", s.requests[-1])
            self.expect(self.bide("get", s.url, env={"BIDE_USER_AGENT": "variable"}), 0)
            self.assertIn(b"User-Agent: variable\r\n", s.requests[-1])

    def test_no_config_reads_no_file(self):
        self.user("nonsense\n")
        self.assertEqual(self.value("per-host", "--no-config"), ("0", "default"))
        self.assertEqual(self.value("per-host", env={"BIDE_NO_CONFIG": "yes"})[0], "0")
        self.expect_line(self.bide("config", "show"), 2, f"{self.users}:1: expected 'key = value', got 'nonsense'")

    def test_section_is_for_one_command(self):
        self.user("concurrency = 7\n[get]\nconcurrency = 9\n[ fetch ]\nraw = yes\n")
        shown = self.shown()
        self.assertEqual([shown[c]["concurrency"][0][0] for c in ("get", "fetch", "compare")], ["9", "7", "7"])
        self.assertEqual([shown[c]["raw"][0][0] for c in ("get", "fetch")], ["no", "yes"])

    def test_empty_value_is_the_default(self):
        self.user("per-host = 3\nuser-agent = x\nquiet = yes\n")
        path = self.write("c", "per-host =\nuser-agent =\nquiet =\n")
        fetch = self.shown("fetch", "--config", path)["fetch"]
        self.assertEqual([fetch[k][0][0] for k in ("per-host", "user-agent", "quiet")], ["0", "", "no"])

    def test_list_is_replaced_as_a_whole(self):
        self.user("[get]\nheader = X-A: 1\nheader = X-B: 2\n")
        with RawServer({"/": OK}) as s:
            def sent(*args, **env):
                self.expect(self.bide("get", *args, s.url, env=env), 0)
                return [n for n in b"ABCDE" if b"X-%c: " % n in s.requests[-1]]
            self.assertEqual(bytes(sent()), b"AB")
            self.assertEqual(bytes(sent(BIDE_HEADER="X-C: 1\nX-D: 2")), b"CD")
            self.assertEqual(bytes(sent("-H", "X-E: 1", BIDE_HEADER="X-C: 1")), b"E")

    def test_count_begins_anew(self):
        self.user("[fetch]\nverbose = 2\n")
        self.assertEqual(self.value("verbose")[0], "2")
        with RawServer({"/": OK}) as s:
            self.assertEqual(self.bide("fetch", s.url, "-o", "/dev/null", "-q").err.count("bide fetch: 200 "), 1)

    def test_flag_is_taken_back(self):
        self.user("quiet = true\n")
        with RawServer({"/": OK}) as s:
            self.assertEqual(self.bide("fetch", s.url, "-o", "/dev/null").err, "")
            self.assertNotEqual(self.bide("fetch", s.url, "-o", "/dev/null", "--no-quiet").err, "")

    def test_higher_one_of_two_that_exclude_each_other_counts(self):
        self.user("[fetch]\noutput-dir = there\nquiet = on\n[get]\njson = {}\n")
        with RawServer({"/": OK}) as s:
            self.expect(self.bide("fetch", s.url, "-o", "here", cwd=self.folder), 0)
            self.assertFalse(os.path.exists(os.path.join(self.folder, "there")))
            self.expect(self.bide("get", "-d", "x", s.url), 0)
            self.assertNotIn(b"application/json", s.requests[-1])
            self.expect(self.bide("fetch", s.url, env={"BIDE_OUTPUT": "again"}, cwd=self.folder), 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["again", "here", "home"])

    def test_quotes_bom_cr_and_blanks(self):
        path = self.write("c", "\ufeff[get]\r\n  user-agent\t=  \" a \\\"b\\\" \\\\ # \" \r\n# end")
        self.assertEqual(self.shown("get", "--config", path)["get"]["user-agent"][0][0], '" a \\"b\\" \\\\ # "')

    def test_a_pipe_is_a_configuration(self):
        read, write = os.pipe()
        os.write(write, b"per-host = 2")
        os.close(write)
        p = subprocess.run([BIDE, "config", "show", "fetch", "--config", f"/dev/fd/{read}"], pass_fds=[read], capture_output=True,
                           env={**os.environ, **self.env}, check=True)
        os.close(read)
        self.assertIn(b"per-host = 2\n", p.stdout)


class Refused(Config):
    """What is wrong is said with file and line, or the variable, before anything is done."""

    def test_lines(self):
        for text, *parts in (
                ("x\n", ":1: expected 'key = value', got 'x'"), ("\n\n= 3\n", ":3: there is no key"),
                ("retires = 3\n", ":1: bide has no option 'retires'; did you mean retries?"), ("zzzz = 3\n", ":1: bide has no option 'zzzz'"),
                ("[fetch]\nport = 1\n", ":2: bide fetch has no option 'port'"), ("--retries = 1\n", "did you mean retries?"),
                ("[fetsh]\nx = 1\n", ":2: there is no command 'fetsh'; did you mean [fetch]?"), ("[zzz]\nquiet = 1\n", "[fetch]"),
                ("[fetch\n", ":1: expected [COMMAND], got '[fetch'"), ("[a] b\n", ":1: expected [COMMAND]"),
                ("config = x\n", ":1: --config says which files are read"), ("no-config = yes\n", ":1: --no-config says"),
                ('user-agent = "x\n', ":1: the quote"), ('user-agent = "x" y\n', ":1: there is more behind the closing quote"),
                ("a\0b = 1\n", ":1: a NUL byte"), ("x" * (1 << 20) + "\n", "larger than 1 MiB"),
                ("\n" * 70000 + "zz\n", ":70001: "), ("\x1b[2J\n", "'\\x1b[2J'")):
            path = self.write("c", text)
            self.expect_line(self.bide("fetch", "--config", path, "http://127.0.0.1:1/"), 2, path, *parts)

    def test_values(self):
        for text, *parts in (("per-host = many\n", ":1: per-host: expected a whole number from 0 to 10000, got 'many'"),
                             ("\nquiet = maybe\n", ":2: quiet: expected yes or no, got 'maybe'"),
                             ("progress = loud\n", ":1: progress: expected one of auto, bar"), ("verbose = -1\n", "verbose: expected a whole"),
                             ("[fetch]\ntimeout = 5 minutes\n", ":2: timeout: expected a time")):
            path = self.write("c", text)
            self.expect_line(self.bide("fetch", "--config", path, "http://127.0.0.1:1/"), 2, path, *parts)

    def test_variables(self):
        for name, value, part in (("PER_HOST", "many", "expected a whole number"), ("QUIET", "maybe", "expected yes or no"),
                                  ("TIMEOUT", "soon", "expected a time"), ("PROGRESS", "loud", "expected one of"), ("COLOR", "red", "expected one of")):
            self.expect_line(self.bide("fetch", "http://127.0.0.1:1/", env={f"BIDE_{name}": value}), 2, f"BIDE_{name}: {part}", f"got '{value}'")

    def test_files(self):
        self.expect_line(self.bide("get", "--config", "/nowhere/at/all", "http://a/"), 2, "/nowhere/at/all: No such file")
        self.expect_line(self.bide("get", "--config", self.folder, "http://a/"), 2, self.folder, "Is a directory")
        os.unlink(self.users) if os.path.exists(self.users) else None
        os.mkdir(self.users)
        self.expect_line(self.bide("get", "http://a/"), 2, self.users, "Is a directory")

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_unreadable_file(self):
        self.user("quiet = yes\n")
        os.chmod(self.users, 0)
        self.expect_line(self.bide("get", "http://a/"), 2, self.users, "Permission denied")

    def test_no_home_is_no_error(self):
        for home in "", "/nowhere", "relative", self.write("file", ""):
            self.expect(self.bide("version", env={"HOME": home}), 0)

    def test_help_is_given_all_the_same(self):
        self.user("nonsense\n")
        self.expect(self.bide("fetch", "--help"), 0)
        self.expect_line(self.bide("version"), 2, f"{self.users}:1")

    def test_show_of_no_command(self):
        self.expect_line(self.bide("config", "show", "zzz"), 2, "no command 'zzz'")
        self.expect_line(self.bide("config"), 2, "expected show")
        self.expect_line(self.bide("config", "set", "x"), 2, "expected show")


class Show(Config):
    def test_can_be_read_again(self):
        self.user("color = never\n[get]\nheader = Accept: x\nheader = Accept-Language: de\n[fetch]\nper-host = 3\noutput-dir = \" o \"\nquiet = yes\n")
        first = self.bide("config", "show")
        self.expect(first, 0)
        again = self.bide("config", "show", "--config", self.write("again", first.out.decode()), "--no-config")
        self.expect(again, 0, first.out)

    def test_has_every_option(self):
        shown = self.shown()
        for command in "get", "fetch", "serve", "compare", "worker":
            r = bide(command, "--help").out.decode()
            for option in shown[command]:
                self.assertIn(f"--{option}", r)
            self.assertEqual(r.count("\n  -") + r.count("\n      --"), len(shown[command]) + 5, command) # and -V, -h, --color, --config, --no-config

    def test_origins(self):
        self.user("color = never\n[fetch]\nretries = 2\n")
        shown = self.shown(env={"BIDE_C": "1", "BIDE_CONCURRENCY": "5"})
        self.assertEqual(shown[""]["color"], [("never", f"{self.users}:1")])
        self.assertEqual(shown["fetch"]["retries"], [("2", f"{self.users}:3")])
        self.assertEqual(shown["get"]["concurrency"], [("5", "BIDE_CONCURRENCY")])
        self.assertEqual(shown["serve"]["port"], [("8080", "default")])


class Secrets(Config):
    """A password in a file or a variable is sent, and is nowhere else."""

    LINES = ("user = me:s3cret\n", "header = Authorization: s3cret\n", "header = X-Api-Key: s3cret\n", "header = Cookie: a=s3cret\n",
             "header = s3cret\n", "header = Authorization s3cret\n", "data = s3cret\n", "json = \"s3cret\"\n", "user = s3cret\n")

    def expect_none(self, result):
        for secret in SECRETS:
            self.assertNotIn(secret, result.err)
            self.assertNotIn(secret, result.out.decode(errors="replace"))

    def test_are_not_shown(self):
        for line in self.LINES:
            self.user(line)
            key, value = line.rstrip().split(" = ")
            value = value.strip('"')
            variable = {f"BIDE_{key.upper()}": value}
            for env in {}, variable:
                for command in ("config", "show"), ("config", "show", "--origin", "get"):
                    r = self.bide(*command, *(["--no-config"] if env else []), env=env)
                    self.expect(r, 0)
                    self.assertIn(b"***", r.out)
                    self.expect_none(r)
                self.expect_none(self.bide("get", "http://127.0.0.1:1/", env=env))
                self.expect_none(self.bide("fetch", "-vv", "--retries", "0", "--jsonl", "-", "http://127.0.0.1:1/", env=env))

    def test_of_urls_are_not_shown(self):
        self.user("[fetch]\noutput = http://me:s3cret@a/\n")
        r = self.bide("config", "show", "fetch")
        self.assertIn(b"output = http://***@a/\n", r.out)

    def test_are_sent(self):
        with RawServer({"/": OK}) as s:
            self.user("user = me:s3cret\n")
            self.expect(self.bide("get", s.url), 0)
            self.assertIn(b"Authorization: Basic " + SECRETS[1].encode(), s.requests[-1])
            self.expect(self.bide("fetch", "-q", "-o", "-", "--no-config", s.url, env={"BIDE_USER": "me:s3cret"}), 0)
            self.assertIn(b"Authorization: Basic " + SECRETS[1].encode(), s.requests[-1])
            self.expect(self.bide(s.url, "--no-config", env={"BIDE_USER": "me:s3cret"}), 0)
            self.assertIn(b"Authorization: Basic " + SECRETS[1].encode(), s.requests[-1])

    def test_leave_the_environment(self):
        """What ps shows of a running process: its command line and its environment."""
        with serving() as url:
            p = subprocess.Popen([BIDE, "get", f"{url}/delay/20000"], stdout=subprocess.DEVNULL,
                                 env={**os.environ, **self.env, "BIDE_USER": "me:s3cret", "BIDE_HEADER": "X-Key: s3cret"})
            try:
                end = time.monotonic() + 10 * SLOW
                while time.monotonic() < end and json.loads(bide("get", f"{url}/stats").out)["open"] < 2:
                    time.sleep(0.02)
                for name in "environ", "cmdline":
                    with open(f"/proc/{p.pid}/{name}", "rb") as f:
                        self.assertNotIn(b"s3cret", f.read())
            finally:
                p.kill()
                p.wait()


if __name__ == "__main__":
    unittest.main()
