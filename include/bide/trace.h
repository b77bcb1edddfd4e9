/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what a session does, step by step: a function of the user's that is called at each.
 *
 * The superset of what aiohttp's TraceConfig, Go's httptrace and curl's verbose output show.  A session without .trace pays a few
 * tests of a pointer.
 */
#ifndef BIDE_TRACE_H
#define BIDE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/error.h>
#include <bide/object.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_response bide_response;
struct bide_connection;

/*
 * The steps of a request, in about the order in which they come; behind each, the members of bide_trace_event that it sets.
 * More may follow at the end: pass over those that you do not know.  Every request that begins ends with BIDE_TRACE_END or
 * BIDE_TRACE_ERROR, and then says nothing more.
 */
enum bide_trace_kind {
    BIDE_TRACE_REQUEST = 1,       /* it begins */
    BIDE_TRACE_QUEUE_START,       /* no connection is free, and no more may be opened: it waits */
    BIDE_TRACE_QUEUE_END,         /* it has one, or may open one; code: it gave up */
    BIDE_TRACE_DNS_START,         /* host */
    BIDE_TRACE_DNS_CACHE_HIT,     /* host: it was kept from an earlier answer, or stands in /etc/hosts */
    BIDE_TRACE_DNS_CACHE_MISS,    /* host: name servers are asked */
    BIDE_TRACE_DNS_END,           /* host; there is an address; code: there is none */
    BIDE_TRACE_CONNECT_START,     /* host, port, address: it is tried */
    BIDE_TRACE_CONNECT_END,       /* host, port, address; code: why not; BIDE_ECANCELED: another address was faster */
    BIDE_TRACE_PROXY,             /* host, port: this proxy has connected us with what is behind it */
    BIDE_TRACE_TLS_START,         /* host, port: of the server, or of a proxy */
    BIDE_TRACE_TLS_END,           /* host, port; connection, its members about TLS; code: the handshake failed */
    BIDE_TRACE_CONNECTION_MADE,   /* connection */
    BIDE_TRACE_CONNECTION_REUSED, /* connection: it has served before */
    BIDE_TRACE_HEAD_SENT,         /* data: the head of the request, as it was sent */
    BIDE_TRACE_CONTINUE_START,    /* delay_ms: so long the body waits for 100 (Continue) */
    BIDE_TRACE_CONTINUE_END,      /* status: 100, or 0: the server said nothing, or something else */
    BIDE_TRACE_BODY_SENT,         /* bytes: of the body, with its framing, that the kernel has taken now */
    BIDE_TRACE_REQUEST_SENT,      /* bytes: in all; less than the whole if an early answer has made the rest useless */
    BIDE_TRACE_INTERIM,           /* status; bytes: of this head; response: bide_interim_status and bide_interim_header_at have it and its fields */
    BIDE_TRACE_FIRST_BYTE,        /* of an answer */
    BIDE_TRACE_HEAD,              /* status; bytes: of the head; response: its status and fields */
    BIDE_TRACE_BODY_RECEIVED,     /* bytes: of the body, as they came, without framing */
    BIDE_TRACE_REDIRECT,          /* status, response; to: the URL that is asked next */
    BIDE_TRACE_RETRY,             /* why, delay_ms; status and response, or code and error: what it was that is tried again */
    BIDE_TRACE_END,               /* status, response; bytes: of the body; it was read to its end, or is not wanted any more */
    BIDE_TRACE_ERROR              /* code, error; status, if there was a head */
};

/* A step.  All but `response` lasts as long as the call. */
typedef struct bide_trace_event {
    size_t size; /* of this struct */
    enum bide_trace_kind kind;
    int attempt;         /* of the request: 0 as it begins, then 1, and one more with each redirect, retry or challenge */
    uint64_t request;    /* of its session's, from 1 */
    int64_t time_us;     /* since the request began */
    const char *method, *url; /* that are asked for now; without user info and password */
    const char *host;    /* NULL: see the kind; so with those below */
    int port;
    int code;            /* 0: no error */
    const char *address; /* "127.0.0.1" */
    const char *error;   /* what code means, for people */
    const char *to;
    bide_bytes data;     /* may have passwords in it (Authorization, Cookie) */
    uint64_t bytes;
    int64_t delay_ms;
    int status;
    int why;             /* enum bide_again (response.h) */
    const bide_response *response; /* to be looked at, not read or released */
    const struct bide_connection *connection;
} bide_trace_event;

/*
 * What .trace of a session calls, in the middle of the request: as the loop's callbacks are called, so it must not wait.  What
 * would wait fails with BIDE_ENOLOOP; other requests are begun by tasks that it creates.  The time that it takes is the request's.
 *
 * event:     borrowed for the call; look at `kind` first
 * Example:   if (event->kind == BIDE_TRACE_CONNECT_END && event->code < 0) printf("%s: %s\n", event->address, event->error);
 */
typedef void bide_trace_fn(const bide_trace_event *event, void *arg);

/*
 * The name of a step, "connect_end"; of one that is not known, "".
 *
 * Threads:   any; no loop is needed
 * Owns:      borrowed, forever
 * Example:   printf("%8.3f ms %s\n", event->time_us / 1000.0, bide_trace_name(event->kind));
 */
BIDE_API const char *bide_trace_name(enum bide_trace_kind kind);

#ifdef __cplusplus
}
#endif
#endif
