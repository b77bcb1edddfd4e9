/* SPDX-License-Identifier: MIT */
/* virtual_clock.c - a clock that jumps to the next timer when all else waits. */
#include <bide/testing.h>

#include "core/core.h"

int bide_test_virtual_clock(void)
{
    if (!bide__loop_here)
        return bide_fail(BIDE_ENOLOOP, "bide_test_virtual_clock: no event loop is running in this thread");

    bide__loop_set_virtual_time(bide__loop_here, true);
    return 0;
}
