/* SPDX-License-Identifier: MIT */
/*
 * response.c - a response as the caller sees it: status, fields, times; its time limits and errors.
 *
 * All that a response shows lies in its arena or in its own body buffer, so it stays valid when its connection has gone
 * to another request.
 */
#include <stdio.h>

#include "http/client/client.h"

#define NS_PER_US 1000
#define URL_SHOWN 120 /* of a URL in a message: the reason must fit behind it */

/* ---- errors ---- */

/* Three things look alike from outside: a server that takes nothing more of the request, one that has it all and does not
   answer, and one that stopped in the middle of its answer. */
static const char *what_stalled(const bide_response *r)
{
    static const char *const what[] = {[BIDE_PHASE_QUEUE] = "no connection was free", [BIDE_PHASE_CONNECT] = "not connected",
                                       [BIDE_PHASE_SEND] = "the server took nothing", [BIDE_PHASE_HEAD] = "no answer",
                                       [BIDE_PHASE_BODY] = "nothing more of the body", [BIDE_PHASE_TLS] = "not connected"};
    if (r->progress.in_source)
        return "the body to send did not come";
    bool is_sending = r->deadline.phase == BIDE_PHASE_HEAD && r->progress.queued > 0 && r->progress.queued != SIZE_MAX;

    return what[is_sending ? BIDE_PHASE_SEND : r->deadline.phase];
}

/* How much of a long request the server has taken: it distinguishes a slow upload from a slow answer.  Of a body whose length is not
   known, request_len has what its source has given, and what was taken may be more: the chunks' own bytes. */
static void describe_upload(const bide_response *r, char *out, size_t cap)
{
    const struct progress *p = &r->progress;
    size_t queued = p->queued == SIZE_MAX ? 0 : p->queued, taken = p->sent > queued ? p->sent - queued : 0;

    if (r->deadline.phase == BIDE_PHASE_HEAD && p->queued == 0 && p->request_len > BODY_READ_SIZE)
        snprintf(out, cap, "; it has taken the whole request, %zu bytes", p->request_len);
    else if (taken > p->request_len)
        snprintf(out, cap, "; it has taken %zu bytes of the request", taken);
    else if (r->deadline.phase == BIDE_PHASE_SEND || (r->deadline.phase == BIDE_PHASE_HEAD && p->queued > 0))
        snprintf(out, cap, "; it has taken %zu of the request's %zu bytes", taken, p->request_len);
}

/* One of the request's own limits was reached, not a bide_timeout block around it: name the limit. */
static void fail_timed_out(const bide_response *r)
{
    const struct deadline *d = &r->deadline;
    long long limit_ms = bide__deadline_is_total(d) ? d->limits.total_ms : bide__deadline_limit_ms(d);
    long long spent_ms = (d->loop->now_ns - d->begun_ns) / 1000000;
    char story[160] = "", spent[48] = "";

    if ((d->phase == BIDE_PHASE_CONNECT || d->phase == BIDE_PHASE_TLS) && strcmp(bide_error_text(), "timed out") != 0) /* how far it got */
        snprintf(story, sizeof story, ": %.150s", bide_error_text());
    describe_upload(r, story, sizeof story);
    if (d->rate.is_below) {
        bide_fail(BIDE_ETIMEDOUT, "timed out: the body is slower than allowed: %llu bytes in %lld ms, and %llu are the least",
                  (unsigned long long)d->rate.come, (long long)d->rate.window_ms, (unsigned long long)d->rate.bytes);
        return;
    }
    if (spent_ms > limit_ms + limit_ms / 8 + 10) /* it was not the first thing that was waited for */
        snprintf(spent, sizeof spent, ", %lld ms after it began", spent_ms);
    if (bide__deadline_is_total(d))
        bide_fail(BIDE_ETIMEDOUT, "timed out: not done within %lld ms (%s)%s", limit_ms, what_stalled(r), story);
    else
        bide_fail(BIDE_ETIMEDOUT, "timed out: %s within %lld ms%s%s", what_stalled(r), limit_ms, story, spent);
}

/* How much of a URL is shown, without its fragment. */
static int shown_of(const char *url)
{
    size_t len = strcspn(url, "#");

    return (int)(len < URL_SHOWN ? len : URL_SHOWN);
}

static const char *dots_of(const char *url)
{
    return strcspn(url, "#") > URL_SHOWN ? "..." : "";
}

/* The URL that failed; after redirects also the one that was asked for, by which the user knows it. */
static void prefix_urls(const bide_response *r)
{
    const char *url = r->url, *asked = r->asked_url;

    if (url && r->redirects > 0)
        bide__error_prefix("%s %.*s%s (redirected from %.*s%s): ", r->method, shown_of(url), url, dots_of(url),
                           shown_of(asked), asked, dots_of(asked));
    else if (url)
        bide__error_prefix("%s %.*s%s: ", r->method, shown_of(url), url, dots_of(url));
}

