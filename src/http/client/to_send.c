/* SPDX-License-Identifier: MIT */
/* to_send.c - from the arguments of a call to the body that is sent: one of several kinds, as a source of pieces. */
#include "http/client/client.h"

/* Which of the options says what the body is. */
static int count_given(const bide_request_args *a)
{
    return (a->data.data != NULL) + (a->json != NULL) + (a->form != NULL) + (a->text != NULL) + (a->data_file != NULL) +
           (a->body != NULL) + (a->multipart != NULL);
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

static int send_source(struct request *q, const bide_body_source *options)
{
    bide_body_source from;
    BIDE_TRY(bide__source_take(&from, options));
    return from.from_fd ? send_file(q, NULL, &from) : send_pieces(q, &from);
}

static int send_parts(struct request *q, const bide_part *parts)
{
    if (q->head.user.seen & HEADER_BIT(HEADER_CONTENT_TYPE))
        return bide_fail(-EINVAL, "a multipart body has a Content-Type of its own, with its boundary");

    int code = 0;
    bide_timeout(bide__deadline_remaining_ms(&q->response->deadline, BIDE_FOREVER))
        code = bide__multipart_open(q->arena, parts, &q->head.body, &q->head.content_type);
    q->source = code == 0 ? q->head.body : NULL;
    return code;
}

int bide__request_set_body(struct request *q, const bide_request_args *args)
{
    int given = count_given(args);
    if (likely(given == 0))
        return 0;
    if (given > 1)
        return bide_fail(-EINVAL, "only one of data, json, form, text, data_file, body and multipart can be the body");
    if (args->data_file)
        return send_file(q, args->data_file, NULL);
    if (args->multipart)
        return send_parts(q, args->multipart);
    return args->body ? send_source(q, args->body) : send_bytes(q, args);
}
