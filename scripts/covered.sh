#!/bin/sh
# SPDX-License-Identifier: MIT
# covered.sh MAP - the names of libc that a version script exports, as the list of src/coverage/coverage.h; the build asks.
set -eu
awk 'BEGIN { print "#include \"coverage/coverage.h\"\n\nconst char *const bide__covered[] = {" }
     /local:/ { exit }
     /^ +bide_/ { next }
     /^ +[a-z_0-9]+;$/ { sub(";", ""); print "    \"" $1 "\","; n++ }
     END { print "};\nconst size_t bide__covered_count = " n ";" }' "$1"