/* Since the call began: the record may hold an older error with the same code. */
static bool is_on_record(int code)
{
    const struct error_record *e = bide__error_current();

    return e->code == code && (!e->mark || e->mark->is_changed);
}

static void note_request(const bide_response *r)
{
    struct error_record *e = bide__error_current();

    e->phase = (uint8_t)r->deadline.phase;
    e->http_status = (uint16_t)r->answer.status;
    e->reused = r->reused;
    e->retry_safe = r->retry_safe;
    e->bytes_sent = r->progress.sent;
    e->bytes_received = r->progress.received;
    snprintf(e->url, sizeof e->url, "%s", r->url ? r->url : "");
}

int bide__response_fail(bide_response *r, int code)
{
    if (code == BIDE_ETIMEDOUT && !bide__block_expired())
        fail_timed_out(r);
    else if (!is_on_record(code))
        bide_fail(code, "%s", bide_strerror(code));
    prefix_urls(r);
    note_request(r);
    bide__tracing_fail(r, code);
    return code;
}

const char *bide__error_before(char out[ERROR_TEXT_MAX])
{
    const struct error_record *e = bide__error_current();

    out[0] = '\0';
    if (e->code < 0 && !strstr(e->text, "NULL"))
        snprintf(out, ERROR_TEXT_MAX, "; before that: %.180s", e->text);
    return out;
}

bool bide__response_is_null(const char *function)
{
    char why[ERROR_TEXT_MAX];

    bide_fail(-EINVAL, "%s: the response is NULL%s", function, bide__error_before(why));
    return true;
}

/* ---- the object ---- */

static void response_destroy(void *object)
{
    bide_response *r = object;

    if (unlikely(r->span != 0))
        bide__request_note_end(r, 0);
    bide__body_drop(r);
    bide__body_free(r);
    bide__conn_info_drop(r->info);
    r->info = NULL;
    bide__session_give_response(r->session, r);
}

/* That of a blocking request stands alone, and belongs to no loop. */
static void response_release(void *object)
{
    const bide_response *r = object;

    if (!r->session || !bide__release_is_refused(r->session->loop, "bide_release of a response"))
        bide__object_unref(object);
}

/* "GET http://a.example/": for reports. */
static void response_describe(const void *object, char *buf, size_t cap)
{
    const bide_response *r = object;

    if (r->url)
        snprintf(buf, cap, "%s %.100s", r->method, r->url);
}

const struct object_type bide__response_type = {
    .name = "response", .destroy = response_destroy, .release = response_release, .describe = response_describe};

int bide__response_detach(bide_response *r)
{
    bide_session *s = r->session;
    BIDE_TRY(bide__conn_info_make_own(&r->info));

    r->session = NULL;
    bide__session_leave(s);
    return 0;
}

/* ---- status and fields ---- */

int bide_status(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return -EINVAL;
    return r->answer.status;
}

const char *bide_reason(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return "";
    return r->answer.reason;
}

bool bide_ok(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return false;
    return r->answer.status >= 200 && r->answer.status <= 299;
}

const char *bide_header(const bide_response *r, const char *name)
{
    if (bide__response_missing(r, __func__))
        return NULL;
    if (!name) {
        bide_fail(-EINVAL, "bide_header: the name is NULL");
        return NULL;
    }
    size_t len = strlen(name);
    if (!bide__header_name_ok(name, len)) /* those that are no tokens are not found by name */
        return NULL;

    for (uint32_t i = 0; i < r->answer.fields.n; i++) {
        const struct field *f = &r->answer.fields.all[i];
        if (f->name_len == len && strncasecmp(bide__field_name(&r->answer.fields, f), name, len) == 0)
            return bide__field_value(&r->answer.fields, f);
    }
    return NULL;
}

bool bide_header_at(const bide_response *r, size_t i, bide_pair *out)
{
    if (bide__response_missing(r, __func__) || bide__is_null(out, __func__, "the place for the field") ||
        i >= r->answer.fields.n)
        return false;
    const struct field *f = &r->answer.fields.all[i];
    *out = (bide_pair){bide__field_name(&r->answer.fields, f), bide__field_value(&r->answer.fields, f)};
    return true;
}

/* Apart, so that the usual way has no array in its frame. */
static __attribute__((noinline)) int raise_status(bide_response *r)
{
    char reason[80];

    bide_fail(BIDE_ESTATUS, "%d %s", r->answer.status, bide__shown(reason, bide_reason(r), strlen(bide_reason(r))));
    return bide__response_fail(r, BIDE_ESTATUS);
}

