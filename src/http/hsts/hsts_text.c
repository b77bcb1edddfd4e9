/* SPDX-License-Identifier: MIT */
/*
 * hsts_text.c - the file that curl has (--hsts): a host a line, with a dot in front if it speaks for those below it.
 *
 *     .example.com "20271231 23:59:59"        until then, UTC
 *     other.example "unlimited"
 */
#include "http/hsts/hsts.h"

#include <stdio.h>

#include <bide/date.h>

#include "http/field/date.h"

static const char file_head[] = "# HSTS hosts, as curl has them: https://curl.se/docs/hsts.html\n"
                                "# Written by bide.\n";

/* ---- reading ---- */

static bool take_number(const char **at, const char *end, int digits, int *out)
{
    *out = 0;
    for (; digits > 0; digits--, ++*at) {
        if (*at == end || **at < '0' || **at > '9')
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return true;
}

static bool take_char(const char **at, const char *end, char c)
{
    if (*at == end || **at != c)
        return false;
    ++*at;
    return true;
}

/* Between the quotes: "20271231 23:59:59", or "unlimited". */
static bool read_end(const char *at, const char *end, int64_t now, int64_t *out)
{
    int year, month, day, hour, minute, second;

    if (bide__header_equals(at, (size_t)(end - at), "unlimited")) {
        *out = now + HSTS_LIFETIME_MAX;
        return true;
    }
    return take_number(&at, end, 4, &year) && take_number(&at, end, 2, &month) && take_number(&at, end, 2, &day) &&
           take_char(&at, end, ' ') && take_number(&at, end, 2, &hour) && take_char(&at, end, ':') &&
           take_number(&at, end, 2, &minute) && take_char(&at, end, ':') && take_number(&at, end, 2, &second) && at == end &&
           bide__date_to_unix(year, month, day, hour, minute, second, out);
}

/* 1: a host; 0: its time is over; BIDE_ENOMEM; else the line is none. */
static int read_line(bide_hsts *h, const char *line, size_t len, int64_t now)
{
    const char *end = line + len, *quote = memchr(line, '"', len);
    char text[HOST_NAME_SIZE];
    struct host_name host = {.name = text};
    int64_t ends;
    if (!quote || end - quote < 2 || end[-1] != '"' || !read_end(quote + 1, end - 1, now, &ends))
        return -EINVAL;

    size_t dot = line[0] == '.', name_len = (size_t)(quote - line);
    while (name_len > 0 && line[name_len - 1] == ' ')
        name_len--;
    ssize_t n = name_len > dot ? bide__host_name_put(text, line + dot, name_len - dot, &host.is_name) : -1;
    if (n < 0 || !host.is_name)
        return -EINVAL;
    host.len = (size_t)n;
    if (ends <= now)
        return 0;
    int64_t left = ends - now;
    struct hsts_said said = {left < HSTS_LIFETIME_MAX ? left : HSTS_LIFETIME_MAX, dot > 0};
    int code = bide__hsts_put(h, host, &said, now);
    return code < 0 ? code : 1;
}

int bide__hsts_read_text(bide_hsts *h, const char *text, size_t len, int64_t now)
{
    const char *at = text, *end = text + len, *odd = NULL;
    size_t odd_len = 0;
    int n = 0, understood = 0;

    while (at < end) {
        const char *line = at, *stop = memchr(at, '\n', (size_t)(end - at));
        at = stop ? stop + 1 : end;
        size_t line_len = (size_t)((stop ? stop : end) - line);
        line_len -= line_len > 0 && line[line_len - 1] == '\r';
        if (line_len == 0 || line[0] == '#')
            continue;
        int code = read_line(h, line, line_len, now);
        if (code == BIDE_ENOMEM)
            return code;
        n += code > 0;
        understood += code >= 0;
        if (code < 0 && !odd) {
            odd = line;
            odd_len = line_len;
        }
    }
    char shown[80];
    return odd && understood == 0
               ? bide_fail(-EINVAL, "no line is one of an HSTS file, beginning with \"%s\"", bide__shown(shown, odd, odd_len))
               : n;
}

/* ---- writing ---- */

static int write_line(struct buf *out, const struct hsts_host *host)
{
    char date[30]; /* Sun, 06 Nov 1994 08:49:37 GMT */

    bide_http_date_format(date, host->ends);
    return bide__buf_printf(out, "%s%s \"%.4s%02d%.2s %.8s\"\n", host->include_subdomains ? "." : "", host->name, date + 12,
                            bide__date_month(date + 8), date + 5, date + 17);
}

int bide__hsts_write_text(const bide_hsts *h, struct buf *out, int64_t now)
{
    int code = bide__buf_append(out, file_head, sizeof file_head - 1);

    for (struct list_node *n = h->order.next; n != &h->order && code == 0; n = n->next) {
        const struct hsts_host *host = container_of(n, struct hsts_host, in_order);
        if (host->ends > now)
            code = write_line(out, host);
    }
    return code;
}
