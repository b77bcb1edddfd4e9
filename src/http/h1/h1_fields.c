/* SPDX-License-Identifier: MIT */
/*
 * h1_fields.c - the fields of a message head: names, values, values that are folded, and lines that are none of these.
 */
#include "http/h1/h1_lines.h"

#include <string.h>

#include "http/field/scan.h"

/* ---- values ---- */

/* What frames a message is read strictly, whatever else is let pass. */
static bool may_be_odd(const struct work *w, enum header_id id)
{
    return !w->strict && id != HEADER_TRANSFER_ENCODING && id != HEADER_CONTENT_LENGTH &&
           id != HEADER_CONNECTION;
}

/* The end of what may stand in a value: CR, LF, NUL, and, unless it may be odd, any other control
 * character (RFC 9110 5.5 lets a recipient keep those). */
static char *value_end(const char *p, const char *end, bool odd)
{
    p = scan_value(p, end);
    while (unlikely(odd && p < end && *p != '\r' && *p != '\n' && *p != '\0'))
        p = scan_value(p + 1, end);
    return (char *)p;
}

/* ---- folded values: RFC 9112 5.2 ---- */

/* Walk to the line after the last continuation line. */
static char *skip_folds(struct work *w, char *line)
{
    while (line < w->end && is_blank(*line)) {
        char *next = line_end(w, value_end(line, w->end, true), H1_EVALUE);
        if (!next)
            return NULL;
        line = next;
    }
    return line < w->end ? line : stop(w, 0);
}

/*
 * Join the lines of value[0..) with one SP each, in place, up to `next`.  What is gained becomes
 * white space before the last line end, so that the bytes still parse, and to the same value (P2).
 * Returns the end of the value.
 */
static char *join_folds(char *value, char *next)
{
    char *to = value, *tail = next - (next[-2] == '\r' ? 2 : 1);

    for (char *from = value; from < tail;) {
        while (from < tail && (is_blank(*from) || *from == '\r' || *from == '\n'))
            from++;
        char *stop_at = value_end(from, tail, true);
        size_t n = (size_t)(trim_end(from, stop_at) - from);
        if (n > 0 && to > value)
            *to++ = ' ';
        memmove(to, from, n);
        to += n;
        from = stop_at;
    }
    memset(to, ' ', (size_t)(tail - to));
    return to;
}

/* ---- fields ---- */

/* What is wrong with a line whose name ends in a blank at p; 0 if the next bytes decide. */
static int blank_error(const struct work *w, const char *p)
{
    const char *end = value_end(p, w->end, true), *behind = skip_blanks(w, (char *)(uintptr_t)p);
    bool has_colon = memchr(p, ':', (size_t)(end - p));

    if (behind == w->end || (end == w->end && !has_colon))
        return 0;
    return *behind == ':' ? H1_ESPACENAME : has_colon ? H1_ENAME : H1_ENOCOLON;
}

/* What is wrong with a line whose name ends at p without a colon; 0 if the next bytes decide. */
static int name_error(const struct work *w, const char *line, const char *p)
{
    if (p == line)
        return is_blank(*line) ? H1_ESPACELINE : H1_ENAME;
    if (is_blank(*p))
        return blank_error(w, p);
    if (*p == '\r' && p + 1 == w->end)
        return 0;
    if (*p == '\n' || (*p == '\r' && p[1] == '\n'))
        return H1_ENOCOLON;
    return *p == '\r' ? H1_EBARECR : H1_ENAME;
}

/* Does a line begin with the name of what frames a body, whatever stands around that name? */
static bool seems_to_frame(const char *line, const char *end)
{
    while (line < end && !char_is(*line, CHAR_TOKEN))
        line++;
    enum header_id id = bide__header_id(line, (size_t)(scan_token(line, end) - line));
    return id == HEADER_TRANSFER_ENCODING || id == HEADER_CONTENT_LENGTH;
}

/* A line that is no field: framing has to say whether the answer can do without it.  One that could be the next
 * message, or the first of several lines, cannot be skipped. */
