#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_lists.py - `bide fetch -i`: what a list says beside its URLs, in all its forms, and what is no list."""
import bz2
import gzip
import json
import os
import shutil
import subprocess
import time
import unittest

from support import BIDE, SLOW, Case, RawServer, bide, closed_port, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Lists(Case):
    @classmethod
    def setUpClass(cls):
        cls.context = serving()
        cls.url = cls.context.__enter__().rstrip("/")

    @classmethod
    def tearDownClass(cls):
        cls.context.__exit__(None, None, None)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, text, name="list"):
        data = text if isinstance(text, bytes) else text.replace("U/", self.url + "/").encode()
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def fetch(self, text, *args, stdin=False, out="o", **more):
        """The result; its files by name; and its records by line, in self.records."""
        path = self.write(text)
        where = ["-O", out] if out else []
        if stdin:
            more["stdin"] = os.open(path, os.O_RDONLY)
            self.addCleanup(os.close, more["stdin"])
            path = "-"
        r = bide("fetch", "--progress", "none", "--retries", 0, "-i", path, *where, "--jsonl", "r.jsonl", *args,
                 cwd=self.folder, **more)
        files = {}
        for top, _, names in os.walk(self.path(out or "o")):
            for name in names:
                full = os.path.join(top, name)
                with open(full, "rb") as f:
                    files[os.path.relpath(full, self.path(out or "o"))] = f.read()
        self.records = []
        if os.path.exists(self.path("r.jsonl")):
            with open(self.path("r.jsonl")) as f:
                self.records = [json.loads(line) for line in f]
            os.remove(self.path("r.jsonl"))
        return r, files

    # ---- names that exclude each other ----

    FORMS = {"tsv": lambda lines: "url\tname\n" + "".join(f"{u}\t{n}\n" for u, n in lines),
             "aria2": lambda lines: "".join(f"{u}\n out={n}\n" for u, n in lines),
             "json": lambda lines: "".join(json.dumps({"url": u, "name": n}) + "\n" for u, n in lines)}
    PLACES = {"tsv": (2, 3), "aria2": (1, 3), "json": (1, 2)}

    def test_names_that_exclude_each_other_are_found_before_the_first_request(self):
        asked = json.loads(bide("get", self.url + "/stats").out)["requests"]
        for form, make in self.FORMS.items():
            first, second = self.PLACES[form]
            for names, what in ((("a", "a/b"), "o/a cannot be a file and a directory"), (("d/a/b", "d/a"), "o/d/a cannot be a file and a directory"),
                                (("x/y", "x/y"), "would both be saved as o/x/y")):
                for option in (["-n"], []):
                    r, files = self.fetch(make(zip(("U/bytes/1", "U/bytes/2"), names)), *option)
                    self.expect(r, 2)
                    self.assertEqual(files, {})
                    self.expect_line(r, 2, f"list:{second}: ", what, f"(the other is {self.path('list')}:{first})")
        self.assertEqual(json.loads(bide("get", self.url + "/stats").out)["requests"] - asked, 1)
        self.expect(self.fetch("url\tname\nU/bytes/1\ta\nU/bytes/2\ta.b\nU/bytes/3\tab/c\nU/bytes/1\ta\n", "-n")[0], 0)

    def test_the_first_line_has_the_name_whoever_answers_first(self):
        for form, make in self.FORMS.items():
            for names, says in ((("a", "a/b"), "a/b: an earlier URL has the name of its directory, p/a"), (("a/b", "a"), "files of earlier URLs are below"),
                                (("x", "x"), "p/x: an earlier URL has this file name")):
                for waits in (1, 200), (200, 1):
                    text = make((f"U/delay/{ms}?{i}", name) for i, (ms, name) in enumerate(zip(waits, names)))
                    r, files = self.fetch(text, stdin=True, out="p")
                    self.expect(r, 1)
                    self.assertEqual([x["error"] for x in sorted(self.records, key=lambda x: x["i"])], [None, "name"], r)
                    self.assertIn(says, r.err)
                    self.assertEqual(list(files), [names[0]])
                    shutil.rmtree(self.path("p"))

    def test_names_behind_those_that_are_looked_at_are_compared_in_the_order_of_lines(self):
        """Those in front are of a host that is down; some are read again from the file."""
        dead = f"http://127.0.0.1:{closed_port()}"
        lines = [(f"{dead}/{i}", f"f{i}") for i in range(32800)]
        lines += [("U/delay/99", "a"), ("U/bytes/0", "a/b"), ("U/bytes/1", "f7")] + [(f"U/bytes/{i}", f"d/{i}") for i in range(300)]
        r, files = self.fetch(self.FORMS["tsv"](lines), "-q", "--host-errors", 1)
        self.expect(r, 1)
        self.assertEqual([(x["line"], x["error"]) for x in self.records if not x["ok"] and x["error"] != "connect"], [(32803, "name"), (32804, "name")])
        self.assertEqual(sorted(files), sorted(["a"] + [f"d/{i}" for i in range(300)]))

    # ---- lines that cannot be used ----

    def recorded(self, text, *args):
        """The URLs of the records, by line; U/ for that of the server."""
        self.assertIn(self.fetch(text.replace("U/", self.url + "/").encode(), *args)[0].code, (1, 4))
        return [x["url"].replace(self.url + "/", "U/") for x in sorted(self.records, key=lambda x: x["line"])]

    def test_lines_that_cannot_be_used_are_recorded_with_their_own_url(self):
        long = "y" * 70000
        got = self.recorded(f"U/bytes/1\nU/n\0x\n  U/{long}\nU/tab\tb\tc\nU/bytes/2\nhttp://u:p@{long}\nhttp://u:p\0@h/\nU/last\0")
        self.assertEqual(got, ["U/bytes/1", "U/n\0x", (self.url + "/" + long)[:1024].replace(self.url + "/", "U/"), "U/tab",
                               "U/bytes/2", "", "", "U/last\0"])
        self.assertEqual({x["error"] for x in self.records if not x["ok"]}, {"url"})
        self.assertEqual(self.recorded(f"url\tname\nU/bytes/1\tx\nU/a\0\ty\n\ty\nU/{long}\tz\n")[1:3], ["U/a\0", ""])
        self.assertEqual(self.recorded("name\turl\nx\tU/a\0b\n"), ["U/a\0b"])
        self.assertEqual(self.recorded("U/a\n out=../y\nU/b\n body=" + long * 20 + "\n"), ["U/a", "U/b", ""])

    def test_lines_of_json_that_cannot_be_used_are_recorded_with_their_own_url(self):
        got = self.recorded('{"url":"U/bytes/1"}\n{"url":"U/b\n{"nourl":1}\n{"url":"U/c","headers":3}\n[1]\n{"x":"url", "url" : "http:\\/\\/h\\/d" y}\n'
                            '{"url":"U/e\\u0000f"}\n{"url":"U/g\0"}\n{\n')
        self.assertEqual(got, ["U/bytes/1", "U/b", "", "U/c", "", "http://h/d", "U/e\0f", "U/g\0", ""])
        self.fetch(b'{"url":1}\n{"url":"http://h/\xff}\n')
        self.assertEqual([x.get("url_b64") for x in sorted(self.records, key=lambda x: x["line"])], [None, "aHR0cDovL2gv/30="])

    # ---- what stands beside the URL ----

    def test_aria2_options_belong_to_the_url_above(self):
        for stdin in False, True:
            r, files = self.fetch("U/echo\n out=n1\n header=X-A: 1\n header=X-B: 2\nU/echo\n\tdir=d\n\tout=n2\n\tmethod=PUT\n\tbody=x\n",
                                  "-H", "X-A: 9", "-H", "X-C: 3", stdin=stdin)
            self.expect(r, 0)
            self.assertEqual(sorted(files), ["d/n2", "n1"])
            one, two = json.loads(files["n1"]), json.loads(files["d/n2"])
            self.assertEqual([one["headers"].get(h) for h in ("X-A", "X-B", "X-C")], ["1", "2", "3"])
            self.assertEqual((two["method"], two["body"], two["headers"]["X-A"]), ("PUT", "x", "9"))
            self.assertEqual(sorted(x["method"] for x in self.records), ["GET", "PUT"])

    def test_options_that_mean_nothing_are_named_once_with_their_line(self):
        r, files = self.fetch("U/bytes/1\n split=5\n out=a\nU/bytes/1\n split=5\n gid=1\n out=b\n")
        self.expect(r, 0)
        self.assertEqual(sorted(files), ["a", "b"])
        said = [line for line in r.err.splitlines() if "means nothing here" in line]
        self.assertEqual([line.split("/list")[1] for line in said],
                         [":2: split= of aria2 means nothing here; it is passed over",
                          ":6: gid= of aria2 means nothing here; it is passed over"])

    def test_options_that_would_change_the_download_refuse_their_entry(self):
        r, files = self.fetch("U/bytes/1\n out=a\n checksum=md5=00\nU/bytes/1\n out=b\n all-proxy=http://p/\nU/bytes/1\n out=c\n hedaer=A: b\nU/bytes/1\n out=d\n")
        self.expect(r, 1)
        self.assertEqual(list(files), ["d"])
        for text in "list:3: checksum= of aria2", "list:6: all-proxy= of aria2", "list:9: hedaer= is no option; did you mean header=?":
            self.assertIn(text, r.err)

    def test_mirrors_are_asked_one_after_the_other(self):
        dead = f"http://127.0.0.1:{closed_port()}/x"
        r, files = self.fetch(f"{dead}\tU/bytes/7\n out=a\nU/status/404\tU/bytes/5\n out=b\nU/status/404\tU/status/410\n out=c\nU/bytes/3\t{dead}\n out=d\n")
        self.expect(r, 1)
        self.assertEqual({k: len(v) for k, v in files.items()}, {"a": 7, "b": 5, "d": 3})
        self.assertEqual(len(self.records), 4)
        self.assertEqual([x["status"] for x in self.records if not x["ok"]], [410])

    def test_tabs_stand_between_columns(self):
        for text, args in (("n1\tU/echo\tv1\nn2\tU/echo\t\n", ["--columns", "name,url,header:X-T"]),
                           ("name\turl\theader:X-T\r\nn1\tU/echo\tv1\r\nn2\tU/echo\r\n", []),
                           ("name\turl\theader:X-T\nn1\tU/echo\tv1\nn2\tU/echo\n", ["--input-format", "tsv"])):
            for stdin in False, True:
                r, files = self.fetch(text, *args, stdin=stdin)
                self.expect(r, 0)
                self.assertEqual(sorted(files), ["n1", "n2"])
                self.assertEqual(json.loads(files["n1"])["headers"].get("X-T"), "v1")
                self.assertNotIn("X-T", json.loads(files["n2"])["headers"])

    def test_json_has_headers_and_bodies(self):
        lines = [{"url": "U/echo", "name": "a", "method": "PUT", "headers": {"X-A": "1", "X-B": ["2", "3"]}, "body": "h\0é"},
                 {"url": "U/echo", "name": "b", "json": {"x": [0.1, None]}},
                 {"url": "U/echo", "name": "c", "body_b64": "/w=="}]
        for stdin in False, True:
            r, files = self.fetch("".join(json.dumps(x) + "\n" for x in lines), stdin=stdin)
            self.expect(r, 0)
            a, b, c = (json.loads(files[name]) for name in "abc")
            self.assertEqual((a["method"], a["headers"]["X-A"], a["headers"]["X-B"], a["body"]), ("PUT", "1", "2, 3", "h\0é"))
            self.assertEqual((b["method"], b["body"], b["headers"]["Content-Type"]), ("POST", '{"x": [0.1, null]}', "application/json"))
            self.assertEqual((c["method"], c["headers"]["Content-Length"]), ("POST", "1"))

    def test_a_large_object_is_read(self):
        r, files = self.fetch(json.dumps({"url": "U/echo", "name": "a", "body": "x" * 900000}) + "\n")
        self.expect(r, 0)
        self.assertEqual(len(json.loads(files["a"])["body"]), 900000)

    def test_options_stand_for_what_a_line_does_not_say(self):
        r, files = self.fetch('{"url":"U/echo","name":"a","method":"PATCH"}\n{"url":"U/echo","name":"b","body":"mine"}\n', "-X", "PUT", "-d", "all")
        self.expect(r, 0)
        a, b = json.loads(files["a"]), json.loads(files["b"])
        self.assertEqual((a["method"], a["body"], b["method"], b["body"]), ("PATCH", "all", "PUT", "mine"))

    def test_a_method_that_is_not_safe_is_not_tried_again(self):
        r, _ = self.fetch('{"url":"U/status/503","method":"POST"}\n{"url":"U/status/503?2"}\n', "--retries", 2, "--backoff", "1ms")
        self.expect(r, 4)
        self.assertEqual(sorted((x["method"], x["attempts"]) for x in self.records), [("GET", 3), ("POST", 1)])

    # ---- names ----

    def test_names_that_lead_out_fail_with_their_line(self):
        for name in "../x", "/tmp/x", "a/../../x", "a//b", "x/", ".":
            r, files = self.fetch(f"U/bytes/1\n out={name}\nU/bytes/2\n out=good\n")
            self.expect(r, 1)
            self.assertEqual(list(files), ["good"])
            self.assertEqual([x["error"] for x in self.records if not x["ok"]], ["url" if ".." in name or name[0] == "/" else "name"])
        self.assertEqual(sorted(os.listdir(self.folder)), ["list", "o"])

    def test_columns_are_variables_of_output(self):
        for text, args in (("U/bytes/1\tn1\t7\n", ["--columns", "url,name,sku"]), ("url\tname\tsku\nU/bytes/1\tn1\t7\n", []),
                           ('{"url":"U/bytes/1","name":"n1","sku":7}\n', [])):
            r, files = self.fetch(text, *args, "-o", "o/{name}-{sku}-{i}.jpg", out=None)
            self.expect(r, 0)
            self.assertEqual(list(files), ["n1-7-0.jpg"])
            os.remove(self.path("o/n1-7-0.jpg"))
        # What a line does not give is the URL's; what nobody gives makes the line fail.
        r, files = self.fetch("url\tname\nU/bytes/1\t\n", "-o", "o/{name}", out=None)
        self.assertEqual((r.code, list(files)), (0, ["1"]))
        r, files = self.fetch('{"url":"U/bytes/2","sku":"a"}\n{"url":"U/bytes/3"}\n{"url":"U/bytes/3","sku":"../x"}\n', "-o", "p/{sku}", out=None)
        self.expect(r, 1)
        self.assertEqual(os.listdir(self.path("p")), ["a"])
        self.assertIn("its line gives no value to a variable of --output", r.err)

    def test_variables_that_nothing_has_are_usage_errors(self):
        for text, args in (("U/bytes/1\n", []), ("url\tname\nU/bytes/1\tx\n", []), ("U/bytes/1\tx\n", ["--columns", "url,sku"])):
            r, _ = self.fetch(text, "-o", "o/{skuu}", *args, out=None)
            self.assertEqual(r.code, 2, r)
            self.assertIn("skuu", r.err)
        r, _ = self.fetch('{"url":"U/bytes/1","sku":1}\n', "-o", "o/{sku}", out=None, stdin=True)
        self.assertEqual(r.code, 2, r)
        self.assertIn("--input-format tsv or jsonl", r.err)
        r, _ = self.fetch('{"url":"U/bytes/1","sku":1}\n', "-o", "o/{sku}", "--input-format", "jsonl", out=None, stdin=True)
        self.expect(r, 0)

    def test_wrong_columns_are_usage_errors(self):
        for columns, why in (("name", "no column is called url"), ("url,url", "twice"), ("url,header:A B", "no header"),
                             ("url,header:Content-Length", "no header"), ("", "no column is called url")):
            r, _ = self.fetch("U/bytes/1\n", "--columns", columns)
            self.assertEqual(r.code, 2, r)
            self.assertIn(why, r.err)
        r, _ = self.fetch("U/bytes/1\n", "--columns", "url", "--input-format", "jsonl")
        self.assertEqual(r.code, 2, r)

    # ---- secrets ----

    def test_headers_of_a_line_do_not_go_to_other_hosts(self):
        with RawServer({"/there": OK}) as other:
            first = b"HTTP/1.1 302 Found\r\nLocation: " + other.url.encode() + b"/there\r\nContent-Length: 0\r\n\r\n"
            with RawServer({"/x": first}) as one:
                r, _ = self.fetch('{"url":"%s/x","headers":{"X-Token":"secret","Authorization":"Bearer secret"}}\n' % one.url)
                self.expect(r, 0)
                self.assertIn(b"secret", one.requests[0])
                self.assertNotIn(b"secret", other.requests[0])

    def test_secrets_are_not_shown(self):
        r, _ = self.fetch('{"url":"U/x","headers":{"A":"secret\\r\\n"}}\n{"url":"U/x","headers":{"A" "secret"}}\n'
                          '{"url":"U/status/404","headers":{"X-Token":"secret"}}\n', "-v")
        self.expect(r, 4)
        self.assertNotIn("secret", r.err + json.dumps(self.records))
        r, _ = self.fetch("U/x\n header=secret\nU/x\n http-passwd=secret\nU/x\n hedr=secret\n", "-v")
        self.expect(r, 4)
        self.assertNotIn("secret", r.err + json.dumps(self.records))

    # ---- bytes ----

    def test_packed_lists_are_read(self):
        plain = "".join(f"{self.url}/bytes/{i}\n" for i in range(1, 301)).encode()
        half = len(plain) // 2
        for data in (gzip.compress(plain), gzip.compress(plain[:half]) + gzip.compress(plain[half:]),
                     plain.decode().encode("utf-16"), gzip.compress(plain.decode().encode("utf-16-le")),
                     plain.replace(b"\n", b"\r"), plain.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + plain):
            for stdin in False, True:
                r, _ = self.fetch(data, stdin=stdin, out=None)
                self.expect(r, 0)
                self.assertEqual(sorted(x["bytes"] for x in self.records), list(range(1, 301)))

    def test_a_list_that_is_cut_off_is_read_as_far_as_it_goes(self):
        plain = "".join(f"{self.url}/bytes/{i}\n" for i in range(1, 2001)).encode()
        for stdin in False, True:
            r, _ = self.fetch(gzip.compress(plain)[:-2000], stdin=stdin, out=None)
            self.assertEqual(r.code, 3, r)
            self.assertRegex(r.err, r"(list|standard input): its gzip data end too early, after [0-9]+ bytes; [0-9]+ lines were read")
            n = len(self.records)
            self.assertEqual(sorted(x["bytes"] for x in self.records), list(range(1, n + 1)))
            self.assertIn(f"{n} lines were read", r.err)
            self.assertIn("were not read and have no line in r.jsonl" if stdin else "", r.err)

    def test_what_is_no_list_is_refused(self):
        html = "<!DOCTYPE html>\n<html><a href='U/bytes/1'>x</a></html>\n"
        for data, why in ((html, "this is HTML"), (bz2.compress(b"x"), "bzip2"), ('["U/bytes/1"]', "an array"),
                          ("url,name\nU/bytes/1,x\n", "commas"), (gzip.compress(gzip.compress(b"http://a/")), "twice"),
                          (b"PK\3\4xxxxxxxxx", "zip")):
            for stdin in False, True:
                r, _ = self.fetch(data, stdin=stdin)
                self.assertEqual(r.code, 2, r)
                self.assertIn(why, r.err)
                self.assertRegex(r.err, "(list|standard input)")
        r, _ = self.fetch("U/bytes/1\n<a href='U/bytes/1'>\n<U/bytes/2>\n\"U/bytes/3\"\n", out=None)
        self.expect(r, 1)
        self.assertIn("list:2: this is markup, and no URL", r.err)
        self.assertEqual(sorted(x["bytes"] for x in self.records), [0, 1, 2, 3])

    # ---- all at once ----

    def test_many_entries_of_one_host_are_read_again_from_the_file(self):
        """More than are kept in memory, each with a name of its own, and URLs of another host behind them."""
        n = 8000
        dead = f"http://127.0.0.1:{closed_port()}"
        forms = {
            "aria2": lambda i: f"{dead}/{i}\n out=n{i}\n split=1\n",
            "tsv": lambda i: f"{dead}/{i}\tn{i}\n",
            "jsonl": lambda i: json.dumps({"url": f"{dead}/{i}", "name": f"n{i}"}) + "\n",
        }
        last = {"aria2": "U/bytes/9\n out=last\n", "tsv": "U/bytes/9\tlast\n", "jsonl": '{"url":"U/bytes/9","name":"last"}\n'}
        for form, line in forms.items():
            head = "url\tname\n" if form == "tsv" else ""
            r, files = self.fetch(head + "".join(map(line, range(n))) + last[form], "--backoff", "1ms", "-q")
            self.assertEqual(r.code, 1, r)
            self.assertEqual(files, {"last": files["last"]})
            self.assertEqual(len(self.records), n + 1)
            self.assertEqual({x["error"] for x in self.records}, {"connect", None})
            self.assertEqual({x["url"] for x in self.records if not x["ok"]}, {f"{dead}/{i}" for i in range(n)})
            self.assertEqual({x["i"] for x in self.records}, set(range(n + 1)))
            os.remove(self.path("o/last"))

    def test_many_entries_with_bodies_take_little_memory(self):
        dead = f"http://127.0.0.1:{closed_port()}"
        with open(self.path("big"), "w") as f: # and not in this process: a child begins with the memory of its parent
            for i in range(4000):
                f.write(json.dumps({"url": f"{dead}/{i}", "body": "x" * 20000}) + "\n")
        with open(self.path("big")) as f:
            r = bide("fetch", "-q", "-i", "-", "--jsonl", "-", "--backoff", "1ms", "--retries", 0, stdin=f)
        self.assertEqual(r.code, 4, r)
        self.assertEqual(r.out.count(b"\n"), 4000)
        if SLOW == 1:
            self.assertLess(r.rss_kb, 64 << 10)

    def test_a_url_of_a_pipe_is_asked_for_before_the_next_one_comes(self):
        p = subprocess.Popen([BIDE, "fetch", "--progress", "none", "-i", "-", "-O", "o"], stdin=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, cwd=self.folder)
        p.stdin.write(f"{self.url}/bytes/3\n".encode())
        p.stdin.flush()
        time.sleep(0.01)
        p.stdin.write(b" out=named\n")
        p.stdin.flush()
        until = time.monotonic() + 5 * SLOW
        while not os.path.exists(self.path("o/named")) and time.monotonic() < until:
            time.sleep(0.02)
        there = os.path.exists(self.path("o/named"))
        p.stdin.close()
        self.assertEqual((p.wait(10), there), (0, True))


if __name__ == "__main__":
    unittest.main()
