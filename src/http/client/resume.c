/* SPDX-License-Identifier: MIT */
/*
 * resume.c - a file that goes on where an earlier request ended.
 *
 *     disk.img.part       what has come of it
 *     disk.img.part.tag   the strong ETag that it came with; without one there is no part that could be gone on with
 *     disk.img            when it is whole
 *
 * The request says from where on (policy/resume.c), bide_save looks whether that is what has come (R119).
 */
#include <stdlib.h>

#include "http/client/client.h"
#include "io/file/file_put.h"

#define TAG_MAX 1024

static char *with_suffix(struct arena *arena, const char *path, const char *suffix)
{
    size_t len = strlen(path);
    char *out = bide__arena_alloc(arena, len + strlen(suffix) + 1);

    if (out)
        strcpy(mempcpy(out, path, len), suffix);
    return out;
}

/* Is there none, or nothing that it can be gone on with?  What cannot be looked at may be there: the request fails. */
static bool is_absent(int code)
{
    return code == -ENOENT || code == BIDE_ELIMIT;
}

/* Of the part that is here, if it can be gone on with. */
static int look_for_part(struct resume *p, struct arena *arena)
{
    size_t len;
    char *tag = bide_file_read_all(p->tag_path, TAG_MAX, &len);
    if (!tag)
        return is_absent(bide_error_code()) ? 0 : bide_error_code();
    bool is_strong = bide__tag_is_strong(tag, len);
    p->if_range.value = is_strong ? bide__arena_strndup(arena, tag, len) : NULL;
    free(tag);
    if (!p->if_range.value)
        return is_strong ? BIDE_ENOMEM : 0;

    bide_auto bide_file *part = bide_open(p->part);
    if (!part)
        return is_absent(bide_error_code()) ? 0 : bide_error_code();
    int64_t end = bide__file_end(part);
    if (end <= 0)
        return (int)end;
    p->have = (uint64_t)end;
    char text[40];
    p->range.value = bide__arena_strndup(arena, text, (size_t)sprintf(text, "bytes=%llu-", (unsigned long long)p->have));
    return p->range.value ? 0 : BIDE_ENOMEM;
}

int bide__resume_begin(struct request *q, const char *path)
{
    struct resume *p = bide__arena_alloc(q->arena, sizeof *p);
    if (!p)
        return BIDE_ENOMEM;
    if (strcmp(q->head.method, "GET") != 0 || (q->head.user.seen & HEADER_BIT(HEADER_RANGE)))
        return bide_fail(-EINVAL, "only a GET without a Range of its own can be resumed");
    if (!path[0] || path[strlen(path) - 1] == '/')
        return bide_fail(-EINVAL, "what is resumed is a file, not a directory");
    BIDE_TRY(bide__file_place_check(path));

    *p = (struct resume){.policy.ops = &bide__resume_ops, .range.name = "Range", .if_range.name = "If-Range",
                         .path = bide__arena_strndup(q->arena, path, strlen(path)),
                         .part = with_suffix(q->arena, path, ".part"), .tag_path = with_suffix(q->arena, path, ".part.tag")};
    if (!p->path || !p->part || !p->tag_path)
        return BIDE_ENOMEM;
    q->response->resume = p;
    return look_for_part(p, q->arena);
}