static char *skip_line(struct work *w, const char *line, char *next)
{
    if (is_blank(*next) || ((size_t)(w->end - line) >= 5 && memcmp(line, "HTTP/", 5) == 0))
        return stop(w, H1_ENOCOLON);
    w->head->no_colon = true;
    return next;
}

/*
 * A line whose name is no token, `error`, or that has no colon.  Servers do send them, and clients
 * read on, so such a name is kept as it came; nobody who asks for a token finds it.  Returns the
 * colon; or NULL, and *next is the line behind one that was skipped, or NULL.
 */
static const char *odd_name_end(struct work *w, char *line, int error, char **next)
{
    char *end = value_end(line, w->end, true);

    *next = line_end(w, end, H1_ENAME);
    if (!*next)
        return NULL;
    if (*next == w->end || seems_to_frame(line, end)) {
        *next = stop(w, *next == w->end ? 0 : error);
        return NULL;
    }
    if (w->head->odd.len == 0)
        w->head->odd = slice(w, line, end);
    const char *colon = memchr(line, ':', (size_t)(end - line));
    if (!colon)
        *next = skip_line(w, line, *next);
    return colon;
}

/* The rest of a line, behind its name. */
static inline __attribute__((always_inline)) char *parse_value(struct work *w, char *line, const char *name_end,
                                                               enum header_id id)
{
    struct h1_head *head = w->head;
    size_t name_len = (size_t)(name_end - line);
    bool odd = may_be_odd(w, id);
    char *value = skip_blanks(w, (char *)name_end + 1);
    char *end = value_end(value, w->end, odd);
    char *next = line_end(w, end, H1_EVALUE);
    if (unlikely(!next || next == w->end))
        return next ? stop(w, 0) : NULL;
    if (unlikely(is_blank(*next))) {
        if (!odd)
            return stop(w, H1_EFOLD);
        next = skip_folds(w, next);
        if (!next)
            return NULL;
        end = join_folds(value, next);
    }
    if (unlikely((size_t)(next - line) > w->limits.field || name_len > UINT16_MAX))
        return stop(w, H1_EFIELDSIZE);
    if (unlikely(head->nfields >= head->fields_cap || head->nfields >= w->limits.fields))
        return stop(w, H1_EFIELDCOUNT);

    head->fields[head->nfields++] = (struct field){
        .name = (uint32_t)(line - w->buf),
        .value = (uint32_t)(value - w->buf),
        .value_len = (uint32_t)(trim_end(value, end) - value),
        .name_len = (uint16_t)name_len,
        .id = (uint16_t)id,
    };
    head->seen |= HEADER_BIT(id);
    return next;
}

/* A line whose name does not end in a colon at p, or is empty. */
static __attribute__((noinline)) char *parse_odd_field(struct work *w, char *line, const char *p)
{
    int error = name_error(w, line, p);
    char *next;

    if (w->strict || error == H1_ESPACELINE || error == H1_EBARECR)
        return stop(w, error);
    const char *colon = odd_name_end(w, line, error, &next);
    return colon ? parse_value(w, line, colon, HEADER_OTHER) : next;
}

static char *parse_field(struct work *w, char *line)
{
    const char *name_end = scan_token(line, w->end);

    if (unlikely(name_end == w->end))
        return stop(w, 0);
    if (unlikely(*name_end != ':' || name_end == line))
        return parse_odd_field(w, line, name_end);
    return parse_value(w, line, name_end, bide__header_id(line, (size_t)(name_end - line)));
}

/* All fields and the empty line behind them. */
char *bide__h1_fields(struct work *w, char *line)
{
    while (line && line < w->end) {
        if (*line == '\r' || *line == '\n')
            return line_end(w, line, H1_EVALUE);
        char *next = parse_field(w, line);
        if (unlikely(!next))
            w->line = line;
        line = next;
    }
    return line ? stop(w, 0) : NULL;
}
