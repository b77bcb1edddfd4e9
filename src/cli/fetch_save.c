/* SPDX-License-Identifier: MIT */
/*
 * fetch_save.c - the body of an answer into its file.
 *
 * A body that is short enough is written by bide_file_write_all, with others in one trip to a thread (saver.c): that makes
 * a temporary file and renames it.  A longer one, or one of unknown length that does not fit the buffer, goes piece by
 * piece into a temporary file of ours.  Either way nobody ever sees half a body under its name, and a link that has the
 * name is replaced, not followed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/file.h>

#include "cli/fetch.h"

/* ---- under its name ---- */

/* Beside the file of this name; no two are alike. */
static int name_temporary(struct worker *w, struct text *to)
{
    const char *slash = strrchr(w->name.data, '/');

    text_add(to, w->name.data, slash ? (size_t)(slash + 1 - w->name.data) : 0);
    text_format(to, ".bide-%08x-%u.part", w->f->run_id, w->f->temporaries++);
    return to->no_memory ? bide_fail(BIDE_ENOMEM, "%s: out of memory", w->name.data) : 0;
}

/* In a thread: what is there may be replaced only if it is a file. */
static int move(const char *from, const char *to)
{
    struct stat st;

    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EEXIST && errno != EINVAL && errno != ENOSYS)
        return -errno;
    if (lstat(to, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EEXIST;
    return rename(from, to) < 0 ? -errno : 0;
}

/* The file that is whole gets its name. */
static int put_in_place(struct worker *w, const char *temporary)
{
    int code = bide_to_thread(bide_coro(move, temporary, (const char *)w->name.data));

    if (code < 0 && code != BIDE_ECANCELED)
        return bide_fail(code, "%s: %s", w->name.data, bide_strerror(code));
    return code;
}

/* ---- a short body ---- */

/* A link has the name: the file takes its place, for what it points to may be anywhere. */
static int replace_link(struct worker *w, bide_bytes body)
{
    struct text temporary = {0};
    int code = name_temporary(w, &temporary);

    if (code == 0)
        code = bide_file_write_all(temporary.data, body.data, body.len);
    if (code == 0)
        code = put_in_place(w, temporary.data);
    if (code < 0 && !temporary.no_memory)
        unlink(temporary.data);
    text_free(&temporary);
    return code;
}

static int save_whole(struct worker *w, bide_bytes body)
{
    int code = saver_write(&w->f->saver, w->name.data, body);

    if (code == -ENOENT) {
        bide_error_clear();
        code = fetch_need_directory(w, true);
        if (code == 0)
            code = bide_file_write_all(w->name.data, body.data, body.len);
    } else if (code == -ELOOP) {
        bide_error_clear();
        code = replace_link(w, body);
    } else if (code == -EMFILE || code == -ENFILE) {
        bide_error_clear();
        code = bide_file_write_all(w->name.data, body.data, body.len); /* which, in a task, waits for a descriptor */
    }
    return code;
}

/* ---- a long one ---- */

struct sink {
    struct worker *w;
    bide_file *file; /* NULL: not open yet */
    struct text temporary;
    size_t len;      /* in w->buffer */
};

static int open_sink(struct sink *s)
{
    struct worker *w = s->w;

    if (w->f->naming.direct) {
        s->file = bide_open(w->name.data, .flags = O_WRONLY);
        return s->file ? 0 : bide_error_code();
    }
    BIDE_TRY(name_temporary(w, &s->temporary));
    s->file = bide_open(s->temporary.data, .flags = O_WRONLY | O_CREAT | O_EXCL);
    if (!s->file && bide_error_code() == -ENOENT) {
        bide_error_clear();
        int code = fetch_need_directory(w, true);
        if (code < 0)
            return code;
        s->file = bide_open(s->temporary.data, .flags = O_WRONLY | O_CREAT | O_EXCL);
    }
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
    if (code == 0)
        code = bide_file_close(bide_take(s->file));
    if (code < 0 || w->f->naming.direct)
        return code;
    return put_in_place(w, s->temporary.data);
}

/* No temporary file is left, whatever happened; a quick call, which also a cancelled task may make. */
static void drop_sink(struct sink *s)
{
    bool is_made = s->file && s->temporary.len > 0;

    bide_release(s->file);
    if (is_made || s->temporary.len > 0)
        unlink(s->temporary.data);
    text_free(&s->temporary);
}

/* ---- where it goes ---- */

static int too_large(const struct fetch *f, bide_response *r)
{
    return bide_fail(BIDE_ETOOBIG, "%s %s: the body is larger than --max-size allows (%lld bytes)", f->request.method,
                     bide_response_url(r), (long long)f->options->http.max_size);
}

static bool exceeds(const struct fetch *f, int64_t bytes)
{
    return f->options->http.max_size > 0 && bytes > f->options->http.max_size;
}

/* Pieces of the body, one after the other, to standard output or nowhere. */
static int64_t pass_through(struct worker *w, bide_response *r, struct outcome *o)
{
    const char *data;
    int64_t total = 0;
    ssize_t n;

    while ((n = bide_read_chunk(r, &data)) > 0) {
        total += n;
        if (exceeds(w->f, total))
            return too_large(w->f, r);
        o->is_final = w->f->naming.to_stdout;
        int code = o->is_final ? output_write(data, (size_t)n) : 0;
        if (code < 0) {
            o->is_local = true;
            return code;
        }
    }
    return n < 0 ? n : total;
}

static int64_t fill_sink(struct sink *s, bide_response *r, struct outcome *o)
{
    const char *data;
    int64_t total = 0;
    ssize_t n;
    int code = 0;

    while (code == 0 && (n = bide_read_chunk(r, &data)) > 0) {
        total += n;
        if (exceeds(s->w->f, total))
            return too_large(s->w->f, r);
        code = write_sink(s, data, (size_t)n);
        o->is_local = code < 0;
    }
    if (code < 0 || n < 0)
        return code < 0 ? code : n;
    code = finish_sink(s);
    o->is_local = code < 0;
    return code < 0 ? code : total;
}

static int64_t save_long(struct worker *w, bide_response *r, struct outcome *o)
{
    struct sink s = {.w = w};

    if (!w->buffer && !(w->buffer = malloc(SAVE_BUFFER)))
        return bide_fail(BIDE_ENOMEM, "%s: out of memory", w->name.data);
    int64_t total = fill_sink(&s, r, o);
    drop_sink(&s);
    return total;
}

static int64_t save_short(struct worker *w, bide_response *r, struct outcome *o)
{
    bide_bytes body = bide_body(r);
    if (!body.data)
        return bide_error_code();
    if (exceeds(w->f, (int64_t)body.len))
        return too_large(w->f, r);

    int code = save_whole(w, body);
    o->is_local = code < 0;
    return code < 0 ? code : (int64_t)body.len;
}

/* What the head says; -1: nothing that counts, as beside chunks. */
static int64_t announced_length(const bide_response *r)
{
    const char *length = bide_header(r, "Content-Length");

    return length && !bide_header(r, "Transfer-Encoding") ? strtoll(length, NULL, 10) : -1;
}

int64_t fetch_save(struct worker *w, bide_response *r, struct outcome *o)
{
    struct fetch *f = w->f;
    int64_t length = announced_length(r);

    if (exceeds(f, length) && strcmp(f->request.method, "HEAD") != 0)
        return too_large(f, r);
    if (!naming_saves(&f->naming))
        return pass_through(w, r, o);
    int code = f->naming.direct ? 0 : fetch_need_directory(w, false);
    if (code < 0) {
        o->is_local = true;
        return code;
    }
    return length >= 0 && length <= SAVE_BUFFER && !f->naming.direct ? save_short(w, r, o) : save_long(w, r, o);
}
