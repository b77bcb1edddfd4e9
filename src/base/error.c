/* SPDX-License-Identifier: MIT */
/*
 * error.c - the record of the newest failure.
 *
 * The core switches the current record when it switches tasks; outside tasks each thread has one of its own.  Nothing
 * here allocates, so that running out of memory can be reported like anything else.
 *
 * Invariants:
 *   E1  code is 0 or negative; with 0, nothing else means anything.
 *   E2  a failure replaces the whole record; only its trace and its text's beginning grow afterwards.
 *   E3  before a record is changed for the first time after a mark, the mark has what was there.
 */
#include "base/base.h"

#include <limits.h>
#include <stdio.h>

_Thread_local struct error_record bide__error_of_thread __attribute__((tls_model("initial-exec")));
_Thread_local struct error_record *bide__error_current_record __attribute__((tls_model("initial-exec")));

struct error_record *bide__error_switch(struct error_record *e)
{
    struct error_record *before = bide__error_current_record;
    bide__error_current_record = e;
    return before;
}

/* Each room's codes stand in its range; that no two are the same number, the switch below says. */
#define IN_RANGE(name, n, first) _Static_assert((n) >= (first) && (n) / 100 == (first) / 100, #name " is not in the range of its room");
#define OF_CORE(name, n, text) IN_RANGE(name, n, 1)
#define OF_IO(name, n, text) IN_RANGE(name, n, 100)
#define OF_HTTP(name, n, text) IN_RANGE(name, n, 200)
#define OF_POOL(name, n, text) IN_RANGE(name, n, 300)
BIDE_ERRORS_CORE(OF_CORE)
BIDE_ERRORS_IO(OF_IO)
BIDE_ERRORS_HTTP(OF_HTTP)
BIDE_ERRORS_POOL(OF_POOL)

static const char *own_text(int code)
{
    switch (code) {
#define TEXT(name, n, text) \
    case name:              \
        return text;
        BIDE_ERRORS(TEXT)
#undef TEXT
    }
    return NULL;
}

const char *bide_strerror(int code)
{
    if (code >= 0)
        return "success";
    if (code == BIDE_ECANCELED)
        return "cancelled";
    if (code == BIDE_ETIMEDOUT)
        return "timed out";

    const char *text = own_text(code);
    if (!text && code > -INT_MAX)
        text = strerrordesc_np(-code);
    return text ? text : "unknown error";
}

/* ---- marks ---- */

/* The record is about to be changed. */
static void before_change(struct error_record *e)
{
    struct error_mark *m = e->mark;
    if (likely(!m) || m->is_changed)
        return;

    m->is_changed = true;
    m->code = e->code;
    m->saved = e->code ? bide__malloc(sizeof *m->saved) : NULL;
    if (m->saved)
        *m->saved = *e;
}

void bide__error_restore_changed(struct error_mark *m)
{
    struct error_record *e = m->record;

    assert(e->mark == m);
    if (m->saved)
        *e = *m->saved;
    else if (m->code) /* no memory to keep its story */
        snprintf(e->text, sizeof e->text, "%s", bide_strerror(m->code));
    e->code = m->code;
    e->mark = m->outer;
    bide__free(m->saved);
}

/* What it had saved is what an outer mark has to restore, if that has not been changed since. */
static void keep(struct error_mark *m)
{
    struct error_mark *outer = m->outer;

    assert(m->record->mark == m);
    m->record->mark = outer;
    if (!m->is_changed)
        return;
    if (outer && !outer->is_changed) {
        outer->is_changed = true;
        outer->code = m->code;
        outer->saved = m->saved;
    } else {
        bide__free(m->saved);
    }
}

never_indirect void bide__error_end(struct error_mark *m, ptrdiff_t result)
{
    if (result < 0)
        keep(m);
    else
        bide__error_restore(m);
}

/* ---- failing ---- */

/* A new record in place of the old one.  Only what is read later is written: this runs for every failed try. */
static struct error_record *begin(int code)
{
    struct error_record *e = bide__error_current();

    before_change(e);
    e->code = code;
    e->system = 0;
    e->ntrace = 0;
    e->http_status = 0;
    e->phase = BIDE_PHASE_NONE;
    e->reused = e->retry_safe = e->interrupted = false;
    e->bytes_sent = e->bytes_received = 0;
    e->text[0] = e->url[0] = '\0';
    return e;
}

static int errno_of(int code)
{
    return code < 0 && code > -10000 ? -code : 0;
}

int bide__error_below(int code)
{
    struct error_record *e = bide__error_current();

    e->system = errno_of(code);
    return e->code;
}

