/* SPDX-License-Identifier: MIT */
/*
 * urls.c - the URLs of `bide get`, one pattern of the command line after the other.
 *
 * A pattern is never expanded (pattern/glob.h): the k-th URL is made when it is its turn.
 */
#include "cli/get/get.h"

#include <string.h>

/* The first and the last stand for all; one between them that is no URL fails alone. */
static int check(const struct glob *g, const struct request *q)
{
    struct text url = {0};
    int code = EXIT_OK;

    for (int last = 0; last <= (g->count > 1) && code == EXIT_OK; last++) {
        text_clear(&url);
        glob_add_nth(g, last ? g->count - 1 : 0, &url);
        if (url.no_memory)
            code = say_no_memory();
        else
            code = q ? request_check_user(q, text_string(&url)) : request_check_url(text_string(&url));
    }
    text_free(&url);
    return code;
}

static int read_pattern(struct get_urls *u, const char *pattern, bool literal)
{
    struct glob *g = &u->globs[u->n++];
    struct text why = {0};
    char shown[512];
    int code = glob_parse(g, pattern, literal, &why);

    secrets_shown_url(pattern, shown, sizeof shown);
    if (code != EXIT_OK)
        say("%s: %s", shown, text_string(&why));
    code = why.no_memory ? EXIT_LOCAL : code;
    text_free(&why);
    if (code == EXIT_OK)
        code = check(g, NULL);
    if (code == EXIT_OK && __builtin_add_overflow(u->total, g->count, &u->total)) {
        say("%s: these are more URLs than there are numbers for", shown);
        code = EXIT_USAGE;
    }
    return code;
}

int get_urls_open(struct get_urls *u, int n, char **patterns, bool literal)
{
    int code = EXIT_OK;

    *u = (struct get_urls){.globs = calloc((size_t)n, sizeof *u->globs)};
    if (!u->globs)
        return say_no_memory();
    for (int i = 0; i < n && code == EXIT_OK; i++)
        code = read_pattern(u, patterns[i], literal);
    return code;
}

int get_urls_check_users(const struct get_urls *u, const struct request *q)
{
    int code = EXIT_OK;

    for (int i = 0; i < u->n && code == EXIT_OK; i++)
        code = check(&u->globs[i], q);
    return code;
}

void get_urls_next(struct get_urls *u, struct text *url)
{
    while (u->k == u->globs[u->at].count) {
        u->at++;
        u->k = 0;
    }
    text_clear(url);
    glob_add_nth(&u->globs[u->at], u->k++, url);
}

void get_urls_close(struct get_urls *u)
{
    for (int i = 0; i < u->n; i++)
        glob_free(&u->globs[i]);
    free(u->globs);
    *u = (struct get_urls){0};
}
