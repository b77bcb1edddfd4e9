/* SPDX-License-Identifier: MIT */
/*
 * lines.c - lines of a file or of standard input.
 */
#include "cli/list/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/error.h>

#include "cli/cli.h"
#include "cli/list/unpack.h"

int lines_open(struct lines *l, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct stat st;

    /* All but the buffer. */
    memset(l, 0, offsetof(struct lines, buffer));
    /* A FIFO may have no writer yet: lines_fill waits for one, in a thread. */
    l->name = is_stdin ? "standard input" : path;
    l->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
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
    unpack_free(l->unpack);
    l->unpack = NULL;
    free(l->big);
    l->big = NULL;
}

void lines_stop(struct lines *l)
{
    if (l->wake[1] >= 0)
        (void)!write(l->wake[1], "", 1);
}

/* ---- reading ---- */

static char *buffer_of(struct lines *l)
{
    return l->big ? l->big : l->buffer;
}

static size_t size_of(const struct lines *l)
{
    return l->big ? l->big_size : sizeof l->buffer;
}

static bool is_full(const struct lines *l)
{
    return l->len == size_of(l) && size_of(l) > (l->longest ? l->longest : LINES_LONGEST);
}

static int cannot_read(const struct lines *l)
{
    return bide_fail(-errno, "%s: %s", l->name, strerror(errno));
}

ssize_t lines_read_stored(struct lines *l, void *to, size_t n)
{
    struct pollfd p[2] = {{.fd = l->fd, .events = POLLIN}, {.fd = l->wake[0], .events = POLLIN}};

    /* Regular files are always ready. */
    int ready = poll(p, 2, l->wait_ms > 0 ? l->wait_ms : -1);
    if (ready < 0 && errno != EINTR)
        return cannot_read(l);
    if (p[1].revents && ready > 0)
        return -ECANCELED;
    if (ready <= 0)
        return ready == 0 ? -ETIMEDOUT : -EAGAIN;
    ssize_t got = read(l->fd, to, n);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? -EAGAIN : cannot_read(l);
    return got;
}

/* Room for more at the end of the buffer, which is full. */
static int grow(struct lines *l)
{
    size_t size = 2 * size_of(l) | 1; /* never 0 */
    char *big = realloc(l->big, size);
    if (!big)
        return bide_fail(BIDE_ENOMEM, "%s: out of memory", l->name);

    if (!l->big)
        memcpy(big, l->buffer, l->len);
    l->big = big;
    l->big_size = size;
    return 0;
}

/* Some bytes more.  Returns: as lines_read_stored. */
static ssize_t read_some(struct lines *l)
{
    char *to = buffer_of(l) + l->len;
    size_t room = size_of(l) - l->len;

    return l->unpack ? unpack_read(l->unpack, l, to, room) : lines_read_stored(l, to, room);
}

/* What kind of bytes are they?  Needs a few of them. */
static int look_at_first(struct lines *l)
{
    l->is_known = true;
    int code = unpack_open(&l->unpack, l->name, buffer_of(l), l->len);
    if (code < 0 || !l->unpack)
        return code;
    l->is_file = false; /* what stands where is not known */
    l->len = 0;
    l->at_end = false;
    return lines_fill(l);
}

void lines_cut(struct lines *l)
{
    l->at_end = l->is_known = true;
    l->len = l->no_lf = l->no_cr = 0;
}

int lines_fill(struct lines *l)
{
    if (l->at > 0) {
        memmove(buffer_of(l), buffer_of(l) + l->at, l->len);
        l->at = 0;
    }
    if (l->len == size_of(l))
        BIDE_TRY(grow(l));
    do {
        ssize_t n = read_some(l);
        l->is_idle = n == -ETIMEDOUT;
        if (n == -ECANCELED) {
            lines_cut(l);
            return 0;
        }
        if (n < 0 && n != -EAGAIN && n != -ETIMEDOUT)
            return (int)n;
        l->at_end |= n == 0;
        l->len += n > 0 ? (size_t)n : 0;
    } while (!l->is_known && !l->at_end && l->len < UNPACK_MAGIC && !l->is_idle);
    return l->is_known || l->is_idle ? 0 : look_at_first(l);
}

