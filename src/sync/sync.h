/* SPDX-License-Identifier: MIT */
/* sync.h - what the values of this room know of each other. */
#ifndef BIDE_SYNC_SYNC_H
#define BIDE_SYNC_SYNC_H

#include <bide/sync.h>

#include "sync/home.h"

/* lock.c.  Does the running task hold it?  0, or an error on record that names the function. */
int bide__lock_check_held(bide_lock *l, const char *function);
/* condition.c.  As bide_condition_wait, by a task that holds the lock; reports call it what it is for. */
int bide__condition_wait_for_barrier(bide_condition *c);
/* May what it guards be looked at here?  As bide__home_look. */
int bide__lock_look(const bide_lock *l, const char *function);

#endif
