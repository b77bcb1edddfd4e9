/* SPDX-License-Identifier: MIT */
/*
 * lines.c - fuzz target: lists of URLs.
 *
 * The first byte says in how large pieces the list comes, and how long an 'L' of it is.  However it is cut, the lines that
 * come out are those of a reader that has all of it at once.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/list/lines.h"

#define LONG_LINE (LINES_LONGEST - 4) /* a few bytes more are too many */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

/* ---- all at once ---- */

struct whole {
    const char *at, *end;
    uint64_t number;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The length of the line, and *known: how many bytes a reader needs to know that; *all: that are used up. */
static size_t measure(const struct whole *w, size_t *all, size_t *known)
{
    size_t left = (size_t)(w->end - w->at), n = 0, end;

    while (n < left && w->at[n] != '\n' && w->at[n] != '\r')
        n++;
    for (end = n; end < left && w->at[end] == '\r'; end++)
        ;
    *known = end + 1; /* one more: an LF, another byte, or the end */
    *all = end < left && w->at[end] != '\n' ? n + 1 : end + (end < left);
    return n;
}

/* As lines_next, without a buffer: 1, -1 or 0. */
static int next_of_whole(struct whole *w, const char **line, size_t *len)
{
    while (w->at < w->end) {
        const char *start = w->at;
        size_t all, known, n = measure(w, &all, &known);
        w->at += all;
        w->number++;
        if (known > LINES_BUFFER)
            return -1;
        if (w->number == 1 && n >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) {
            start += 3;
            n -= 3;
        }
        while (n > 0 && is_blank(start[n - 1]))
            n--;
        for (; n > 0 && is_blank(*start); n--)
            start++;
        if (memchr(start, '\0', n))
            return -1;
        *line = start;
        *len = n;
        if (n > 0 && *start != '#')
            return 1;
    }
    return 0;
}

/* ---- in pieces ---- */

static void put(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        must(n > 0);
        data += n;
        len -= (size_t)n;
    }
}

static void check(const char *text, size_t size, size_t piece)
{
    static struct lines l;
    struct whole w = {.at = text, .end = text + size};
    size_t sent = 0;
    int ends[2];

    must(pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) >= 0); /* more than any list here */
    l = (struct lines){.name = "list", .fd = ends[0], .wake = {-1, -1}, .is_known = true};
    for (;;) {
        const char *fault = NULL, *wanted = NULL;
        char *line;
        size_t len, n = 0;
        int got = lines_next(&l, &line, &len, &fault);
        if (got == LINES_MORE) {
            size_t next = size - sent < piece ? size - sent : piece;
            put(ends[1], text + sent, next);
            sent += next;
            if (next == 0) {
                close(ends[1]);
                ends[1] = -1;
            }
            must(lines_fill(&l) == 0);
            continue;
        }
        must(got == next_of_whole(&w, &wanted, &n));
        must(got != LINES_GOT || (len == n && memcmp(line, wanted, n) == 0));
        must((got == LINES_BAD) == (fault != NULL) && (got == LINES_END || l.number == w.number));
        if (got == LINES_END)
            break;
    }
    close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
}

/* Each 'L' becomes a run of x, so that lines are about as long as they may be. */
static char *expand(const uint8_t *data, size_t size, size_t run, size_t *len)
{
    size_t longs = 0;

    for (size_t i = 0; i < size; i++)
        longs += data[i] == 'L' && longs < 3;
    char *text = malloc(size + longs * run + 1);
    *len = 0;
    for (size_t i = 0, left = longs; i < size; i++) {
        size_t n = data[i] == 'L' && left > 0 ? run : 1;
        left -= n > 1;
        memset(text + *len, n > 1 ? 'x' : data[i], n);
        *len += n;
    }
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 2, 3, 7, 64, 1000, 4096, 40000};
    size_t len = 0;
    if (size < 1)
        return 0;

    bool is_long = data[0] & 8;
    char *text = expand(data + 1, size - 1, is_long ? LONG_LINE : 2, &len);
    check(text, len, is_long ? pieces[5 + data[0] % 3] : pieces[data[0] % 8]);
    free(text);
    return 0;
}
