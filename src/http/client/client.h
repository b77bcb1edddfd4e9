/* SPDX-License-Identifier: MIT */
/*
 * client.h - the room's header: what the files of the HTTP client share.
 *
 * Reading order: session*.c, prepare.c, to_send.c, request.c, body.c, response.c.
 *
 *     bide_get -> prepare.c: what is asked for
 *                 request.c: the row of policies, and in the middle of it
 *                   connect/pool.c:   a place on a connection of that origin, or open one, or wait for one
 *                   exchange/h1_*.c:  send, receive the head
 *                 response.c, body.c: the body; then the place goes back to connect/pool.c
 */
#ifndef BIDE_HTTP_CLIENT_H
#define BIDE_HTTP_CLIENT_H

#include <bide/http.h>

#include "core/core.h"
#include "http/around/around.h"
#include "http/coding/coding.h"
#include "http/connect/connect.h"
#include "http/connect/deadline.h"
#include "http/connect/pace.h"
#include "http/exchange/decode.h"
#include "http/exchange/h1.h"
#include "http/exchange/ops.h"
#include "http/source/source.h"
#include "http/policy/policy.h"
#include "http/trace/trace.h"
#include "http/transport/transport.h"
#include "http/tunnel/tunnel.h"
#include "http/url/url.h"
#include "io/io.h"

/* ---- credentials.c ---- */

struct netrc_text {
    char *text; /* NULL: none is asked */
    size_t len;
};

/* A session's users and passwords; its own memory, wiped in the end. */
struct credentials {
    bide_auth auth;
    char *user, *password;
    struct netrc_text netrc;
    bool is_any;
    struct auth_spaces spaces;
};

/* What the user gave, after the session's fields were set.  0 or an error on record. */
int bide__session_set_credentials(bide_session *s, const bide_session_args *args);
void bide__session_free_credentials(bide_session *s);
/* Who asks: of_url has no user if the URL has none.  *out NULL: nobody.  0 or an error on record. */
int bide__request_find_auth(struct request *q, const bide_auth *of_url, const bide_auth *own, struct auth **out);

/* ---- retries.c, facts.c ---- */

int bide__session_set_retry(bide_session *s, const bide_session_args *args); /* 0 or an error on record */
/* How this one is tried again, or *out stays NULL.  0 or an error on record. */
int bide__request_find_retry(struct request *q, const bide_retry *own, struct retry **out);
/* What was asked is asked again.  0 or BIDE_ENOMEM on record. */
int bide__history_add(bide_response *r, int code, enum bide_again why, int64_t wait_ms);

/* ---- session.c, session_options.c ---- */

#define SPARE_BODIES 8

struct bide_session {
    struct object object; /* shared by its responses and connections in use */
    bide_session_args args; /* with the defaults filled in; its strings are in the arena */
    struct arena strings;
    struct limits limits; /* of every request */
    struct pace pace_of_all[PACE_WAYS];
    struct default_fields defaults;
    bide_loop *loop; /* a share, since the first request */
    bide_tls *tls, *proxy_tls; /* made when needed */
    bide_tls_args tls_options; /* for them; its strings are in the arena */
    bool has_tls_options;      /* they are made at once, so that an error is seen */
    bool is_elsewhere;         /* there is a transport, or something around each try */
    bool has_left;             /* nobody but responses holds it: its share of the owner counts as that of a response */
    struct route_choice routes; /* over which proxies, if any */
    bide_cookie_jar *jar; /* a share: the user's; or made with the first cookie, or when it is asked for.  NULL: not yet */
    enum { JAR_OF_SESSION, JAR_OF_REQUEST, JAR_NONE } jar_kind;
    struct credentials credentials;
    bide_hsts *hsts;              /* a share; NULL: none */
    bide_transport *transport;    /* a share; NULL: the network */
    const bide_around *around;    /* around every try, in strings; NULL: nothing */
    struct retry_budget retry_budget;
    struct url base;              /* of .base_url, in strings; href NULL: none */
    struct url_origin last_origin; /* of the last request's URL */
    struct connector connector;   /* its own, of which a session that shares another one's connections has no use */
    struct connector *pool;       /* &connector, or that of `owner` */
    struct bide_session *owner;   /* whose connections are shared: a share; NULL: they are its own */
    struct policy *const *policies; /* around every request, outside of its own; npolicies of them */
    size_t npolicies;
    struct policy trace_policy, *trace_row[1]; /* tracing.c: those of a traced session */
    unsigned nresponses, nleft; /* shares that belong to responses, and of those to sessions; the others are owners' */

