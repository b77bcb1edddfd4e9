/* SPDX-License-Identifier: MIT */
/*
 * save.c - the body of an answer into its file.
 *
 * A body that is short enough is written at once, with others in one trip to a thread (save/saver.c).  A longer one, or
 * one of unknown length that does not fit the buffer, is written piece by piece.  Either way the library keeps the file
 * without a name until it is whole, and looks the name up below the root when it is used: no link that is put in the
 * way leads out of it, and a link that has the file's name is replaced, not followed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/file.h>

#include "cli/fetch/report/report.h"
#include "cli/fetch/save/save.h"

/* ---- what went wrong ---- */

/* Of the name that was wanted, whatever the file was called meanwhile. */
static void add_reason(const struct worker *w, int code, struct text *to)
{
    const char *name = w->name.data, *slash = strrchr(name, '/');
    const struct text *root = &w->f->naming.root;
    size_t file = code == -ENOTDIR && slash ? fetch_file_in_way(name, (size_t)(slash - name)) : 0;

    if (code == -EXDEV || code == -ELOOP)
        text_format(to, "%s: a link on its way leads out of %s", name, root->len > 0 ? root->data : "this directory");
    else if (code == -EEXIST)
        text_format(to, "%s: there is something that is no file", name);
    else if (file > 0)
        text_format(to, "%.*s is a file, not a directory", (int)file, name);
    else
        text_format(to, "write %s: %s", name, bide_strerror(code));
}

/* This machine cannot keep what came: on record with the URL and the file. */
static int local_error(struct worker *w, int code)
{
    struct text t = {0};
    if (code == BIDE_ECANCELED)
        return code;

    w->outcome.is_local = true;
    text_format(&t, "%s ", w->method);
    report_add_url(&t, w->job->url.data);
    text_add_string(&t, ": ");
    if (naming_saves(&w->f->naming))
        add_reason(w, code, &t);
    else
        text_add_string(&t, bide_error_text());
    if (!t.no_memory)
        bide_fail(code, "%s", t.data);
    text_free(&t);
    return code;
}

/* ---- its digest, which may be its name ---- */

static bool is_named_late(const struct worker *w)
{
    return w->f->naming.has_template && w->f->naming.template.needs_sha256;
}

static bool wants_digest(const struct worker *w)
{
    return is_named_late(w) || (w->f->jsonl.path && !w->f->options->no_sha256);
}

static void note_body(struct worker *w, const char *data, size_t len)
{
    if (wants_digest(w))
        digest_add(&w->digest, data, len);
}

static int name_by_digest(struct worker *w)
{
    struct outcome *o = &w->outcome;
    struct answer a = {.extension = o->extension, .status = o->status, .sha256 = o->sha256};

    digest_end(&w->digest, o->sha256);
    o->has_digest = true;
    const char *why = fetch_name(w->f, w->job, &a, &w->name);
    return why ? bide_fail(BIDE_ENOMEM, "%s", why) : 0; /* what else could be wrong with it is known already */
}

/* ---- a short body ---- */

static const char *name_below(const struct worker *w)
{
    return naming_below(&w->f->naming, &w->name);
}

static int save_whole(struct worker *w, bide_bytes body)
{
    struct saver *s = &w->f->saver;
    int named = is_named_late(w) ? name_by_digest(w) : 0;
    if (named < 0)
        return named;

    s->root = w->f->naming.root_fd;
    s->durability = (enum durability)w->f->options->durability;
    int code = saver_write(s, name_below(w), body);
    if (code != -EMFILE && code != -ENFILE)
        return code;
    return saver_write_now(s, name_below(w), body);
}

/* ---- a long one ---- */

struct sink {
    struct worker *w;
    struct transfer transfer;
    bide_file *file; /* NULL: not open yet */
    size_t len;      /* in w->buffer */
};

static int open_sink(struct sink *s)
{
    const struct naming *n = &s->w->f->naming;

    if (n->has_template && n->template.needs_sha256)
        s->file = fetch_spool_open(s->w->f);
    else if (n->direct)
        s->file = bide_open(s->w->name.data, .flags = O_WRONLY | O_APPEND); /* of a file, what is there is not ours */
    else
        s->file = bide_open(name_below(s->w), .atomic = true, .parents = true, .beneath = n->root_fd);
    return s->file ? 0 : bide_error_code();
}

static int flush_sink(struct sink *s)
{
    int code = s->file ? 0 : open_sink(s);

    if (code == 0 && bide_file_write(s->file, s->w->buffer, s->len, -1) < 0)
        code = bide_error_code();
    s->len = 0;
    return code;
}

static int write_sink(struct sink *s, const char *data, size_t len)
{
    while (len > 0) {
        size_t n = SAVE_BUFFER - s->len < len ? SAVE_BUFFER - s->len : len;
        memcpy(s->w->buffer + s->len, data, n);
        s->len += n;
        data += n;
        len -= n;
        int code = s->len == SAVE_BUFFER ? flush_sink(s) : 0;
        if (code < 0)
            return code;
    }
    return 0;
}

/* All of the body has come. */
static int finish_sink(struct sink *s)
{
    struct worker *w = s->w;

    if (!s->file && !w->f->naming.direct)
        return save_whole(w, (bide_bytes){w->buffer, s->len});
    int code = s->len > 0 || !s->file ? flush_sink(s) : 0;
    if (code < 0 || !is_named_late(w))
        return code < 0 ? code : fetch_close_durably(w->f, bide_take(s->file), name_below(w));
    BIDE_TRY(name_by_digest(w));
    return fetch_spool_save(w, s->file);
}

