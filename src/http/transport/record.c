/* SPDX-License-Identifier: MIT */
/*
 * record.c - a transport that uses the network and writes what went over it into a HAR file.
 *
 *     readers, policies
 *       | record_exchange: passes everything on, keeps the beginning of both bodies
 *     exchange on a connection
 *
 * An exchange is written when it is over, in whatever way, by who ends it, and that must not suspend: so writes are made on the
 * loop, a buffer at a time.  An error of the file does not fail requests; it is what bide_transport_end says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bide/har.h>
#include <bide/version.h>

#include "http/transport/har.h"
#include "io/file/file_op.h"
#include "io/file/file_put.h"

#define BODY_MAX ((size_t)1 << 20)
#define FILE_MAX ((int64_t)1 << 30)
#define FLUSH_AT 65536
#define TAIL_ROOM 200 /* bytes of the file behind its entries */

struct recorder {
    bide_transport transport;
    struct arena texts;
    const char *path;
    char *temporary; /* NULL: it has ended */
    int fd;
    struct buf out;
    int64_t written, max_file;
    size_t max_body;
    bool with_secrets;
    int error;   /* the first that writing met */
    int n, left_out;
};

/* The beginning of a body that goes by. */
struct taped {
    struct buf kept;
    uint64_t len;
    bool is_over; /* it has come to its end */
};

/* Gives the pieces of another source, and keeps them. */
struct tee_source {
    struct body_source source;
    struct body_source *inner;
    struct record_exchange *x;
};

struct record_exchange {
    struct exchange exchange;
    struct exchange *inner;
    struct recorder *recorder;
    struct wrapped what;
    int64_t began_us;
    struct answer *answer; /* the client's; NULL: there is none yet */
    struct taped sent, body;
    struct tee_source tee;
};

static struct recorder *recorder_of(const bide_transport *t)
{
    return container_of(t, struct recorder, transport);
}

static struct record_exchange *record_of(struct exchange *x)
{
    return container_of(x, struct record_exchange, exchange);
}

/* ---- the file ---- */

static void note_error(struct recorder *r, int code)
{
    r->error = r->error ? r->error : code;
}

static void flush(struct recorder *r)
{
    size_t len = bide__buf_len(&r->out);
    if (len == 0 || r->error)
        return;

    int code = bide__write_fully(r->fd, bide__buf_head(&r->out), len, r->written);
    if (code < 0)
        note_error(r, code);
    r->written += (int64_t)len;
    bide__buf_consume(&r->out, len);
}

static int put_text(struct recorder *r, const char *text)
{
    return bide__buf_append(&r->out, text, strlen(text));
}

static void forget_since(struct recorder *r, size_t len)
{
    r->out.end = r->out.start + len;
}

static int put_entry(struct recorder *r, const struct har_exchange *x)
{
    size_t before = bide__buf_len(&r->out);
    int code = put_text(r, r->n > 0 ? ",\n" : "\n");

    if (code == 0)
        code = bide__har_write(&r->out, x);
    if (code < 0)
        forget_since(r, before);
    if (code < 0)
        return code;
    if (r->written + (int64_t)bide__buf_len(&r->out) + TAIL_ROOM > r->max_file) {
        forget_since(r, before);
        r->left_out++;
        return 0;
    }
    r->n++;
    if (bide__buf_len(&r->out) >= FLUSH_AT)
        flush(r);
    return 0;
}

/* It must not fail the request, nor what is on record. */
static void write_entry(struct recorder *r, const struct har_exchange *x)
{
    struct error_mark mark;
    if (!r->temporary || r->error)
        return;

    bide__error_mark(&mark);
    int code = put_entry(r, x);
    bide__error_restore(&mark);
    if (code < 0)
        note_error(r, code);
}

/* ---- bodies that go by ---- */

static int keep(struct recorder *r, struct taped *t, const char *data, size_t len)
{
    size_t room = r->max_body - bide__buf_len(&t->kept), n = len < room ? len : room;

    t->len += len;
    return n > 0 ? bide__buf_append(&t->kept, data, n) : 0;
}

static struct har_body body_of(const struct taped *t)
{
    size_t len = bide__buf_len(&t->kept);

    return (struct har_body){{bide__buf_head(&t->kept), len}, t->len, !t->is_over || t->len > len};
}

static struct tee_source *tee_of(struct body_source *b)
{
    return container_of(b, struct tee_source, source);
}

static ssize_t tee_next(struct body_source *b, const char **data)
{
    struct tee_source *t = tee_of(b);
    ssize_t n = t->inner->ops->next(t->inner, data);

    t->x->sent.is_over = n == 0;
    if (n > 0 && keep(t->x->recorder, &t->x->sent, *data, (size_t)n) < 0)
        return bide_error_code();
    return n;
}

static const struct body_source_ops tee_ops = {.next = tee_next};

/* ---- the end of an exchange ---- */

