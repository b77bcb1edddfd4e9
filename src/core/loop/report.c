/* SPDX-License-Identifier: MIT */
/*
 * report.c - what a loop says of errors that no one retrieved: to the program's handler, or to standard error.
 */
#include "core/loop/owner.h"

#include <stdio.h>

void bide_loop_set_exception_handler(bide_loop *loop, bide_exception_handler *fn, void *arg)
{
    if (!bide__loop_allows(loop, "bide_loop_set_exception_handler"))
        return;
    loop->on_exception = fn;
    loop->on_exception_arg = arg;
}

static void report(bide_loop *loop, const char *format, va_list args)
{
    char message[512];

    vsnprintf(message, sizeof message, format, args);
    struct error_mark mark;
    bide__error_mark(&mark);
    if (loop->on_exception)
        loop->on_exception(loop, message, loop->on_exception_arg);
    else
        fprintf(stderr, "bide: %s\n", message);
    bide__error_restore(&mark);
}

void bide__loop_report(bide_loop *loop, const char *format, ...)
{
    va_list args;
    if (!loop->on_exception && !bide__debug_is_on())
        return;

    va_start(args, format);
    report(loop, format, args);
    va_end(args);
}

void bide__loop_warn(bide_loop *loop, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(loop, format, args);
    va_end(args);
}
