/* SPDX-License-Identifier: MIT */
/*
 * netrc.c - reading .netrc as Python and curl do: words between blanks, "quoted" or \escaped, and comments where a keyword may stand.
 *
 *     machine HOST [login|user USER] [password PASSWORD] [account IGNORED]
 *     default [login ...]
 *     macdef NAME  ...  up to an empty line: ignored
 */
#include <openssl/crypto.h>

#include "http/auth/netrc.h"

struct reader {
    const char *text, *at, *end;
};

static int fail(const struct reader *r, const char *what)
{
    int line = 1;

    for (const char *p = r->text; p < r->at; p++)
        line += *p == '\n';
    return bide_fail(BIDE_ESTATE, "netrc, line %d: %s", line, what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int put(const struct reader *r, char *out, size_t *n, char c)
{
    if (*n + 1 >= NETRC_TOKEN_MAX)
        return fail(r, "a word that is too long");
    if (c == '\0')
        return fail(r, "a NUL");
    out[(*n)++] = c;
    return 0;
}

static char take_escaped(struct reader *r)
{
    if (*r->at == '\\' && r->end - r->at > 1)
        r->at++;
    return *r->at++;
}

/* 1: a word, which may be ""; 0: the end; an error. */
static int take_word(struct reader *r, char out[NETRC_TOKEN_MAX])
{
    size_t n = 0;
    int code = 0;

    out[0] = '\0';
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
    if (r->at == r->end)
        return 0;
    bool quoted = *r->at == '"';
    r->at += quoted;
    while (code == 0 && r->at < r->end && (quoted ? *r->at != '"' : !is_blank(*r->at)))
        code = put(r, out, &n, take_escaped(r));
    if (code == 0 && quoted && r->at == r->end)
        code = fail(r, "a quote that is not closed");
    r->at += quoted && r->at < r->end;
    out[n] = '\0';
    return code < 0 ? code : 1;
}

static void skip_line(struct reader *r)
{
    while (r->at < r->end && *r->at != '\n')
        r->at++;
}

/* A word where a keyword may stand: behind comments. */
static int take_keyword(struct reader *r, char out[NETRC_TOKEN_MAX])
{
    for (;;) {
        while (r->at < r->end && is_blank(*r->at))
            r->at++;
        if (r->at == r->end || *r->at != '#')
            return take_word(r, out);
        skip_line(r);
    }
}

/* To behind the empty line that ends it. */
static void skip_macro(struct reader *r)
{
    do {
        skip_line(r);
        r->at += r->at < r->end;
    } while (r->at < r->end && *r->at != '\n');
}

static bool begins_entry(const char *word)
{
    return strcmp(word, "machine") == 0 || strcmp(word, "default") == 0 || strcmp(word, "macdef") == 0;
}

/* What stands behind the host, up to the next entry. */
static int take_details(struct reader *r, struct netrc_entry *e)
{
    char word[NETRC_TOKEN_MAX], ignored[NETRC_TOKEN_MAX];

    for (;;) {
        const char *before = r->at;
        int found = take_keyword(r, word);
        if (found <= 0)
            return found;
        if (begins_entry(word)) {
            r->at = before;
            return 0;
        }
        char *to = strcmp(word, "login") == 0 || strcmp(word, "user") == 0 ? e->user
                   : strcmp(word, "password") == 0                         ? e->password
                   : strcmp(word, "account") == 0                          ? ignored
                                                                           : NULL;
        if (!to)
            return fail(r, "neither login, password nor account");
        found = take_word(r, to);
        OPENSSL_cleanse(ignored, sizeof ignored);
        if (found < 0)
            return found;
    }
}

int bide__netrc_next(const char *text, size_t len, size_t *at, struct netrc_entry *out)
{
    struct reader r = {text, text + *at, text + len};
    char word[NETRC_TOKEN_MAX];
    int found;

    *out = (struct netrc_entry){0};
    if (len > NETRC_FILE_MAX)
        return fail(&r, "a file of more than 1 MiB");
    while ((found = take_keyword(&r, word)) > 0 && strcmp(word, "macdef") == 0)
        skip_macro(&r);
    if (found <= 0)
        return found;
    if (!begins_entry(word))
        return fail(&r, "neither machine, default nor macdef");
    out->is_default = strcmp(word, "default") == 0;
    if (!out->is_default && (found = take_word(&r, out->host)) <= 0)
        return found < 0 ? found : fail(&r, "a machine without a name");
    found = take_details(&r, out);
    *at = (size_t)(r.at - text);
    return found < 0 ? found : 1;
}

int bide__netrc_find(const char *text, size_t len, const char *host, struct netrc_entry *out)
{
    size_t at = 0;
    int found;

    while ((found = bide__netrc_next(text, len, &at, out)) > 0)
        if (out->is_default || strcasecmp(out->host, host) == 0)
            return 1;
    OPENSSL_cleanse(out, sizeof *out);
    return found;
}
