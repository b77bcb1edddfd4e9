/* SPDX-License-Identifier: MIT */
/*
 * object.h - what every bide object shares: one way to let go of it, and a few small value types.
 *
 * What may change between versions: structs of options, of figures (stats, bide_timing, bide_error_info) and of reports (events,
 * failures, items) grow at their end alone.  Options have their size in front.  Figures are filled by a function ..._into, which is
 * given the size by one in the headers; what one of both sides does not know is 0.  A report that is handed over by address is the
 * library's: read what the headers name, and copy no more than that.  All other structs stay as they are.
 *
 * Ownership has three words.  Owned: you got it, you release it.  Borrowed: valid until the stated event.
 * Taken: we release it, even on failure.  bide_auto in front of a declaration is `async with`: the object is
 * released when the scope ends, in reverse order, on every path.
 */
#ifndef BIDE_OBJECT_H
#define BIDE_OBJECT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define BIDE_API __attribute__((visibility("default")))
#define BIDE_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
/* A result that must be used: an error code, or an object that somebody has to release. */
#define BIDE_MUST_USE __attribute__((warn_unused_result))
#else
#define BIDE_API
#define BIDE_PRINTF(fmt, first)
#define BIDE_MUST_USE
#endif

/* Say that a result is not wanted: BIDE_IGNORE(bide_file_close(f));  A cast to void does not say it to gcc. */
#define BIDE_IGNORE(expression) ((void)!(expression))

