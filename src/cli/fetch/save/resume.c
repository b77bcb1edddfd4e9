/* SPDX-License-Identifier: MIT */
/*
 * resume.c - --continue of `bide fetch`: what an interrupted run has left of a file, NAME.part, is gone on with.
 *
 * The library does that by name (bide_save of a request with .resume), so it is only done where no link stands on the way, which
 * could lead out of the root; other files begin anew.  A digest is made of the file once it is whole.
 */
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/fetch/report/report.h"
#include "cli/fetch/save/save.h"

static bool has_range(const struct worker *w)
{
    const struct extras *x = w->job->extras;

    for (const bide_pair *p = x ? x->headers : NULL; p && p->name; p++)
        if (strcasecmp(p->name, "Range") == 0)
            return true;
    return request_has_header(&w->f->request, "Range");
}

/* Is it a link, or what may not be looked at? */
static bool is_in_the_way(int root, const char *path)
{
    struct stat st;

    return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? S_ISLNK(st.st_mode) : errno != ENOENT;
}

/* The file, what is left of it, and each directory above them. */
static bool is_free_of_links(const struct worker *w)
{
    const struct naming *n = &w->f->naming;
    const char *below = naming_below(n, &w->name);
    size_t len = strlen(below);
    char *path = malloc(len + sizeof ".part.tag");
    bool is_free = path;

    for (size_t i = 1; is_free && i <= len; i++) {
        if (below[i] != '/' && i < len)
            continue;
        memcpy(path, below, i);
        path[i] = '\0';
        is_free = !is_in_the_way(n->root_fd, path);
    }
    for (int i = 0; is_free && i < 2; i++) {
        strcpy(path + len, i == 0 ? ".part" : ".part.tag");
        is_free = !is_in_the_way(n->root_fd, path);
    }
    free(path);
    return is_free;
}

const char *fetch_find_part(struct worker *w)
{
    const struct naming *n = &w->f->naming;
    bool may = w->f->options->continue_at && n->has_template && !naming_is_late(n) && !n->direct && !n->to_stdout;

    w->resumes = may && strcmp(w->method, "GET") == 0 && !has_range(w) && is_free_of_links(w);
    return w->resumes ? w->name.data : NULL;
}

/* ---- saving ---- */

static int make_directories(const struct worker *w)
{
    const char *slash = strrchr(w->name.data, '/');
    char *path = slash && slash > w->name.data ? strndup(w->name.data, (size_t)(slash - w->name.data)) : NULL;
    int code = path ? bide_make_dirs(path) : 0;

    free(path);
    return code;
}

struct resumed {
    struct worker *w;
    struct transfer transfer;
};

static int note_bytes(uint64_t bytes, void *arg)
{
    struct resumed *s = arg;

    transfer_add(s->w->f, &s->transfer, bytes - s->transfer.received);
    return 0;
}

/* In a thread. */
static int digest_file(struct worker *w)
{
    bide_auto bide_file *f = bide_open(naming_below(&w->f->naming, &w->name), .beneath = w->f->naming.root_fd);
    char *buffer = f ? malloc(SAVE_BUFFER) : NULL;
    ssize_t n = buffer ? 1 : f ? bide_fail(BIDE_ENOMEM, "%s: out of memory", w->name.data) : bide_error_code();

    while (n > 0 && (n = bide_file_read(f, buffer, SAVE_BUFFER, -1)) > 0)
        digest_add(&w->digest, buffer, (size_t)n);
    free(buffer);
    return (int)n;
}

int64_t fetch_save_part(struct worker *w, bide_response *r, bool wants_digest)
{
    struct resumed s = {.w = w};
    bool at_file = true;
    int64_t total = make_directories(w);

    transfer_begin(w->f, &s.transfer, &w->name, w->job, request_announced_length(r));
    if (total == 0) {
        at_file = false;
        total = bide_save(r, w->name.data, .max_bytes = w->max_size, .progress = note_bytes, .progress_arg = &s, .at_file = &at_file);
    }
    transfer_end(w->f, &s.transfer);
    int code = total >= 0 && wants_digest ? bide_to_thread(bide_coro(digest_file, w)) : 0;
    w->outcome.is_local = (at_file && total < 0 && total != BIDE_ECANCELED) || code < 0;
    return code < 0 ? code : total;
}
