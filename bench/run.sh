#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh BUILD - every figure of bench/README.md: ours, and the peers of ../shared/bench where they are there.
#
# ROUNDS=5 how often each is run; ONLY=a,b these figures alone (LIST=1 names them); PEERS=0 ours alone;
# INSTALL=0 do not install what the peers are made of; RUST=1 install and make those in Rust, too.  The last table is kept in BUILD/bench.md, each run in
# BUILD/bench.jsonl.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 1 ] || {
    echo "usage: bench/run.sh BUILD" >&2
    exit 2
}

if [ "${INSTALL:-1}" != 0 ] && [ -z "${LIST:-}" ]; then
    want=--bench
    [ -z "${RUST:-}" ] || want=--bench-rust
    scripts/deps.sh $want || echo "bench: going on with what is there" >&2
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 bench/runner/main.py "$1"
