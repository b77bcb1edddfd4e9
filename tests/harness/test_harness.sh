#!/bin/sh
# SPDX-License-Identifier: MIT
# test_harness.sh PROGRAM MISPLACED - test_selftest.c's results are what the names say, and the failures name their cause.
set -u
program=$1 misplaced=$2
run() { # in a cross build through the emulator
    ${MESON_EXE_WRAPPER:-} "$program" "$@"
}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
bad=0

complain() {
    echo "test_harness: $*"
    bad=1
}

BIDE_TEST_SLOW=1 run --jobs 4 >"$out" 2>&1
[ $? -eq 1 ] || complain "the exit status is not 1"
grep -E '^(not )?ok ' "$out" | grep -vE '^ok [0-9]+ - pass_[a-z_]+$|^ok [0-9]+ - skip_here # SKIP no reason at all$|^not ok [0-9]+ - fail_[a-z_]+$' &&
    complain "these went otherwise than their names say"
[ "$(grep -cE '^(not )?ok ' "$out")" -eq "$(run --list | wc -l)" ] || complain "not all were run"
while IFS= read -r words; do
    grep -qF "$words" "$out" || complain "nowhere: $words"
done <<'WORDS'
tests/harness/test_selftest.c:57: expected 1 + 1 == 3, but they are 2 and 3
"one" is
differs at byte 2 of 3
(no such host name); error on record: example.com: asked in vain
leaked: descriptor
leaked: 1 allocations
something called exit() in the middle
timed out after 1 s
not true: 0 > 1
killed by SIGABRT
WORDS
[ "$(run 'pass_t*' 2>/dev/null | grep -c '^ok')" -eq 2 ] || complain "a glob does not choose"
BIDE_TEST_SKIP='no* *_too' run --file harness/test_second.c >"$out" 2>&1
{ grep -qx 'ok [12] - pass_second_file' "$out" && grep -qx 'ok [12] - pass_second_file_too # SKIP BIDE_TEST_SKIP' "$out"; } ||
    complain "BIDE_TEST_SKIP does not choose"
[ "$(run --file harness/test_second.c 2>/dev/null | grep -c '^ok')" -eq 2 ] || complain "--file does not choose"
[ "$(run --file harness/test_second.c '*_too' 2>/dev/null | grep -c '^ok')" -eq 1 ] || complain "--file and a glob do not choose"
run --file second.c 2>/dev/null && complain "--file takes a part of a name"
run --file harness/test_selftest.c 'pass_second*' 2>/dev/null && complain "nothing that is chosen passes"
${MESON_EXE_WRAPPER:-} "$misplaced" --file harness/test_second.c >"$out" 2>&1 && complain "a test in a misnamed file is passed over"
grep -qF 'misplaced.c: a test in a file that is not called test_*.c (pass_nowhere)' "$out" || complain "a misnamed file is not named"
run --no-fork pass_unit 2>/dev/null || complain "--no-fork fails"
run --nonsense 2>/dev/null && complain "an unknown option is taken"

# Ctrl-C and the like end it by that signal, with all that it has started.
${MESON_EXE_WRAPPER:-} "$program" fail_late >/dev/null 2>&1 &
pid=$!
children=
for _ in $(seq 50); do
    children=$(cat "/proc/$pid/task/$pid/children")
    [ -z "$children" ] || break
    sleep 0.1
done
kill -TERM $pid
wait $pid
[ $? -eq 143 ] || complain "SIGTERM does not end it"
[ -n "$children" ] || complain "nothing was running when SIGTERM came"
for child in $children; do
    [ ! -e "/proc/$child" ] || complain "$child lives on after SIGTERM"
done
[ $bad -eq 0 ] || cat "$out"
exit $bad
