#!/bin/sh
# SPDX-License-Identifier: MIT
# sources.sh FOLDER [SUFFIX] - the files of a folder that end in SUFFIX (.c), sorted, one per line; none if it is absent.
#
# Meson asks this when it configures, so a new file needs `meson setup --reconfigure`; scripts/configure.sh sees to it.
set -eu
cd "$(dirname "$0")/.."
[ -d "$1" ] || exit 0
find "$1" -maxdepth 1 -type f -name "*${2:-.c}" | LC_ALL=C sort
