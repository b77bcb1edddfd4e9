#!/bin/sh
# SPDX-License-Identifier: MIT
# test_files.sh - `bide fetch` and the files it makes: whom they let in, what a kill leaves behind, links that are put
# in the way while it runs, and which file and URL an error names; all of it for short bodies and for long ones.
set -eu
. "${BIDE_SOURCE:?}/tests/cli/lib.sh"

start "$here/faults.py"
base=$url
short=$base/bytes/7
long=$base/bytes/400000
unknown=$base/chunked/300000 # nobody says how long it will be
umask 022

# ---- modes ----
mode_of()
{
    stat -c %a "$1"
}

for mode in 600 640 444 755 604; do
    for body in "$short" "$long" "$unknown" "$base/chunked/5"; do
        rm -rf kept && mkdir kept && echo old >kept/f && chmod $mode kept/f
        must 0 fetch -q "$body" -o kept/f
        test "$(mode_of kept/f)" = $mode || fail "$body: $(mode_of kept/f) in place of $mode"
        test "$(head -c 3 kept/f)" != old || fail "$body: it is the old file"
        no_rest kept
    done
done
for body in "$short" "$long"; do
    rm -rf kept && must 0 fetch -q "$body" -O kept
    name=$(find kept -type f)
    chmod 600 "$name"
    must 0 fetch -q "$body" -O kept
    test "$(mode_of "$name")" = 600 || fail "-O $body: $(mode_of "$name")"
    rm "$name"
    (umask 027 && must 0 fetch -q "$body" -O kept)
    test "$(mode_of "$name")" = 640 || fail "-O $body, new: $(mode_of "$name")"
done
if [ "$(id -u)" = 0 ]; then
    for body in "$short" "$long"; do
        rm -f owned && echo old >owned && chown 65534:12345 owned && chmod 640 owned
        must 0 fetch -q "$body" -o owned
        test "$(stat -c %u:%g:%a owned)" = 65534:12345:640 || fail "$body: $(stat -c %u:%g:%a owned)"
    done
fi

# ---- kill -9 ----
begin()
{
    "$bide" fetch "$@" >out 2>err &
    pid=$!
    pids="$pids $pid"
}

# Until so many files without a name are being written.
wait_for_files()
{
    for _ in $(seq 200); do
        n=$(find "/proc/$pid/fd" -printf '%l\n' 2>/dev/null | grep -c '(deleted)$' || true)
        test "$n" -lt "$1" || return 0
        sleep 0.05
    done
    fail "$n files are being written in place of $1"
}

mkdir killed && echo old >killed/1
begin -q "$base/pause/{300000,300001,300002}/60000" -o 'killed/{i}'
wait_for_files 3
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
test "$(names_in killed)" = "1 " || fail "left behind: $(names_in killed)"
test "$(cat killed/1)" = old || fail "the old file is gone"

# ---- a link that is put in the way ----
swap() # BODY: the directory becomes a link while it comes.
{
    rm -rf moved outside && mkdir moved outside
    begin -q "$1" -o 'moved/{n}/x/f' --retries 0
    for _ in $(seq 200); do
        test ! -d moved/1/x || break
        sleep 0.02
    done
    mv moved/1 moved/elsewhere
    ln -s ../outside moved/1
    code=0
    wait "$pid" || code=$?
    test "$code" = 3 || fail "$1: exit $code"
    said "$1: moved/1/x/f: a link on its way leads out of moved/"
    test -z "$(names_in outside)" || fail "$1: written outside: $(names_in outside)"
    no_rest moved
}
swap "$base/pause/300000/1000"

# The root's own path is the user's, and may have links in it.  What has a name and is no file is not replaced.
mkdir -p real && ln -s real root
must 0 fetch -q "$short" "$long" -o 'root/{i}'
test "$(names_in real)" = "0 1 " || fail "the root may be a link: $(names_in real)"
rm -f real/* && mkfifo real/1 real/2
must 3 fetch -q "$base/bytes/{8,300000}" -o 'root/{n}'
said "$base/bytes/8: root/1: there is something that is no file"
said "$base/bytes/300000: root/2: there is something that is no file"
test "$(names_in real)" = "1 2 " || fail "pipes: $(names_in real)"

# ---- errors name the file that was wanted, and the URL ----
names_both() # FILE URL REASON
{
    said "GET $2: write $1: $3"
    test "$(grep -c '\.bide-\|/proc/self' err)" = 0 || fail "a temporary name: $(cat err)"
    test -z "$(find "${1%/*}" -type f)" || fail "left behind: $(find "${1%/*}" -type f)"
}

for body in "$base/bytes/100000" "$long" "$unknown"; do
    code=0
    (
        # shellcheck disable=SC3045 # not in POSIX, but in every shell that is /bin/sh
        ulimit -f 64
        exec "$bide" fetch -q "$body" -o 'limited/f{i}'
    ) 2>err || code=$?
    test "$code" = 3 || fail "ulimit -f, $body: exit $code"
    names_both limited/f0 "$body" "File too large"
done
if [ "$(id -u)" = 0 ]; then
    mkdir small && mount -t tmpfs -o size=64k none small 2>/dev/null && mounted=$dir/small
fi
if [ -n "$mounted" ]; then
    for body in "$base/bytes/100000" "$long" "$unknown"; do
        must 3 fetch -q "$body" -o 'small/f{i}'
        names_both small/f0 "$body" "No space left on device"
        must 3 fetch -q "$body" -o 'small/{n}/f'
        names_both small/1/f "$body" "No space left on device"
    done
    umount small
    mounted=
else
    echo "not tested: a full disk (needs root and mount)"
fi
code=0
"$bide" fetch -q "$long" -o /dev/full 2>err || code=$?
test "$code" = 3 || fail "/dev/full: exit $code"
said "GET $long: write /dev/full: No space left on device"
code=0
"$bide" fetch -q "$long" >/dev/full 2>err || code=$?
test "$code" = 3 || fail "standard output full: exit $code"
said "GET $long: standard output: No space left on device"

# A directory that may not be changed: for root, one of a file system that may not.
mkdir -p locked/1
if [ "$(id -u)" = 0 ]; then
    if mount -t tmpfs none locked/1 2>/dev/null && mount -o remount,ro locked/1; then
        mounted=$dir/locked/1
        reason="Read-only file system"
    fi
else
    chmod 555 locked/1
    reason="Permission denied"
fi
if [ -n "${reason-}" ]; then
    for body in "$short" "$long"; do
        must 3 fetch -q "$body" -o 'locked/{n}/f'
        names_both locked/1/f "$body" "$reason"
    done
    test -z "$mounted" || umount "$mounted"
    mounted=
fi

# Name and password of a URL are in none of them.
must 3 fetch -q "http://me:secret@${long#http://}" -o /dev/full
said "GET $long: write /dev/full"
test "$(grep -c secret err)" = 0 || fail "a password: $(cat err)"
echo ok
