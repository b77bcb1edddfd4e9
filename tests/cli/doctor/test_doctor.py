#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_doctor.py - `bide doctor`: programs that are linked in each way, what is found in them, and files that are none."""
import json
import os
import random
import re
import shutil
import struct
import subprocess
import tempfile
import unittest

from support import SANITIZED, bide

BUILD, SOURCE, CC = os.environ["BIDE_BUILD"], os.environ["BIDE_SOURCE"], os.environ.get("CC", "cc").split()
LIBRARIES = [f"-L{BUILD}/src", f"-Wl,-rpath,{BUILD}/src:{BUILD}/src/unblock", "-Wl,--unresolved-symbols=ignore-all"]
BIDE = ["-Wl,--no-as-needed", "-lbide"]
UNBLOCK = [f"-L{BUILD}/src/unblock", "-Wl,--no-as-needed", "-lbide-unblock"]
WHOLE = ["-Wl,--whole-archive", f"{BUILD}/src/unblock/libbide-unblock.a", "-Wl,--no-whole-archive"]
SHARED = f"{BUILD}/src/unblock/libbide-unblock.so.0"

MAIN = "int main(void) { return 0; }"
CALLS = """
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
extern ssize_t __read(int, void *, size_t);
int calls(char *b, FILE *f) { return (int)recv(0, b, 1, 0) + poll(0, 0, 1) + (int)__read(0, b, 1) + pause() + (fgets(b, 2, f) != 0) + puts(b); }
"""


