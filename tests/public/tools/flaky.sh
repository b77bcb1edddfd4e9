#!/bin/sh
# SPDX-License-Identifier: MIT
# flaky.sh SOURCE - .ci/run repeats what failed, and its summary counts and names what passed then.  TAP.
#
# In a small tree that has .ci/run and no tests: `make test` and `meson` only write the logs that stand here.
set -eu
source=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
status=0

outcome() { # ok|"not ok" NAME
    n=$((n + 1))
    echo "$1 $n - $2"
    [ "$1" = ok ] || { status=1; sed 's/^/# /' "$tmp/out"; }
}
has() { # NAME LINE
    if grep -qxF -- "$2" "$tmp/out"; then outcome ok "$1"; else outcome "not ok" "$1"; fi
}
ends() { # NAME LINE STATUS
    if [ "$(tail -n 1 "$tmp/out")" = "$2" ] && [ "$(cat "$tmp/status")" = "$3" ]; then
        outcome ok "$1"
    else
        outcome "not ok" "$1"
    fi
}

mkdir -p "$tmp/tree/.ci" "$tmp/tree/scripts" "$tmp/tree/build/meson-logs" "$tmp/bin"
cp "$source/.ci/run" "$tmp/tree/.ci"
cp "$source/scripts/count.py" "$tmp/tree/scripts"
printf 'test:\n\t@cp first build/meson-logs/testlog.json; ! grep -q FAIL first\n' >"$tmp/tree/Makefile"
# meson test -C BUILD ... --logbase NAME ... TEST...
cat >"$tmp/bin/meson" <<'MESON'
#!/bin/sh
echo "$@" >asked
while [ $# -gt 0 ]; do
    case $1 in
    --logbase) base=$2 ;;
    esac
    shift
done
cp second "build/meson-logs/${base:-testlog}.json"
! grep -q FAIL second
MESON
chmod +x "$tmp/bin/meson"

# The logs of the first and the second run, as lines; then .ci/run.
run() { # FIRST SECOND
    printf '%s\n' "$1" >"$tmp/tree/first"
    printf '%s\n' "$2" >"$tmp/tree/second"
    rm -f "$tmp/tree/asked"
    echo 0 >"$tmp/status"
    (cd "$tmp/tree" && PATH=$tmp/bin:$PATH .ci/run make-test) >"$tmp/out" 2>&1 || echo $? >"$tmp/status"
}
log() { # NAME RESULT [STDOUT]
    printf '{"name": "bide:rooms / %s", "result": "%s", "stdout": "%s"}\n' "$1" "$2" "${3:-}"
}

core=$(log core OK '1..2\nok 1 - a\nok 2 - b\n')
pool_bad=$(log pool FAIL '1..3\nok 1 - c\nnot ok 2 - lane_full_waits\nok 3 - d\n')
pool_good=$(log pool OK '1..3\nok 1 - c\nok 2 - lane_full_waits\nok 3 - d\n')
script_bad=$(log cli-test_get FAIL)
script_good=$(log cli-test_get OK)

run "$core
$pool_bad
$script_bad" "$pool_good
$script_good"
has 'what passed when repeated is counted' 'flaky: 2'
has 'a TAP test is named with what failed in it' '    build: pool: lane_full_waits'
has 'a script is named' '    build: cli-test_get'
ends 'the tests that were not repeated count, and the job' '7 passed, 0 failed' 0
if grep -q ' pool cli-test_get$' "$tmp/tree/asked"; then
    outcome ok 'only those that failed are repeated'
else
    outcome "not ok" 'only those that failed are repeated'
fi

run "$core
$pool_bad" "$pool_bad"
has 'what fails again is not flaky' 'flaky: 0'
ends 'what fails again has failed, and the job' '4 passed, 2 failed' 1

run "$core
$script_bad" "$(log cli-test_get SKIP)"
has 'what is skipped when repeated is not flaky' 'flaky: 0'
ends 'what is skipped when repeated has failed' '3 passed, 1 failed' 1

run "$core
$pool_good" ""
has 'nothing failed' 'flaky: 0'
ends 'nothing failed: all have passed' '6 passed, 0 failed' 0
if [ ! -e "$tmp/tree/asked" ]; then outcome ok 'nothing is repeated'; else outcome "not ok" 'nothing is repeated'; fi

run "$(log a FAIL; log b FAIL; log c FAIL; log d FAIL)" ""
ends 'more than three are no accident' '0 passed, 5 failed' 1
if [ ! -e "$tmp/tree/asked" ]; then outcome ok 'they are not repeated'; else outcome "not ok" 'they are not repeated'; fi
echo "1..$n"
exit $status
