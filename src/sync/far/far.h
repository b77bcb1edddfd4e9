/* SPDX-License-Identifier: MIT */
/*
 * far.h - tasks of several loops that wait for one thing, in a list under the lock of that thing.
 *
 * The list is one of struct op_waiter, linked by item.node: until it is woken that lies in the list, and then on its way through the
 * inbox of the waiter's loop.  All but these two belongs to the waiter's thread; `granted` is under the lock, too.
 */
#ifndef BIDE_SYNC_FAR_H
#define BIDE_SYNC_FAR_H

#include "core/turn/operation.h"

/* Of an enlist(), with the lock held.  at_once: what it waits for has come since it was attempted. */
void bide__far_enlist(struct list_node *list, struct op_waiter *w, bool at_once);
/* Wake the first, or all, with the lock held, from any thread. */
void bide__far_wake_first(struct list_node *list);
void bide__far_wake_all(struct list_node *list);
/* Of a withdraw() or second attempt(), with the lock held: it is in no list and no inbox any more.  Was it woken? */
bool bide__far_leave(struct op_waiter *w);

#endif
