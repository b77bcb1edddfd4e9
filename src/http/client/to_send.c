/* SPDX-License-Identifier: MIT */
/* to_send.c - from the arguments of a call to the body that is sent: one of several kinds, as a source of pieces. */
#include "http/client/client.h"

/* Which of the options says what the body is. */
static int count_given(const bide_request_args *a)
{
    return (a->data.data != NULL) + (a->json != NULL) + (a->form != NULL) + (a->text != NULL) + (a->data_file != NULL) +
           (a->body != NULL);
}

/* ---- bytes ---- */

static int form_text(struct request *q, const bide_pair *form, bide_bytes *out)
{
    size_t len = bide__query_encode(NULL, 0, form);
    char *text = bide__arena_alloc(q->arena, len + 1);
    if (!text)
        return BIDE_ENOMEM;

    bide__query_encode(text, len, form);
    *out = (bide_bytes){text, len};
    return 0;
}

static int take_bytes(struct request *q, const bide_request_args *args, bide_bytes *out)
{
    *out = args->data;
    if (args->json) {
        *out = (bide_bytes){args->json, strlen(args->json)};
        q->head.content_type = "application/json";
    }
    if (args->text) {
        *out = (bide_bytes){args->text, strlen(args->text)};
        q->head.content_type = "text/plain; charset=utf-8";
    }
    if (!args->form)
        return 0;
    q->head.content_type = "application/x-www-form-urlencoded";
    return form_text(q, args->form, out);
}

static int send_bytes(struct request *q, const bide_request_args *args)
{
    bide_bytes bytes;
    struct bytes_source *source = bide__arena_alloc(q->arena, sizeof *source);
    if (!source || take_bytes(q, args, &bytes) < 0)
        return BIDE_ENOMEM;

    bide__bytes_source_init(source, bytes);
    q->head.body = &source->source;
    return 0;
}

/* ---- what is not in memory ---- */

static int send_file(struct request *q, const char *path, const bide_body_source *from)
{
    struct file_source *source = bide__arena_alloc(q->arena, sizeof *source);
    if (!source)
        return BIDE_ENOMEM;

    int code = 0;
    bide_timeout(bide__deadline_remaining_ms(&q->response->deadline, BIDE_FOREVER))
        code = bide__file_source_open(source, path, from);
    if (code == 0)
        q->head.body = q->source = &source->source;
    return code;
}

static int send_pieces(struct request *q, const bide_body_source *from)
{
    struct user_source *source = bide__arena_alloc(q->arena, sizeof *source);
    if (!source)
        return BIDE_ENOMEM;

    bide__user_source_init(source, from);
    q->head.body = &source->source;
    return 0;
}

static int check_source(const bide_body_source *from)
{
    BIDE_TRY(bide__check_named(from->guard_, "bide_body_from"));
    BIDE_TRY(bide__check_named(from->fd_guard_, "bide_body_from_fd"));
    BIDE_TRY(bide__check_number("bide_body_from", "offset", from->offset, 0));
    BIDE_TRY(bide__check_number("bide_body_from", "length", from->length, 0));
    if (!from->from_fd && !from->next)
        return bide_fail(-EINVAL, "bide_body_from: the function is NULL");
    if (!from->from_fd && from->offset)
        return bide_fail(-EINVAL, "bide_body_from: offset is for files");
    return 0;
}

static int send_source(struct request *q, const bide_body_source *options)
{
    bide_body_source from;
    BIDE_TRY(bide__options_take(&from, sizeof from, options, "bide_body_from"));
    BIDE_TRY(check_source(&from));
    return from.from_fd ? send_file(q, NULL, &from) : send_pieces(q, &from);
}

int bide__request_set_body(struct request *q, const bide_request_args *args)
{
    int given = count_given(args);
    if (likely(given == 0))
        return 0;
    if (given > 1)
        return bide_fail(-EINVAL, "only one of data, json, form, text, data_file and body can be the body");
    if (args->data_file)
        return send_file(q, args->data_file, NULL);
    return args->body ? send_source(q, args->body) : send_bytes(q, args);
}
