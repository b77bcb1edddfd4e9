/* SPDX-License-Identifier: MIT */
/*
 * error.c - what went wrong, told once and in full.
 *
 * The core switches the current record when it switches tasks; outside tasks each thread has one of its own.  Nothing
 * here allocates, so that running out of memory can be reported like anything else.
 *
 * Invariants:
 *   E1  code is 0 or negative; with 0, text and trace mean nothing.
 *   E2  an unread record is never overwritten; it only gets a longer trace.  `latest` alone tells of what came after.
 */
#include "base/base.h"

#include <stdio.h>

static _Thread_local struct error_record thread_record;
_Thread_local struct error_record *bide__error_current_record __attribute__((tls_model("initial-exec")));

struct error_record *bide__error_switch(struct error_record *e)
{
    struct error_record *before = bide__error_current_record;
    bide__error_current_record = e;
    return before;
}

struct error_record *bide__error_current(void)
{
    return bide__error_current_record ? bide__error_current_record : &thread_record;
}

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
    if (!text)
        text = strerrordesc_np(-code);
    return text ? text : "unknown error";
}

int bide__vfail(int code, const char *format, va_list args)
{
    struct error_record *e = bide__error_current();
    if (e->code && !e->was_read) {
        e->latest = code;
        return code;
    }
    bide__error_init(e);
    e->code = e->latest = code;
    vsnprintf(e->text, sizeof e->text, format, args);
    return code;
}

int bide_fail(int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bide__vfail(code, format, args);
    va_end(args);
    return code;
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
    if (!e->code || e->was_read) {
        *e = *from;
        e->was_read = false;
    }
    e->latest = from->code;
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

int bide__error_latest(void)
{
    return bide__error_current()->latest;
}

int bide_error_code(void)
{
    return bide__error_current()->code;
}

const char *bide_error_text(void)
{
    struct error_record *e = bide__error_current();

    e->was_read = true;
    return e->code ? e->text : "";
}

void bide_error_clear(void)
{
    bide__error_init(bide__error_current());
}

void bide_error_print(FILE *to)
{
    struct error_record *e = bide__error_current();
    if (!e->code)
        return;

    fprintf(to, "error: %s\n", bide_error_text());
    for (unsigned i = 0; i < e->ntrace; i++)
        fprintf(to, "  in %s (%s:%d)\n", e->trace[i].function, e->trace[i].file, e->trace[i].line);
}

int bide__raise(int code, const char *function, const char *file, int line)
{
    struct error_record *e = bide__error_current();

    /* A code that nobody put on record (a bare `return -EIO`), or the record of an older, settled error. */
    if (code < 0 && e->code != code) {
        bide__error_init(e);
        e->code = e->latest = code;
        snprintf(e->text, sizeof e->text, "%s: %s", function, bide_strerror(code));
    }
    if (!e->code)
        return bide_fail(BIDE_ESTATE, "%s: bide_raise() without an error on record", function);

    if (e->ntrace < ERROR_TRACE_MAX)
        e->trace[e->ntrace++] = (struct error_place){function, file, line};
    e->was_read = false;
    return e->code;
}
