/* SPDX-License-Identifier: MIT */
/*
 * testing.h - for the tests of a program: a clock that does not wait, and a peer that follows a script.
 *
 * The clock of a loop can be virtual: when every task waits and no descriptor is ready, it jumps to the next timer.  An hour of
 * waiting then takes no time, and what happens in which order does not depend on how busy the machine is.
 *
 * A scripted peer is the other end of a connection.  It is in memory: there is no socket, no port and no system call, and its times
 * are those of the loop's clock, so what a program does with a slow, broken or malicious server is tested in a millisecond.
 */
#ifndef BIDE_TESTING_H
#define BIDE_TESTING_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/error.h>
#include <bide/extend.h>
#include <bide/object.h>

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

/*
 * From now on the running loop's clock is virtual, for as long as the loop lives.
 *
 * It does not jump while a call in a thread is under way (bide_to_thread, a file), nor while a pool works: their ends come in real time.
 * What another process does is not waited for: between two programs there is only the real clock.
 *
 * Returns:   0
 * Errors:    BIDE_ENOLOOP where no loop runs
 * Example:   BIDE_TRY(bide_test_virtual_clock());
 *            BIDE_TRY(bide_sleep_ms(3600000));       returns at once
 */
BIDE_API BIDE_MUST_USE int bide_test_virtual_clock(void);

/*
 * A step of a script; a list ends with one that has nothing set.
 *
 * What is set in a step happens in this order: what it waits for comes from the program, its time goes by, it sends, it ends.
 */
typedef struct bide_test_step {
    const char *expect;     /* these bytes have to come next; others break the script off: the program gets -ECONNRESET */
    bide_bytes expect_data; /* in place of expect */
    const char *until;      /* anything may come, up to and with this text */
    bool expect_end;        /* the program sends no more: it shuts down its side, or closes the connection */
    int64_t after_ms;       /* since the step before, or since what this one waits for has come */
    const char *send;
    bide_bytes send_data; /* in place of send */
    int error;            /* the connection fails with this code, -ECONNRESET say: reading as well as writing */
    bool end;             /* the peer sends no more: reading comes to the end of the stream */
} bide_test_step;

/* A script in place: BIDE_STEPS({.send = "220 mail\r\n"}, {.expect = "QUIT\r\n", .after_ms = 500, .send = "221 bye\r\n", .end = true}) */
#ifdef __cplusplus
#define BIDE_STEPS(...) (std::initializer_list<bide_test_step>{__VA_ARGS__, {}}.begin())
#else
#define BIDE_STEPS(...) ((const bide_test_step[]){__VA_ARGS__, {.expect = NULL}})
#endif

/* What bide_test_peer_new takes; zero means the default. */
typedef struct bide_test_peer_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    const bide_test_step *steps; /* played in each connection; copied.  Default: none, the peer reads and says nothing */
    int64_t connect_ms;          /* how long connecting takes; default 0 */
    int connect_error;           /* connecting fails with this code, -ECONNREFUSED say */
    int max_connections;         /* one more fails with -ECONNREFUSED; default 1000 */
    size_t piece;                /* a read gives so many bytes at most: 1 is byte by byte; default: all that there are */
    size_t window;               /* bytes that it takes while its script waits for none of them; default 64 KiB.  A program that
                                    writes more waits, as for a peer that does not read */
} bide_test_peer_args;

typedef struct bide_test_peer bide_test_peer;

/*
 * Make a peer that follows a script.
 *
 * Returns:   the peer, or NULL
 * Errors:    -EINVAL names the step that is impossible; BIDE_ENOLOOP where no loop runs; BIDE_ENOMEM
 * Owns:      the result is owned; each of its connections has a share
 * Example:   bide_auto bide_test_peer *mail = bide_test_peer_new(.steps = BIDE_STEPS({.send = "220 ready\r\n"}, {.expect = "QUIT\r\n"}));
 */
#define bide_test_peer_new(...) BIDE__CALL(bide_test_peer_new_with(BIDE__ARGS(bide_test_peer_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_test_peer *bide_test_peer_new_with(const bide_test_peer_args *args);

/*
 * Connect to it.  Its script begins at once.
 *
 * Suspends:  for connect_ms; a cancellation point
 * Returns:   the program's end of the connection, or NULL
 * Errors:    connect_error; -ECONNREFUSED beyond max_connections; BIDE_ECANCELED; BIDE_ETIMEDOUT; BIDE_ENOMEM
 * Owns:      the result is owned
 * Example:   bide_auto bide_stream *s = bide_test_peer_connect(mail);
 */
BIDE_API BIDE_MUST_USE bide_stream *bide_test_peer_connect(bide_test_peer *peer);

/*
 * The same as a dialler, for what connects by itself: bide_connect, a session.  arg is the peer; host and port are not looked at.
 *
 * Suspends:  as bide_test_peer_connect
 * Example:   bide_auto bide_session *s = bide_session_new(.dial = bide_test_peer_dial, .dial_arg = peer);
 */
BIDE_API BIDE_MUST_USE bide_stream *bide_test_peer_dial(const char *host, int port, void *arg);

/*
 * Did all go by the script: was there a connection, is each step of each done, and did nothing come that no step waited for?
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE; the text says what is missing, or differs: connection 1, step 2: expected "QUIT\r\n", but "EXIT\r\n" came
 * Example:   BIDE_TRY(bide_test_peer_check(mail));
 */
BIDE_API BIDE_MUST_USE int bide_test_peer_check(const bide_test_peer *peer);

/*
 * How many connections it had; all that the program has sent on the i-th (counted from 0), with a NUL behind it: the first 1 MiB.
 *
 * Returns:   the count; the bytes, {NULL, 0} if there was no such connection
 * Owns:      borrowed until more comes, or the peer is released
 * Example:   bide_bytes said = bide_test_peer_received(mail, 0);
 */
BIDE_API BIDE_MUST_USE int bide_test_peer_connections(const bide_test_peer *peer);
BIDE_API bide_bytes bide_test_peer_received(const bide_test_peer *peer, int i);

#ifdef __cplusplus
}
#endif
#endif
