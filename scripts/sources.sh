#!/bin/sh
# SPDX-License-Identifier: MIT
# sources.sh FOLDER [SUFFIX] - the files at and below a folder that end in SUFFIX (.c), sorted, one per line; none if it is
# absent.  Left out is what somebody else chooses: folders below it that have a meson.build of their own, and arch/.
#
# Meson asks this when it configures, so a new file needs `meson setup --reconfigure`; scripts/configure.sh sees to it.
set -eu
cd "$(dirname "$0")/.."
[ -d "$1" ] || exit 0
find "$1" -mindepth 1 -type d \( -name arch -o -exec test -f '{}/meson.build' \; \) -prune -o \
    -type f -name "*${2:-.c}" -print | LC_ALL=C sort
