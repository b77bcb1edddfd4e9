/* SPDX-License-Identifier: MIT */
/*
 * h1_lines.h - the lines of a message head: what the files of its parser share (h1_first_line.c, h1_fields.c, h1_parse.c).
 *
 * The line functions take the place where a line starts and return the place where the next one starts, or NULL with the
 * reason in work.result: 0 for "the bytes end here", or an error.
 *
 *     buf                              line                                  end
 *     | HTTP/1.1 200 OK CRLF | name: value CRLF | name: value CRLF | CRLF | body ..
 *       h1_first_line.c        h1_fields.c
 */
#ifndef BIDE_HTTP_H1_LINES_H
#define BIDE_HTTP_H1_LINES_H

#include "http/h1/h1_parse.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct work {
    char *buf, *end;
    char *line; /* where the present one starts */
    struct h1_head *head;
    struct h1_limits limits;
    bool strict;
    int result; /* when a function returned NULL: 0 more bytes, or the error */
};

static inline char *stop(struct work *w, int result)
{
    w->result = result;
    return NULL;
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What comes behind the CR, LF or forbidden byte at p? */
static inline char *line_end(struct work *w, char *p, int forbidden)
{
    if (unlikely(p == w->end))
        return stop(w, 0);
    if (likely(*p == '\r')) {
        if (unlikely(p + 1 == w->end))
            return stop(w, 0);
        return likely(p[1] == '\n') ? p + 2 : stop(w, H1_EBARECR);
    }
    if (*p != '\n')
        return stop(w, forbidden);
    if (w->strict)
        return stop(w, H1_EBARELF);
    w->head->bare_lf = true;
    return p + 1;
}

static inline struct h1_slice slice(const struct work *w, const char *from, const char *to)
{
    return (struct h1_slice){(uint32_t)(from - w->buf), (uint32_t)(to - from)};
}

static inline const char *trim_end(const char *from, const char *to)
{
    while (to > from && is_blank(to[-1]))
        to--;
    return to;
}

static inline char *skip_blanks(const struct work *w, char *p)
{
    while (p < w->end && is_blank(*p))
        p++;
    return p;
}

/* ---- h1_first_line.c: each takes the place where the message starts ---- */

typedef char *first_line_fn(struct work *w, char *line);
first_line_fn bide__h1_status_line, bide__h1_request_line;

/* ---- h1_fields.c ---- */

/* All fields and the empty line behind them; NULL after NULL. */
char *bide__h1_fields(struct work *w, char *line);

#endif
