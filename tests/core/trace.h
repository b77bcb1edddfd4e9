/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what happened in which order, as one line of words; and how many turns of the loop something took.
 */
#ifndef BIDE_TEST_TRACE_H
#define BIDE_TEST_TRACE_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bide/loop.h>
#include <bide/task.h>

#include "harness/harness.h"

static char trace_text[4096];

__attribute__((unused, format(printf, 1, 2))) static void trace(const char *format, ...)
{
    size_t n = strlen(trace_text);
    va_list args;

    if (n > 0 && n + 1 < sizeof trace_text)
        trace_text[n++] = ' ';
    va_start(args, format);
    vsnprintf(trace_text + n, sizeof trace_text - n, format, args);
    va_end(args);
}

#define EXPECT_TRACE(words) EXPECT_STR(trace_text, (words))

__attribute__((unused)) static void trace_call(void *arg)
{
    trace("%s", (const char *)arg);
}

/* Turns of the loop, counted by a call that asks for itself again in every turn. */
static long turns;
static bide_handle *turn_handle;

__attribute__((unused)) static void count_turn(void *arg)
{
    turns++;
    turn_handle = bide_loop_call_soon(bide_get_event_loop(), count_turn, arg);
}

__attribute__((unused)) static void turns_begin(void)
{
    turns = 0;
    turn_handle = bide_loop_call_soon(bide_get_event_loop(), count_turn, NULL);
}

__attribute__((unused)) static long turns_end(void)
{
    bide_handle_cancel(turn_handle);
    return turns;
}

/* Coroutines that many tests use. */
__attribute__((unused)) static int nop(void)
{
    return 0;
}

__attribute__((unused)) static int give(int result)
{
    return result;
}

__attribute__((unused)) static int sleep_give(int64_t ms, int result)
{
    int r = bide_sleep_ms(ms);
    return r < 0 ? r : result;
}

/* Ends when cancelled, and says so. */
__attribute__((unused)) static int until_cancelled(const char *name)
{
    int r = bide_sleep_ms(1000000);
    trace("%s:%s", name, r == BIDE_ECANCELED ? "cancelled" : "woke");
    return r;
}

/* ThreadSanitizer holds signals back while a thread computes, and does not survive a fork with threads. */
__attribute__((unused)) static bool is_tsan(void)
{
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    return true;
#endif
#endif
#ifdef __SANITIZE_THREAD__
    return true;
#endif
    return false;
}

#endif
