/* SPDX-License-Identifier: MIT */
/* report.c - events of a pool, for its on_event; and how deep we are in callbacks, in which no pool may go away. */
#include "pool/jobs/jobs.h"

_Thread_local unsigned bide__pool_callbacks;

void bide__pool_event(bide_pool *p, const bide_pool_event *e)
{
    if (!p->args.on_event)
        return;
    bide__pool_callbacks++;
    p->args.on_event(e, p->args.arg);
    bide__pool_callbacks--;
}