int bide_raise_for_status(bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return -EINVAL;
    return r->answer.status < 400 ? 0 : raise_status(r);
}

const char *bide_response_oddity(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return NULL;
    return r->answer.oddity;
}

/* ---- where it came from ---- */

const char *bide_response_url(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return "";
    return r->url;
}

int bide_response_redirects(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return -EINVAL;
    return r->redirects;
}

int bide_response_http_minor(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return -EINVAL;
    return r->answer.minor;
}

const char *bide_response_peer(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return "";
    return r->info ? r->info->peer : "";
}

bool bide_response_reused(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return false;
    return r->reused;
}

/* What changes while the body comes is for the loop's own thread.  (A blocking request has left no session behind.) */
static int check_loop(const bide_response *r, const char *function)
{
    return r->session ? bide__loop_check(r->session->loop, function) : 0;
}

uint64_t bide_response_body_bytes(const bide_response *r)
{
    if (bide__response_missing(r, __func__) || check_loop(r, __func__) < 0)
        return 0;
    return r->chain.wire;
}

bool bide_response_is_decoded(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return false;
    return r->is_coded;
}

/* ---- times ---- */

static int64_t since(int64_t from_ns, int64_t to_ns)
{
    return to_ns > 0 ? (to_ns - from_ns) / NS_PER_US : -1;
}

static bide_timing timing_of(const bide_response *r)
{
    return (bide_timing){.queued = since(r->start_ns, r->queued_ns),
                         .dns = since(r->start_ns, r->connect.dns),
                         .connect = since(r->start_ns, r->connect.connect),
                         .tls = since(r->start_ns, r->connect.tls),
                         .first_byte = since(r->start_ns, r->progress.first_byte_ns),
                         .head = since(r->start_ns, r->head_ns),
                         .body = since(r->start_ns, r->body_ns),
                         .sent = since(r->start_ns, r->progress.sent_ns),
                         .proxy = since(r->start_ns, r->connect.proxy),
                         .before = (r->start_ns - r->begun_ns) / NS_PER_US,
                         .total = since(r->begun_ns, r->body_ns ? r->body_ns : r->head_ns)};
}

void bide_response_timing_into(const bide_response *r, bide_timing *out, size_t size)
{
    bide_timing t = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};

    if (!bide__response_missing(r, "bide_response_timing") && check_loop(r, "bide_response_timing") == 0)
        t = timing_of(r);
    bide__options_give(out, size, &t, sizeof t);
}

/* ---- the body ---- */

int bide__body_begin_reading(bide_response *r, const char *function)
{
    int code = check_loop(r, function);
    if (code == 0 && !r->whole.data)
        code = bide__check_waiter(r->session->loop, function);
    if (code < 0)
        return code;
    if (!r->busy)
        return 0;
    bide_fail(BIDE_ESTATE, "another task is reading the body");
    return bide__response_fail(r, BIDE_ESTATE);
}

static int read_whole(bide_response *r)
{
    int code = bide__body_begin_reading(r, "bide_body");
    if (code < 0)
        return code;
    if (r->streaming) {
        bide_fail(BIDE_ESTATE, "the body was read by bide_read_chunk already");
        return bide__response_fail(r, BIDE_ESTATE);
    }
    if (r->whole.data)
        return 0;

    struct error_mark mark;
    bide__error_mark(&mark);
    r->busy = true;
    code = bide__body_read_all(r);
    r->busy = false;
    bide__error_end(&mark, code);
    return code;
}

bide_bytes bide_body(bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return (bide_bytes){NULL, 0};
    return read_whole(r) < 0 ? (bide_bytes){NULL, 0} : r->whole;
}


bide_bytes bide_body_so_far(const bide_response *r)
{
    if (bide__response_missing(r, __func__))
        return (bide_bytes){NULL, 0};
    return r->whole.data ? r->whole : (bide_bytes){bide__buf_head(&r->body), bide__buf_len(&r->body)};
}

ssize_t bide_read_chunk(bide_response *r, const char **data)
{
    if (bide__response_missing(r, __func__))
        return -EINVAL;
    if (!data)
        return bide_fail(-EINVAL, "bide_read_chunk: there is no place for the piece (data is NULL)");
    bool first = !r->streaming;
    int code = bide__body_begin_reading(r, __func__);
    if (code < 0)
        return code;

    r->streaming = true;
    if (r->whole.data) { /* it came with the head, or was read before */
        *data = r->whole.data;
        return first ? (ssize_t)r->whole.len : 0;
    }
    struct error_mark mark;
    bide__error_mark(&mark);
    r->busy = true;
    ssize_t n = bide__body_next(r, data);
    r->busy = false;
    bide__error_end(&mark, n);
    return n;
}
