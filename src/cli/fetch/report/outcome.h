/* SPDX-License-Identifier: MIT */
/*
 * outcome.h - how an attempt ended, and the kinds of failure.
 */
#ifndef BIDE_CLI_FETCH_REPORT_OUTCOME_H
#define BIDE_CLI_FETCH_REPORT_OUTCOME_H

#include <bide/http.h>

#include <stdbool.h>
#include <stdint.h>

#include "cli/save/digest.h"

enum fail {
    FAIL_NONE, FAIL_URL, FAIL_DNS, FAIL_CONNECT, FAIL_TLS, FAIL_TIMEOUT, FAIL_RESET, FAIL_PROTOCOL, FAIL_TOO_LARGE,
    FAIL_REDIRECT, FAIL_HTTP_4XX, FAIL_HTTP_5XX, FAIL_HTTP, FAIL_CLASH, FAIL_REPEATED, FAIL_IO, FAIL_CANCELLED,
    FAIL_KINDS
};

/* Of the latest request: where redirects led to, also if there was no end to them. */
struct trail {
    int redirects;  /* that were followed */
    bool has_jar;   /* the request was given one, which keeps what they set */
    int status;     /* of the one that was not; 0: it is not that */
    bool is_seen;   /* and the rest of it: */
    char ip[46];
    int http_minor;
    bool reused;
    bide_timing timing;
};

/* How an attempt ended. */
struct outcome {
    enum fail fail;
    int code;            /* of the error; 0: the status was it */
    int status;          /* 0: no answer */
    uint64_t bytes;      /* of the body that was kept */
    int redirects;
    const char *final_url; /* after redirects; NULL: there were none */
    int64_t retry_after_ms; /* -1: not asked for */
    bool is_local;       /* this machine failed; others will, too */
    bool answered;       /* the host said something: the failure is not its own */
    bool with_host;      /* it was not asked for: its host is given up */
    bool is_put_back;    /* nothing is known yet: it waits for its host again */
    bool is_existing;    /* it was not asked for: its file is there */
    bool is_repeat, is_copy; /* it was not asked for: its result is that of another; in a file of its own */
    uint64_t first;      /* is_repeat: the number of that one */
    bool is_queued;      /* it did not come so far as to ask it */
    bool is_final;       /* no other attempt, whatever it is: a part of the body has gone out already */
    bide_timing timing;
    /* For the record alone: */
    char ip[46];         /* who answered; "": unknown */
    const char *mime, *charset, *etag; /* NULL: it did not say */
    const char *extension; /* what names make of the type; NULL: none was asked for */
    const struct trail *trail; /* a redirect that was not followed; NULL: it is not that */
    uint64_t wire_bytes; /* of the body, as it came */
    bool has_digest;
    unsigned char sha256[DIGEST_BYTES]; /* of the body that was kept, or gone through */
    int http_minor;
    bool reused;         /* the connection had served another request */
};

const char *fail_name(enum fail fail);
enum fail fail_of_error(int code);
bool fail_is_status(enum fail fail); /* an answer, with a status that is a failure */
enum fail fail_of_status(int status); /* FAIL_NONE for 2xx and 304 */

#endif
