/* SPDX-License-Identifier: MIT */
/*
 * h1_first_line.c - the first line of a message head: of an answer, of a request.
 */
#include "http/h1/h1_lines.h"

#include <string.h>

#include "http/field/scan.h"

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

/* RFC 9112 2.2 lets old senders put an empty line behind a body, so it may come before the next head. */
char *bide__h1_status_line(struct work *w, char *line)
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

char *bide__h1_request_line(struct work *w, char *line)
{
    (void)line;
    char *p = skip_empty_line(w);
    return p ? parse_request_line(w, p) : NULL;
}
