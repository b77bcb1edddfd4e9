/* SPDX-License-Identifier: MIT */
/*
 * existing.c - --skip-existing: is the file there already?
 *
 * Where the name has the extension of the answer's type, which nobody knows yet, a file with any of those counts that
 * there are for types.
 */
#include <string.h>
#include <sys/stat.h>

#include "cli/fetch/save/save.h"

struct search {
    struct fetch *f;
    const struct job *job;
    struct text *name;
    int64_t size; /* -1: it is not there */
    const char *extension; /* that its name has, if that depends on the answer */
};

static bool is_there(struct search *s, const struct answer *a)
{
    const struct naming *n = &s->f->naming;
    struct stat st;

    if (fetch_name(s->f, s->job, a, s->name))
        return false;
    if (fstatat(n->root_fd, naming_below(n, s->name), &st, 0) < 0 || !S_ISREG(st.st_mode))
        return false;
    s->size = st.st_size;
    return true;
}

/* In a thread: a file system may take its time. */
static int search(struct search *s)
{
    struct text first = {0};
    const char *extension;
    bool found = false;

    for (unsigned n = 0; !found && (extension = names_extension_number(n)); n++) {
        found = is_there(s, &(struct answer){.extension = extension});
        s->extension = extension;
        if (n == 0)
            text_add(&first, text_string(s->name), s->name->len);
        else if (n == 1 && first.len == s->name->len && memcmp(first.data, s->name->data, first.len) == 0)
            break; /* it does not depend on that */
    }
    text_free(&first);
    return 0;
}

int64_t fetch_find_existing(struct worker *w, const struct job *job)
{
    struct search s = {.f = w->f, .job = job, .name = &w->name, .size = -1};

    if (!w->f->options->skip_existing || bide_to_thread(bide_coro(search, &s)) < 0)
        return -1;
    w->existing = s.size >= 0 ? s.extension : NULL;
    return s.size;
}
