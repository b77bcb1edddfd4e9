# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# folder.sh - for tests in sh: `. "${BIDE_SOURCE:?}/tests/folder.sh"` makes a folder, $dir, which goes at the end, as does the
# process $pid, if it is set.
dir=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null || true; rm -rf "$dir"' EXIT

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}
