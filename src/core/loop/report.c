/* SPDX-License-Identifier: MIT */
/*
 * report.c - what a loop says of errors that no one retrieved: to the program's handler, or to standard error.
 */
#include "core/loop/owner.h"

#include <stdio.h>

/* What the one before was given is freed at the end, when nothing points to it any more. */
static void set_handler(bide_loop *loop, bide_exception_handler *fn, void *arg, void (*arg_free)(void *arg))
{
    void *old = loop->on_exception_arg;
    void (*old_free)(void *arg) = loop->on_exception_free;

    loop->on_exception = fn;
    loop->on_exception_arg = arg;
    loop->on_exception_free = arg_free;
    bide__free_user(old, old_free);
}

void bide_loop_set_exception_handler(bide_loop *loop, bide_exception_handler *fn, void *arg)
{
    if (bide__loop_allows(loop, "bide_loop_set_exception_handler"))
        set_handler(loop, fn, arg, NULL);
}

int bide_loop_set_exception_handler_taking(bide_loop *loop, bide_exception_handler *fn, void *arg, void (*arg_free)(void *arg))
{
    int code = bide__loop_check(loop, "bide_loop_set_exception_handler");
    if (code == 0 && loop->closed)
        code = bide_fail(BIDE_ECLOSED, "bide_loop_set_exception_handler: the event loop is closed");

    if (code == 0)
        set_handler(loop, fn, arg, arg_free);
    else
        bide__free_user(arg, arg_free);
    return code;
}

void bide__loop_drop_exception_handler(bide_loop *loop)
{
    set_handler(loop, NULL, NULL, NULL);
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
    if (!loop->on_exception && !loop->watch && !bide__debug_is_on())
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