static void add_place(struct error_record *e, const char *function, const char *file, int line)
{
    if (e->ntrace < ERROR_TRACE_MAX)
        e->trace[e->ntrace++] = (struct bide_error_place){function, file, line};
}

static int vfail(int code, const char *format, va_list args)
{
    if (code >= 0) {
        char text[ERROR_TEXT_MAX - 80];
        vsnprintf(text, sizeof text, format, args);
        return bide__fail(-EINVAL, "bide_fail: %d is not an error code, which is negative: %s", code, text);
    }

    char text[ERROR_TEXT_MAX]; /* the arguments may point into the record that is replaced */
    vsnprintf(text, sizeof text, format, args);
    strcpy(begin(code)->text, text);
    return code;
}

int bide__fail(int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    code = vfail(code, format, args);
    va_end(args);
    return code;
}

int bide__fail_plain(int code, const char *text)
{
    struct error_record *e = begin(code);

    size_t len = strnlen(text, sizeof e->text - 1);

    memcpy(e->text, text, len);
    e->text[len] = '\0';
    return code;
}

int bide_fail_at(const char *function, const char *file, int line, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    code = vfail(code, format, args);
    va_end(args);
    if (function)
        add_place(bide__error_current(), function, file, line);
    return code;
}

int bide__fail_unnamed(const char *function)
{
    return bide_fail(-EINVAL, "%s: an option was given without its name (write .name = value)", function);
}

int bide__fail_nomem(const char *what)
{
    return bide_fail(BIDE_ENOMEM, "%s: out of memory", what);
}

void bide__error_adopt(const struct error_record *from)
{
    struct error_record *e = bide__error_current();

    if (from == e || !from->code)
        return;
    before_change(e);
    struct error_mark *mark = e->mark;
    *e = *from;
    e->mark = mark;
}

void bide__error_prefix(const char *format, ...)
{
    struct error_record *e = bide__error_current();
    char before[ERROR_TEXT_MAX];
    if (!e->code)
        return;

    va_list args;
    memcpy(before, e->text, sizeof before);
    va_start(args, format);
    int n = vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof e->text)
        snprintf(e->text + n, sizeof e->text - (size_t)n, "%s", before);
}

/* ---- reading ---- */

int bide_error_code(void)
{
    return bide__error_current()->code;
}

const char *bide_error_text(void)
{
    const struct error_record *e = bide__error_current();

    return e->code ? e->text : "";
}

static bide_error_info info_of(const struct error_record *e)
{
    return (bide_error_info){.code = e->code,
                             .system = e->system ? e->system : errno_of(e->code),
                             .phase = (enum bide_error_phase)e->phase,
                             .http_status = e->http_status,
                             .url = e->url[0] ? e->url : NULL,
                             .bytes_sent = e->bytes_sent,
                             .bytes_received = e->bytes_received,
                             .reused = e->reused,
                             .retry_safe = e->retry_safe,
                             .interrupted = e->interrupted,
                             .text = e->text,
                             .trace = e->trace,
                             .trace_len = e->ntrace};
}

int bide_error_get_into(bide_error_info *info, size_t size)
{
    const struct error_record *e = bide__error_current();
    bide_error_info all = e->code ? info_of(e) : (bide_error_info){0};

    if (info)
        bide__options_give(info, size, &all, sizeof all);
    return e->code;
}

bool bide_was_cancelled(void)
{
    const struct error_record *e = bide__error_current();

    return e->code == BIDE_ECANCELED && e->interrupted;
}

void bide_error_clear(void)
{
    struct error_record *e = bide__error_current();

    before_change(e);
    e->code = 0;
}

void bide_error_print(FILE *to)
{
    const struct error_record *e = bide__error_current();
    if (!e->code)
        return;

    fprintf(to, "error: %s\n", e->text);
    for (unsigned i = 0; i < e->ntrace; i++)
        fprintf(to, "  in %s (%s:%d)\n", e->trace[i].function, e->trace[i].file, e->trace[i].line);
}

/* ---- passing on ---- */

/* -1 is what C programs return for "it failed", hardly ever EPERM. */
int bide__fail_bare(int code, const char *function)
{
    if (code == -1)
        return bide__fail(code, "%s: returned -1 without saying why", function);
    return bide__fail(code, "%s: %s", function, bide_strerror(code));
}

int bide_raise_at(int code, const char *function, const char *file, int line)
{
    struct error_record *e = bide__error_current();

    bide__on_record(code, function);
    if (!e->code)
        bide__fail(BIDE_ESTATE, "%s: bide_raise() without an error on record", function);
    add_place(e, function, file, line);
    return e->code;
}
