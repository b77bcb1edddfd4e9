/* SPDX-License-Identifier: MIT */
/*
 * h1_parse.c - read a message head.
 *
 * The usual answer arrives whole, so the first call simply parses.  If the bytes end too early,
 * that work is thrown away, and from then on only the end of the head is looked for, from where the
 * last look ended; when it is there, the head is parsed once more.  So a head that drips in byte by
 * byte costs three passes, not a pass per byte, and one that comes whole costs one.  Trying at once
 * also refuses garbage on sight instead of waiting for an end that never comes.
 *
 * Invariants:
 *   P1  nothing at or beyond `end` is read.
 *   P2  what is accepted, and as what, does not depend on how the bytes were cut: unfolding leaves
 *       bytes that parse to the same again.  (Only how early an error is seen depends on it.)
 *   P3  every offset is at most limits.head, so 32 bits hold it.
 */
#include "http/h1/h1_lines.h"

#include <string.h>

/* Below this many bytes a try costs nothing, so garbage is seen although the first read was tiny.
 */
#define TRY_AGAIN_BELOW 64

#define BAD_LINE_MAX 256 /* bytes of a line that is refused, for the message about it */

static void reset(struct h1_head *head, const char *base)
{
    struct field *fields = head->fields;
    uint32_t cap = head->fields_cap;

    *head = (struct h1_head){.fields = fields, .fields_cap = cap, .base = base};
}

/* Is there an empty line behind buf[0..p->scanned), and behind those that come first?  Looks at
 * every byte once, however often it is called. */
static bool find_end(struct h1_parser *p, const char *buf, size_t len)
{
    const char *end = buf + len;

    while (p->blank < len && (buf[p->blank] == '\r' || buf[p->blank] == '\n'))
        p->blank++;
    const char *at = buf + (p->scanned > p->blank ? p->scanned : p->blank);

    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        if (end - at >= 2 && at[1] == '\n')
            return true;
        if (end - at >= 3 && at[1] == '\r' && at[2] == '\n')
            return true;
        if (end - at < 3)
            break;
        at++;
    }
    p->scanned = at ? (size_t)(at - buf) : len;
    return false;
}

/* The line that was refused, as far as it is of use to who reads about it. */
static struct h1_slice bad_line(const struct work *w)
{
    size_t n = (size_t)(w->end - w->line) < BAD_LINE_MAX ? (size_t)(w->end - w->line) : BAD_LINE_MAX;
    const char *newline = memchr(w->line, '\n', n);
    const char *end = newline ? newline : w->line + n;

    return slice(w, w->line, end > w->line && end[-1] == '\r' ? end - 1 : end);
}

static ssize_t parse_head(struct h1_parser *p, bool strict, first_line_fn *first_line, char *buf,
                          size_t len, struct h1_head *head)
{
    size_t look = len < p->limits.head ? len : p->limits.head;
    struct work w = {buf, buf + look, buf, head, p->limits, strict, 0};
    ssize_t unfinished = len >= p->limits.head ? H1_EHEADSIZE : 0;

    if (p->scanned >= TRY_AGAIN_BELOW && !find_end(p, buf, look))
        return unfinished;

    reset(head, buf);
    char *end = bide__h1_fields(&w, first_line(&w, buf));
    p->bare_lf |= head->bare_lf;
    if (end) {
        head->bare_lf = p->bare_lf;
        p->bare_lf = false;
        p->scanned = p->blank = 0;
        return end - buf;
    }
    if (w.result < 0)
        head->odd = bad_line(&w);
    if (p->scanned < TRY_AGAIN_BELOW)
        p->scanned = look > 2 ? look - 2 : 0;
    return w.result ? w.result : unfinished;
}

ssize_t bide__h1_parse_response(struct h1_parser *p, char *buf, size_t len, struct h1_head *head)
{
    return parse_head(p, p->strict, bide__h1_status_line, buf, len, head);
}

ssize_t bide__h1_parse_request(struct h1_parser *p, char *buf, size_t len, struct h1_head *head)
{
    return parse_head(p, true, bide__h1_request_line, buf, len, head);
}

static char *no_first_line(struct work *w, char *line)
{
    (void)w;
    return line;
}

ssize_t bide__h1_parse_trailers(struct h1_parser *p, char *buf, size_t len, struct h1_head *head)
{
    return parse_head(p, p->strict, no_first_line, buf, len, head);
}

const struct field *bide__h1_find(const struct h1_head *head, enum header_id id)
{
    if (!bide__h1_has(head, id))
        return NULL;
    for (uint32_t i = 0; i < head->nfields; i++)
        if (head->fields[i].id == id)
            return &head->fields[i];
    return NULL;
}

static const struct {
    int status;
    const char *text;
} errors[] = {
#define ROW(name, status, text) [name - H1__FIRST] = {status, text},
    BIDE_H1_ERRORS(ROW)
#undef ROW
};

const char *bide__h1_strerror(int error)
{
    return error > H1__FIRST && error < H1__END ? errors[error - H1__FIRST].text
                                                : "not an HTTP/1 error";
}

int bide__h1_error_status(int error)
{
    return error > H1__FIRST && error < H1__END ? errors[error - H1__FIRST].status : 400;
}
