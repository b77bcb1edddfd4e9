/* SPDX-License-Identifier: MIT */
/*
 * resume.c - --continue of `bide get`: a body of which a part is here.
 *
 *     -C -, FILE is not there   what an interrupted run has left is FILE.part, with the tag by which the server says whether it is of
 *                               the same body: bide_save goes on with it, or begins anew
 *     -C -, FILE is there       as -C with its size: its end is asked for, and appended, as curl and wget do
 *     -C N                      the bytes from N on, to standard output or to the end of FILE
 */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/get/get.h"

static int64_t size_of(const char *path)
{
    struct stat st;

    return path && stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

bool get_resume_has_part(const struct get_resume *r)
{
    char part[PATH_MAX];

    return r->part_of && snprintf(part, sizeof part, "%s.part", r->part_of) < (int)sizeof part && size_of(part) > 0;
}

/* One more header than the options have; they are borrowed, the list is owned. */
static int add_range(struct get_resume *r, struct http_options *http)
{
    const struct opt_list *old = &http->headers;

    r->headers = calloc(old->len + 2, sizeof *r->headers);
    if (!r->headers)
        return say_no_memory();
    if (old->len > 0)
        memcpy(r->headers, old->items, old->len * sizeof *r->headers);
    snprintf(r->range, sizeof r->range, "Range: bytes=%" PRId64 "-", r->from);
    r->headers[old->len] = r->range;
    http->headers = (struct opt_list){r->headers, old->len + 1};
    return EXIT_OK;
}

static int check(const struct get_options *o, uint64_t urls, bool is_auto)
{
    const char *output = o->output && !output_is_stdout(o->output) ? o->output : NULL;

    if (urls != 1)
        say("--continue is for one URL; `bide fetch` goes on with many");
    else if (is_auto && !output)
        say("--continue - needs --output FILE: how much of it is here?");
    else if (o->heads || o->http.upload.head)
        say("--continue and %s exclude each other", o->heads ? "--include" : "--head");
    else
        return EXIT_OK;
    return EXIT_USAGE;
}

static int read_offset(struct get_resume *r, const char *text, const char *output)
{
    int64_t size = size_of(output);

    if (!opt_read_int(text, &r->from) || r->from < 0) {
        say("--continue: expected a number of bytes or -, got '%s'", text);
        return EXIT_USAGE;
    }
    if (size >= 0 && size != r->from) {
        say("--continue %s: %s has %" PRId64 " bytes; --continue - goes on behind them", text, output, size);
        return EXIT_USAGE;
    }
    r->appends = size >= 0;
    return EXIT_OK;
}

int get_resume_open(struct get_resume *r, struct get_options *o, uint64_t urls)
{
    const char *text = o->continue_at, *output = o->output && !output_is_stdout(o->output) ? o->output : NULL;
    bool is_auto = text && strcmp(text, "-") == 0;

    *r = (struct get_resume){.from = 0};
    if (!text)
        return EXIT_OK;
    int code = check(o, urls, is_auto);
    if (code != EXIT_OK)
        return code;
    if (is_auto) {
        int64_t size = size_of(output);
        r->part_of = size > 0 ? NULL : output;
        r->from = size > 0 ? size : 0;
        r->appends = size > 0;
    } else {
        code = read_offset(r, text, output);
    }
    r->is_range = code == EXIT_OK && !r->part_of && r->from > 0;
    return r->is_range ? add_range(r, &o->http) : code;
}

void get_resume_close(struct get_resume *r)
{
    free(r->headers);
    r->headers = NULL;
}

int get_resume_check(const struct get_resume *r, bide_response *answer, bool *is_done)
{
    const char *text = bide_header(answer, "Content-Range");
    unsigned long long first, last, total;
    int status = bide_status(answer);

    *is_done = false;
    if (!r->is_range)
        return 0;
    if (status == 206 && text && sscanf(text, "bytes %19llu-%19llu/", &first, &last) == 2 && first == (unsigned long long)r->from)
        return 0;
    *is_done = status == 416 && text && sscanf(text, "bytes */%19llu", &total) == 1 && total == (unsigned long long)r->from;
    if (*is_done)
        return 0;
    if (status >= 400)
        return bide_raise_for_status(answer);
    return bide_fail(BIDE_EHTTP, "%s: asked for the bytes from %" PRId64 " on, and the server has sent something else (%d); nothing was written",
                     bide_response_url(answer), r->from, status);
}
