# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# begin.sh - for the tests here: `. "${0%/*}/begin.sh"` makes a folder, $dir, which goes at the end, as does the process $pid.
dir=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null || true; rm -rf "$dir"' EXIT

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

skip()
{
    echo "skipped: $*"
    exit 77
}

has_no_sanitizer()
{
    ! nm -D "${BIDE_BUILD:?}/src/libbide.so" | grep -q '__asan_init\|__tsan_init'
}
