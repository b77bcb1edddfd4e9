# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# begin.sh - for the tests here: `. "${0%/*}/begin.sh"` makes a folder, $dir, which goes at the end, as does the process $pid.
# shellcheck source=tests/folder.sh
. "${BIDE_SOURCE:?}/tests/folder.sh"

skip()
{
    echo "skipped: $*"
    exit 77
}

has_no_sanitizer()
{
    ! nm -D "${BIDE_BUILD:?}/src/libbide.so" | grep -q '__asan_init\|__tsan_init'
}
