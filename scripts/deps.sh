#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh [OPTION...] - install what the build needs and is not there (Debian and Ubuntu); elsewhere, list it.
#
#   --test        also what `make test` uses: a Redis, GLib and libuv; without one its tests are skipped
#   --ci          that, and what .ci/run uses: clang, clang-tidy, valgrind, shellcheck, two more shells, a cross compiler, ...
#   --bench       also what `make bench` uses: a Redis, servers, and the libraries and tools that it compares with
#   --bench-rust  that, and a good part of Debian's Rust (650 MB), for the peers in it
#   --dry-run     only say what would be done
#
# When everything is there it takes a few milliseconds, touches no network and prints nothing.
set -eu

test=false
ci=false
bench=false
rust=false
dry_run=false
for arg; do
    case $arg in
    --test) test=true ;;
    --ci) test=true ci=true ;;
    --bench) test=true bench=true ;;
    --bench-rust) test=true bench=true rust=true ;;
    --dry-run) dry_run=true ;;
    *)
        echo "usage: deps.sh [--test | --ci | --bench | --bench-rust] [--dry-run]" >&2
        exit 2
        ;;
    esac
done

missing=
reasons= # a line for each: what was looked for, in words that mean something on every system
want() { # PACKAGE REASON CHECK...: the package is needed if the check fails
    package=$1 reason=$2
    shift 2
    "$@" >/dev/null 2>&1 && return
    missing="$missing $package"
    reasons="$reasons$(printf '    %-24s %s' "$package" "$reason")
"
}
tool() { # PACKAGE COMMAND
    want "$1" "the program $2" command -v "$2"
}
library() { # PACKAGE PKG-CONFIG-NAME
    want "$1" "the library $2, for pkg-config" pkg-config --exists "$2"
}
header() { # PACKAGE HEADER
    want "$1" "the header $2" has_header "$2"
}
has_header() {
    echo "#include <$1>" | cc -E -o /dev/null -
}
has_clang_runtime() {
    [ -f "$(clang -print-file-name=libclang_rt.fuzzer-"$(uname -m)".a)" ] ||
        ls "$(clang -print-resource-dir)"/lib/*/libclang_rt.fuzzer*.a
}
has_cross_libc() {
    [ -f /usr/aarch64-linux-gnu/lib/libc.so.6 ]
}

required() {
    tool gcc cc
    tool g++ c++
    tool make make
    tool meson meson
    tool ninja-build ninja
    tool pkg-config pkg-config
    tool python3 python3
    tool openssl openssl
    library libssl-dev openssl
    library libc-ares-dev libcares
    library libjansson-dev jansson
    library liburing-dev liburing
    library libidn2-dev libidn2
    library libpsl-dev libpsl
    library zlib1g-dev zlib
    library libbrotli-dev libbrotlienc
    library libzstd-dev libzstd
    library libhiredis-dev hiredis
    # libidn2's static linking asks for it (pkg-config --static --libs bide), but Debian's package does not.
    header libunistring-dev unistr.h
    $ci || return 0
    tool gcc gcc
    tool clang clang
    tool clang-tidy clang-tidy
    tool llvm llvm-symbolizer
    tool valgrind valgrind
    tool shellcheck shellcheck
    tool man-db man
    tool mandoc mandoc
    tool zsh zsh
    tool fish fish
    tool curl curl
    tool nginx-light nginx
    tool gdb gdb
    tool tinyproxy tinyproxy
    want squid "the program squid" test -x /usr/sbin/squid
    want dante-server "the program danted" test -x /usr/sbin/danted
    library libcurl4-openssl-dev libcurl
    library libpq-dev libpq
    library libmariadb-dev libmariadb
    library libsqlite3-dev sqlite3
    tool mariadb-server-core mariadbd
    library libssh2-1-dev libssh2
}
# It comes with a database that is started at once, unless postgresql-common is told otherwise: that nobody asked for.
postgres() {
    want postgresql "the program initdb, of PostgreSQL" has_postgres
    [ -n "$missing" ] && may_install && ! $dry_run && [ ! -d /etc/postgresql-common ] || return 0
    apt install --no-install-recommends postgresql-common || return 0
    as_root sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
}
has_postgres() {
    command -v initdb || ls /usr/lib/postgresql/*/bin/initdb
}
# It comes with a service that is started at once, unless this file is there: that nobody asked for.
ssh_server() {
    want openssh-server "the program sshd" test -x /usr/sbin/sshd
    [ -n "$missing" ] && may_install && ! $dry_run || return 0
    as_root mkdir -p /etc/ssh
    as_root touch /etc/ssh/sshd_not_to_be_run
}
# Debian's redis-server is a link to this program, and a service that starts when it is installed: that nobody asked for.
redis() {
    want redis-tools "the program redis-server, or redis-check-rdb: they are one" has_redis
}
# Loops that examples/inside_*.c run in.
other_loops() {
    library libglib2.0-dev glib-2.0
    library libuv1-dev libuv
}
has_redis() {
    command -v redis-server || command -v redis-check-rdb
}
peers() {
    tool nginx-light nginx
    tool strace strace
    tool curl curl
    tool wget2 wget2
    tool aria2 aria2c
    tool wrk wrk
    tool nghttp2-client h2load
    tool golang-go go
    library libcurl4-openssl-dev libcurl
    library libuv1-dev libuv
    for module in aiohttp uvloop gevent requests; do
        want "python3-$module" "the module $module of /usr/bin/python3" /usr/bin/python3 -c "import $module"
    done
    $rust || return 0
    tool cargo cargo
    for crate in tokio hyper hyper-tls reqwest tokio-native-tls; do
        want "librust-$crate-dev" "the crate $crate" has_crate "$crate"
    done
}
has_crate() {
    ls -d "/usr/share/cargo/registry/$1"-[0-9]*
}
# Needs to know which clang there is.
clang_runtime() {
    version=$(clang -dumpversion 2>/dev/null | cut -d. -f1)
    want "libclang-rt-${version:-14}-dev" "the runtime of clang's sanitizers and fuzzer" has_clang_runtime
}
cross() {
    tool gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
    want libc6-dev-arm64-cross "a libc for aarch64" has_cross_libc
    tool qemu-user qemu-aarch64
}

list_for_others() {
    echo "bide: this script installs on Debian and Ubuntu, as root or with sudo.  Here please install what is missing"
    echo "by hand; Debian's name is on the left:"
    printf '%s' "$reasons"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}
apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1
}
may_install() {
    command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1; }
}

# What is missing by now; the lists of packages may be old or absent: then once more with new ones.
install_missing() {
    # shellcheck disable=SC2086 # a list of words
    set -- $missing
    missing=
    [ $# -gt 0 ] || return 0
    if ! may_install; then
        list_for_others >&2
        return 1
    fi
    if $dry_run; then
        echo "would install: $*"
        return 0
    fi
    reasons=
    echo "installing: $*"
    apt install --no-install-recommends "$@" && return 0
    apt update && apt install --no-install-recommends "$@" && return 0
    tail -n 20 "$log" >&2
    echo "bide: apt-get could not install: $*" >&2
    return 1
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
required
install_missing
if $test; then
    redis
    other_loops
    install_missing || echo "going on without: their tests will be skipped" >&2
fi
if $bench; then
    peers
    install_missing
fi
if $ci; then
    clang_runtime
    install_missing
    postgres
    install_missing || echo "going on without"
    ssh_server
    install_missing || echo "going on without"
    cross
    install_missing || echo "going on without these"
fi
