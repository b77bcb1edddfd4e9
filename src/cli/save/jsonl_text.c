/* SPDX-License-Identifier: MIT */
/*
 * jsonl_text.c - texts in records: always JSON, nothing that a terminal would obey, and every byte can be had back.
 */
#include <string.h>

#include <bide/text.h>

#include "cli/cli.h"
#include "cli/save/jsonl.h"

static void add_escaped(struct text *to, uint32_t c)
{
    const char *at = c < 0x80 ? strchr("\"\"\\\\\bb\ff\nn\rr\tt", (int)c) : NULL;

    if (c && at)
        text_format(to, "\\%c", c == '"' || c == '\\' ? (int)c : at[1]);
    else if (c < 0x10000)
        text_format(to, "\\u%04x", c);
    else
        text_format(to, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
}

/* A byte that is no UTF-8. */
static void add_odd(struct text *to, char byte, bool in_url)
{
    if (in_url)
        text_format(to, "%%%02X", (unsigned char)byte);
    else
        text_add_string(to, "\xef\xbf\xbd");
}

static size_t plain_ascii(const char *s, size_t left)
{
    size_t n = 0;

    while (n < left && s[n] >= ' ' && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
        n++;
    return n;
}

/* Returns: it is all UTF-8. */
static bool add_quoted(struct text *to, const char *s, size_t len, bool in_url)
{
    bool is_utf8 = true;
    uint32_t c = 0;

    text_add_char(to, '"');
    for (size_t left = len, n; left > 0; s += n, left -= n) {
        n = plain_ascii(s, left);
        if (n > 0) {
            text_add(to, s, n);
            continue;
        }
        int bytes = bide_utf8_decode(s, left, &c);
        n = bytes > 0 ? (size_t)bytes : 1;
        if (bytes <= 0) {
            add_odd(to, *s, in_url);
            is_utf8 = false;
        } else if (c >= 0x80 && bide_is_printable(c)) {
            text_add(to, s, n);
        } else {
            add_escaped(to, c); /* also what a terminal would obey, should the line be shown on one */
        }
    }
    text_add_char(to, '"');
    return is_utf8;
}

static void add_member(struct text *to, const char *name, const char *value, size_t len, bool is_url)
{
    text_add_string(to, ",\"");
    text_add_string(to, name);
    text_add_string(to, "\":");
    if (!value) {
        text_add_string(to, "null");
    } else if (!add_quoted(to, value, len, is_url)) {
        text_format(to, ",\"%s_b64\":\"", name);
        text_add_base64(to, value, len);
        text_add_char(to, '"');
    }
}

void jsonl_add_member(struct text *to, const char *name, const char *value)
{
    add_member(to, name, value, value ? strlen(value) : 0, false);
}

void jsonl_add_url_member(struct text *to, const char *name, const char *url)
{
    add_member(to, name, url, url ? strlen(url) : 0, true);
}

void jsonl_add_url_bytes(struct text *to, const char *name, const struct text *url)
{
    add_member(to, name, text_string(url), url->no_memory ? 0 : url->len, true);
}

void jsonl_add_text(struct text *to, const char *text)
{
    add_quoted(to, text, strlen(text), false);
}
