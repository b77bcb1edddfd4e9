/* SPDX-License-Identifier: MIT */
/*
 * embed.h - bide inside another event loop: that of GLib, libuv, Qt, or one written by hand.
 *
 * The other loop waits: for the descriptor of bide's loop, and no longer than bide's timers allow.  Then it has bide do one turn.
 *
 *     struct pollfd p = {.fd = bide_loop_fd(loop), .events = POLLIN};
 *     for (;;) {
 *         poll(&p, 1, bide_loop_timeout_ms(loop));
 *         bide_loop_run_once(loop);
 *     }
 *
 * Between two turns no loop of bide's runs: what is made there (tasks, calls) belongs to the loop of the thread,
 * bide_get_event_loop(), which must be the one that is embedded.  docs/tutorial/14-inside-another-loop.md shows it with GLib.
 */
#ifndef BIDE_EMBED_H
#define BIDE_EMBED_H

#include <bide/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A descriptor that is readable when something has happened for the loop: a descriptor of its own, a call from another thread.
 * It is only to be polled (POLLIN), and stays readable until bide_loop_run_once has looked.
 *
 * Returns:   the descriptor
 * Errors:    -EMFILE and the like; BIDE_ENOMEM; BIDE_ECLOSED; BIDE_ESTATE in another thread; -EINVAL for NULL
 * Owns:      borrowed from the loop, which closes it
 * Example:   g_source_add_unix_fd(source, bide_loop_fd(loop), G_IO_IN);
 */
BIDE_API BIDE_MUST_USE int bide_loop_fd(bide_loop *loop);

/*
 * How long the other loop may wait, as poll() takes it.  Ask it before each wait: what was made meanwhile counts.
 *
 * Returns:   milliseconds: 0 if something is ready to run; -1 if no timer is armed
 * Errors:    0 after bide_loop_close and in another thread, for there is no number that would be right
 * Example:   poll(&p, 1, bide_loop_timeout_ms(loop));
 */
BIDE_API BIDE_MUST_USE int bide_loop_timeout_ms(bide_loop *loop);

/*
 * One turn: see what has happened, fire what is due, run what is ready.  It never waits.
 *
 * Threads:   any in which no loop of bide's runs, one at a time
 * Returns:   1, or 0 when nothing is left that could run: no task, no call, no timer
 * Errors:    as bide_run_forever
 * Example:   while (bide_loop_run_once(loop) > 0) poll(&p, 1, bide_loop_timeout_ms(loop));
 */
BIDE_API BIDE_MUST_USE int bide_loop_run_once(bide_loop *loop);

#ifdef __cplusplus
}
#endif
#endif
