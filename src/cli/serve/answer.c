/* SPDX-License-Identifier: MIT */
/*
 * answer.c - what several endpoints of `bide serve` need: refusals, documents, numbers.
 */
#include "cli/serve/serve.h"

#include <stdlib.h>
#include <jansson.h>

#include "cli/terminal/text.h"

int serve_refuse(bide_exchange *x, int status, const char *why)
{
    return bide_respond_json(x, status, "{\"error\":\"%s\",\"status\":%d}\n", why, status);
}

int serve_document(bide_exchange *x, json_t *doc)
{
    struct text text = {.data = NULL};

    text_add_json(&text, doc, JSON_INDENT(2)); /* NULL: no memory, and that is noted */
    int code = text.no_memory ? bide_fail(BIDE_ENOMEM, "a JSON answer: out of memory")
                              : bide_respond_json(x, 200, "%s\n", text.data);
    free(text.data);
    json_decref(doc);
    return code;
}

bool serve_read_number(const char *text, int64_t max, int64_t *out)
{
    int64_t n = 0;

    if (!text || !*text)
        return false;
    for (; *text; text++) {
        int digit = *text - '0';
        if (digit < 0 || digit > 9 || n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

/* Steele, Lea, Flood: SplitMix. */
uint64_t serve_mix(uint64_t n)
{
    n += 0x9e3779b97f4a7c15u;
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
    n = (n ^ n >> 27) * 0x94d049bb133111ebu;
    return n ^ n >> 31;
}
