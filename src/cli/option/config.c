/* SPDX-License-Identifier: MIT */
/*
 * config.c - the text of a configuration file, cut into entries.
 *
 * It is cut in place, line by line: NULs go where keys and values end.  A comment takes a whole line, because "#" stands in URLs.
 */
#include "cli/option/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOM "\xef\xbb\xbf"

struct reader {
    struct config_entry *entries;
    size_t n, cap;
    const char *section;
    int line;
    struct config_fault *fault;
};

static bool wrong(struct reader *r, const char *what, const char *quoted)
{
    char shown[SAY_QUOTE_SIZE];

    r->fault->line = r->line;
    snprintf(r->fault->what, sizeof r->fault->what, what, say_quote(quoted, shown));
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Without the blanks on both sides. */
static char *trim(char *text)
{
    while (is_blank(*text))
        text++;
    for (size_t len = strlen(text); len > 0 && is_blank(text[len - 1]); len--)
        text[len - 1] = '\0';
    return text;
}

static bool add_entry(struct reader *r, const char *key, const char *value)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 16;
        struct config_entry *entries = realloc(r->entries, cap * sizeof *entries);
        if (!entries) {
            r->fault->line = 0;
            return false;
        }
        r->entries = entries;
        r->cap = cap;
    }
    r->entries[r->n++] = (struct config_entry){r->section, key, value, r->line};
    return true;
}

/* "..." without its quotes; \" and \\ stand for what is behind. */
static bool unquote(struct reader *r, char *value)
{
    char *out = value, *in = value + 1;

    for (; *in && *in != '"'; in++) {
        if (*in == '\\' && (in[1] == '"' || in[1] == '\\'))
            in++;
        *out++ = *in;
    }
    if (*in == '\0')
        return wrong(r, "the quote at the beginning of the value has no other at its end%.0s", "");
    if (in[1] != '\0')
        return wrong(r, "there is more behind the closing quote: '%s'; a quote in a text is \\\"", in + 1);
    *out = '\0';
    return true;
}

static bool read_section(struct reader *r, char *text)
{
    char *end = strchr(text, ']');

    if (!end || end[1] != '\0')
        return wrong(r, "expected [COMMAND], got '%s'", text);
    *end = '\0';
    r->section = trim(text + 1);
    return true;
}

static bool read_pair(struct reader *r, char *text)
{
    char *mark = strchr(text, '=');
    if (!mark)
        return wrong(r, "expected 'key = value', got '%s'", text);

    *mark = '\0';
    char *key = trim(text), *value = trim(mark + 1);
    if (key[0] == '\0')
        return wrong(r, "there is no key in front of '= %s'", value);
    if (value[0] == '"' && !unquote(r, value))
        return false;
    return add_entry(r, key, value);
}

static bool read_line(struct reader *r, char *line)
{
    char *text = trim(line);

    if (text[0] == '\0' || text[0] == '#')
        return true;
    return text[0] == '[' ? read_section(r, text) : read_pair(r, text);
}

static bool read_lines(struct reader *r, char *text, size_t len)
{
    char *end = text + len;

    while (text < end) {
        char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop ? stop : end;
        *stop = '\0';
        r->line++;
        if (strlen(text) != (size_t)(stop - text))
            return wrong(r, "a NUL byte: this is no text%.0s", "");
        if (!read_line(r, text))
            return false;
        text = stop + 1;
    }
    return true;
}

ptrdiff_t config_parse(char *text, size_t len, struct config_entry **entries, struct config_fault *fault)
{
    struct reader r = {.fault = fault};
    size_t skip = len >= strlen(BOM) && memcmp(text, BOM, strlen(BOM)) == 0 ? strlen(BOM) : 0;

    *entries = NULL;
    *fault = (struct config_fault){0};
    if (!read_lines(&r, text + skip, len - skip)) {
        free(r.entries);
        return -1;
    }
    *entries = r.entries;
    return (ptrdiff_t)r.n;
}
