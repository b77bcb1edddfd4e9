/* SPDX-License-Identifier: MIT */
/*
 * scope.h - a block that can be cancelled (Trio: cancel scope), and one that a cancellation does not reach.
 *
 * A cancellation of a task is delivered once, and the wait after that works again.  One of a block stays: every wait inside fails
 * until the block is left, so code that does not look at a code cannot go on waiting.  The two are counted apart:
 * bide_scope_cancel adds nothing to bide_cancelling, there is nothing to take back, and leaving the block ends it.  If both come,
 * or a time-out too, a wait returns BIDE_ECANCELED.
 *
 * What a wait waits for is cancelled with it, as by a time-out: an awaited task, the tasks of a gather, of a group.  Tasks that
 * were started inside and are not waited for go on.
 */
#ifndef BIDE_SCOPE_H
#define BIDE_SCOPE_H

#include <bide/timeout.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The limit of a shielded block that has none of its own. */
#define BIDE_SCOPE_SHIELD_MS 5000

/* Lives in the frame of the block. */
typedef struct bide_cancel_scope {
    bide_timeout_scope block_;
} bide_cancel_scope;

/* What bide_scope takes; zero means the default. */
typedef struct bide_scope_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    /*
     * No cancellation and no time-out from outside reaches the waits inside: for cleanup that has to wait.  They are not lost: a
     * cancellation of the task is delivered by its first wait behind the block.
     */
    bool shield;
    int64_t timeout_ms; /* then its waits return BIDE_ETIMEDOUT.  Default: none, with .shield BIDE_SCOPE_SHIELD_MS; BIDE_FOREVER: none */
} bide_scope_args;

/*
 * A block that can be cancelled, by any task of the loop, while it is not left.  The first argument becomes a pointer to it, a
 * bide_cancel_scope *, inside the block.
 *
 * Example:   bide_scope(s) {
 *                bide_auto bide_task *t = bide_create_task(bide_coro(cancel_when_quiet, s));
 *                code = receive_all();
 *            }
 *            bide_scope(cleanup, .shield = true, .timeout_ms = 1000) { say_goodbye(); }
 */
#define bide_scope(...) BIDE__SCOPE_OF(BIDE__SCOPE_ONE_OR_MORE(__VA_ARGS__), __VA_ARGS__)
#define BIDE__SCOPE_OF(count, ...) BIDE__CAT(BIDE__SCOPE_, count)(__VA_ARGS__)
#define BIDE__SCOPE_ONE_OR_MORE(...) BIDE__PICK_10TH(__VA_ARGS__, MORE, MORE, MORE, MORE, MORE, MORE, MORE, MORE, ONE, 0)
#define BIDE__PICK_10TH(_1, _2, _3, _4, _5, _6, _7, _8, _9, n, ...) n
#define BIDE__SCOPE_ONE(s) BIDE__SCOPE(s, BIDE__ARGS(bide_scope_args, .guard_ = NULL))
#define BIDE__SCOPE_MORE(s, ...) BIDE__SCOPE(s, BIDE__ARGS(bide_scope_args, __VA_ARGS__))
#define BIDE__SCOPE(s, args)                                                                       \
    for (bide_cancel_scope BIDE__CAT(bide__scope_, __LINE__)                                       \
             __attribute__((cleanup(bide_scope_leave))),                                           \
         *s = BIDE__CALL(bide_scope_enter(&BIDE__CAT(bide__scope_, __LINE__), args));              \
         s; s = NULL)

/*
 * The functions under it, for bindings: as bide_timeout_enter.  An option without its name: every wait inside is -EINVAL.
 *
 * Owns:      *s is borrowed until it is left; the result is s
 */
BIDE_API bide_cancel_scope *bide_scope_enter(bide_cancel_scope *s, const bide_scope_args *args);
BIDE_API void bide_scope_leave(bide_cancel_scope *s);

/*
 * End the waits of a block: the present one, and every later one until the block is left, is BIDE_ECANCELED.
 *
 * s must not have been left: a task that outlives the block may not have it.
 *
 * Returns:   true if the request was made; false if it was before, its time is over, or it was entered outside of a task
 * Errors:    (false) -EINVAL for NULL; BIDE_ESTATE in another thread
 * Example:   bide_scope_cancel(s);
 */
BIDE_API bool bide_scope_cancel(bide_cancel_scope *s);

/*
 * Was a block cancelled by bide_scope_cancel?  NULL: that which this task has left last (as bide_timeout_expired).
 *
 * Example:   if (code == BIDE_ECANCELED && bide_scope_cancelled(NULL)) code = 0;
 */
BIDE_API bool bide_scope_cancelled(const bide_cancel_scope *s);

#ifdef __cplusplus
}
#endif
#endif
