/* SPDX-License-Identifier: MIT */
/*
 * say.c - messages to the user: one line, one write, nothing in it that a terminal would obey.
 *
 * URLs and what servers send end up in messages; an escape sequence among them must not reach the terminal.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define LINE 4000 /* below PIPE_BUF, so that lines of several writers do not mix */

static const char *speaker;

void say_as(const char *command)
{
    speaker = command;
}

/* How many bytes at text a terminal could take for a command: C0, DEL, C1 in UTF-8. */
static size_t control_len(const unsigned char *text)
{
    if (text[0] < 0x20 || text[0] == 0x7f)
        return 1;
    return text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0 ? 2 : 0;
}

char *say_clean(const char *text, char *out, size_t size)
{
    size_t len = 0;

    for (const unsigned char *p = (const unsigned char *)text; *p && len + 9 < size; ) {
        size_t control = control_len(p);
        if (control == 0)
            out[len++] = (char)*p++;
        for (; control > 0; control--)
            len += (size_t)snprintf(out + len, size - len, "\\x%02x", *p++);
    }
    out[len] = '\0';
    return out;
}

static void write_line(const char *line, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, line, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* there is nobody to tell */
        line += n;
        len -= (size_t)n;
    }
}

void say(const char *format, ...)
{
    char text[LINE], line[LINE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t len = (size_t)snprintf(line, sizeof line, "bide%s%s: ", speaker ? " " : "", speaker ? speaker : "");
    say_clean(text, line + len, sizeof line - len - 1);
    len = strlen(line);
    line[len++] = '\n';
    write_line(line, len);
}

int say_no_memory(void)
{
    say("out of memory");
    return EXIT_LOCAL;
}

int say_flush(void)
{
    static int result = EXIT_OK; /* once it has failed it stays so, and was told */

    if (result != EXIT_OK || (fflush(stdout) == 0 && !ferror(stdout)))
        return result;
    if (errno == EPIPE)
        return result = -SIGPIPE;
    say("standard output: %s", strerror(errno));
    return result = EXIT_LOCAL;
}
