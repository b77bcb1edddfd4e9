/* SPDX-License-Identifier: MIT */
/*
 * conn.c - one connection to Redis: hiredis writes and reads the protocol, our streams carry it.
 *
 * Nothing of hiredis that waits is used, so TLS, names, timeouts and cancellation are those of every other stream.
 */
#include "pool/redis/link/link.h"

#define CONNECT_MS 10000

/* ---- out ---- */

int bide__redis_format(struct buf *out, const struct redis_command *c)
{
    char *text = NULL;
    int len = redisFormatCommandArgv(&text, (int)c->n, (const char **)(uintptr_t)c->arg, c->len);
    if (len < 0)
        return bide__fail_nomem("a command for Redis");

    int code = bide__buf_append(out, text, (size_t)len);
    redisFreeCommand(text);
    return code;
}

int bide__redis_format_texts(struct buf *out, const char *const *texts)
{
    struct redis_command c;

    c.n = 0;
    bide__redis_texts(&c, texts);
    return bide__redis_format(out, &c);
}

int bide__redis_write(struct redis_conn *c, struct buf *out)
{
    int code = bide_write(c->stream, bide__buf_head(out), bide__buf_len(out));
    if (code == 0)
        code = bide_drain(c->stream);
    bide__buf_consume(out, bide__buf_len(out));
    return code;
}

bool bide__redis_has_flowed(struct redis_conn *c)
{
    uint64_t before = c->taken;

    c->taken = c->stream->bytes_out - bide__stream_queued(c->stream); /* a slow server leaves it to the kernel */
    return c->taken != before;
}

/* ---- in ---- */

static int feed(struct redis_conn *c, int64_t quiet_ms)
{
    ssize_t n = BIDE_ETIMEDOUT;

    bide__timeout(quiet_ms)
    {
        n = bide_read(c->stream, c->in, sizeof c->in);
    }
    if (n == 0)
        return bide_fail(BIDE_EEOF, "it closed the connection");
    return n < 0 ? (int)n : bide__redis_reader_feed(&c->reader, c->in, (size_t)n);
}

redisReply *bide__redis_read(struct redis_conn *c, int64_t quiet_ms)
{
    for (;;) {
        int code;
        redisReply *reply = bide__redis_reader_next(&c->reader, &code);
        if (reply || code < 0)
            return reply;
        if (feed(c, quiet_ms) < 0)
            return NULL;
    }
}

bool bide__redis_is_passing(const redisReply *r)
{
    static const char *const words[] = {"LOADING", "READONLY", "MASTERDOWN", "BUSY ", "UNBLOCKED", "NOGROUP"};

    for (size_t i = 0; i < array_len(words); i++)
        if (r->type == REDIS_REPLY_ERROR && strncmp(r->str, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

int bide__redis_code(const struct redis_address *a, const redisReply *r, const char *what)
{
    static const struct {
        const char *word;
        int code;
    } codes[] = {{"OOM", BIDE_ELIMIT},
                 {"WRONGPASS", -EACCES},
                 {"NOAUTH", -EACCES},
                 {"NOPERM", -EACCES},
                 {"DENIED", -EACCES},
                 {"ERR invalid password", -EACCES},
                 {"ERR AUTH", -EACCES},
                 {"ERR Protocol error: invalid bulk length", -E2BIG}, /* proto-max-bulk-len */
                 {"LOADING", -EAGAIN},
                 {"NOGROUP", -ESRCH},
                 {"BUSYGROUP", -EEXIST},
                 {"READONLY", -EROFS}};
    int code = -EREMOTEIO;
    char shown[80];
    if (r->type != REDIS_REPLY_ERROR)
        return 0;

    for (size_t i = 0; i < array_len(codes); i++)
        if (strncmp(r->str, codes[i].word, strlen(codes[i].word)) == 0)
            code = codes[i].code;
    if (strncmp(r->str, "MOVED", 5) == 0)
        return bide_fail(code, "Redis at %s: another node of its cluster has this queue, give the URL of that: %s",
                         a->shown, bide__shown(shown, r->str, r->len));
    return bide_fail(code, "Redis at %s: %s: %s", a->shown, what, bide__shown(shown, r->str, r->len));
}

/* A server that does not want us says why and closes: what it said can be read, although we cannot write. */
static bool can_read_after(int code)
{
    return code == 0 || code == -EPIPE || code == -ECONNRESET;
}

redisReply *bide__redis_ask(struct redis_conn *c, const char *const *texts, int64_t quiet_ms)
{
    struct buf out;
    redisReply *r = NULL;
    bide__buf_init(&out, REDIS_PAYLOAD_MAX);
    if (bide__redis_format_texts(&out, texts) == 0 && can_read_after(bide__redis_write(c, &out)))
        r = bide__redis_read(c, quiet_ms);
    bide__buf_free(&out);

    if (r && bide__redis_code(c->address, r, texts[0]) < 0) {
        freeReplyObject(r);
        r = NULL;
    }
    return r;
}

/* ---- life ---- */

static int tls_context(struct redis_address *a)
{
    if (a->tls && !a->context)
        a->context = bide_tls_new(.insecure = false);
    return a->tls && !a->context ? bide_error_code() : 0;
}

static int begin(struct redis_conn *c, struct redis_address *a)
{
    BIDE_TRY(tls_context(a));
    c->stream = bide_connect(a->host, a->port, .timeout_ms = CONNECT_MS, .tls = a->tls ? a->context : NULL);
    if (!c->stream)
        return bide_error_code();
    BIDE_TRY(bide__redis_reader_open(&c->reader));
    return bide__redis_greet(c);
}

/* One side speaks TLS and the other does not: that looks like a server that hangs up, or says nothing. */
static const char *hint(const struct redis_address *a, int code)
{
    if (!a->tls && (code == BIDE_EEOF || code == -ECONNRESET || code == -EPIPE))
        return " (should it want TLS: rediss://)";
    return a->tls && code == BIDE_ETIMEDOUT ? " (should it not speak TLS: redis://)" : "";
}

struct redis_conn *bide__redis_open(struct redis_address *a)
{
    struct redis_conn *c = bide__malloc(sizeof *c);
    if (!c) {
        bide__fail_nomem("a connection to Redis");
        return NULL;
    }
    c->stream = NULL;
    c->reader.reader = NULL;
    c->address = a;
    c->taken = 0;
    if (begin(c, a) == 0)
        return c;
    if (!strstr(bide_error_text(), "Redis at"))
        bide__error_prefix("Redis at %s%s: ", a->shown, hint(a, bide_error_code()));
    bide__redis_close(c);
    return NULL;
}

void bide__redis_close(struct redis_conn *c)
{
    if (!c)
        return;
    bide_release(c->stream);
    bide__redis_reader_close(&c->reader);
    bide__free(c);
}
