/* SPDX-License-Identifier: MIT */
/*
 * inspector.c - what core may ask of this room.
 */
#include "inspect/inspect.h"
#include "inspect/modules.h"
#include "inspect/root.h"

static void name(char *buf, size_t cap, const void *pc)
{
    bide__symbol_line(buf, cap, (uintptr_t)pc);
}

static void name_places(bool on)
{
    if (on)
        bide__libdw_begin();
    bide__place_name = on ? name : NULL;
    if (!on)
        bide__libdw_end();
}

const struct inspector bide__inspect = {
    .signals = bide__blocking_signals,
    .stuck = bide__report_stuck,
    .enter = bide__blocking_enter,
    .leave = bide__blocking_leave,
    .stir = bide__blocking_stir,
    .forget = bide__blocking_forget,
    .name_places = name_places,
    .root = &bide__root,
};