class Doctor(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def build(self, name, text, *flags):
        """A program or, with -shared, a library."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path("a.c"), "w") as f:
            f.write(text)
        subprocess.run([*CC, "-O1", "-U_FORTIFY_SOURCE", "-w", "-o", self.path(name), self.path("a.c"), *flags], check=True)
        return self.path(name)

    def library(self, name, text, *flags):
        return self.build(name, text, "-shared", "-fPIC", f"-Wl,-soname,{os.path.basename(name)}", *LIBRARIES, *flags)

    def program(self, name, *flags, text=MAIN):
        return self.build(name, text, *LIBRARIES, *flags)

    def using(self, library):
        return [f"-L{os.path.dirname(library)}", "-Wl,--no-as-needed", "-l:" + os.path.basename(library), f"-Wl,-rpath,{os.path.dirname(library)}"]

    def expect(self, code, *args, parts=(), env=None):
        r = bide("doctor", *args, env=env)
        self.assertEqual(r.code, code, r)
        for part in parts:
            self.assertIn(part, r.out.decode() + r.err)
        return r

    def json(self, code, *args, env=None):
        document = json.loads(self.expect(code, "--json", *args, env=env).out)
        document["by_name"] = {library["name"]: library for library in document["libraries"]}
        return document

    # ---- how it is linked ----

    def test_not_linked(self):
        program = self.program("plain", *BIDE)
        self.expect(4, program, parts=["plain will block: libbide-unblock is not linked.", "LD_PRELOAD=libbide-unblock.so.0"])
        self.assertEqual(self.json(4, program)["unblock"], "absent")

    def test_preloaded(self):
        program = self.program("plain", *BIDE)
        self.expect(0, "--preload", SHARED, program, parts=["plain works: libbide-unblock is preloaded, and comes before libc."])
        found = self.json(0, "--preload", SHARED, program)
        self.assertEqual((found["verdict"], found["unblock"], found["unblock_path"]), ("works", "preloaded", SHARED))

    def test_linked_as_pkg_config_says(self):
        program = self.program("linked", *BIDE, *UNBLOCK)
        self.expect(0, program, parts=["linked works: libbide-unblock is linked, and comes before libc."])
        self.assertEqual(self.json(0, program)["unblock"], "linked")

    def test_linked_statically_and_stripped(self):
        program = self.program("static", *WHOLE, *BIDE)
        subprocess.run(["strip", program], check=True)
        self.expect(0, program, parts=["static works: libbide-unblock is linked statically, and comes before libc."])

    def test_bide_linked_statically(self):
        needed = subprocess.run(["readelf", "-d", f"{BUILD}/src/libbide.so"], check=True, capture_output=True, text=True).stdout
        libbide = ["-Wl,--whole-archive", f"{BUILD}/src/libbide.a", "-Wl,--no-whole-archive", *("-l:" + name for name in re.findall(r"NEEDED.*\[(.*)\]", needed))]
        program = self.program("plain", *libbide)
        self.expect(4, program, parts=["plain will block: libbide-unblock is not linked. Link libbide-unblock.a with it"])
        self.expect(4, "--preload", SHARED, program, parts=["plain will block: libbide-unblock uses libbide.so, but the program is linked with libbide.a"])
        self.assertEqual(self.json(4, "--preload", SHARED, program)["unblock"], "apart")

        both = self.program("both", *WHOLE, *libbide, text="#include <poll.h>\n" + MAIN.replace("{", "{ poll(0, 0, 0); ", 1))
        self.expect(0, both, parts=["both works: libbide-unblock is linked statically", "both: is linked with libbide.a."])
        found = self.json(0, both)
        self.assertIn("pause", found["bides_own_calls"])
        self.assertNotIn("signals", found["by_name"].get("both", {}).get("blocks", {}))

    def test_preloaded_for_all_programs(self):
        etc = self.path("etc")
        os.mkdir(etc)
        with open(f"{etc}/ld.so.preload", "w") as f:
            f.write(f"# a comment with {SHARED}X\n/nowhere/lib.so:{SHARED}\n")
        if os.path.exists("/etc/ld.so.cache"):
            shutil.copy("/etc/ld.so.cache", etc)
        program = self.program("plain", *BIDE)
        command = ["unshare", "-m", "sh", "-c", 'mount --bind "$1" /etc && exec "$2" doctor "$3"', "sh", etc, os.environ["BIDE"], program]
        if subprocess.run([*command[:4], 'mount --bind "$1" /etc', "sh", etc], capture_output=True).returncode != 0 or SANITIZED:
            self.skipTest("no mounts of our own here, or a sanitizer is to come first")
        r = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(r.returncode, 0, r)
        self.assertIn("plain works: libbide-unblock is preloaded, and comes before libc.", r.stdout)

    def test_behind_libc(self):
        plugin = self.library("libbehind.so", "int f(void) { return 1; }", *BIDE, *UNBLOCK)
        program = self.program("behind", *BIDE, *self.using(plugin))
        self.expect(4, program, parts=["will block: libbide-unblock comes after libc in the symbol search order"])
        self.assertEqual(self.json(4, program)["unblock"], "behind")

    def test_loaded_by_dlopen(self):
        plugin = self.library("plugin.so", "int f(void) { return 1; }", *BIDE, *UNBLOCK)
        program = self.program("loads", *BIDE)
        self.expect(4, program, plugin, parts=["will block: libbide-unblock is loaded by dlopen"])
        linked = self.program("linked", *BIDE, *UNBLOCK)
        self.assertEqual(self.json(0, linked, plugin)["unblock"], "linked")

    def test_static_libc(self):
        program = self.build("alone", MAIN, "-static")
        self.expect(4, program, parts=["will block: its libc is linked statically"])

    def test_without_bide(self):
        program = self.build("stranger", MAIN)
        self.expect(4, program, parts=["will block: it does not use bide"])
        self.expect(4, "--preload", SHARED, program, parts=["it does not use bide"])

    @unittest.skipIf(SANITIZED, "its libraries have the calls of the sanitizer")
    def test_examples(self):
        example = f"{BUILD}/examples/seed/fake_async"
        if not os.path.exists(example):
            self.skipTest("examples are not built")
        self.expect(4, example, parts=["fake_async will block: libbide-unblock is not linked."])
        self.expect(0, "--preload", SHARED, example, parts=["fake_async works: libbide-unblock is preloaded"])

    # ---- what is called ----

    def test_calls_of_a_library(self):
        library = self.library("libcalls.so", CALLS)
        program = self.program("linked", *self.using(library), *BIDE, *UNBLOCK)
        r = self.expect(1, program, parts=["linked works, with exceptions:", " 1 call is not covered, and blocks the thread"])
        self.assertRegex(r.out.decode(), r"libcalls\.so +poll, read, recv +pause +stdio, output\n")
        self.assertIn("\nsignals (pause): wait for a signal;", r.out.decode())
        found = self.json(1, program)
        calls = found["by_name"]["libcalls.so"]
        self.assertEqual(calls["covered"], ["poll", "read", "recv"])
        self.assertEqual(calls["blocks"], {"signals": ["pause"]})
        self.assertEqual(calls["may_block"], {"stdio": ["fgets"], "output": ["puts"]})
        self.assertEqual(os.path.realpath(calls["needed_by"]), os.path.realpath(program))

    def test_every_name_that_is_exported_is_covered(self):
        with open(f"{SOURCE}/tests/unblock/symbols.txt") as f:
            names = [name for name in f.read().split() if not name.startswith("bide_")]
        text = "".join(f"extern void {name}(void);\nvoid f{i}(void) {{ {name}(); }}\n" for i, name in enumerate(names))
        library = self.library("liball.so", text, "-fno-builtin")
        program = self.program("linked", *self.using(library), *BIDE, *UNBLOCK)
        self.assertEqual(self.json(0, program)["by_name"]["liball.so"]["covered"],
                         [name for name in names if not name.startswith("__") or name[2:] not in names])  # __read is read

    def test_stdio_of_a_program_that_reads_pipes(self):
        text = "#include <stdio.h>\nint main(void) { char b[9]; return !fgets(b, 9, stdin); }"
        program = self.program("reads", *BIDE, *UNBLOCK, text=text)
        self.assertEqual(self.json(1, program)["by_name"]["reads"]["blocks"], {"stdio": ["fgets"]})

    def test_functions_of_the_same_name_are_no_calls(self):
        library = self.library("libown.so", "int pause(void) { return 1; }")
        program = self.program("linked", *self.using(library), *BIDE, *UNBLOCK, text="int pause(void); int main(void) { return pause(); }")
        self.assertEqual(self.json(0, program)["libraries"], [])

    def test_libraries_that_only_bide_needs_do_not_count(self):
        program = self.program("linked", *BIDE, *UNBLOCK, text=MAIN.replace("return", "return puts(0),"))
        r = self.expect(0, program, parts=["needed only by bide"])
        self.assertNotIn("libcrypto", r.out.decode())

    # ---- where libraries are ----

    def test_rpath_runpath_and_origin(self):
        below = self.library("sub/libbelow.so", CALLS.replace("calls", "below"))
        middle = self.build("sub/libmiddle.so", MAIN.replace("main", "middle"), "-shared", "-fPIC", "-Wl,-soname,libmiddle.so", f"-L{self.dir}/sub", "-Wl,--no-as-needed", "-l:libbelow.so")
        self.assertTrue(os.path.exists(below) and os.path.exists(middle))
        flags = [f"-L{self.dir}/sub", "-Wl,--no-as-needed", "-l:libmiddle.so", f"-Wl,-rpath-link,{self.dir}/sub", *BIDE, *UNBLOCK]
        rpath = self.program("with_rpath", "-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/sub", *flags)
        self.assertIn("libbelow.so", self.json(1, rpath)["by_name"])
        runpath = self.program("with_runpath", "-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN/sub", *flags)  # is not for those below
        self.assertEqual([m["name"] for m in self.json(1, runpath)["missing"]], ["libbelow.so"])
        self.expect(1, runpath, parts=["1 library was not found", "libbelow.so: not found; libmiddle.so needs it."])
        found = self.json(1, runpath, env={"LD_LIBRARY_PATH": "/nowhere:" + self.dir + "/sub"})
        self.assertEqual(found["missing"], [])
        self.assertIn("libbelow.so", found["by_name"])

    def test_program_from_path_is_not_run(self):
        library = self.library("libtrap.so", "#include <fcntl.h>\n__attribute__((constructor)) void f(void) { creat(\"%s\", 0600); }" % self.path("trapped"))
        self.program("from_path", *self.using(library), *BIDE, *UNBLOCK, f"-Wl,-dynamic-linker,{library}")
        self.expect(0, "from_path", env={"PATH": "/nowhere:" + self.dir}, parts=["/from_path works"])
        self.assertFalse(os.path.exists(self.path("trapped")))

    @unittest.skipIf(SANITIZED, "the program would need the sanitizer first")
    def test_process(self):
        plugin = self.library("plugin.so", CALLS)
        text = "#include <dlfcn.h>\n#include <stdio.h>\nint main(void) { puts(dlopen(\"%s\", RTLD_NOW) ? \"yes\" : dlerror()); fflush(stdout); getchar(); }" % plugin
        program = self.program("runs", *BIDE, "-ldl", text=text)
        p = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "LD_PRELOAD": SHARED})
        try:
            self.assertEqual(p.stdout.readline(), b"yes\n")
            found = self.json(1, "--pid", p.pid)
        finally:
            p.stdin.close()
            p.wait()
            p.stdout.close()
        self.assertEqual((found["program"], found["unblock"]), (os.path.realpath(program), "preloaded"))
        self.assertEqual(found["by_name"]["plugin.so"]["covered"], ["poll", "read", "recv"])
        self.assertTrue(found["by_name"]["plugin.so"]["late"])
        self.expect(3, "--pid", p.pid, parts=["No such file or directory"])

    # ---- what is refused ----

    def test_usage(self):
        self.expect(2, parts=["expected a program"])
        self.expect(2, "--pid", 1, "a", parts=["cannot be combined with a program or --preload"])
        self.expect(2, "--pid", 0, parts=["--pid"])

    def file(self, data):
        with open(self.path("file"), "wb") as f:
            f.write(data)
        return self.path("file")

    def head(self, bits=2, order=1, machine=62, kind=2):
        return b"\x7fELF" + bytes([bits, order, 1]) + bytes(9) + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, 64, 0, 0, 64, 56, 0, 0, 0, 0)

    def test_no_such_files(self):
        self.expect(3, self.path("nothing"), parts=["No such file or directory"])
        self.expect(3, self.dir, parts=["not a regular file"])
        os.mkfifo(self.path("fifo"))
        self.expect(3, self.path("fifo"), parts=["not a regular file"])
        self.expect(3, self.file(b""), parts=["not an ELF file"])
        self.expect(3, self.file(b"#!/bin/sh\n"), parts=["a script"])
        self.expect(3, self.file(self.head(bits=1)), parts=["a 32-bit file"])
        self.expect(3, self.file(self.head(order=2)), parts=["big-endian"])
        self.expect(3, self.file(self.head(machine=243)), parts=["another machine than x86_64 and aarch64"])
        self.expect(3, self.file(self.head(kind=1)), parts=["neither a program nor a shared library"])
        self.expect(4, self.file(self.head(machine=183)), parts=["statically"])

    def test_library_of_another_machine(self):
        program = self.program("linked", *BIDE, *UNBLOCK)
        with open(program, "rb") as f:
            machine = f.read(20)[18]
        self.expect(3, program, self.file(self.head(machine=183 if machine == 62 else 62)), parts=["built for another machine than the program"])

    def test_damaged_files_are_survived(self):
        with open(self.program("linked", *BIDE, *UNBLOCK), "rb") as f:
            whole = f.read()
        chance = random.Random(7)
        for i in range(60):
            data = bytearray(whole[:chance.randrange(len(whole))] if i % 2 else whole)
            for _ in range(chance.randrange(1, 40)):
                data[chance.randrange(min(len(data), 2000 if i % 4 < 2 else len(data)))] = chance.choice([0, 255, chance.randrange(256)]) if data else 0
            self.assertIn(bide("doctor", self.file(bytes(data))).code, (0, 1, 3, 4), i)


if __name__ == "__main__":
    unittest.main()
