#!/bin/bash
# SPDX-License-Identifier: MIT
# serve_threads.sh BIDE [SECONDS] [ROUNDS] - one server in one thread and in two, asked by wrk (64 connections, /json).
#
# Server and wrk have the same processors, and as many threads each: one of both on the first, two of both on the first two.  So
# twice the requests is all that there is to gain.  CPU is the server's alone: user and system, by /proc.
set -u
bide=$1 seconds=${2:-4} rounds=${3:-3}
port=18099

# ticks PID: CPU time of a process, in hundredths of a second
ticks() {
    awk '{print $14 + $15}' "/proc/$1/stat"
}

# ask PROCESSORS THREADS: requests a second, and microseconds of CPU for one
ask() {
    taskset -c "$1" "$bide" serve --port $port --threads "$2" >/dev/null &
    local server=$! before after said
    sleep 0.5
    before=$(ticks $server)
    said=$(taskset -c "$1" wrk "-t$2" -c64 "-d${seconds}s" "http://127.0.0.1:$port/json")
    after=$(ticks $server)
    kill $server
    wait $server 2>/dev/null
    awk -v cpu=$((after - before)) '/requests in/ {n = $1} /Requests\/sec/ {print $2, cpu * 10000 / n}' <<<"$said"
}

for _ in $(seq "$rounds"); do
    read -r one one_cpu < <(ask 0 1)
    read -r two two_cpu < <(ask 0,1 2)
    awk -v a="$one" -v b="$two" -v c="$one_cpu" -v d="$two_cpu" 'BEGIN {
        printf "1 thread %.0f/s %.2f us, 2 threads %.0f/s %.2f us: %.2f x the requests, %.2f x the CPU each\n", a, c, b, d, b / a, d / c}'
done
