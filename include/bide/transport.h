/* SPDX-License-Identifier: MIT */
/*
 * transport.h - who answers the requests of a session in place of the network: a mock, in tests.
 *
 * Everything above the connection stays as it is: redirects, cookies, users and passwords, retries, codings, limits of time and size,
 * bide_save.  There is no name to be looked up, no socket and no TLS, so a URL may be any; times are those of the loop's clock.
 * A transport may be shared by the sessions of one thread.
 */
#ifndef BIDE_TRANSPORT_H
#define BIDE_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

typedef struct bide_transport bide_transport;

/* ---- an answer that is made up ---- */

/* A piece of its body; a list ends with one that has nothing set. */
typedef struct bide_answer_piece {
    const char *text;
    bide_bytes data;  /* in place of text */
    int64_t after_ms; /* since the piece before; default 0 */
    int error;        /* the body ends here with this code, -ECONNRESET or BIDE_ETRUNCATED */
} bide_answer_piece;

/* A list of pieces in place: BIDE_PIECES({"first "}, {"second", .after_ms = 500}, {.error = -ECONNRESET}) */
#ifdef __cplusplus
#define BIDE_PIECES(...) (std::initializer_list<bide_answer_piece>{__VA_ARGS__, {}}.begin())
#else
#define BIDE_PIECES(...) ((const bide_answer_piece[]){__VA_ARGS__, {.text = NULL}})
#endif

/* What is answered; zero means the default.  One body at most; all is copied by who takes it. */
typedef struct bide_answer {
    size_t size; /* of this struct; set by the macro */
    int status;  /* 200 to 999; default 200 */
    struct bide_use_named_options *guard_;
    const char *reason;               /* default: none */
    const bide_pair *headers;         /* a body of known length has its Content-Length, unless that is among them */
    const char *text;                 /* body; Content-Type: text/plain; charset=utf-8, unless that is among the headers */
    const char *json;                 /* body, JSON text; Content-Type: application/json likewise */
    bide_bytes data;                  /* body */
    const bide_answer_piece *pieces;  /* body, one piece after the other, of no known length */
    int64_t delay_ms;                 /* before its head; default 0 */
    int error;                        /* there is none: the request fails with this code, -ECONNREFUSED say */
} bide_answer;

/* One in place: BIDE_ANSWER(404, .text = "no such cat") */
#define BIDE_ANSWER(...) BIDE__ARGS(bide_answer, .status = __VA_ARGS__)

/* ---- a mock ---- */

typedef struct bide_mock_request bide_mock_request;

/*
 * Answers a request, in the task whose request it is: with bide_mock_answer, or not at all, if it is none of its own.
 *
 * request:   borrowed for the call; later it is among those of bide_transport_request_at
 * Suspends:  as it likes; the limits of the request go on, and a cancellation arrives in it
 * Returns:   0; or a negative code, with an error on record: the request fails with it
 * Example:   return bide_mock_answer(q, 200, .json = strcmp(bide_mock_method(q), "GET") == 0 ? "[]" : "{}");
 */
typedef int bide_mock_fn(bide_mock_request *request, void *arg);

/* A row of a table of answers; a list ends with one whose url is NULL. */
typedef struct bide_mock {
    const char *method;        /* "GET"; NULL: any */
    const char *url;           /* whole, as it is asked for, without fragment; each * in it stands for any bytes, or none */
    const bide_answer *answer; /* BIDE_ANSWER(200, .json = "[]"); NULL: 200 without a body */
    int times;                 /* it is for so many requests, which have to come (bide_transport_check); then rows behind it have
                                  their turn; default: for any number */
} bide_mock;

/* A table in place: BIDE_MOCKS({"GET", "http://a.example/cats?page=1", BIDE_ANSWER(200, .json = "[]")}, ...) */
#ifdef __cplusplus
#define BIDE_MOCKS(...) (std::initializer_list<bide_mock>{__VA_ARGS__, {}}.begin())
#else
#define BIDE_MOCKS(...) ((const bide_mock[]){__VA_ARGS__, {.url = NULL}})
#endif

