/* SPDX-License-Identifier: MIT */
/*
 * policy.h - what happens around an exchange: a row of policies, each of which may change what is asked, and may ask again.
 *
 *     before  ---> first ---> second ---> last ---> the exchange
 *     after   <--- first <--- second <--- last <---
 *
 * Before each try every policy is called from the first to the last; after it, be there an answer or an error, from the last
 * to the first, until one wants to ask again or fails.  A policy does not know what carries the request, nor the others.
 *
 * A member is a struct that begins with `struct policy`: on the stack of one request (stale_retry.c, redirect.c, cookies.c,
 * auth.c), or kept by a session for all of its requests; then what it notes for one of them is not in it.
 */
#ifndef BIDE_HTTP_POLICY_H
#define BIDE_HTTP_POLICY_H

#include <bide/http.h>

#include "base/base.h"
#include "http/auth/digest.h"
#include "http/cookie/cookie.h"
#include "http/exchange/ops.h"
#include "http/hsts/hsts.h"
#include "http/tunnel/tunnel.h"

/* A request in flight: what is asked for in the next try. */
struct request {
    struct request_head head; /* head.added is empty before each try */
    struct arena *arena;      /* for what has to last until the answer is released */
    bide_response *response;  /* for callbacks of the user's */
    struct body_source *source; /* to be closed at the end, whatever has become of head.body; NULL: none */
    int hops;                 /* redirects followed */
    bool has_left;            /* a hop has left the origin that was asked: what says who we are is not sent any more */
    bool is_led;              /* a hop has left the site that was asked: see struct jar_request */
    bool is_sent;             /* something of a try was */
    int64_t wait_ms;          /* before the next try; goes with it */
    bool is_elsewhere;        /* it may be asked without a connection of the pool's: see bide_session.transport */
    const struct canned *canned; /* then: the answer to the next try; NULL: the session knows who is asked */
    bool fresh;               /* the next try needs a new connection; goes after it */
    struct route *route;      /* how its connection gets there; a share; NULL: directly */
};

/* What came of a try. */
struct outcome {
    int code;                    /* 0: there is an answer; an error */
    bool reused;                 /* the connection had served before */
    const struct answer *answer; /* if there is one */
    const struct progress *progress;
    int64_t left_ms;             /* of the time for all; if there is a retry */
    bool is_interrupted;         /* by a bide_timeout around it; likewise */
};

enum { POLICY_ACCEPT, POLICY_AGAIN }; /* or a negative code */

struct policy;
struct policy_ops {
    const char *name; /* in messages */
    enum bide_again why; /* it asks again */
    /* 0, or an error on record, with which the request fails.  NULL: nothing to do. */
    int (*before)(struct policy *p, struct request *q);
    /* POLICY_ACCEPT: as it is; POLICY_AGAIN: ask once more for what q says now; or an error on record.  NULL: accept. */
    int (*after)(struct policy *p, struct request *q, const struct outcome *o);
};

struct policy {
    const struct policy_ops *ops;
};

/* ---- policy.c: the row ---- */

struct policy_row {
    struct policy **all;
    size_t n;
};

/* 0, or the first error. */
int bide__policies_before(struct policy_row row, struct request *q);
/* POLICY_ACCEPT, POLICY_AGAIN, or an error: that of a policy, or o->code if all accept it.  *by: who wants to ask again. */
int bide__policies_after(struct policy_row row, struct request *q, const struct outcome *o, const struct policy_ops **by);
/* May it be sent twice (RFC 9110 9.2.2), or has the user said so? */
bool bide__method_is_idempotent(const struct request_head *head);
static inline bool bide__request_is_idempotent(const struct request_head *head)
{
    bool is_get = head->method_len == 3 && memcmp(head->method, "GET", 3) == 0; /* nearly always */

    return likely(is_get) || bide__method_is_idempotent(head);
}

/* ---- stale_retry.c: once more, if the connection that was kept had died ---- */

struct stale_retry {
    struct policy policy;
    int tried_at; /* 1 + the hop at which it has asked again; 0: not yet */
};

extern const struct policy_ops bide__stale_retry_ops;

/* ---- redirect.c: on to the next URL ---- */

struct redirected; /* a request that was answered with one */

struct redirect {
    struct policy policy;
    struct redirected *before;     /* the last first */
    int max;                       /* hops; -1: a redirect is the answer */
    bide_hsts *hsts;               /* NULL: none */
    bool location_trusted;         /* the user's fields go to other origins, too */
    bide_redirect_fn *on_redirect; /* NULL: the user lets all be followed */
    void *on_redirect_arg;
};

extern const struct policy_ops bide__redirect_ops;

