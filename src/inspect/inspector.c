/* SPDX-License-Identifier: MIT */
/*
 * inspector.c - what core may ask of this room.
 */
#include "inspect/inspect.h"

const struct inspector bide__inspect = {
    .signals = bide__blocking_signals,
    .stuck = bide__report_stuck,
    .enter = bide__blocking_enter,
    .leave = bide__blocking_leave,
    .stir = bide__blocking_stir,
    .forget = bide__blocking_forget,
};
