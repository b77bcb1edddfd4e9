#!/bin/sh
# SPDX-License-Identifier: MIT
# test_tutorial.sh - every page of docs/tutorial quotes its program as it is, and shows what it prints.
exec python3 "$(dirname "$0")/tutorial.py"
