/* SPDX-License-Identifier: MIT */
/*
 * lines.c - URLs out of a file, one a line.
 */
#include "cli/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/error.h>

#include "cli/cli.h"

int lines_open(struct lines *l, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct stat st;

    /* A FIFO may have no writer yet: lines_fill waits for one, in a thread. */
    l->name = is_stdin ? "standard input" : path;
    l->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    l->number = 0;
    l->at_end = l->skipping = false;
    l->at = l->len = l->scanned = 0;
    l->begin = l->offset = 0;
    l->is_file = !is_stdin && l->fd >= 0 && fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode);
    l->wake[0] = l->wake[1] = -1;
    if (l->fd >= 0 && pipe2(l->wake, O_CLOEXEC) == 0)
        return EXIT_OK;
    say("%s: %s", l->name, strerror(errno));
    if (l->fd > STDIN_FILENO)
        close(l->fd);
    l->fd = -1;
    return EXIT_LOCAL;
}

void lines_close(struct lines *l)
{
    if (l->fd > STDIN_FILENO)
        close(l->fd);
    for (int i = 0; i < 2; i++)
        if (l->wake[i] >= 0)
            close(l->wake[i]);
    l->fd = l->wake[0] = l->wake[1] = -1;
}

void lines_stop(struct lines *l)
{
    if (l->wake[1] >= 0)
        (void)!write(l->wake[1], "", 1);
}

static int cannot_read(const struct lines *l)
{
    return bide_fail(-errno, "%s: %s", l->name, strerror(errno));
}

int lines_fill(struct lines *l)
{
    struct pollfd p[2] = {{.fd = l->fd, .events = POLLIN}, {.fd = l->wake[0], .events = POLLIN}};

    if (l->at > 0) {
        memmove(l->buffer, l->buffer + l->at, l->len);
        l->at = 0;
    }
    /* Regular files are always ready. */
    if (poll(p, 2, -1) < 0 && errno != EINTR)
        return cannot_read(l);
    if (p[1].revents) {
        l->at_end = true;
        l->len = l->scanned = 0;
        return 0;
    }
    ssize_t n = read(l->fd, l->buffer + l->len, sizeof l->buffer - l->len);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : cannot_read(l);
    l->at_end = n == 0;
    l->len += (size_t)n;
    return 0;
}

static void take(struct lines *l, size_t n)
{
    l->begin = l->offset;
    l->offset += n;
    l->at += n;
    l->len -= n;
    l->scanned = 0;
}

/* A line longer than the buffer: drop it, piece by piece, and say so once. */
static int too_long(struct lines *l, const char **fault)
{
    bool is_first = !l->skipping;

    take(l, l->len);
    l->skipping = true;
    if (!is_first)
        return LINES_MORE;
    l->number++;
    *fault = "the line is longer than 65535 bytes";
    return LINES_BAD;
}

static int give(struct lines *l, char *start, size_t n, char **line, size_t *len, const char **fault)
{
    l->number++;
    if (l->number == 1 && n >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        start += 3;
        n -= 3;
    }
    while (n > 0 && (start[n - 1] == '\r' || start[n - 1] == ' ' || start[n - 1] == '\t'))
        n--;
    while (n > 0 && (*start == ' ' || *start == '\t')) {
        start++;
        n--;
    }
    *line = start;
    *len = n;
    if (!memchr(start, '\0', n))
        return n > 0 && *start != '#' ? LINES_GOT : LINES_MORE;
    *fault = "the line has a NUL byte";
    return LINES_BAD;
}

int lines_next(struct lines *l, char **line, size_t *len, const char **fault)
{
    for (;;) {
        char *start = l->buffer + l->at, *end = l->len > l->scanned ? memchr(start + l->scanned, '\n', l->len - l->scanned) : NULL;
        size_t n = end ? (size_t)(end - start) : l->len;

        if (!end && !l->at_end) {
            l->scanned = l->len;
            return l->len == sizeof l->buffer ? too_long(l, fault) : LINES_MORE;
        }
        if (!end && n == 0)
            return LINES_END;
        take(l, end ? n + 1 : n);
        if (l->skipping) {
            l->skipping = false;
            continue;
        }
        int result = give(l, start, n, line, len, fault);
        if (result != LINES_MORE)
            return result;
    }
}
