/* SPDX-License-Identifier: MIT */
/*
 * cplusplus_task.h - the macros of task.h for C++17, which includes it itself.  See cplusplus.h.
 */
#ifndef BIDE_CPLUSPLUS_TASK_H
#define BIDE_CPLUSPLUS_TASK_H
#ifdef __cplusplus

#include <bide/cplusplus.h>
#include <bide/task.h>

extern "C++" {

BIDE_MUST_USE inline bide_task *bide__ensured(bide_coroutine c) { return bide__ensured_task(bide__aw(c)); }
BIDE_MUST_USE inline bide_task *bide__ensured(bide_generator *g) { return bide__ensured_task(bide__aw(g)); }
BIDE_MUST_USE inline bide_task *bide__ensured(bide_task *t) { return bide__ensured_task(bide__aw(t)); }
BIDE_MUST_USE inline bide_future *bide__ensured(bide_future *f) { return bide_ensure_future_with(bide__aw(f)); }
#undef bide_ensure_future
#define bide_ensure_future(x) bide__ensured(x)

BIDE_MUST_USE inline bide_task *bide__ensured(bide_awaitable_object *o) { return bide__ensured_task(bide__aw(o)); }
BIDE_MUST_USE inline bide_future *bide__ensured(bide_awaitable a) { return bide_ensure_future_with(a); }

BIDE_MUST_USE inline int bide__next(bide_completed *c, bide_task **task) { return bide__completed_task(c, task); }
BIDE_MUST_USE inline int bide__next(bide_completed *c, bide_future **future) { return bide__completed_future(c, future); }
BIDE_MUST_USE inline int bide__next(bide_completed *c, std::size_t *index) { return bide__completed_index(c, index); }
#undef bide_completed_next
#define bide_completed_next(c, place) bide__next(c, place)

} /* extern "C++" */

#endif
#endif
