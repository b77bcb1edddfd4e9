/* SPDX-License-Identifier: MIT */
/* misplaced.c - a test that Meson would not run, because the file is not called test_*.c.  test_harness.sh judges. */
#include "harness/harness.h"

UNIT(pass_nowhere)
{
}