static const char *text_of(int code)
{
    return code >= 0 ? NULL : bide_error_code() == code ? bide_error_text() : bide_strerror(code);
}

static void finish(struct record_exchange *x, int code)
{
    static const struct answer none = {.status = 0};
    const struct progress *p = x->exchange.progress;
    const struct conn_info *info = x->what.info;
    uint64_t length = x->tee.inner ? x->tee.inner->length : 0;
    struct har_exchange e = {.method = x->what.method, .url = x->what.url, .head = p->head, .answer = x->answer ? x->answer : &none,
                             .code = code, .error = text_of(code), .began_us = x->began_us,
                             .start_ns = x->what.start_ns, .dns_ns = x->what.connect.dns, .connect_ns = x->what.connect.connect,
                             .tls_ns = x->what.connect.tls, .sent_ns = p->sent_ns, .first_byte_ns = p->first_byte_ns,
                             .end_ns = x->exchange.deadline->loop->now_ns, .peer = info ? info->peer : NULL,
                             .connection = info ? info->id : 0, .with_secrets = x->recorder->with_secrets,
                             .max_body = x->recorder->max_body};

    x->sent.is_over |= x->sent.len == length;
    e.sent = body_of(&x->sent);
    e.body = body_of(&x->body);
    write_entry(x->recorder, &e);
    bide__buf_free(&x->sent.kept);
    bide__buf_free(&x->body.kept);
}

static int failed(struct record_exchange *x, int code)
{
    finish(x, code);
    return code;
}

/* ---- an exchange ---- */

static int record_send(struct exchange *exchange, struct request_head *head)
{
    struct record_exchange *x = record_of(exchange);
    struct exchange *inner = x->inner;
    const struct exchange_ops *ops = inner->ops;

    inner->deadline = exchange->deadline;
    inner->progress = exchange->progress;
    inner->arena = exchange->arena;
    inner->watch = exchange->watch;
    inner->paces = exchange->paces;
    inner->max_whole = exchange->max_whole;
    if (head->body) {
        x->tee = (struct tee_source){{.ops = &tee_ops, .length = head->body->length, .is_here = head->body->is_here}, head->body, x};
        head->body = &x->tee.source;
    }
    int code = ops->send(inner, head);
    if (x->tee.inner) {
        head->body = x->tee.inner;
        head->body->has_begun |= x->tee.source.has_begun;
    }
    return code < 0 ? failed(x, code) : 0;
}

static int record_head(struct exchange *exchange, struct answer *out)
{
    struct record_exchange *x = record_of(exchange);
    int code = x->inner->ops->head(x->inner, out);
    if (code < 0)
        return failed(x, code);

    x->answer = out;
    if (!out->whole.data)
        return 0;
    code = keep(x->recorder, &x->body, out->whole.data, out->whole.len);
    x->body.is_over = true;
    finish(x, 0);
    return code;
}

/* n bytes of the body have come, or its end, or an error. */
static ssize_t note_piece(struct record_exchange *x, ssize_t n, const char *data)
{
    if (n > 0) {
        int code = keep(x->recorder, &x->body, data, (size_t)n);
        if (code == 0)
            return n;
        x->inner->ops->drop(x->inner, 0);
        return failed(x, code);
    }
    x->body.is_over = n == 0;
    finish(x, (int)n);
    return n;
}

static ssize_t record_next(struct exchange *exchange, const char **data)
{
    struct record_exchange *x = record_of(exchange);
    ssize_t n = x->inner->ops->next(x->inner, data);

    return note_piece(x, n, n > 0 ? *data : NULL);
}

static ssize_t record_read(struct exchange *exchange, void *out, size_t cap)
{
    struct record_exchange *x = record_of(exchange);

    return note_piece(x, x->inner->ops->read(x->inner, out, cap), out);
}

static void record_drop(struct exchange *exchange, size_t most)
{
    struct record_exchange *x = record_of(exchange);

    x->inner->ops->drop(x->inner, most);
    finish(x, 0);
}

static bide_stream *record_steal(struct exchange *exchange)
{
    struct record_exchange *x = record_of(exchange);
    bide_stream *s = x->inner->ops->steal(x->inner);

    finish(x, 0);
    return s;
}

static int64_t wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct exchange *record_wrap(bide_transport *t, struct exchange *inner, const struct wrapped *what)
{
    static const struct exchange_ops ops = {.send = record_send, .head = record_head, .next = record_next, .read = record_read,
                                            .drop = record_drop, .steal = record_steal};
    struct record_exchange *x = bide__arena_alloc(what->arena, sizeof *x);
    if (!x) {
        inner->ops->drop(inner, 0);
        return NULL;
    }

    *x = (struct record_exchange){.exchange.ops = &ops, .inner = inner, .recorder = recorder_of(t), .what = *what};
    x->began_us = wall_us() - (what->loop->now_ns - what->start_ns) / 1000;
    bide__buf_init(&x->sent.kept, SIZE_MAX);
    bide__buf_init(&x->body.kept, SIZE_MAX);
    return &x->exchange;
}

