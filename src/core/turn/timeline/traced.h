/* SPDX-License-Identifier: MIT */
/* traced.h - records the steps of a loop for a timeline. */
#ifndef BIDE_CORE_TRACED_H
#define BIDE_CORE_TRACED_H

#include "core/turn/task.h"

void bide__run_traced(bide_loop *loop, struct ready *r); /* run an entry of the ready queue, and record it if there is a track */
void bide__loop_look_for_track(bide_loop *loop);         /* recording was switched on or off, or the loop has entered a thread */
void bide__task_note_made(const bide_task *t);           /* the loop must have a track */

static inline bool bide__loop_must_look(const bide_loop *loop)
{
    if (unlikely(loop->track != NULL) && bide__timeline_has_limit())
        bide__timeline_is_over();
    return unlikely(bide__timeline_on() != loop->recording);
}

#endif
