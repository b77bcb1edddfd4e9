/* SPDX-License-Identifier: MIT */
/* traced.h - the steps of a loop, noted for a timeline. */
#ifndef BIDE_CORE_TRACED_H
#define BIDE_CORE_TRACED_H

#include "core/turn/task.h"

void bide__run_traced(bide_loop *loop, struct ready *r); /* any entry of the queue, and it is noted, if there is a track */
void bide__loop_look_for_track(bide_loop *loop);         /* a recording has begun or ended, or it enters a thread */
void bide__task_note_made(const bide_task *t);           /* there is a track */

static inline bool bide__loop_must_look(const bide_loop *loop)
{
    if (unlikely(loop->track != NULL) && bide__timeline_has_limit())
        bide__timeline_is_over();
    return unlikely(bide__timeline_on() != loop->recording);
}

#endif
