/* SPDX-License-Identifier: MIT */
/* to_send.c - from the arguments of a call to the body that is sent: one of several kinds, as a source of pieces. */
#include "http/client/client.h"

#define EXPECT_MS 1000 /* R14 */

/* Which of the options says what the body is. */
static int count_given(const bide_request_args *a)
{
    return (a->data.data != NULL) + (a->json != NULL) + (a->form != NULL) + (a->text != NULL) + (a->data_file != NULL) +
           (a->body != NULL) + (a->multipart != NULL) + (a->json_value != NULL);
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
    if (args->json_value) {
        q->head.content_type = "application/json";
        return bide__json_text(q->arena, args->json_value, out);
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
    int code = source ? take_bytes(q, args, &bytes) : BIDE_ENOMEM;
    if (code < 0)
        return code;

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
    bide__timeout(bide__deadline_remaining_ms(&q->response->deadline, BIDE_FOREVER))
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
    bide__timeout(bide__deadline_remaining_ms(&q->response->deadline, BIDE_FOREVER))
        code = bide__multipart_open(q->arena, parts, &q->head.body, &q->head.content_type);
    q->source = code == 0 ? q->head.body : NULL;
    return code;
}

static int choose(struct request *q, const bide_request_args *args)
{
    if (args->data_file)
        return send_file(q, args->data_file, NULL);
    if (args->multipart)
        return send_parts(q, args->multipart);
    return args->body ? send_source(q, args->body) : send_bytes(q, args);
}

/* ---- what goes with it ---- */

/* Their values may be filled in while the body is sent. */
static int check_trailers(const bide_pair *trailers)
{
    for (const bide_pair *t = trailers; t && t->name; t++)
        BIDE_TRY(bide__trailer_check(&(bide_pair){t->name, ""}));
    return 0;
}

static int compress(struct request *q, const char *coding)
{
    struct body_source *inner = q->head.body;

    q->source = NULL; /* it is in the new one's hands */
    if (q->head.user.seen & HEADER_BIT(HEADER_CONTENT_ENCODING)) {
        bide__body_source_close(inner);
        return bide_fail(-EINVAL, "compress: there is a Content-Encoding already");
    }
    q->head.content_encoding = coding;
    BIDE_TRY(bide__compress_open(q->arena, coding, inner, &q->head.body));
    q->source = q->head.body;
    return 0;
}

static int watch(struct request *q, const bide_request_args *args)
{
    struct watch *w = bide__arena_alloc(q->arena, sizeof *w);
    if (!w)
        return BIDE_ENOMEM;

    *w = (struct watch){.fn = args->progress, .arg = args->progress_arg};
    q->response->watch = w;
    return 0;
}

static int set_body(struct request *q, const bide_request_args *args, int given)
{
    if (given > 1)
        return bide_fail(-EINVAL, "only one of data, json, json_value, form, text, data_file, body and multipart can be the body");
    if (given == 0 && (args->compress || args->trailers))
        return bide_fail(-EINVAL, "%s: there is no body", args->compress ? "compress" : "trailers");

    if (given == 1)
        BIDE_TRY(choose(q, args));
    if (args->compress)
        BIDE_TRY(compress(q, args->compress));
    BIDE_TRY(check_trailers(args->trailers));
    q->head.trailers = args->trailers;
    q->head.expect_ms = given && args->expect_continue ? args->expect_timeout_ms ? args->expect_timeout_ms : EXPECT_MS : 0;
    return args->progress ? watch(q, args) : 0;
}

int bide__request_set_body(struct request *q, const bide_request_args *args)
{
    int given = count_given(args);

    if (likely(given == 0 && !args->progress && !args->compress && !args->trailers))
        return 0;
    return set_body(q, args, given);
}
