#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What get and fetch show of their requests: -v, --trace, --write-out; the last beside curl."""
import json
import os
import re
import shutil
import subprocess
import unittest

from support import BIDE, Case, Certificates, RawServer, bide, closed_port, serving

COMMANDS = ["get"], ["fetch", "-q", "-o", "-"]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Verbose(Case):
    def test_heads_are_shown_as_they_went_without_secrets(self):
        answer = (b"HTTP/1.1 200 Fine\r\nSet-Cookie: id=secret; Path=/\r\nX-A: \x1b[2J\r\nContent-Length: 2\r\n\r\nok")
        with RawServer({"/": answer}) as s:
            for command in COMMANDS:
                asked = *command, "-u", "me:secret", "-b", "a=secret", "-H", "Proxy-Authorization: secret", "-H", "X-Api-Key: se secret", "-H", "X-B: 1", s.url
                r = bide(*asked, "-v")
                self.expect(r, 0, b"ok")
                self.assertNotIn("secret", r.err)
                for line in ("> GET / HTTP/1.1", "> X-B: 1", "> Authorization: Basic ***", "> Cookie: ***", "> Proxy-Authorization: ***", "> X-Api-Key: ***",
                             "< HTTP/1.1 200 Fine", "< Set-Cookie: id=***; Path=/", "< X-A: \\x1b[2J", f"*   Trying 127.0.0.1:{s.port}...",
                             f"* Connected to 127.0.0.1 (127.0.0.1) port {s.port}"):
                    self.assertIn(line, r.err.splitlines())
                r = bide(*asked, "-v", "--show-secrets")
                for line in ("> Authorization: Basic bWU6c2VjcmV0", "> Cookie: a=secret", "> Proxy-Authorization: secret",
                             "< Set-Cookie: id=secret; Path=/"):
                    self.assertIn(line, r.err.splitlines())

    def test_without_it_nothing_is_shown(self):
        with RawServer({"/": OK}) as s:
            for command in COMMANDS:
                self.assertEqual(bide(*command, s.url).err, "")

    def test_lines_of_several_urls_name_theirs(self):
        with RawServer({"/a": OK, "/b": OK}) as s:
            for command in ["get"], ["fetch", "-q", "-O", self.folder]:
                lines = bide(*command, "-v", f"{s.url}/{{a,b}}").err.splitlines()
                self.assertIn("[1] > GET /a HTTP/1.1", lines)
                self.assertIn("[2] > GET /b HTTP/1.1", lines)

    def test_redirects_and_failures_are_shown(self):
        with serving() as url:
            for command in COMMANDS:
                r = bide(*command, "-v", f"{url}/redirect/1")
                self.assertIn(f"* 302: redirected to {url}/json", r.err)
                self.assertIn("* Re-using existing connection #1 with 127.0.0.1", r.err)
        port = closed_port()
        r = bide("get", "-v", f"http://127.0.0.1:{port}/")
        self.assertIn(f"* connect to 127.0.0.1 (127.0.0.1) port {port} failed: Connection refused", r.err)

    def test_tls_is_shown(self):
        certs = Certificates(self.folder)
        with serving("--cert", certs.good, "--key", certs.good) as url:
            r = bide("get", "-v", "--cacert", certs.ca, f"{url}/json")
        self.expect(r, 0)
        self.assertRegex(r.err, r"(?m)^\* SSL connection using TLSv1\.3 / TLS_\S+; ALPN: http/1\.1$")


class Trace(Case):
    def events(self, text):
        return [json.loads(line) for line in text.splitlines()]

    def test_each_step_is_a_line_of_json(self):
        with serving() as url:
            for command in COMMANDS:
                self.expect(bide(*command, "-u", "me:secret", "--trace", "t.jsonl", f"{url}/redirect/1", cwd=self.folder), 0)
                with open(os.path.join(self.folder, "t.jsonl")) as f:
                    text = f.read()
                self.assertNotIn("bWU6", text)
                events = self.events(text)
                names = [e["event"] for e in events]
                self.assertEqual(names, ["request", "connect_start", "connect_end", "connection_made", "head_sent", "request_sent", "first_byte",
                                         "head", "body_received", "redirect", "connection_reused", "head_sent", "request_sent", "first_byte",
                                         "head", "body_received", "end"])
                self.assertEqual(events[9]["to"], f"{url}/json")
                self.assertEqual(events[-1]["status"], 200)
                self.assertEqual([e["attempt"] for e in events][-1], 2)
                times = [e["time_us"] for e in events]
                self.assertEqual(times, sorted(times))
                self.assertIn("Authorization: Basic ***", events[4]["head"])

    def test_minus_is_standard_error(self):
        with RawServer({"/": OK}) as s:
            r = bide("get", "--trace", "-", s.url)
        self.expect(r, 0, b"ok")
        self.assertEqual(self.events(r.err)[-1]["event"], "end")

    def test_a_failure_is_the_last(self):
        r = bide("get", "--trace", "t", f"http://127.0.0.1:{closed_port()}/", cwd=self.folder)
        with open(os.path.join(self.folder, "t")) as f:
            last = self.events(f.read())[-1]
        self.assertEqual(r.code, 4)
        self.assertEqual(last["event"], "error")
        self.assertIn("Connection refused", last["error"])

    def test_a_file_that_cannot_be_written_is_said(self):
        with RawServer({"/": OK}) as s:
            for command in COMMANDS:
                self.expect_line(bide(*command, "--trace", "/dev/full", s.url), 3, "--trace /dev/full: No space left")
        self.expect_line(bide("get", "--trace", "/none/t", "http://127.0.0.1:1/"), 3, "--trace /none/t: No such file")


