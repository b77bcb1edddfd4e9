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
 * The line functions below take the place where a line starts and return the place where the next
 * one starts, or NULL with the reason in work.result: 0 for "the bytes end here", or an error.
 *
 * Invariants:
 *   P1  nothing at or beyond `end` is read.
 *   P2  what is accepted, and as what, does not depend on how the bytes were cut: unfolding leaves
 *       bytes that parse to the same again.  (Only how early an error is seen depends on it.)
 *   P3  every offset is at most limits.head, so 32 bits hold it.
 */
#include "http/h1/h1_parse.h"

#include <string.h>

#include "http/field/scan.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Below this many bytes a try costs nothing, so garbage is seen although the first read was tiny.
 */
#define TRY_AGAIN_BELOW 64

#define BAD_LINE_MAX 256 /* bytes of a line that is refused, for the message about it */

struct work {
    char *buf, *end;
    char *line; /* where the present one starts */
    struct h1_head *head;
    struct h1_limits limits;
    bool strict;
    int result; /* when a function returned NULL: 0 more bytes, or the error */
};

static char *stop(struct work *w, int result)
{
    w->result = result;
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
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

static struct h1_slice slice(const struct work *w, const char *from, const char *to)
{
    return (struct h1_slice){(uint32_t)(from - w->buf), (uint32_t)(to - from)};
}

static const char *trim_end(const char *from, const char *to)
{
    while (to > from && is_blank(to[-1]))
        to--;
    return to;
}

static char *skip_blanks(const struct work *w, char *p)
{
    while (p < w->end && is_blank(*p))
        p++;
    return p;
}

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
static char *parse_fields(struct work *w, char *line)
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

/* ---- first lines ---- */

/* "HTTP/1.1" at p, of which n bytes are there: is it going to be a version we know? */
static bool version_begins(const char *p, size_t n)
{
    return memcmp(p, "HTTP/1.", n < 7 ? n : 7) == 0 && (n < 8 || is_digit(p[7]));
}

/* HTTP/1.x SP 3DIGIT [SP reason].  RFC 9112 4 */
static char *parse_status_line(struct work *w, char *p)
{
    struct h1_head *head = w->head;
    size_t n = (size_t)(w->end - p);

    if (!version_begins(p, n) || (n > 8 && p[8] != ' '))
        return stop(w, H1_EVERSION);
    if (n < 13)
        return stop(w, 0);
    if (!is_digit(p[9]) || !is_digit(p[10]) || !is_digit(p[11]) || p[9] == '0')
        return stop(w, H1_ESTATUS);
    if (p[12] != ' ' && p[12] != '\r' && p[12] != '\n')
        return stop(w, H1_ESTATUS);

    head->minor = p[7] - '0';
    head->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
    char *reason = skip_blanks(w, p + 12);
    char *reason_end = (char *)scan_value(reason, w->end);
    char *next = line_end(w, reason_end, H1_EREASON);
    if (next && (size_t)(next - p) > w->limits.line)
        return stop(w, H1_ELINESIZE);
    if (next)
        head->reason = slice(w, reason, trim_end(reason, reason_end));
    return next;
}

/* The version and the end of a request line; RFC 9112 2.3. */
static char *parse_request_version(struct work *w, char *p)
{
    size_t n = (size_t)(w->end - p);

    if (memcmp(p, "HTTP/", n < 5 ? n : 5) != 0)
        return stop(w, H1_ETARGET);
    if (!version_begins(p, n))
        return stop(w, H1_EHTTPVERSION);
    if (n < 9)
        return stop(w, 0);
    w->head->minor = p[7] - '0';
    return line_end(w, p + 8, H1_EHTTPVERSION);
}

/* method SP target SP HTTP/1.x.  RFC 9112 3 */
static char *parse_request_line(struct work *w, char *line)
{
    char *method_end = (char *)scan_token(line, w->end);
    if (method_end == w->end)
        return stop(w, 0);
    if (method_end == line || *method_end != ' ')
        return stop(w, H1_EMETHOD);

    char *target = method_end + 1;
    char *target_end = (char *)scan_scalar(target, w->end, CHAR_TARGET);
    if ((size_t)(target_end - line) > w->limits.line)
        return stop(w, H1_ELINESIZE);
    if (target_end == w->end)
        return stop(w, 0);
    if (target_end == target || *target_end != ' ')
        return stop(w, H1_ETARGET);

    char *next = parse_request_version(w, target_end + 1);
    if (next && (size_t)(next - line) > w->limits.line)
        return stop(w, H1_ELINESIZE);
    if (next) {
        w->head->method = slice(w, line, method_end);
        w->head->target = slice(w, target, target_end);
    }
    return next;
}

/* Clients of old put a CRLF behind a POST: one is skipped.  RFC 9112 2.2 */
static char *skip_empty_line(struct work *w)
{
    char *p = w->buf;

    if (p < w->end && *p == '\r')
        p = line_end(w, p, H1_EMETHOD);
    return p;
}

/* ---- a whole head ---- */

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

typedef char *first_line_fn(struct work *w, char *line);

/* RFC 9112 2.2 lets old senders put an empty line behind a body, so it may come before the next head. */
static char *first_status_line(struct work *w, char *line)
{
    while (line < w->end && unlikely(*line == '\r' || *line == '\n')) {
        w->line = line;
        line = line_end(w, line, H1_EBARECR);
        if (!line)
            return NULL;
    }
    w->line = line;
    return parse_status_line(w, line);
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
    char *end = parse_fields(&w, first_line(&w, buf));
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
    return parse_head(p, p->strict, first_status_line, buf, len, head);
}

static char *first_request_line(struct work *w, char *line)
{
    (void)line;
    char *p = skip_empty_line(w);
    return p ? parse_request_line(w, p) : NULL;
}

ssize_t bide__h1_parse_request(struct h1_parser *p, char *buf, size_t len, struct h1_head *head)
{
    return parse_head(p, true, first_request_line, buf, len, head);
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