#ifdef __cplusplus
extern "C" {
#endif

/*
 * In an option 0 means its default, so what is to be none, or without a limit, has a name: retries BIDE_NONE, a limit of
 * connections BIDE_UNLIMITED, a time BIDE_FOREVER.  An option whose comment names none of them has no such value, and says
 * -EINVAL.  A yes or no is named so that false is its default.
 */
#define BIDE_NONE (-1)
#define BIDE_UNLIMITED (-2)
/* A number of threads: one for each processor that this process may use (its affinity mask). */
#define BIDE_ALL_PROCESSORS (-3)

/*
 * A duration that never ends.  Durations are int64 milliseconds; 0 in an option means its default.  The longest there
 * is, so that one that is computed (deadline - now) and comes out negative is over, not endless.
 *
 * An option takes no other duration beyond INT64_MAX / 1000000 (292 years, in nanoseconds a number still): -EINVAL.  One that
 * is an argument of a function (bide_sleep_ms, bide_loop_call_later) may be any; beyond 139 years it is 139 years.
 */
#define BIDE_FOREVER INT64_MAX

/* Bytes that belong to somebody else; data[len] is a NUL where the function that returns it says so. */
typedef struct bide_bytes {
    const char *data;
    size_t len;
} bide_bytes;

/* A name and a value; a list of them ends with a NULL name.  Lists of plain numbers carry a count. */
typedef struct bide_pair {
    const char *name, *value;
} bide_pair;

/*
 * Options in place, and the call that takes them.  In C++ the options come in the order of their struct, and gcc must
 * not warn about those that are left out.
 */
#ifdef __cplusplus
#define BIDE__CALL(...)                                                       \
    __extension__({                                                           \
        _Pragma("GCC diagnostic push")                                        \
        _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")    \
        auto bide__result = __VA_ARGS__;                                      \
        _Pragma("GCC diagnostic pop")                                         \
        bide__result;                                                         \
    })
#else
#define BIDE__CALL(...) __VA_ARGS__
#endif

/*
 * The address of options in place, with the size of their struct in front, so that program and library may have been built with
 * different headers.
 */
#ifdef __cplusplus
extern "C++" {
template <class bide__T> inline const bide__T *bide__in_place(const bide__T &options)
{
    return &options;
}
}
#define BIDE__ARGS(type, ...) bide__in_place(type{.size = sizeof(type), __VA_ARGS__})
#else
#define BIDE__ARGS(type, ...) (&(const type){.size = sizeof(type), __VA_ARGS__})
#endif

/* A list of pairs in place: .headers = BIDE_PAIRS({"Accept", "text/html"}, {"X-Key", key}) */
#define BIDE_PAIRS(...) ((const bide_pair[]){__VA_ARGS__, {NULL, NULL}})

/*
 * A pointer to it stands in every options struct where an option that is given without its name lands.  The
 * compiler says so (gcc 14, clang 15 and -Werror=int-conversion: as an error), and so does the call: -EINVAL.
 */
struct bide_use_named_options;

/*
 * Attach a pointer of the program's to an object of any kind: what a binding keeps for it, or the closure behind its callbacks
 * (the .arg of a server, the arg of a handle), which is then there for as long as they may be called.  (A bide_exchange is no
 * object: bide_exchange_set_user.)  Callbacks that no object stands for, or several at one, have functions ..._taking, which free
 * their argument themselves.
 *
 * One for each object; it takes the place of the one before.  user_free (NULL: nothing to be done) is called exactly once: when it
 * is replaced, or when the last share of the object is gone, ours too, in the thread that lets go of it; or by this call, if it
 * fails, so that it may follow what made the object without a look at it.  It must neither wait nor use the object; what it puts
 * on record is forgotten.  Both NULL: give up what is attached.
 *
 * Threads:   that of the object; one of no loop (a URL): any, one at a time
 * Returns:   0
 * Errors:    BIDE_ENOMEM: what was attached before still is; -EINVAL for NULL, and for what is no object
 * Owns:      user is taken, also if the call fails
 * Example:   BIDE_TRY(bide_set_user(server, closure, free));
 */
BIDE_API BIDE_MUST_USE int bide_set_user(void *object, void *user, void (*user_free)(void *user));

/*
 * What was attached to an object.
 *
 * Threads:   that of the object; one of no loop (a URL): any, one at a time
 * Returns:   the pointer; NULL if there is none
 * Owns:      borrowed from the object
 * Example:   struct closure *c = bide_user(server);
 */
BIDE_API void *bide_user(const void *object);

/*
 * Let go of any bide object.
 *
 * Releasing a running task cancels it and waits for it; a stream or response is closed; what is shared lives on until
 * its last owner lets go.  NULL is fine.  The current error is kept.  An object that belongs to a loop that runs in
 * another thread, one that was released before, and a pointer to something else are not touched: a line on standard
 * error says so.  (In C another pointer is a compile error, but not through bide_auto or a void *.)
 *
 * Threads:   that of the object, as said here; one of no loop (a URL): any, one at a time
 * Suspends:  for a running task: until it has ended.  Not a cancellation point
 * Example:   bide_release(task);
 */
BIDE_API void bide_release(void *object);

/*
 * Take one more share of an object, to be released as well.
 *
 * Threads:   as bide_release
 * Returns:   the object, or NULL
 * Errors:    -EINVAL for NULL and for what is no object of bide
 * Owns:      the result is owned
 * Example:   job->session = bide_retain(session);
 */
BIDE_API void *bide_retain(void *object);

#ifndef __cplusplus
struct bide_blocking;
struct bide_broadcast;
struct bide_channel;
struct bide_completed;
struct bide_cookie_jar;
struct bide_datagram;
struct bide_directory;
struct bide_file;
struct bide_future;
struct bide_handle;
struct bide_hsts;
struct bide_listener;
struct bide_loop;
struct bide_pool;
struct bide_pool_stream;
struct bide_process;
struct bide_promise;
struct bide_queue;
struct bide_receiver;
struct bide_response;
struct bide_server;
struct bide_session;
struct bide_signals;
struct bide_stream;
struct bide_task;
struct bide_task_group;
struct bide_test_peer;
struct bide_thread_pool;
struct bide_tls;
struct bide_transport;
struct bide_url;
struct bide_watch;

/* No other pointer compiles. */
#define bide__must_be_an_object_of_bide(x)                                                                            \
    _Generic((x), void *: 1, struct bide_blocking *: 1, struct bide_broadcast *: 1, struct bide_channel *: 1,         \
                  struct bide_completed *: 1, struct bide_cookie_jar *: 1, struct bide_datagram *: 1,                 \
                  struct bide_directory *: 1, struct bide_file *: 1, struct bide_future *: 1,                         \
                  struct bide_handle *: 1, struct bide_hsts *: 1, struct bide_listener *: 1, struct bide_loop *: 1,   \
                  struct bide_pool *: 1, struct bide_pool_stream *: 1, struct bide_process *: 1,                      \
                  struct bide_promise *: 1, struct bide_queue *: 1, struct bide_receiver *: 1, struct bide_response *: 1,                       \
                  struct bide_server *: 1, struct bide_session *: 1, struct bide_signals *: 1,                        \
                  struct bide_stream *: 1, struct bide_task *: 1, struct bide_task_group *: 1,                        \
                  struct bide_test_peer *: 1, struct bide_thread_pool *: 1, struct bide_tls *: 1,                     \
                  struct bide_transport *: 1, struct bide_url *: 1, struct bide_watch *: 1)
#define bide_release(x) (bide_release)(((void)bide__must_be_an_object_of_bide(x), (x)))
#define bide_retain(x) (bide_retain)(((void)bide__must_be_an_object_of_bide(x), (x)))
#endif

static inline void bide__cleanup(void *slot)
{
    void *object;
    memcpy(&object, slot, sizeof object);
    (bide_release)(object);
}

static inline void *bide__take(void *slot)
{
    void *object, *nothing = NULL;
    memcpy(&object, slot, sizeof object);
    memcpy(slot, &nothing, sizeof nothing);
    return object;
}

/* In front of a pointer declaration: release the object at the end of the scope. */
#define bide_auto __attribute__((cleanup(bide__cleanup), unused))

/* Move an object out of a bide_auto variable, which becomes NULL: return bide_take(response); */
#define bide_take(variable) bide__take(&(variable))

#ifdef __cplusplus
}
#endif
#endif