/* What bide_transport_mock takes; zero means the default. */
typedef struct bide_mock_args {
    size_t size; /* of this struct; set by the macro */
    struct bide_use_named_options *guard_;
    const bide_mock *table; /* the first row that matches answers; copied */
    bide_mock_fn *fn;       /* asked when no row does */
    void *fn_arg;           /* borrowed until the transport is released */
    size_t max_body_bytes;  /* of the body of a request that are kept; default 1 MiB */
} bide_mock_args;

/*
 * Make a transport whose answers are the program's.
 *
 * A request that nobody answers fails with -ENOENT; the text has its method and URL, and the row that is nearest.
 *
 * Returns:   the transport, or NULL
 * Errors:    BIDE_ENOMEM; -EINVAL names what is wrong with an answer
 * Owns:      the result is owned; sessions keep shares of it
 * Example:   bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({"GET", "http://a.example/", BIDE_ANSWER(200)}));
 *            bide_auto bide_session *s = bide_session_new(.transport = t);
 */
#define bide_transport_mock(...) BIDE__CALL(bide_transport_mock_with(BIDE__ARGS(bide_mock_args, __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_transport *bide_transport_mock_with(const bide_mock_args *args);

/*
 * In a bide_mock_fn: answer.  Once.
 *
 * Returns:   0
 * Errors:    -EINVAL for an answer that can be none; BIDE_ESTATE: it is answered already, or not being asked; BIDE_ENOMEM
 * Example:   return bide_mock_answer(q, 503, .headers = BIDE_PAIRS({"Retry-After", "2"}));
 */
#define bide_mock_answer(request, ...) BIDE__CALL(bide_mock_answer_with((request), BIDE_ANSWER(__VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_mock_answer_with(bide_mock_request *request, const bide_answer *answer);

/*
 * A request as it would have been sent: its method, its whole URL without fragment; a header by name, any case, or NULL; the i-th,
 * false after the last: also Host, Cookie, Authorization and what else is added to those of the program.
 *
 * Owns:      borrowed from the request
 * Example:   EXPECT_STR(bide_mock_header(q, "Authorization"), "Bearer secret");
 */
BIDE_API const char *bide_mock_method(const bide_mock_request *request);
BIDE_API const char *bide_mock_url(const bide_mock_request *request);
BIDE_API const char *bide_mock_header(const bide_mock_request *request, const char *name);
BIDE_API bool bide_mock_header_at(const bide_mock_request *request, size_t i, bide_pair *out);

/*
 * Its body, as far as it is kept (max_body_bytes), with a NUL behind it, in the coding of .compress; how long all of it was.
 *
 * Owns:      borrowed from the request
 * Example:   bide_bytes body = bide_mock_body(q);
 */
BIDE_API bide_bytes bide_mock_body(const bide_mock_request *request);
BIDE_API uint64_t bide_mock_body_length(const bide_mock_request *request);

/* ---- afterwards ---- */

/*
 * How many requests it got, redirects and retries included; the i-th of those that came so far that an answer was looked for.
 *
 * A mock keeps the first 10,000 requests and 64 MiB of them; a recorder and a replay keep none.
 *
 * Returns:   the count; the request, or NULL: there is none, or it was not kept
 * Owns:      borrowed from the transport
 * Example:   EXPECT_EQ(bide_transport_request_count(t), 2);
 */
BIDE_API BIDE_MUST_USE uint64_t bide_transport_request_count(const bide_transport *t);
BIDE_API const bide_mock_request *bide_transport_request_at(const bide_transport *t, size_t i);

/*
 * Was it asked for all that it was to be asked for?  Of a mock: each row with .times so often; of a replay: each entry once; of a
 * recorder: is all of it in the file?
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE: no; the text names the first thing that is missing; -EINVAL for NULL.  Of a recorder: BIDE_ETOOBIG, or what
 *            writing met
 * Example:   BIDE_TRY(bide_transport_check(t));
 */
BIDE_API BIDE_MUST_USE int bide_transport_check(const bide_transport *t);

#ifdef __cplusplus
}
#endif
#endif
