/* SPDX-License-Identifier: MIT */
/*
 * urls.c - the URLs of `bide get`, one pattern of the command line after the other.
 *
 * A pattern is never expanded (pattern/glob.h): the k-th URL is made when it is its turn.
 */
#include "cli/get/get.h"

int get_urls_open(struct get_urls *u, int n, char **patterns, bool literal)
{
    int code = EXIT_OK;

    *u = (struct get_urls){.globs = calloc((size_t)n, sizeof *u->globs)};
    if (!u->globs)
        return say_no_memory();
    for (int i = 0; i < n && code == EXIT_OK; i++)
        code = request_read_pattern(&u->globs[u->n++], patterns[i], literal, &u->total);
    return code;
}

int get_urls_check_users(const struct get_urls *u, const struct request *q)
{
    int code = EXIT_OK;

    for (int i = 0; i < u->n && code == EXIT_OK; i++)
        code = request_check_pattern(q, &u->globs[i]);
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
