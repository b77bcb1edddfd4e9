/* SPDX-License-Identifier: MIT */
/*
 * stores.c - cookies of the command line (-b, --cookie-jar), those that are given, and those in files; and the files of --hsts and
 * --har.
 *
 * As in curl, a value of -b with a "=" in it is cookies, any other a file of them.  Without a file, and without --cookie-jar,
 * cookies do not outlast the redirects of the URL that set them: what one URL answers does not depend on the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/request/request.h"
#include "cli/terminal/text.h"

static bool is_cookies(const char *value)
{
    return strchr(value, '=') != NULL;
}

/* ---- those that are given ---- */

static char *trim(char *text)
{
    text += strspn(text, " \t");
    char *end = text + strlen(text);
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    return text;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

/* "a=1; b=2" into pairs; what has no "=" is a value without a name. */
static size_t split(char *text, bide_pair *out)
{
    size_t n = 0;

    for (char *next; text; text = next) {
        next = strchr(text, ';');
        if (next)
            *next++ = '\0';
        char *name = trim(text), *equals = strchr(name, '=');
        if (equals)
            *equals = '\0';
        if (equals)
            out[n++] = (bide_pair){trim(name), trim(equals + 1)};
        else if (name[0])
            out[n++] = (bide_pair){"", name};
    }
    return n;
}

/* Given ones into t, files into q->cookie_files. */
static int sort_values(struct request *q, const struct opt_list *values, struct text *t)
{
    size_t nfiles = 0;

    for (size_t i = 0; i < values->len; i++) {
        char *value = (char *)values->items[i]; /* a part of argv */
        if (has_control(value)) {
            say("--cookie: a control character is in a value");
            return EXIT_USAGE;
        }
        if (!is_cookies(value)) {
            q->cookie_files[nfiles++] = value;
            continue;
        }
        text_add_string(t, t->len > 0 ? ";" : "");
        text_add_string(t, value);
        secrets_wipe(value);
    }
    q->keeps_cookies = nfiles > 0 || q->options->cookie_jar;
    return t->no_memory ? say_no_memory() : EXIT_OK;
}

static size_t count_pieces(const char *text)
{
    size_t n = 1;

    for (; (text = strchr(text, ';')); text++)
        n++;
    return n;
}

int request_open_cookies(struct request *q)
{
    struct text t = {0};
    const struct http_options *o = q->options;
    q->cookie_files = calloc(o->cookies.len + 1, sizeof *q->cookie_files);
    if (!q->cookie_files)
        return say_no_memory();
    int code = sort_values(q, &o->cookies, &t);
    q->texts[TEXT_COOKIES] = t.data;
    if (code != EXIT_OK || !t.data)
        return code;

    q->cookies = calloc(count_pieces(t.data) + 1, sizeof *q->cookies);
    if (!q->cookies)
        return say_no_memory();
    split(t.data, q->cookies);
    return EXIT_OK;
}

/* ---- those in files ---- */

/* As in curl, one that is not there is one without cookies: the first run of several has none yet. */
static int add_file(bide_cookie_jar *jar, const char *name, const char *jar_name)
{
    int code = bide_cookie_jar_add_file(jar, name);

    if (code != -ENOENT)
        return code < 0 ? bide_raise() : 0;
    if (!jar_name || strcmp(name, jar_name) != 0)
        say_note("--cookie %s: there is no such file, so no cookies (cookies themselves are NAME=VALUE)", name);
    return 0;
}

static int load_cookies(struct request *q)
{
    if (!q->keeps_cookies)
        return 0;
    q->jar = BIDE_TRY_PTR(bide_cookie_jar_new());
    for (char **name = q->cookie_files; *name; name++)
        if (**name) /* an empty name: none, but cookies are kept */
            BIDE_TRY(add_file(q->jar, *name, q->options->cookie_jar));
    return 0;
}

int request_load(struct request *q)
{
    const char *hsts = q->options->hsts;

    BIDE_TRY(load_cookies(q));
    if (q->options->har)
        q->transport = BIDE_TRY_PTR(bide_transport_record(q->options->har));
    if (q->options->replay)
        q->transport = BIDE_TRY_PTR(bide_transport_replay(q->options->replay, .repeat = true));
    if (!hsts)
        return 0;
    q->hsts = BIDE_TRY_PTR(bide_hsts_new());
    int code = bide_hsts_add_file(q->hsts, hsts);
    return code < 0 && code != -ENOENT ? bide_raise() : 0; /* the first run of several has none yet */
}

static int save_cookies(struct request *q)
{
    const char *name = q->options->cookie_jar;
    int code = q->jar && name ? bide_cookie_jar_save(q->jar, name) : 0;

    if (code < 0)
        say("--cookie-jar: %s", bide_error_text());
    bide_release(q->jar);
    q->jar = NULL;
    return code;
}

/* A file that is not all there is none that one was asked for. */
static int save_har(struct request *q)
{
    int code = q->transport && q->options->har ? bide_transport_end(q->transport) : 0;

    if (code >= 0 && q->transport && q->options->har)
        code = bide_transport_check(q->transport);
    if (code < 0)
        say("--har: %s", bide_error_text());
    bide_release(q->transport);
    q->transport = NULL;
    return code;
}

int request_save(struct request *q)
{
    int cookies = save_cookies(q), har = save_har(q), code = q->hsts ? bide_hsts_save(q->hsts, q->options->hsts) : 0;

    if (code < 0)
        say("--hsts: %s", bide_error_text());
    bide_release(q->hsts);
    q->hsts = NULL;
    return cookies < 0 || har < 0 || code < 0 || see_end(&q->see) != EXIT_OK ? EXIT_LOCAL : EXIT_OK;
}