/* ---- where it goes ---- */

/* All of its body has come: what follows is up to this machine. */
static void take_all(struct worker *w)
{
    silence_end(&w->f->queue, w->job, true);
    silence_settle(&w->f->queue, w->job);
}

static int too_large(const struct worker *w, bide_response *r)
{
    return bide_fail(BIDE_ETOOBIG, "%s %s: the body is larger than --max-size allows (%lld bytes)", w->method,
                     bide_response_url(r), (long long)w->max_size);
}

static bool exceeds(const struct worker *w, int64_t bytes)
{
    return bytes > w->max_size;
}

static int64_t pass_pieces(struct worker *w, bide_response *r, struct transfer *t)
{
    struct outcome *o = &w->outcome;
    const char *data;
    int64_t total = 0;
    ssize_t n;

    while ((n = bide_read_chunk(r, &data)) > 0) {
        total += n;
        transfer_add(w->f, t, (size_t)n);
        if (exceeds(w, total))
            return too_large(w, r);
        note_body(w, data, (size_t)n);
        o->is_final = w->job->request.is_bound = w->f->naming.to_stdout;
        int code = o->is_final ? output_write(data, (size_t)n) : 0;
        if (code < 0)
            return local_error(w, code);
    }
    if (n == 0)
        take_all(w);
    int code = n == 0 && o->is_final ? output_end() : 0;
    o->is_local = code < 0;
    return code < 0 ? code : n < 0 ? n : total;
}

/* Pieces of the body, one after the other, to standard output or nowhere. */
static int64_t pass_through(struct worker *w, bide_response *r, int64_t length)
{
    struct transfer t;

    transfer_begin(w->f, &t, &w->name, w->job, length);
    int64_t total = pass_pieces(w, r, &t);
    transfer_end(w->f, &t);
    return total;
}

static int64_t fill_sink(struct sink *s, bide_response *r)
{
    const char *data;
    int64_t total = 0;
    ssize_t n;
    int code = 0;

    while (code == 0 && (n = bide_read_chunk(r, &data)) > 0) {
        total += n;
        transfer_add(s->w->f, &s->transfer, (size_t)n);
        if (exceeds(s->w, total))
            return too_large(s->w, r);
        note_body(s->w, data, (size_t)n);
        code = write_sink(s, data, (size_t)n);
    }
    if (code == 0 && n < 0)
        return n;
    if (code == 0) {
        take_all(s->w);
        code = finish_sink(s);
    }
    return code < 0 ? local_error(s->w, code) : total;
}

static int note_poured(uint64_t bytes, void *arg)
{
    struct sink *s = arg;

    transfer_add(s->w->f, &s->transfer, bytes - s->transfer.received);
    return 0;
}

/* One that is known to be long, and whose digest nobody wants: no byte of it passes through here. */
static int64_t pour(struct sink *s, bide_response *r)
{
    bool at_file = true;
    int code = open_sink(s);
    int64_t total = code;

    if (code == 0) {
        at_file = false;
        total = bide_save_to(r, s->file, .progress = note_poured, .progress_arg = s, .at_file = &at_file);
    }
    if (total < 0)
        return at_file ? local_error(s->w, (int)total) : total;
    take_all(s->w);
    code = finish_sink(s);
    return code < 0 ? local_error(s->w, code) : total;
}

static int64_t save_long(struct worker *w, bide_response *r, int64_t length)
{
    struct sink s = {.w = w};

    w->job->request.is_bound = w->f->naming.direct;
    bool can_pour = length > SAVE_BUFFER && !wants_digest(w);
    if (!can_pour && !w->buffer && !(w->buffer = malloc(SAVE_BUFFER)))
        return local_error(w, BIDE_ENOMEM);
    transfer_begin(w->f, &s.transfer, &w->name, w->job, length);
    int64_t total = can_pour ? pour(&s, r) : fill_sink(&s, r);
    transfer_end(w->f, &s.transfer);
    bide_release(s.file); /* what is not complete has never been */
    return total;
}

static int64_t save_short(struct worker *w, bide_response *r)
{
    bide_bytes body = bide_body(r);
    if (!body.data)
        return bide_error_code();
    take_all(w);
    w->f->stats.received += body.len;
    if (exceeds(w, (int64_t)body.len))
        return too_large(w, r);

    note_body(w, body.data, body.len);
    int code = save_whole(w, body);
    return code < 0 ? local_error(w, code) : (int64_t)body.len;
}

static int64_t save(struct worker *w, bide_response *r)
{
    const struct naming *n = &w->f->naming;
    int64_t length = request_announced_length(r);

    w->max_size = request_max_size(&w->f->options->http, r);
    if (exceeds(w, length) && strcmp(w->method, "HEAD") != 0)
        return too_large(w, r);
    if (!naming_saves(n))
        return pass_through(w, r, length);
    if (w->resumes) {
        int64_t bytes = fetch_save_part(w, r, wants_digest(w));
        if (bytes >= 0)
            take_all(w);
        return bytes;
    }
    bool is_short = length >= 0 && length <= SAVE_BUFFER && !n->direct;
    return is_short ? save_short(w, r) : save_long(w, r, length);
}

int64_t fetch_save(struct worker *w, bide_response *r)
{
    struct outcome *o = &w->outcome;

    if (wants_digest(w))
        digest_begin(&w->digest);
    int64_t bytes = save(w, r);

    bool is_over = o->has_digest; /* by name_by_digest */
    o->has_digest = bytes >= 0 && wants_digest(w);
    if (o->has_digest && !is_over)
        digest_end(&w->digest, o->sha256);
    return bytes;
}
