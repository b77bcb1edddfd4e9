/* SPDX-License-Identifier: MIT */
/*
 * test_cases.c - the public cases of ../shared/conformance/http1-response, straight through
 * parser, framing and chunked decoder, with no socket between.  Skipped when the folder is absent.
 *
 * A case is what a server sends before it closes.  It has an expected outcome, or (where clients
 * disagree) several that are allowed.  Required cases must be right, but for the exceptions of
 * tests/conform/exceptions.txt.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "harness/guarded.h"
#include "harness/harness.h"
#include "http/h1/h1_chunked.h"

#define INFORMATIONAL_MAX 16 /* R25 */

struct outcome {
    bool ok;
    char body[200000];
    size_t len;
};

static struct outcome got;

static bool add(const char *data, size_t len)
{
    if (len > sizeof got.body - got.len)
        return false;
    memcpy(got.body + got.len, data, len);
    got.len += len;
    return true;
}

static bool read_chunks(char *in, size_t len)
{
    struct h1_chunked c = H1_CHUNKED_INIT;

    while (!c.done) {
        const char *data;
        size_t data_len;
        ssize_t n = bide__h1_chunked_step(&c, in, len, &data, &data_len);
        if (n < 0 || (n == 0 && !c.done) || !add(data, data_len))
            return false;
        in += n;
        len -= (size_t)n;
    }
    return true;
}

static bool read_body(const struct h1_head *head, char *in, size_t len)
{
    switch (head->body) {
    case H1_BODY_NONE:
        return true;
    case H1_BODY_CHUNKED:
        return read_chunks(in, len);
    case H1_BODY_LENGTH:
        return head->content_length <= len && add(in, (size_t)head->content_length);
    default:
        return add(in, len);
    }
}

/* What a client makes of these bytes and the end behind them. */
static void fetch(char *in, size_t len)
{
    static struct field fields[H1_FIELDS_MAX];
    struct h1_parser p = H1_PARSER_INIT;
    struct h1_head head = {.fields = fields, .fields_cap = H1_FIELDS_MAX};

    got.ok = false;
    got.len = 0;
    for (int i = 0; i <= INFORMATIONAL_MAX; i++) {
        ssize_t n = bide__h1_parse_response(&p, in, len, &head);
        if (n <= 0 || bide__h1_frame_response(&head, 0) < 0 || head.status == 101)
            return;
        in += n;
        len -= (size_t)n;
        if (head.status >= 200) {
            got.ok = read_body(&head, in, len);
            return;
        }
    }
}

static char *decode_base64(const char *text, size_t *len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = malloc(strlen(text) + 1);
    unsigned bits = 0, held = 0;

    *len = 0;
    for (; *text && *text != '='; text++) {
        bits = bits << 6 | (unsigned)(strchr(digits, *text) - digits);
        held += 6;
        if (held >= 8)
            out[(*len)++] = (char)(bits >> (held -= 8));
    }
    return out;
}

static bool is_outcome(json_t *want)
{
    const char *verdict = json_string_value(json_object_get(want, "verdict"));
    const char *encoded = json_string_value(json_object_get(want, "body_b64"));
    size_t len;

    if (!verdict || strcmp(verdict, "error") == 0)
        return verdict && !got.ok;
    char *body = decode_base64(encoded ? encoded : "", &len);
    bool same = got.ok && len == got.len && memcmp(body, got.body, len) == 0;
    free(body);
    return same;
}

static bool case_is_right(json_t *c)
{
    json_t *expect = json_object_get(c, "expect"), *allowed = json_object_get(c, "allowed"), *one;
    size_t len, i;
    char *bytes = decode_base64(json_string_value(json_object_get(c, "input_b64")), &len);
    struct guarded g = guarded_copy(bytes, len);

    fetch(g.data, len);
    guarded_free(&g);
    free(bytes);
    if (json_is_object(expect))
        return is_outcome(expect);
    json_array_foreach(allowed, i, one) if (is_outcome(one)) return true;
    return false;
}

/* Does tests/conform/exceptions.txt give a reason why this case goes otherwise? */
static bool is_excepted(const char *id)
{
    FILE *f = test_source("tests/conform/exceptions.txt");
    char line[400];
    bool found = false;

    while (f && !found && fgets(line, sizeof line, f))
        found = strncmp(line, id, strlen(id)) == 0 && line[strlen(id)] == ' ';
    if (f)
        fclose(f);
    return found;
}

UNIT(cases_of_http1_response_are_right_but_for_the_exceptions)
{
    FILE *f = test_source("../shared/conformance/http1-response/responses.jsonl");
    char *line = NULL;
    size_t cap = 0;
    int right = 0, all = 0;

    if (!f)
        SKIP("no ../shared/conformance");
    while (getline(&line, &cap, f) > 0) {
        json_t *c = json_loads(line, 0, NULL);
        const char *id = json_string_value(json_object_get(c, "id"));
        const char *level = json_string_value(json_object_get(c, "level"));
        if (strcmp(json_string_value(json_object_get(c, "method")), "GET") == 0) {
            bool ok = case_is_right(c), excepted = is_excepted(id);
            all++;
            right += ok;
            if (!ok && !excepted &&
                (strcmp(level, "required") == 0 || strcmp(level, "majority") == 0)) {
                printf("# %s %s %s\n", level, id, json_string_value(json_object_get(c, "src")));
                EXPECT_TRUE(!"this case is right");
            }
            EXPECT_TRUE(!(ok && excepted)); /* an exception that is none any more */
        }
        json_decref(c);
    }
    free(line);
    fclose(f);
    printf("# %d of %d cases\n", right, all);
    EXPECT_TRUE(all > 0);
}
