/* SPDX-License-Identifier: MIT */
/*
 * heads.c - heads of requests and answers as lines of text.
 *
 * Passwords, tokens and cookies become ***, so that what is shown can be sent to others; what a server or a user made of control
 * characters becomes \xNN.
 */
#include "cli/see/see.h"

#include <string.h>
#include <strings.h>

#include <bide/text.h>

static bool has_word(const char *name, size_t len, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= len; i++)
        if (strncasecmp(name + i, word, n) == 0)
            return true;
    return false;
}

/* Is the value of such a field a secret?  Also of X-Api-Key, X-Auth-Token and their like, which have no list. */
static bool head_is_secret(const char *name, size_t len)
{
    static const char *const words[] = {"authorization", "cookie", "token", "secret", "password", "api-key", "apikey", NULL};

    for (const char *const *w = words; *w; w++)
        if (has_word(name, len, *w))
            return true;
    return false;
}

void head_add_clean(struct text *to, const char *text, size_t len)
{
    char shown[256];

    while (len > 0) {
        size_t n = bide_printable(shown, sizeof shown, text, len);
        text_add_string(to, shown);
        text += n;
        len -= n;
    }
}

/* "Basic ***"; "id=***; Path=/"; "***" */
static void add_masked(struct text *to, const char *name, size_t name_len, const char *value, size_t len)
{
    bool is_set = has_word(name, name_len, "set-cookie"), has_scheme = has_word(name, name_len, "authorization");
    const char *space = memchr(value, ' ', len), *equals = memchr(value, '=', len), *end = memchr(value, ';', len);

    if (is_set && equals && (!end || equals < end)) {
        head_add_clean(to, value, (size_t)(equals - value) + 1);
        text_add_string(to, "***");
        if (end)
            head_add_clean(to, end, len - (size_t)(end - value));
        return;
    }
    if (has_scheme && space)
        head_add_clean(to, value, (size_t)(space - value) + 1);
    text_add_string(to, "***");
}

static void add_field(struct text *to, const char *name, size_t name_len, const char *value, size_t len, bool secrets)
{
    head_add_clean(to, name, name_len);
    text_add_string(to, ": ");
    if (head_is_secret(name, name_len) && !secrets)
        add_masked(to, name, name_len, value, len);
    else
        head_add_clean(to, value, len);
}

static void add_line(struct text *to, const char *line, size_t len, bool secrets)
{
    const char *colon = memchr(line, ':', len);
    size_t name = colon ? (size_t)(colon - line) : 0, at = name + 1;
    if (!colon || !head_is_secret(line, name)) {
        head_add_clean(to, line, len);
        return;
    }

    while (at < len && line[at] == ' ')
        at++;
    add_field(to, line, name, line + at, len - at, secrets);
}

void head_add_sent(struct text *to, bide_bytes head, const char *before, bool secrets)
{
    const char *at = head.data, *end = at + head.len;

    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t len = line ? (size_t)(line - at) : (size_t)(end - at);
        text_add_string(to, before);
        add_line(to, at, len - (len > 0 && at[len - 1] == '\r'), secrets);
        text_add_char(to, '\n');
        at += len + 1;
    }
}

static bool field_at(const bide_response *r, int interim, size_t i, bide_pair *out)
{
    return interim < 0 ? bide_header_at(r, i, out) : bide_interim_header_at(r, (size_t)interim, i, out);
}

void head_add_answer(struct text *to, const bide_response *r, int interim, const char *before, bool secrets)
{
    bide_pair field;

    text_format(to, "%sHTTP/1.%d %d ", before, interim < 0 ? bide_response_http_minor(r) : 1,
                interim < 0 ? bide_status(r) : bide_interim_status(r, (size_t)interim));
    if (interim < 0)
        head_add_clean(to, bide_reason(r), strlen(bide_reason(r)));
    text_add_char(to, '\n');
    for (size_t i = 0; field_at(r, interim, i, &field); i++) {
        text_add_string(to, before);
        add_field(to, field.name, strlen(field.name), field.value, strlen(field.value), secrets);
        text_add_char(to, '\n');
    }
    text_add_string(to, before);
    text_add_char(to, '\n');
}