    struct list_node spare_responses;
    unsigned nspare_responses;
    struct decoders decoders; /* those that have served */
    struct spare_memory {
        char *data;
        size_t cap;
    } spare_bodies[SPARE_BODIES]; /* of bodies, nspare_bodies of them */
    unsigned nspare_bodies;
    uint64_t requests, reused, traced; /* how many there were */
    struct h1_context h1; /* the last: most of it needs no zeros */
};

/* Check and copy what the user gave.  0 or an error on record. */
int bide__session_set_options(bide_session *s, const bide_session_args *args);
int bide__session_set_addresses(bide_session *s, const bide_session_args *args); /* where to and from; likewise */
/* The text of a route to this Unix socket; NULL: out of memory, on record. */
const char *bide__unix_route(struct arena *arena, const char *path);
int bide__session_bind(bide_session *s); /* to the running loop, at the first request */
/* The TLS context, made at the first use; NULL and an error on record. */
bide_tls *bide__session_tls(bide_session *s);
bide_tls *bide__session_proxy_tls(void *session); /* the same for proxies that speak TLS */
static inline bool bide__session_has_routes(const bide_session *s)
{
    return s->routes.text || s->routes.plain || s->routes.secure;
}
/* A blank response with a share of the session; recycled. */
bide_response *bide__session_take_response(bide_session *s);
void bide__session_give_response(bide_session *s, bide_response *r);
/* Memory for a body of about `need` bytes, if some is left of another; and back.  Either may leave b as it is. */
void bide__session_take_memory(bide_session *s, struct buf *b, size_t need);
void bide__session_give_memory(bide_session *s, struct buf *b);
void bide__session_leave(bide_session *s); /* a response gives up its share */

static inline int64_t bide__loop_now_ns(bide_loop *loop)
{
    if (!loop->virtual_time)
        loop->now_ns = bide__clock_ns();
    return loop->now_ns;
}

/* ---- prepare.c: what is asked for ---- */

/* Can this be asked for, without a look into the texts?  0, or -EINVAL on record. */
int bide__request_check(const char *method, const bide_request_args *args);
/* A response that waits for its answer. */
void bide__response_init(bide_response *r, const bide_request_args *args);
/* Fill in what the arguments say; q->response and q->arena are there.  *auth: who asks, or NULL.  0 or an error on record. */
int bide__request_prepare(struct request *q, struct auth **auth, const char *method, const bide_request_args *args);

/* ---- tracing.c ---- */

void bide__session_set_trace(bide_session *s); /* its requests are traced, if the options say so */
int bide__tracing_begin(bide_response *r, void *own_arg); /* it begins, and gets its tracer; 0 or BIDE_ENOMEM on record */
struct exchange *bide__tracing_wrap(bide_response *r, struct exchange *inner); /* that one, or one around it that emits its steps */
void bide__tracing_again(const struct request *q, const struct policy_ops *by, int code); /* code: of the error on record */
void bide__tracing_fail(const bide_response *r, int code);
void bide__request_note_begin(bide_response *r);         /* in a timeline of the process */
void bide__request_note_end(bide_response *r, int code); /* its body has come, or nobody wants it; code < 0: why it failed */

/* ---- to_send.c ---- */

/* The body, if there is one.  Suspends, to open a file.  0 or an error on record. */
int bide__request_set_body(struct request *q, const bide_request_args *args);

/* ---- body.c: whether the body is decoded ---- */

/* What Accept-Encoding says; q->head.user is there. */
void bide__request_ask_codings(struct request *q, bool no_decompress);
/* An answer with a Content-Encoding, which is to be decoded if we can. */
void bide__body_note_codings(bide_response *r);

