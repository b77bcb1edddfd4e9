/* SPDX-License-Identifier: MIT */
/*
 * say.c - messages to the user: one line, one write, nothing in it that a terminal would obey.
 *
 * URLs and what servers send end up in messages; what is not printable among them must not reach the terminal.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bide/text.h>

#include "cli/cli.h"

#define LINE 4000 /* below PIPE_BUF, so that lines of several writers do not mix */

static const char *speaker;

void say_as(const char *command)
{
    speaker = command;
}

char *say_clean(const char *text, char *out, size_t size)
{
    bide_printable(out, size, text, strlen(text));
    return out;
}

char *say_quote(const char *text, char out[SAY_QUOTE_SIZE])
{
    size_t len = strlen(text);

    if (bide_printable(out, SAY_QUOTE_MAX + 1, text, len) < len)
        strcat(out, "...");
    return out;
}

static void write_line(const char *line, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, line, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* standard error is gone, and so is its reader */
        line += n;
        len -= (size_t)n;
    }
}

static void say_line(bool is_failure, const char *format, va_list args)
{
    char text[LINE], line[LINE];
    bool red = is_failure && colour_on(STDERR_FILENO);

    vsnprintf(text, sizeof text, format, args);
    size_t len = (size_t)snprintf(line, sizeof line, "%sbide%s%s:%s ", red ? COLOUR_RED : "", speaker ? " " : "",
                                  speaker ? speaker : "", red ? COLOUR_NONE : "");
    say_clean(text, line + len, sizeof line - len - 1);
    len = strlen(line);
    line[len++] = '\n';
    write_line(line, len);
}

void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say_line(true, format, args);
    va_end(args);
}

void say_note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say_line(false, format, args);
    va_end(args);
}

int say_no_memory(void)
{
    say("out of memory");
    return EXIT_LOCAL;
}

int say_flush(void)
{
    static int result = EXIT_OK; /* once it has failed it stays so, and was reported */

    if (result != EXIT_OK || (fflush(stdout) == 0 && !ferror(stdout)))
        return result;
    if (errno == EPIPE)
        return result = -SIGPIPE;
    say("standard output: %s", strerror(errno));
    return result = EXIT_LOCAL;
}
