/* SPDX-License-Identifier: MIT */
/*
 * copy.c - a file of this run under another name, for a line that repeats a URL and has a name of its own.
 */
#include <fcntl.h>
#include <string.h>

#include <bide/error.h>
#include <bide/file.h>

#include "cli/fetch/save/save.h"

struct copy {
    const char *from, *to; /* below the root */
    const struct fetch *f;
};

static int copy_body(bide_file *from, bide_file *to, char *buffer)
{
    ssize_t n;

    while ((n = bide_file_read(from, buffer, SAVE_BUFFER, -1)) > 0)
        if (bide_file_write(to, buffer, (size_t)n, -1) < 0)
            return bide_error_code();
    return (int)n;
}

/* In a thread. */
static int copy(struct copy *c)
{
    bide_auto bide_file *from = bide_open(c->from, .beneath = c->f->naming.root_fd);
    bide_auto bide_file *to = from ? bide_open(c->to, .atomic = true, .parents = true, .beneath = c->f->naming.root_fd) : NULL;
    char *buffer = to ? malloc(SAVE_BUFFER) : NULL;

    if (!to)
        return bide_error_code();
    int code = buffer ? copy_body(from, to, buffer) : bide_fail(BIDE_ENOMEM, "%s: out of memory", c->to);
    free(buffer);
    return code < 0 ? code : fetch_close_durably(c->f, bide_take(to), c->to);
}

int fetch_copy(struct worker *w, const struct text *from)
{
    const struct naming *n = &w->f->naming;
    struct copy c = {.from = naming_below(n, from), .to = naming_below(n, &w->name), .f = w->f};
    int code = bide_to_thread(bide_coro(copy, &c));

    return code < 0 ? bide_fail(code, "%s: a copy of %s, which has the same URL: %s", w->name.data, from->data, bide_strerror(code)) : 0;
}