/* ---- by_route.c: over proxies, or to a Unix socket ---- */

struct by_route {
    struct policy policy;
    const struct route_choice *choice; /* the session's */
    const char *text;                  /* of this request alone; NULL: by choice */
    struct routes *routes;
    bide_tls *(*tls)(void *arg);       /* for proxies that speak TLS; NULL: an error on record */
    void *tls_arg;
    int asked;                         /* how often a proxy has wanted other credentials */
    struct added_field field;
};

extern const struct policy_ops bide__by_route_ops;

/* ---- hsts.c: hosts to be asked over TLS alone ---- */

struct hsts {
    struct policy policy;
    bide_hsts *store;
    bool is_verified; /* certificates are: only then a server is believed */
};

extern const struct policy_ops bide__hsts_ops;
/* Make it https if the store wants that; NULL: there is none.  0 or BIDE_ENOMEM on record. */
int bide__hsts_apply(bide_hsts *h, struct arena *arena, struct url *url);

/* ---- retry.c: again, after a while ---- */

#define RETRY_BUDGET_FIRST 1000 /* hundredths of a retry */
#define RETRY_BUDGET_MOST  10000

struct retry_budget {
    int percent; /* hundredths of a retry that a request brings; BIDE_UNLIMITED */
    int left;
};

struct retry {
    struct policy policy;
    bide_retry how; /* with the defaults filled in, but for the lists */
    int tries;      /* so far */
    bool has_begun;
    struct retry_budget *budget; /* the session's */
};

extern const struct policy_ops bide__retry_ops;

/* ---- expect.c: once more without asking whether the body is wanted ---- */

extern const struct policy_ops bide__expect_ops;

/* ---- resume.c: the rest of a body of which a part is here ---- */

struct content_range {
    uint64_t first, last, total; /* total: BODY_LENGTH_UNKNOWN: not said */
    bool is_none;                /* of 416: total alone counts */
};

/* False: it is not there, or makes no sense. */
bool bide__content_range(const struct fields *fields, struct content_range *out);

/* An entity tag that says that every byte is the same (RFC 9110 8.8.1). */
static inline bool bide__tag_is_strong(const char *tag, size_t len)
{
    return len >= 2 && tag[0] == '"' && tag[len - 1] == '"' && bide__header_value_ok(tag, len);
}

struct resume {
    struct policy policy;
    const char *path, *part, *tag_path; /* the file; what is here of it; the file with its tag */
    uint64_t have;                      /* bytes that are here; 0: it is asked for from the beginning */
    struct added_field range, if_range;
    bool has_tag;                       /* what is here can be gone on with */
};

extern const struct policy_ops bide__resume_ops;

/* ---- cookies.c: what servers set, sent back ---- */

struct cookies {
    struct policy policy;
    bide_cookie_jar **jar;    /* where it is, or will be with the first Set-Cookie; NULL: none are kept */
    const bide_pair *own;     /* of this request; NULL: none */
    struct added_field field; /* of this try */
};

extern const struct policy_ops bide__cookies_ops;

/* ---- user_info.c: user and password of the URL ---- */

/* They become text in the arena; scheme is left to others.  0 or an error on record. */
int bide__user_info_take(struct arena *arena, const struct url *u, bide_auth *out);
/* Take them out of the URL, in its storage. */
void bide__strip_user_info(struct url *u, char *storage);

/* ---- auth_spaces.c: which origin has asked for what ---- */

struct auth_space {
    struct digest digest;
    bool is_basic; /* it has asked for Basic, and not for Digest */
};

struct auth_spaces {
    struct list_node all;
    unsigned n;
};

void bide__auth_spaces_init(struct auth_spaces *s);
void bide__auth_spaces_free(struct auth_spaces *s);
/* What this origin has asked this user for; NULL: nothing yet. */
struct auth_space *bide__auth_spaces_find(struct auth_spaces *s, const struct url *url, const char *user);
/* It does now.  0 or BIDE_ENOMEM on record. */
int bide__auth_spaces_keep(struct auth_spaces *s, const struct url *url, const char *user, const struct auth_space *space);

/* ---- auth.c: user and password, and challenges ---- */

struct auth {
    struct policy policy;
    bide_auth who;             /* user and password are no NULL */
    bool is_of_request;        /* not the session's, or of .netrc */
    bool is_of_url;
    struct auth_spaces *spaces; /* the session's */
    struct added_field field;
    struct digest *answered;   /* in this try; NULL: it was none of Digest */
    bool is_answered;          /* something was sent in this try */
    int answers, at_hop;       /* to challenges of this hop */
};

extern const struct policy_ops bide__auth_ops;

#endif
