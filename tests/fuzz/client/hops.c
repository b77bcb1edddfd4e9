/* SPDX-License-Identifier: MIT */
/*
 * hops.c - fuzz target: a request with all that can be asked again: redirects, cookies, Digest, retries, Expect, proxies.
 *
 * The first byte says over which proxies, and with which body.  Then come the answers: a byte 0x1d ends what a connection says, and
 * 0x1e what it says before the next request.  Time is virtual.  Whatever is answered: the request ends, nothing is left, and what is
 * for the first origin alone is not sent to another.
 */
#include "http/client/client.h"
#include "../http/memory.h"

#define NEXT_CONNECTION 0x1d
#define NEXT_ANSWER     0x1e
#define CONNECTIONS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the answers ---- */

struct script {
    struct filter filter;
    const uint8_t *at, *end;
    bool answers, is_first_origin;
};

static struct {
    const uint8_t *at, *end;
    struct script all[CONNECTIONS_MAX];
    size_t n;
    bool is_direct;
} scripts;

static struct script *script_of(const struct filter *f)
{
    return container_of(f, struct script, filter);
}

static ssize_t script_recv(struct filter *f, void *out, size_t cap)
{
    struct script *s = script_of(f);
    const uint8_t *stop = memchr(s->at, NEXT_ANSWER, (size_t)(s->end - s->at));
    size_t n = (size_t)((stop ? stop : s->end) - s->at);
    n = n < cap ? n : cap;

    if (n == 0 && stop) { /* it says no more until it is asked again; who waits sees its end */
        s->at = stop + 1;
        s->answers = false;
        return -EAGAIN;
    }
    memcpy(out, s->at, n);
    s->at += n;
    return (ssize_t)n;
}

/* D2 */
static void look_for_secrets(const struct script *s, const struct iovec *iov)
{
    static const char *const secrets[] = {"\r\nX-Secret: ", "\r\nAuthorization: "}; /* no answer can make a line */

    for (size_t i = 0; i < sizeof secrets / sizeof *secrets && !s->is_first_origin && scripts.is_direct; i++)
        must(!memmem(iov->iov_base, iov->iov_len, secrets[i], strlen(secrets[i])));
}

static ssize_t script_send(struct filter *f, const struct iovec *iov, int n)
{
    size_t len = 0;

    script_of(f)->answers = true;
    for (int i = 0; i < n; i++) {
        look_for_secrets(script_of(f), &iov[i]);
        len += iov[i].iov_len;
    }
    return (ssize_t)len;
}

static bool script_may_recv(const struct filter *f)
{
    return script_of(f)->answers;
}

static int script_wait(struct filter *f, unsigned sides, struct flow *flow)
{
    struct script *s = script_of(f);
    (void)sides, (void)flow;

    s->at = s->end;
    s->answers = true;
    return 0;
}

static const struct filter_ops script_ops = {.try_recv = script_recv,
                                             .try_send = script_send,
                                             .may_recv = script_may_recv,
                                             .shutdown = memory_shutdown,
                                             .close = memory_close,
                                             .wait = script_wait,
                                             .yield = memory_yield,
                                             .watch = memory_watch,
                                             .is_alive = memory_is_alive,
                                             .queued = memory_queued,
                                             .abort = memory_close};

static bide_stream *script_dial(const struct connect_options *o)
{
    struct script *s = &scripts.all[scripts.n];
    if (scripts.n == CONNECTIONS_MAX || scripts.at == scripts.end || o->tls) {
        bide_fail(-ECONNREFUSED, "connecting to %s: nobody is there", o->host);
        return NULL;
    }

    const uint8_t *stop = memchr(scripts.at, NEXT_CONNECTION, (size_t)(scripts.end - scripts.at));
    *s = (struct script){.filter.ops = &script_ops, .at = scripts.at, .end = stop ? stop : scripts.end,
                         .is_first_origin = strcmp(o->host, "h") == 0 && o->port == 80};
    scripts.at = stop ? stop + 1 : scripts.end;
    scripts.n++;
    return bide__stream_over(&s->filter, "memory", 0);
}

/* ---- the request ---- */

static int ask(bide_session *s, uint8_t how)
{
    static const char *const routes[] = {"", "http://me:pw@p", "http://me:pw@p, http://me:pw@q", "socks5h://me:pw@p", "socks4a://p, http://q"};
    const char *route = routes[(how & 7) % 5];
    bool has_body = how & 8;

    scripts.is_direct = !route[0];
    bide_response *r = bide_request(s, has_body ? "PUT" : "GET", "http://h/a", .proxy = route, .text = has_body ? "body" : NULL,
                                    .headers = BIDE_PAIRS({"X-Secret", "1"}), .cookies = BIDE_PAIRS({"own", "1"}), .max_redirects = 5,
                                    .expect_continue = how & 16, .auth = BIDE_DIGEST("me", "pw"),
                                    .retry = {.attempts = 3, .wait_ms = 10}, .location_trusted = false);
    const char *text = r ? bide_text(r) : NULL;

    must(text || (bide_error_code() < 0 && bide_error_text()[0] && !strpbrk(bide_error_text(), "\r\n")));
    bide_error_clear();
    bide_release(r);
    return 0;
}

/* Twice, so that what was kept of the first is used. */
static int run(uint8_t how)
{
    bide_session *s = bide_session_new(.max_body_bytes = 100000, .timeout_ms = 100000);

    must(s != NULL);
    s->connector.dial = script_dial;
    ask(s, how);
    ask(s, how);
    bide__connector_close_idle(&s->connector);
    must(bide_session_get_stats(s).open == 0);
    bide_release(s);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bide_loop *loop;
    if (size < 2)
        return 0;
    if (!loop) {
        loop = bide_loop_new();
        bide__loop_set_virtual_time(loop, true);
    }

    scripts.at = data + 1;
    scripts.end = data + size;
    scripts.n = 0;
    must(bide_run_until_complete(loop, bide_coro(run, data[0])) == 0);
    return 0;
}
