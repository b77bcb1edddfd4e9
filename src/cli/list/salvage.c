/* SPDX-License-Identifier: MIT */
/*
 * salvage.c - the URL of a line that cannot be used, for its record: as far as it is known, and cut if it is long.
 *
 * It is never asked for.  A user name and password that cannot be separated from the rest of it, because it is cut there, are no
 * part of a record: then there is none.
 */
#include <string.h>

#include <bide/url.h>

#include "cli/list/list.h"

#define LONGEST 1024

/* Not within a character of UTF-8. */
static size_t cut(const char *url, size_t len)
{
    size_t n = len < LONGEST ? len : LONGEST;

    for (int i = 0; i < 3 && n < len && n > 0 && ((unsigned char)url[n] & 0xc0) == 0x80; i++)
        n--;
    return n;
}

size_t salvage_length(const char *url, size_t len)
{
    bide_url_authority a = bide_url_find_authority(url, len);
    const char *end = a.host.data + a.host.len;
    size_t n = cut(url, len);
    bool is_whole = end <= url + n && (end < url + len || len <= LONGEST);

    return !is_whole || (a.user.data && memchr(url, '\0', (size_t)(end - url))) ? 0 : n;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* Behind "url": and the first quote of its text; NULL: there is none. */
static const char *find_member(const char *line, const char *end)
{
    for (const char *at = line; (at = memmem(at, (size_t)(end - at), "\"url\"", 5)); ) {
        at = skip_space(at + 5, end);
        if (at == end || *at != ':')
            continue;
        at = skip_space(at + 1, end);
        return at < end && *at == '"' ? at + 1 : NULL;
    }
    return NULL;
}

void salvage_json(const char *line, size_t len, struct text *url)
{
    const char *end = line + len, *at = find_member(line, end);
    struct text all = {0};

    for (; at && at < end && *at != '"'; at++) {
        bool is_escaped = *at == '\\' && at + 1 < end && strchr("/\"\\", at[1] ? at[1] : ' ');
        if (*at == '\\' && !is_escaped)
            break; /* as far as it can be read without a parser */
        at += is_escaped;
        text_add_char(&all, *at);
    }
    if (all.len > 0)
        text_add(url, all.data, salvage_length(all.data, all.len));
    url->no_memory |= all.no_memory;
    text_free(&all);
}

void salvage_line(struct draft *d, enum list_form form, const struct columns *columns, const char *line, size_t len,
                  struct text *url)
{
    const char *at = line, *tab = memchr(line, '\t', len);

    if (form == LIST_JSONL || (form == LIST_AUTO && len > 0 && *line == '{')) {
        salvage_json(line, len, url);
        return;
    }
    if (form == LIST_TSV && columns && columns->n > 0)
        tsv_parse(d, columns, line, len, &at, &len);
    else if (form != LIST_LINES && tab)
        len = (size_t)(tab - line);
    if (len > 0)
        text_add(url, at, salvage_length(at, len));
}
