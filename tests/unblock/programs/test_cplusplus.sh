#!/bin/sh
# SPDX-License-Identifier: MIT
# test_cplusplus.sh - a program in C++: std::call_once whose function throws is run by the next task, and locks, conditions and sleeps
# of the standard library suspend their task alone.  `bide doctor` has nothing against it.
set -eu
bide=${BIDE:?} build=${BIDE_BUILD:?} source=${BIDE_SOURCE:?}
cxx=${CXX:-c++}
command -v "$cxx" >/dev/null || { echo "skipped: there is no $cxx"; exit 77; }
if nm -D "$build/src/libbide.so" | grep -q '__asan_init\|__tsan_init'; then
    echo "skipped: a sanitizer is to come first"
    exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/program.cc" <<'END'
#include <bide/bide.h>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;

static std::once_flag once;
static std::mutex m;
static std::condition_variable changed;
static int tries, runs, seen;

/* The first that runs it throws, while the others wait. */
static int call(int i)
{
    try {
        std::call_once(once, [i] {
            std::this_thread::sleep_for(5ms);
            if (tries++ == 0)
                throw std::runtime_error("not yet");
            runs += i >= 0;
        });
    } catch (const std::runtime_error &) {
        std::puts("thrown");
    }
    return 0;
}

static int wait_for_all(int n)
{
    std::unique_lock<std::mutex> lock(m);
    seen++;
    changed.notify_all();
    return changed.wait_for(lock, 10s, [n] { return seen == n; }) ? 0 : -1;
}

static int app(void)
{
    bide_awaitable all[6];
    for (int i = 0; i < 3; i++) {
        all[i] = BIDE_AW(bide_coro(call, i));
        all[3 + i] = BIDE_AW(bide_coro(wait_for_all, 3));
    }
    int code = bide_gather_n(all, 6);
    std::printf("%d: %d tries, %d runs\n", code, tries, runs);
    return 0;
}

int main()
{
    return bide_main(bide_coro(app));
}
END
"$cxx" -std=c++17 -I"$source/include" -o "$dir/program" "$dir/program.cc" -L"$build/src" -L"$build/src/unblock" -lbide \
    -Wl,--push-state,--no-as-needed -lbide-unblock -Wl,--pop-state -Wl,-rpath,"$build/src:$build/src/unblock" -pthread
printf 'thrown\n0: 2 tries, 1 runs\n' >"$dir/expected"
timeout 60 "$dir/program" >"$dir/out"
diff -u "$dir/expected" "$dir/out"
"$bide" doctor "$dir/program" >"$dir/report" || { cat "$dir/report"; exit 1; }
