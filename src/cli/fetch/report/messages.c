/* SPDX-License-Identifier: MIT */
/*
 * messages.c - messages of a run, in front of which the progress line makes way; and what they call a job.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cli/fetch/report/report.h"

#define TEXT 3500

static void report(struct fetch *f, void (*print)(const char *, ...), const char *format, va_list args)
{
    char text[TEXT];

    vsnprintf(text, sizeof text, format, args);
    progress_erase(&f->progress);
    print("%s", text);
}

void report_say(struct fetch *f, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(f, say_note, format, args);
    va_end(args);
}

void report_failure(struct fetch *f, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(f, say, format, args);
    va_end(args);
}

void report_add_url(struct text *to, const char *url)
{
    size_t begin, end;

    secrets_in_url(url, &begin, &end);
    text_add(to, url, begin);
    text_add_string(to, url + end);
}

void report_add_place(struct text *to, const struct job *job)
{
    if (job->list)
        text_format(to, "%s:%llu: ", job->list, (unsigned long long)job->line);
}