class WriteOut(Case):
    def print_of(self, command, fmt, *rest, code=0, **how):
        r = bide(*command, "-w", fmt, *rest, **how)
        self.assertEqual(r.code, code, r)
        return r.out.decode()

    def test_it_follows_each_body(self):
        with RawServer({"/a": OK, "/b": OK.replace(b"ok", b"no")}) as s:
            self.assertEqual(self.print_of(["get"], r"[%{http_code}\t%%%{url}]\n", f"{s.url}/{{a,b}}"),
                             f"ok[200\t%{s.url}/a]\nno[200\t%{s.url}/b]\n")
            self.assertEqual(sorted(self.print_of(["fetch", "-q", "-O", self.folder], r"%{http_code} %{url}\n", f"{s.url}/{{a,b}}").splitlines()),
                             [f"200 {s.url}/a", f"200 {s.url}/b"])

    def test_failures_have_it_too(self):
        url = f"http://127.0.0.1:{closed_port()}/"
        for command in COMMANDS:
            out = self.print_of([*command, *(["--retries", "0"] if command[0] == "fetch" else [])],
                                "%{http_code} %{exitcode} %{remote_port} %{errormsg}", url, code=4)
            self.assertRegex(out, r"^000 4 0 GET http://\S+: .*Connection refused$")
        self.assertEqual(self.print_of(["get"], "a%{onerror}b", url, code=4), "ab")

    def test_streams_and_files_are_chosen(self):
        with RawServer({"/": OK}) as s:
            r = bide("get", "-w", r"\n%{stderr}to err\n%{stdout}to out%{onerror}never", s.url)
            self.assertEqual((r.out, r.err), (b"ok\nto out", "to err\n"))
            with open(os.path.join(self.folder, "format"), "w") as f:
                f.write("%{size_download} of %header{content-LENGTH}%header{none}")
            self.assertEqual(self.print_of(["get", "-o", "x"], "@format", s.url, cwd=self.folder), "2 of 2")

    def test_unknown_names_are_refused_with_a_list(self):
        for command in COMMANDS:
            self.expect_line(bide(*command, "-w", "%{http_cod}", "http://127.0.0.1:1/"), 2, "no %{http_cod}; there are content_type, errormsg")
            self.expect_line(bide(*command, "-w", "%{http_code", "http://127.0.0.1:1/"), 2, "a } is missing behind '{http_code'")
        self.assertIn("time_total", bide("help", "write-out").out.decode())

    def test_times_are_in_order(self):
        with serving() as url:
            names = "time_namelookup", "time_connect", "time_pretransfer", "time_starttransfer", "time_total"
            out = self.print_of(["get", "-o", "x"], " ".join(f"%{{{n}}}" for n in names), f"{url}/delay/20", cwd=self.folder)
        self.assertTrue(re.fullmatch(r"(\d+\.\d{6} ?){5}", out), out)
        times = [float(t) for t in out.split()]
        self.assertEqual(times, sorted(times))
        self.assertGreaterEqual(times[-1], 0.02)

    @unittest.skipUnless(shutil.which("curl"), "no curl")
    def test_values_are_those_of_curl(self):
        names = ("http_code", "response_code", "url", "url_effective", "num_redirects", "num_connects", "num_headers", "size_download",
                 "size_header", "size_upload", "content_type", "http_version", "method", "scheme", "remote_ip", "remote_port", "local_ip",
                 "filename_effective", "errormsg", "exitcode", "ssl_verify_result", "urlnum")
        fmt = "".join(f"{n}=%{{{n}}}\\n" for n in names) + "%header{content-type}|%header{x-none}|100%%\\t\\x\\n"
        with serving() as url:
            for args in ["/json"], ["/redirect/2"], ["/status/404"], ["/stream/3"], ["/bytes/70000"], ["/json", "-d", "text"], ["/json", "-I"], \
                        ["/status/204"]:
                asked = [url + args[0], *args[1:], "-o", "body", "-w", fmt]
                with self.subTest(args=args):
                    curl = subprocess.run(["curl", "-s", "-q", "-L", *asked], capture_output=True, cwd=self.folder, check=True,
                                          env={**os.environ, "http_proxy": ""})
                    ours = bide("get", *asked, cwd=self.folder)
                    self.assertEqual(ours.out.decode().splitlines(), curl.stdout.decode().splitlines())
            curl = subprocess.run(["curl", "-s", "-q", url + "/json", "-o", "body", "-w", "%{json}"], capture_output=True, cwd=self.folder, check=True)
            ours = json.loads(bide("get", url + "/json", "-o", "body", "-w", "%{json}", cwd=self.folder).out)
            theirs = json.loads(curl.stdout)
            own = {"num_retries"}
            self.assertLessEqual(set(ours) - own, set(theirs))
            for name in set(ours) - own:
                self.assertEqual(type(ours[name]), type(theirs[name]), name)


if __name__ == "__main__":
    unittest.main()