/* ---- resume.c: a file that goes on where an earlier request ended ---- */

/* What is here already?  0 or an error on record. */
int bide__resume_begin(struct request *q, const char *path);

/* ---- response.c, body.c ---- */

struct bide_response {
    struct object object;
    struct list_node spare; /* session.spare_responses */
    bide_session *session;  /* a share; NULL: the response is complete and stands alone */
    struct arena arena;     /* everything below that is not a number */
    const char *method;
    const char *url;
    const char *asked_url; /* before redirects */
    struct resume *resume;  /* the file that goes on; NULL: none */
    const char *saved_path; /* NULL: it has not been saved under a name */
    struct answer answer;
    struct body_chain chain; /* brings the body, unless it was there with the head */
    struct progress progress; /* of this try */
    struct deadline deadline; /* of all of it */
    size_t max_body;
    int max_ratio;

    struct buf body;        /* a body that did not come with the head */
    bide_bytes whole;       /* the body; data NULL: not read yet */
    const char *text;       /* that as UTF-8; NULL: not asked for yet */
    char *converted;        /* the text, if it was in another charset; owned */
    int body_error, redirects;
    bool streaming, reused, busy; /* busy: a task is reading the body */
    bool may_decode;        /* the user wants bodies as they were before they were coded */
    bool is_coded;          /* this one is in a coding that is taken off */
    bool must_open;         /* for that the decoder is needed, when somebody begins to read */
    struct codings codings; /* if it is */
    struct watch *watch;    /* the user's; NULL: none */
    struct paces *paces;    /* how fast its bodies may move; NULL: as they can */
    bool retry_safe;        /* nothing was sent, or asking twice does no harm */
    struct kept_hop *history; /* NULL: it was asked once */
    int64_t begun_ns, start_ns; /* of all, of this exchange */
    int64_t queued_ns, head_ns, body_ns;
    struct connect_times connect;
    struct conn_info *info; /* of the connection that answered, a share; NULL: none has */
    uint64_t span;          /* in a timeline; 0: it is in none, or is over there */
};

extern const struct object_type bide__response_type;

/* Its body was read: it stands alone, in any thread.  0 or BIDE_ENOMEM on record, and it is as it was. */
int bide__response_detach(bide_response *r);
/* Record an error that ends the request or its body: names method and URL, and for a timeout the limit. */
int bide__response_fail(bide_response *r, int code);
/* For a message about a NULL that a failure has left behind: "; before that: " and the text on record; "" if there is none. */
const char *bide__error_before(char out[ERROR_TEXT_MAX]);
/* A request has failed and nobody looked: r is NULL.  Then true, and -EINVAL on record, with what was on record before. */
bool bide__response_is_null(const char *function);
static inline bool bide__response_missing(const bide_response *r, const char *function)
{
    return unlikely(!r) && bide__response_is_null(function);
}
/* The next piece: its length, 0 at the end.  It lasts until the next call. */
ssize_t bide__body_next(bide_response *r, const char **data);
/* Give back the memory that a response has for its body. */
void bide__body_free(bide_response *r);
/* The same into the caller's memory, or an empty pipe: as exchange_ops.read and .splice. */
ssize_t bide__body_read(bide_response *r, void *out, size_t cap);
ssize_t bide__body_splice(bide_response *r, int pipe, size_t cap);
/* Before the first of these: at most so many bytes, decoded, and a ratio does not matter.  0 or an error on record. */
int bide__body_start_saving(bide_response *r, uint64_t max_bytes);
/* It cannot be gone on with: for good, with the error that is on record.  Returns its code. */
int bide__body_fail(bide_response *r, int code);
/* One task reads a body at a time.  0 or an error on record. */
int bide__body_begin_reading(bide_response *r, const char *function);
/* Read the rest into memory. */
int bide__body_read_all(bide_response *r);
/* n bytes of the body have come, and somebody watches: 0, or his code on record. */
int bide__response_moved(bide_response *r, size_t n);
/* Nobody wants the rest: take it if it is here and short, else close.  Never suspends. */
void bide__body_drop(bide_response *r);

#endif