/* There was no connection. */
static void record_failed(bide_transport *t, const struct wrapped *what, int code)
{
    static const struct answer none = {.status = 0};
    const struct har_exchange e = {.method = what->method, .url = what->url, .answer = &none, .code = code, .error = text_of(code),
                                   .began_us = wall_us() - (what->loop->now_ns - what->start_ns) / 1000, .start_ns = what->start_ns,
                                   .end_ns = what->loop->now_ns};

    write_entry(recorder_of(t), &e);
}

/* ---- the transport ---- */

static int record_check(const bide_transport *t)
{
    const struct recorder *r = recorder_of(t);

    if (r->error)
        return bide_fail(r->error, "%s: %s", r->path, bide_strerror(r->error));
    if (r->left_out > 0)
        return bide_fail(BIDE_ETOOBIG, "%s: %d exchanges would have made it longer than %lld bytes", r->path, r->left_out,
                         (long long)r->max_file);
    return 0;
}

static void give_up(struct recorder *r)
{
    if (!r->temporary)
        return;
    unlink(r->temporary);
    close(r->fd);
    r->temporary = NULL;
}

static void record_close(bide_transport *t)
{
    struct recorder *r = recorder_of(t);

    give_up(r);
    bide__buf_free(&r->out);
    bide__arena_free(&r->texts);
}

static const struct transport_ops record_transport_ops = {
    .name = "a recorder", .wrap = record_wrap, .failed = record_failed, .check = record_check, .close = record_close};

static int put_tail(struct recorder *r)
{
    BIDE_TRY(put_text(r, "\n]"));
    if (r->left_out > 0)
        BIDE_TRY(bide__buf_printf(&r->out, ",\"comment\":\"%d exchanges are left out: the file may have %lld bytes\"", r->left_out,
                                  (long long)r->max_file));
    return put_text(r, "}}\n");
}

int bide_transport_end(bide_transport *t)
{
    if (bide__is_null(t, __func__, "the transport"))
        return -EINVAL;
    if (t->ops != &record_transport_ops)
        return bide_fail(-EINVAL, "bide_transport_end: this transport records nothing");
    struct recorder *r = recorder_of(t);
    if (!r->temporary)
        return bide_fail(BIDE_ESTATE, "bide_transport_end: the recording has ended already");

    if (put_tail(r) < 0)
        note_error(r, bide_error_code());
    flush(r);
    if (!r->error && (fsync(r->fd) < 0 || rename(r->temporary, r->path) < 0))
        note_error(r, -errno);
    if (r->error) {
        give_up(r);
        return bide_fail(r->error, "recording %s: %s", r->path, bide_strerror(r->error));
    }
    close(r->fd);
    r->temporary = NULL;
    return r->n;
}

/* ---- making ---- */

static int open_file(struct recorder *r, const char *path)
{
    int code = bide__file_place(path);
    if (code < 0)
        return bide_fail(code, "recording %s: it is no regular file", path);
    size_t len = strlen(path);
    char *temporary = bide__arena_alloc(&r->texts, len + sizeof ".XXXXXX");
    r->path = bide__arena_strndup(&r->texts, path, len);
    if (!temporary || !r->path)
        return BIDE_ENOMEM;

    stpcpy(stpcpy(temporary, path), ".XXXXXX");
    r->fd = bide__fd_above_standard(mkostemp(temporary, O_CLOEXEC));
    if (r->fd < 0)
        return bide_fail(-errno, "recording %s: %s", path, strerror(errno));
    r->temporary = temporary;
    return put_text(r, "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"bide\",\"version\":\"" BIDE_VERSION "\"},\"entries\":[");
}

bide_transport *bide_transport_record_with(const bide_record_args *options)
{
    static const char function[] = "bide_transport_record";
    bide_record_args args;
    if (bide__options_take(&args, sizeof args, options, function) < 0 || bide__check_named(args.guard_, function) < 0 ||
        bide__is_null(args.path, function, "the path") || bide__check_size(function, "max_body_bytes", args.max_body_bytes, 0) < 0 ||
        bide__check_number(function, "max_file_bytes", args.max_file_bytes, 0) < 0)
        return NULL;
    struct recorder *r = bide__transport_new(sizeof *r, &record_transport_ops);
    if (!r)
        return NULL;

    bide__arena_init(&r->texts, SIZE_MAX);
    bide__buf_init(&r->out, SIZE_MAX);
    r->max_body = bide__size_or(args.max_body_bytes, BODY_MAX);
    r->max_file = args.max_file_bytes ? args.max_file_bytes : FILE_MAX;
    r->with_secrets = args.with_secrets;
    if (open_file(r, args.path) == 0)
        return &r->transport;
    bide__object_unref(r);
    return NULL;
}
