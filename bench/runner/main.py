# SPDX-License-Identifier: MIT
"""main.py BUILD - run all figures and print what they are; bench/run.sh says how to choose."""
import json
import os
import resource
import shutil
import sys
import tempfile

from figures import FIGURES
from measure import Contestant, alternate
from peers import OwnPeers, Peers, warn
from servers import Servers
import table

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DESCRIPTORS = 20000


def raise_descriptor_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft < want:
        resource.setrlimit(resource.RLIMIT_NOFILE, (want, hard))


def cores():
    """Ours for the client, the last for the server; with one core nothing is pinned."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else (None, None)


def chosen():
    only = [name for name in os.environ.get("ONLY", "").split(",") if name]
    unknown = set(only) - {f.name for f in FIGURES}
    if unknown:
        sys.exit("bench: no such figure: %s (LIST=1 names them)" % ", ".join(sorted(unknown)))
    return [f for f in FIGURES if not only or f.name in only]


class Bench:
    def __init__(self, build, scratch):
        self.build = os.path.abspath(build)
        self.client_core, server_core = cores()
        source = os.path.join(HERE, "../../shared/bench") if os.environ.get("PEERS") != "0" else "/nonexistent"
        self.peers = Peers(os.path.normpath(source), os.path.join(self.build, "bench-peers"))
        self.own_peers = OwnPeers(os.path.join(HERE, "peers"), os.path.join(self.build, "bench-peers", "own"),
                                  os.path.join(self.build, "bench"), os.environ.get("PEERS") != "0")
        if not self.peers.there and os.environ.get("PEERS") != "0":
            warn("there is no ../shared/bench: its peers are left out")
        self.servers = Servers(scratch, server_core, os.path.join(self.build, "bide"),
                               self.peers.program("6-latency", "delayserver") if self.peers.there else None)
        self.rounds = int(os.environ.get("ROUNDS", "5"))
        self.places = {"bench": os.path.join(self.build, "bench"), "bide": os.path.join(self.build, "bide"),
                       "here": HERE, "runner": os.path.join(HERE, "runner"), "scratch": scratch, "cert": self.servers.cert,
                       "key": self.servers.key, "shared": self.peers.copy,
                       **self.servers.ports}

    def measure(self, figure):
        """The contestants of a figure, ours first; None if it cannot be measured here."""
        try:
            self.servers.need(figure.needs)
        except OSError as e:
            return warn("%s: skipped: %s" % (figure.name, e))
        if figure.needs == "servers":
            self.peers.make("5-http")  # one of them is the client
        if figure.name == "fetch":
            self.peers.prepare_fetchers(self.servers.ports)
        who = [] if os.environ.get("PEERS") == "all" else figure.who.split()
        peers = self.peers.of(figure.peers, who, self.servers.ports)
        if figure.peers_count:
            peers = [(name, command.replace(*figure.peers_count), folder) for name, command, folder in peers]
        reference = {row.against for row in figure.rows}
        peers.sort(key=lambda p: p[0] not in reference)  # right after ours
        folder = peers[0][2] if peers else self.build
        ours = Contestant("bide", figure.ours.format(**self.places), folder)
        contestants = [ours] + [Contestant(name, command.format(**self.places), self.build)
                                for name, command in figure.also.items()]
        contestants += [Contestant(*peer) for peer in peers + self.own_peers.of(figure.own_peers)]
        alternate(contestants, figure, self.rounds, self.client_core if figure.pin else None, self._progress(figure))
        for c in contestants:
            if c.error:
                warn("%s: %s: left out: %s" % (figure.name, c.name, c.error))
        return contestants if ours.runs else None

    def _progress(self, figure):
        def say(number, c):
            if sys.stderr.isatty():
                print("\r\033[K%s: round %d: %s" % (figure.name, number + 1, c.name), end="", file=sys.stderr)
        return say


def main():
    if os.environ.get("LIST"):
        for figure in FIGURES:
            print("%-18s %s" % (figure.name, figure.rows[0].what))
        return
    raise_descriptor_limit()
    figures = chosen()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    scratch = tempfile.mkdtemp(prefix="bide-bench.", dir=memory)
    bench = Bench(sys.argv[1], scratch)
    measured = []
    try:
        print(table.machine(bench.rounds))
        with open(os.path.join(bench.build, "bench.jsonl"), "w") as log:
            for figure in figures:
                contestants = bench.measure(figure)
                if sys.stderr.isatty():
                    print("\r\033[K", end="", file=sys.stderr)
                if not contestants:
                    continue
                measured.append((figure, contestants))
                print(table.details(figure, contestants), flush=True)
                for c in contestants:
                    for number, run in sorted(c.runs.items()):
                        log.write(json.dumps({"figure": figure.name, "program": c.name, "round": number, **run}) + "\n")
    finally:
        bench.servers.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    summary = table.summary(measured)
    print("\n" + summary)
    with open(os.path.join(bench.build, "bench.md"), "w") as f:
        f.write(table.machine(bench.rounds) + "\n\n" + summary + "\n")
    if len(measured) < len(figures):
        print("%d of %d figures could not be measured" % (len(figures) - len(measured), len(figures)))


main()
