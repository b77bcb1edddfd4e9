/* SPDX-License-Identifier: MIT */
/*
 * inspector.c - what core may ask of this room.
 */
#include "inspect/inspect.h"

static uint64_t own_signals(void)
{
    return 0;
}

const struct inspector bide__inspect = {.signals = own_signals, .stuck = bide__report_stuck};
