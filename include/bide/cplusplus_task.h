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

BIDE_MUST_USE inline int bide__shielded(bide_task *t) { return bide_shield_with(bide__aw(t)); }
BIDE_MUST_USE inline int bide__shielded(bide_future *f) { return bide_shield_with(bide__aw(f)); }
#undef bide_shield
#define bide_shield(x) bide__shielded(x)

} /* extern "C++" */

#endif
#endif
