/* SPDX-License-Identifier: MIT */
/* expect.c - how a test fails: file, line, and both values. */
#include "harness/private.h"

#include <bide/error.h>
#include <ctype.h>
#include <stdarg.h>
#include <unistd.h>

/* No exit handlers: we may be on any stack, in any thread, and what is left behind does not matter any more. */
static _Noreturn void end_now(int status)
{
    fflush(NULL);
    if (harness_report)
        harness_report->ended = true;
    _exit(status);
}

void harness_fail(const char *file, int line, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    end_now(1);
}

void harness_skip(const char *reason)
{
    if (harness_report)
        snprintf(harness_report->skip_reason, sizeof harness_report->skip_reason, "%s", reason);
    end_now(EXIT_SKIPPED);
}

void harness_null(const char *file, int line, const char *what)
{
    harness_fail(file, line, "NULL: %s; error on record: %s", what, bide_error_code() ? bide_error_text() : "none");
}

void harness_expect_code(const char *file, int line, const char *what, long long result, long long code)
{
    if (result == code)
        return;
    harness_fail(file, line, "%s is %lld (%s), not %lld (%s); error on record: %s", what, result,
                 result < 0 ? bide_strerror((int)result) : "no error", code, bide_strerror((int)code),
                 bide_error_code() ? bide_error_text() : "none");
}

void harness_expect_text(const char *file, int line, const char *what, const char *text, const char *expected)
{
    if (text && strcmp(text, expected) == 0)
        return;
    harness_fail(file, line, "%s is\n    %s\nnot\n    %s", what, text ? text : "(NULL)", expected);
}

void harness_expect_part(const char *file, int line, const char *what, const char *text, const char *part)
{
    if (text && strstr(text, part))
        return;
    harness_fail(file, line, "%s has no \"%s\":\n    %s", what, part, text ? text : "(NULL)");
}

static void print_bytes(const char *label, const unsigned char *bytes, size_t at, size_t len)
{
    fprintf(stderr, "    %s ", label);
    for (size_t i = at; i < len && i < at + 32; i++)
        fprintf(stderr, isprint(bytes[i]) ? "%c" : "\\x%02x", bytes[i]);
    fputc('\n', stderr);
}

void harness_expect_bytes(const char *file, int line, const char *what, const void *data, const void *expected,
                          size_t len)
{
    const unsigned char *a = data, *b = expected;
    size_t at = 0;

    while (at < len && a[at] == b[at])
        at++;
    if (at == len)
        return;
    print_bytes("is ", a, at, len);
    print_bytes("not", b, at, len);
    harness_fail(file, line, "%s differs at byte %zu of %zu", what, at, len);
}
