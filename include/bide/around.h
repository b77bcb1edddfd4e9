/* SPDX-License-Identifier: MIT */
/*
 * around.h - middleware: functions of the program's around each try of a request, .around of a session and of a request.
 *
 * Others call them interceptors, or hooks.  They sign, log, count, answer out of a cache, get a new token and ask again.  Both ways they come first:
 *
 *     before, in order: those of the session, those of the request; then cookies, users, HSTS are chosen for what is asked now
 *     the network, or an answer that one of them has given
 *     after, in reverse order: they see each answer before retries, challenges and redirects of the library do
 *
 * A try is each time that something is asked: redirects, retries and answers to challenges too, but not the second try of a
 * connection that had been kept and was dead, nor what a proxy wants to know.
 */
#ifndef BIDE_AROUND_H
#define BIDE_AROUND_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/error.h>
#include <bide/object.h>
#include <bide/transport.h>

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

typedef struct bide_response bide_response;

/* One try; there during the call alone. */
typedef struct bide_attempt bide_attempt;

/*
 * Called before or after a try, in the task whose request it is.
 *
 * a:         borrowed for the call
 * Suspends:  as it likes; the limit of all (timeout_ms) goes on, and a cancellation arrives in it
 * Returns:   0: go on; or a negative code, with an error on record: the request fails with it, and no other function is called
 * Example:   return bide_attempt_set_header(a, "X-Nonce", nonce);
 */
typedef int bide_attempt_fn(bide_attempt *a, void *arg);

/* A pair of functions, each NULL if there is nothing to do; a list ends with one that has neither.  Zero means the default. */
typedef struct bide_around {
    bide_attempt_fn *before, *after;
    void *arg;     /* borrowed until the session is released, or the request has returned */
    int again_max; /* how often `after` may have one request asked again; default 3; BIDE_NONE */
} bide_around;

/* A list in place: .around = BIDE_AROUND({.before = sign, .arg = key}, {.after = log_it}) */
#ifdef __cplusplus
#define BIDE_AROUND(...) (std::initializer_list<bide_around>{__VA_ARGS__, {}}.begin())
#else
#define BIDE_AROUND(...) ((const bide_around[]){__VA_ARGS__, {.before = NULL}})
#endif

/* ---- looking ---- */

/*
 * What is asked: its method; its URL, whole, without user info; which try of its request it is, counted from 1.
 *
 * Owns:      borrowed until the request has returned
 * Example:   printf("%d: %s %s\n", bide_attempt_number(a), bide_attempt_method(a), bide_attempt_url(a));
 */
BIDE_API const char *bide_attempt_method(const bide_attempt *a);
BIDE_API const char *bide_attempt_url(const bide_attempt *a);
BIDE_API BIDE_MUST_USE int bide_attempt_number(const bide_attempt *a);

/*
 * Before: a header that the program gives, be it of the session, of the request, or set for this try; by name, any case, or the i-th.
 * Those of the library (Host, Cookie, Content-Length) come later.
 *
 * Returns:   the value, NULL: there is none; true, and the header in *out, false after the last.  Out of memory it is NULL or false,
 *            too, and BIDE_ENOMEM on record
 * Owns:      borrowed until the request has returned
 * Example:   if (!bide_attempt_header(a, "X-Request-Id")) ...
 */
BIDE_API const char *bide_attempt_header(bide_attempt *a, const char *name);
BIDE_API bool bide_attempt_header_at(bide_attempt *a, size_t i, bide_pair *out);

/*
 * The body to send, if it is in memory as it will go out; data is NULL for none, for a file, for pieces, and with .compress.
 *
 * Owns:      borrowed until the request has returned
 * Example:   bide_bytes body = bide_attempt_body(a);
 */
BIDE_API bide_bytes bide_attempt_body(const bide_attempt *a);

/*
 * After: what came.
 *
 * Returns:   the response, NULL: none came; then bide_attempt_error is the code, whose text is on record, else it is 0
 * Owns:      borrowed for the call; its status, headers and timing can be looked at; its body cannot be read
 * Example:   if (bide_attempt_response(a) && bide_status(bide_attempt_response(a)) == 401) ...
 */
BIDE_API const bide_response *bide_attempt_response(const bide_attempt *a);
BIDE_API int bide_attempt_error(const bide_attempt *a);

/* ---- before: changing it ---- */

/*
 * Set a header of this try, in place of all others of that name; NULL or "": none of that name is sent.  Forgotten with the try.
 *
 * It is sent wherever this try goes, also after a redirect to another origin: there ask bide_attempt_url first.
 *
 * Returns:   0
 * Errors:    -EINVAL for what cannot stand in a header, for Host and what frames the message; BIDE_ESTATE: it is not before a try;
 *            BIDE_ENOMEM
 * Owns:      both are copied
 * Example:   BIDE_TRY(bide_attempt_set_header(a, "Authorization", token));
 */
BIDE_API BIDE_MUST_USE int bide_attempt_set_header(bide_attempt *a, const char *name, const char *value);

/*
 * Ask for something else: an absolute URL, to which all headers of the program go; another method; another body, with its
 * Content-Type (NULL: none).  They stay for further tries, until a redirect changes them.
 *
 * Returns:   0
 * Errors:    BIDE_EURL, also for a URL with a user; -EINVAL; BIDE_ESTATE: it is not before a try; BIDE_ENOMEM
 * Owns:      all is copied
 * Example:   BIDE_TRY(bide_attempt_set_url(a, "http://10.0.0.5:8080/cats"));
 */
BIDE_API BIDE_MUST_USE int bide_attempt_set_url(bide_attempt *a, const char *url);
BIDE_API BIDE_MUST_USE int bide_attempt_set_method(bide_attempt *a, const char *method);
BIDE_API BIDE_MUST_USE int bide_attempt_set_body(bide_attempt *a, bide_bytes body, const char *content_type);

/*
 * Answer without the network.  Functions behind this one are not called for this try; what the library does with an answer
 * (redirects, cookies, codings, limits), it does with this one.
 *
 * Returns:   0
 * Errors:    -EINVAL for an answer that can be none; BIDE_ESTATE: it is answered, or not before a try; BIDE_ENOMEM
 * Owns:      all is copied
 * Example:   return bide_attempt_answer(a, 200, .data = cached->body, .headers = cached->headers);
 */
#define bide_attempt_answer(attempt, ...) BIDE__CALL(bide_attempt_answer_with((attempt), BIDE_ANSWER(__VA_ARGS__)))
BIDE_API BIDE_MUST_USE int bide_attempt_answer_with(bide_attempt *a, const bide_answer *answer);

/* ---- after: once more ---- */

/*
 * Ask once more, after a wait, whatever the method is; the answer, or the error, is forgotten, and no function in front of this one
 * sees it.  A wait that is longer than .timeout_ms allows ends with that.
 *
 * Returns:   0
 * Errors:    BIDE_ELIMIT: it was asked again again_max times already; BIDE_ESTATE: the body cannot be sent a second time, or it is not
 *            after a try; BIDE_ETIMEDOUT: the request has no time left; -EINVAL for a negative time
 * Example:   return bide_attempt_again(a, 0);
 */
BIDE_API BIDE_MUST_USE int bide_attempt_again(bide_attempt *a, int64_t wait_ms);

#ifdef __cplusplus
}
#endif
#endif
