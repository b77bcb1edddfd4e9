/* SPDX-License-Identifier: MIT */
/*
 * inspector.c - what core may ask of this room.
 */
#include "inspect/inspect.h"
#include "inspect/modules.h"
#include "inspect/overview/report.h"
#include "inspect/root.h"
#include "inspect/self/self.h"
#include "inspect/timeline/export.h"

static void name_many(bool on)
{
    if (on)
        bide__libdw_begin();
    else
        bide__libdw_end();
}

static uint64_t signals(void)
{
    return bide__blocking_signals() | bide__report_signals();
}

const struct inspector bide__inspect = {
    .signals = signals,
    .begin = bide__report_begin,
    .crashes = bide__report_crashes,
    .write_timeline = bide__timeline_export_own,
    .stuck = bide__report_stuck,
    .enter = bide__blocking_enter,
    .leave = bide__blocking_leave,
    .stir = bide__blocking_stir,
    .forget = bide__blocking_forget,
    .name_place = bide__name_place,
    .name_many = name_many,
    .root = &bide__root,
};
