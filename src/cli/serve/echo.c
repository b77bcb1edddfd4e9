/* SPDX-License-Identifier: MIT */
/*
 * echo.c - /echo: the request as its answer.
 */
#include "cli/serve/serve.h"

#include <jansson.h>

#include "cli/terminal/text.h"

/* Text as it is; what is not UTF-8 in base64. */
static int add_body(json_t *doc, bide_bytes body)
{
    json_t *text = json_stringn(body.data, body.len);
    if (text)
        return json_object_set_new(doc, "body", text);

    struct text encoded = {0};
    text_add_base64(&encoded, body.data, body.len);
    int failed = encoded.no_memory ? -1 : json_object_set_new(doc, "body_base64", json_string(text_string(&encoded)));
    text_free(&encoded);
    return failed;
}

/* Fields of the same name are joined, as RFC 9110 5.3 allows; bytes that are no UTF-8 are left out. */
static int add_header(json_t *headers, const bide_pair *field)
{
    json_t *before = json_object_get(headers, field->name), *value = json_string(field->value);
    if (!value)
        return 0;
    if (!before)
        return json_object_set_new(headers, field->name, value);

    json_t *both = json_sprintf("%s, %s", json_string_value(before), field->value);
    json_decref(value);
    return json_object_set_new(headers, field->name, both);
}

int serve_echo(struct serve *s, bide_exchange *x, const char *rest)
{
    bide_pair field;
    bide_bytes body = bide_exchange_body(x);

    (void)s;
    (void)rest;
    if (!body.data)
        return bide_raise();
    json_t *headers = json_object();
    int failed = !headers;
    for (size_t i = 0; !failed && bide_exchange_header_at(x, i, &field); i++)
        failed = add_header(headers, &field);
    json_t *doc = json_pack("{s:s, s:s*, s:o}", "method", bide_exchange_method(x), "target", bide_exchange_target(x),
                            "headers", headers);
    if (!doc || failed || add_body(doc, body) < 0) {
        json_decref(doc);
        return bide_fail(BIDE_ENOMEM, "/echo: out of memory");
    }
    return serve_document(x, doc);
}
