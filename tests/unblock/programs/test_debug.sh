#!/bin/sh
# SPDX-License-Identifier: MIT
# test_debug.sh - the environment: BIDE_DEBUG=1 reports waits with a lock held, BIDE_UNBLOCK takes options.
set -eu
program=${BIDE_BUILD:?}/tests/test-unblock

BIDE_DEBUG=1 "$program" options_debug_reports_who_waits_with_a_lock | grep '^ok 1' | grep -v -i skip
out=$(BIDE_UNBLOCK=tsd,pipe,pipes "$program" --list 2>&1 | grep '^bide-unblock:')
[ "$out" = 'bide-unblock: BIDE_UNBLOCK: unknown option "pipe"; known are pipes, tsd' ] || { echo "got: $out"; exit 1; }
