#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh BUILD - every figure of bench/README.md: ours, and the peers of ../shared/bench where they are there.
#
# ROUNDS=5  how often each is run        ONLY=a,b  these figures alone; LIST=1 names them
# PEERS=0   ours alone; PEERS=all: every peer, which takes long
# RUST=1    install and make the peers in Rust, too; INSTALL=0: install nothing
#
# The table is kept in BUILD/bench.md, and each run in BUILD/bench.jsonl.
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
