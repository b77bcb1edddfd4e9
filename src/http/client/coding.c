/* SPDX-License-Identifier: MIT */
/*
 * coding.c - whether a body is decoded: what the request asks for (R13), what the answer says (R42).
 *
 * Who sets Accept-Encoding gets what comes.  With Range nothing but identity is asked for: a part of a coded body cannot be
 * decoded, and 206 never is (RFC 9110 14).  The decoder is opened when the first byte is read: what nobody reads costs nothing.
 */
#include "http/client/client.h"

void bide__request_ask_codings(struct request *q, bool no_decompress)
{
    struct request_head *head = &q->head;
    bool is_users = !head->defaults->is_encoding_ours || (head->user.seen & HEADER_BIT(HEADER_ACCEPT_ENCODING));

    q->response->may_decode = !is_users && !no_decompress;
    if (is_users || !(no_decompress || (head->user.seen & HEADER_BIT(HEADER_RANGE))))
        return;
    head->drop |= HEADER_BIT(HEADER_ACCEPT_ENCODING);
    head->wants_identity = !no_decompress;
}

/* All the fields of that name are one list. */
static int read_codings(const struct fields *fields, struct codings *list)
{
    int code = 0;

    for (uint32_t i = 0; i < fields->n && code == 0; i++)
        if (fields->all[i].id == HEADER_CONTENT_ENCODING)
            code = bide__codings_add(list, bide__field_value(fields, &fields->all[i]), fields->all[i].value_len);
    return code;
}

void bide__body_note_codings(bide_response *r)
{
    const struct answer *a = &r->answer;

    /* Too many of them are an error for who reads: the body of a redirect is nobody's. */
    r->codings = (struct codings){0}; /* of a hop before */
    bool is_coded = a->kind != BODY_NONE && a->kind != BODY_STREAM && a->status != 206 &&
                    (read_codings(&a->fields, &r->codings) < 0 || bide__codings_any(&r->codings));
    if (!is_coded)
        return;
    r->is_coded = r->must_open = true;
    r->chain.here = r->whole;
    r->whole.data = NULL;
}

int bide__body_open_decoder(bide_response *r, struct decode_limits limits)
{
    r->must_open = false;
    r->codings = (struct codings){0};
    int code = read_codings(&r->answer.fields, &r->codings);
    return code < 0 ? code : bide__chain_decode(&r->chain, &r->session->decoders, &r->codings, limits);
}
