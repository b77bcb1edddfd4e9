/* SPDX-License-Identifier: MIT */
/* test_json.c - documents that are deep: jansson calls itself for each level, on the stack of the task that asks. */
#include <bide/bide.h>
#include <jansson.h>

#include "client.h"

#define DEEPEST 100
#define FAR     2000 /* jansson's own limit is 2,048 */

/* So many lists, or objects, in one another. */
static const char *nested(const char *open, const char *close, int levels)
{
    static char text[FAR * 8];
    size_t n = 0;

    for (int i = 0; i < levels; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", open);
    n += (size_t)snprintf(text + n, sizeof text - n, "1");
    for (int i = 0; i < levels; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", close);
    return text;
}

static json_t *ask(const char *text)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({NULL, "*", BIDE_ANSWER(200, .json = text)}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    bide_auto bide_response *r = bide_get(s, "http://a.example/");

    EXPECT_NOT_NULL(r);
    return bide_json(r);
}

TEST(json_that_is_deep_is_parsed_and_deeper_refused)
{
    for (int k = 0; k < 2; k++) {
        const char *open = k ? "{\"a\":" : "[", *close = k ? "}" : "]";
        json_t *doc = ask(nested(open, close, DEEPEST));
        EXPECT_NOT_NULL(doc);
        json_decref(doc);
        EXPECT_FAILED(ask(nested(open, close, DEEPEST + 1)), BIDE_EJSON, "lists in lists, more than 100 of them", "http://a.example/");
        EXPECT_FAILED(ask(nested(open, close, FAR)), BIDE_EJSON, "lists in lists, more than 100 of them", "http://a.example/");
    }
}

TEST(json_brackets_in_a_text_are_no_lists)
{
    char text[400] = "\"\\\"";

    memset(text + 3, '[', 300);
    strcpy(text + 303, "\\\\\"");
    json_t *doc = ask(text);
    EXPECT_EQ(json_string_length(doc), 302);
    json_decref(doc);
}

TEST(json_parse_takes_text_of_any_origin)
{
    json_t *doc = bide_json_parse("{\"a\":1}x", 7, 0);
    EXPECT_EQ(json_integer_value(json_object_get(doc, "a")), 1);
    json_decref(doc);
    EXPECT_FAILED(bide_json_parse("1", 1, 0), BIDE_EJSON, "not valid JSON: line 1, column 1", "");
    const char *far = nested("[", "]", FAR);
    EXPECT_FAILED(bide_json_parse(far, strlen(far), 0), BIDE_EJSON, "lists in lists", "");
    EXPECT_FAILED(bide_json_parse(NULL, 0, 0), -EINVAL, "bide_json_parse: the text is NULL", "");
}

/* Writing needs more of the stack than reading. */
TEST(json_value_that_is_too_deep_is_refused)
{
    bide_auto bide_transport *t = bide_transport_mock(.table = BIDE_MOCKS({NULL, "*", NULL}));
    bide_auto bide_session *s = bide_session_new(.transport = t);
    json_t *doc = json_integer(1);

    for (int i = 1; i <= DEEPEST + 1; i++) {
        doc = i % 2 ? json_pack("[o]", doc) : json_pack("{s:o}", "a", doc);
        bide_auto bide_response *r = i < DEEPEST ? NULL : bide_post(s, "http://a.example/", .json_value = doc);
        if (i == DEEPEST)
            EXPECT_EQ(bide_status(r), 200);
        if (i > DEEPEST)
            EXPECT_FAILED(r, -EINVAL, "json_value: lists in lists, more than 100 of them", "");
    }
    json_decref(doc);
}
