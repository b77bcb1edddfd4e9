# SPDX-License-Identifier: MIT
"""The peers: small programs, one for each library and kind of work.

Those of ../shared/bench are copied into the build folder and made there, once; one that cannot be made is left out with a
word.  A .peers file has a line `name<TAB>command` for each; the ports that the commands name are replaced by ours.

Those of bench/peers are part of the project; a figure names them itself.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

from servers import SMALL_FILES

PORTS = {"18080": "http", "18443": "https", "18090": "delay"}


class Peers:
    def __init__(self, source, copy):
        self.source, self.copy, self.made = source, copy, set()
        self.there = os.path.isdir(source)
        if self.there:
            self._copy_newer()

    def _copy_newer(self):
        for folder, _, files in os.walk(self.source):
            to = os.path.join(self.copy, os.path.relpath(folder, self.source))
            os.makedirs(to, exist_ok=True)
            for name in files:
                old, new = os.path.join(folder, name), os.path.join(to, name)
                if not os.path.exists(new) or os.path.getmtime(new) != os.path.getmtime(old):
                    shutil.copy2(old, new)
                    os.chmod(new, os.stat(new).st_mode | 0o200)

    def program(self, folder, name):
        """The path of a program, made if need be; it may be that it cannot."""
        self.make(folder)
        return os.path.join(self.copy, folder, name)

    def make(self, folder):
        """The lines of its run.sh that begin with P, G or R: C, Go and Rust programs."""
        if not self.there or folder in self.made:
            return
        self.made.add(folder)
        rust = glob.glob("/usr/share/cargo/registry/tokio-[0-9]*")
        env = dict(os.environ, **({} if rust else {"NO_RUST": "1"}))
        script = '. ../common/build.sh; eval "$(grep "^[PGR] " run.sh)"'
        cwd = os.path.join(self.copy, folder)
        subprocess.run(["sh", "-c", script], cwd=cwd, env=env, stdout=subprocess.DEVNULL, check=False)

    def of(self, path, who, ports):
        """[(name, command, folder)] of a .peers file, those in `who` or all; none if it is not there."""
        if not path or not self.there:
            return []
        folder = os.path.dirname(path)
        self.make(folder)
        found = []
        with open(os.path.join(self.copy, path + ".peers")) as lines:
            for line in lines:
                if "\t" not in line or line.startswith("#"):
                    continue
                name, command = line.rstrip("\n").split("\t", 1)
                if (not who or name in who) and self._is_made(folder, command):
                    found.append((name.strip(), self._with_ports(command.strip(), ports), os.path.join(self.copy, folder)))
        return found

    def _is_made(self, folder, command):
        """Those in Rust are many and seldom there: they are left out without a word each."""
        words = [word for word in command.split() if "/rust/target/" in word]
        return not words or os.path.exists(os.path.join(self.copy, folder, words[0]))

    def _with_ports(self, text, ports):
        return re.sub("|".join(PORTS), lambda m: str(ports[PORTS[m.group()]]), text)

    def prepare_fetchers(self, ports):
        """The command-line peers read their URLs from a file, and have the address in a script."""
        folder = os.path.join(self.copy, "7-cli")
        if not self.there or not os.path.isdir(folder):
            return
        with open(os.path.join(self.source, "7-cli/one.sh")) as f:
            script = self._with_ports(f.read(), ports)
        with open(os.path.join(folder, "one.sh"), "w") as f:
            f.write(script)
        with open(os.path.join(folder, "urls.txt"), "w") as f:
            f.writelines("http://127.0.0.1:%d/f/%d.json\n" % (ports["http"], i) for i in range(SMALL_FILES))


class OwnPeers:
    """Those of bench/peers.  What they need is looked for once; without it they are left out with a word."""

    PYTHON = "/usr/bin/python3"
    # By the name in the table: the program, or the Python module.
    GO = {"go-channels": "pool", "go": "tasks", "go-channel": "hand_off"}
    RUST = {"tokio": "hand_off"}
    C = {"libuv": ("udp_echo", "libuv")}
    MODULES = {"mp.Pool": "multiprocessing", "ProcessPoolExecutor": "concurrent.futures", "aiomultiprocess": "aiomultiprocess",
               "asyncio": "asyncio"}

    def __init__(self, source, made, bench, wanted):
        self.source, self.made, self.bench, self.wanted, self.found = source, made, bench, wanted, {}

    def of(self, commands):
        """[(name, command, folder)] of those that can run here."""
        if not self.wanted:
            return []
        places = {"python": self.PYTHON, "peers": self.source, "made": self.made, "bench": self.bench}
        return [(name, command.format(**places), self.source) for name, command in commands.items() if self._can(name)]

    def _can(self, name):
        if name not in self.found:
            missing = self._missing(name)
            self.found[name] = not missing
            if missing:
                warn("%s: left out: %s" % (name, missing))
        return self.found[name]

    def _missing(self, name):
        if name in self.GO:
            return self._make_go(self.GO[name])
        if name in self.RUST:
            return self._make_rust()
        if name in self.C:
            return self._make_c(*self.C[name])
        module = self.MODULES[name]
        imported = subprocess.run([self.PYTHON, "-c", "import " + module], stderr=subprocess.DEVNULL, check=False)
        return imported.returncode and "%s has no module %s" % (self.PYTHON, module)

    def _make_go(self, name):
        if not shutil.which("go"):
            return "there is no go"
        os.makedirs(self.made, exist_ok=True)
        command = ["go", "build", "-o", os.path.join(self.made, name), os.path.join(self.source, name + ".go")]
        made = subprocess.run(command, env=dict(os.environ, GO111MODULE="off"), stderr=subprocess.DEVNULL, check=False)
        return made.returncode and "go could not make it"

    def _make_c(self, name, package):
        os.makedirs(self.made, exist_ok=True)
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", package], capture_output=True, text=True, check=False)
        if flags.returncode:
            return "there is no %s" % package
        command = ["cc", "-O2", "-D_GNU_SOURCE", "-o", os.path.join(self.made, name + "-" + package),
                   os.path.join(self.source, name + ".c"), *flags.stdout.split()]
        return subprocess.run(command, check=False).returncode and "cc could not make it"

    def _make_rust(self):
        """All of peers/Cargo.toml, of the crates that Debian's packages have."""
        registry = "/usr/share/cargo/registry"
        if not shutil.which("cargo") or not glob.glob(registry + "/tokio-[0-9]*"):
            return "there is no cargo, or no crate tokio (RUST=1 installs them)"
        folder = os.path.join(self.made, "rust")
        os.makedirs(folder, exist_ok=True)
        for path in [os.path.join(self.source, "Cargo.toml")] + glob.glob(self.source + "/*.rs"):
            shutil.copy2(path, folder)
        command = ["cargo", "build", "-q", "--release", "--offline", "--config", 'source.crates-io.replace-with="debian"',
                   "--config", 'source.debian.directory="%s"' % registry]
        return subprocess.run(command, cwd=folder, check=False).returncode and "cargo could not make it"


def warn(text):
    print("bench: " + text, file=sys.stderr)