/* ---- lines ---- */

static size_t less(size_t a, size_t n)
{
    return a > n ? a - n : 0;
}

static void take(struct lines *l, size_t n)
{
    l->begin = l->offset;
    l->offset += n;
    l->at += n;
    l->len -= n;
    l->no_lf = less(l->no_lf, n);
    l->no_cr = less(l->no_cr, n);
}

/*
 * Where does the line at start end?  *n: its length; *all: with its end.  CRs in front of an LF are one end with it, so
 * that of one in last place it is not known.
 */
static bool find_end(struct lines *l, const char *start, size_t *n, size_t *all)
{
    const char *lf = l->len > l->no_lf ? memchr(start + l->no_lf, '\n', l->len - l->no_lf) : NULL;
    size_t limit = lf ? (size_t)(lf - start) : l->len;
    const char *cr = limit > l->no_cr ? memchr(start + l->no_cr, '\r', limit - l->no_cr) : NULL;

    l->no_lf = limit;
    l->no_cr = cr ? (size_t)(cr - start) : limit;
    *n = l->no_cr;
    *all = limit + (lf != NULL);
    if (!cr)
        return lf || l->at_end;
    size_t end = *n;
    while (end < limit && start[end] == '\r')
        end++;
    if (end == limit && (lf || l->at_end))
        return true; /* the CRs are one end with the LF; or with that of the list */
    *all = *n + 1;
    return end < limit || (is_full(l) && *n == 0);
}

/* The next line: without its end, it is n bytes at start. */
static void trim(struct lines *l, char *start, size_t n, char **line, size_t *len)
{
    l->number++;
    if (l->number == 1 && n >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        start += 3;
        n -= 3;
    }
    l->raw = start;
    l->raw_len = n;
    while (n > 0 && (start[n - 1] == ' ' || start[n - 1] == '\t'))
        n--;
    while (n > 0 && (*start == ' ' || *start == '\t')) {
        start++;
        n--;
    }
    *line = start;
    *len = n;
}

/* A line longer than the buffer: drop it, piece by piece, and say so once. */
static int too_long(struct lines *l, char *start, char **line, size_t *len, const char **fault)
{
    bool is_first = !l->skipping;

    if (is_first)
        trim(l, start, l->no_cr, line, len);
    take(l, l->no_cr); /* a CR behind it may be its end */
    l->skipping = true;
    if (!is_first)
        return LINES_MORE;
    *fault = l->longest ? "the line is longer than 1 MiB" : "the line is longer than 65535 bytes";
    return LINES_BAD;
}

static int give(struct lines *l, char *start, size_t n, char **line, size_t *len, const char **fault)
{
    trim(l, start, n, line, len);
    if (!memchr(*line, '\0', *len))
        return *len > 0 && (**line != '#' || l->has_no_comments) ? LINES_GOT : LINES_MORE;
    *fault = l->unpack && unpack_is_wide(l->unpack) ? "the line has a NUL or half of a pair of UTF-16"
                                                    : "the line has a NUL byte";
    return LINES_BAD;
}

int lines_peek(const struct lines *l)
{
    if (l->len == 0)
        return l->at_end ? -1 : LINES_UNKNOWN;
    return (unsigned char)(l->big ? l->big : l->buffer)[l->at];
}

int lines_next(struct lines *l, char **line, size_t *len, const char **fault)
{
    for (;;) {
        char *start = buffer_of(l) + l->at;
        size_t n, all;

        if (!find_end(l, start, &n, &all))
            return is_full(l) ? too_long(l, start, line, len, fault) : LINES_MORE;
        if (all == 0)
            return LINES_END;
        take(l, all);
        if (l->skipping) {
            l->skipping = false;
            continue;
        }
        int result = give(l, start, n, line, len, fault);
        if (result != LINES_MORE)
            return result;
    }
}
