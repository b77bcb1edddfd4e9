/* SPDX-License-Identifier: MIT */
/* save_resumed.c - bide_save of a request with .resume: looks whether what has come goes on where the part that is here ends, and
   gives the whole its name (client/resume.c has the files). */
#include <fcntl.h>

#include <bide/save.h>

#include "http/reader/reader.h"
#include "io/file/file_put.h"

static const char *tag_of(const bide_response *r)
{
    const struct field *f = bide__fields_find(&r->answer.fields, HEADER_ETAG);
    const char *tag = f ? bide__field_value(&r->answer.fields, f) : "";

    return f && bide__tag_is_strong(tag, f->value_len) ? tag : NULL;
}

/* Is this the rest of what is here? */
static int check_range(const bide_response *r)
{
    const struct resume *p = r->resume;
    const char *tag = tag_of(r);
    struct content_range range;
    char said[80];

    if (tag && p->have > 0 && strcmp(tag, p->if_range.value) != 0)
        return bide_fail(BIDE_EHTTP, "a part of another file came: its ETag is not that of what is here");
    bool is_range = bide__content_range(&r->answer.fields, &range) && !range.is_none;
    if (is_range && p->have > 0 && range.first == p->have && (range.total == BODY_LENGTH_UNKNOWN || range.last + 1 == range.total))
        return 0;
    const char *text = bide_header(r, "Content-Range");
    return bide_fail(BIDE_EHTTP, "asked for the bytes from %llu on, and \"%s\" came", (unsigned long long)p->have,
                     bide__shown(said, text ? text : "", text ? strlen(text) : 0));
}

/* 0: it is what the file is to be made of; or an error on record. */
static int check_answer(bide_response *r)
{
    int status = r->answer.status;

    if (status == 206)
        return check_range(r);
    if (bide_ok(r) || (status == 416 && r->resume->have > 0))
        return 0;
    return status >= 400 ? bide_raise_for_status(r) : bide_fail(BIDE_ESTATUS, "%d is no body to be saved", status);
}

/* What went before it is what the caller hears of. */
static void remove_quietly(const char *path)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    (void)!bide__unlink_surely(path);
    bide__error_restore(&mark);
}

static bide_file *open_part(bide_response *r, bool goes_on)
{
    struct resume *p = r->resume;
    const char *tag = r->is_coded ? NULL : tag_of(r);

    if (!goes_on) { /* first: a part never has a tag that is not its own */
        if (bide__unlink_surely(p->tag_path) < 0)
            return NULL;
        p->has_tag = false;
    }
    bide_auto bide_file *f = bide_open(p->part, .flags = O_WRONLY | (goes_on ? 0 : O_CREAT | O_TRUNC));
    int64_t end = f && goes_on ? bide__file_end(f) : 0;
    if (end < 0)
        return NULL;
    if (f && goes_on && (uint64_t)end != p->have) {
        bide_fail(BIDE_ESTATE, "%s was changed meanwhile", p->part);
        return NULL;
    }
    if (f && !goes_on && tag && bide_file_write_all(p->tag_path, tag, strlen(tag)) < 0)
        return NULL;
    p->has_tag = goes_on || tag;
    return bide_take(f);
}

static int64_t finish(bide_response *r, int64_t bytes)
{
    const struct resume *p = r->resume;

    if (bide_rename(p->part, p->path) < 0)
        return bide__response_fail(r, bide_error_code());
    remove_quietly(p->tag_path);
    r->saved_path = p->path;
    return bytes;
}

int64_t bide__resume_save(bide_response *r, const bide_save_args *args)
{
    const struct resume *p = r->resume;
    bool goes_on = r->answer.status == 206;
    int code = check_answer(r);
    if (code < 0)
        return code == BIDE_ESTATUS && r->answer.status >= 400 ? code : bide__response_fail(r, code);
    if (r->answer.status == 416) /* all of it is here */
        return finish(r, (int64_t)p->have);
    bide_auto bide_file *f = open_part(r, goes_on);
    if (!f)
        return bide__response_fail(r, bide_error_code());

    int64_t bytes = bide__body_save(r, f, args, goes_on ? p->have : 0);
    code = bytes < 0 ? 0 : bide_file_close(bide_take(f));
    if (bytes < 0 && !p->has_tag)
        remove_quietly(p->part);
    if (code < 0)
        return bide__response_fail(r, code);
    return bytes < 0 ? bytes : finish(r, bytes);
}
