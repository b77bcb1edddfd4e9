/* SPDX-License-Identifier: MIT */
/*
 * har.c - fuzz target: a HAR file becomes answers, or an error that says where.
 *
 * Every entry that was read has a method, a URL and an answer whose head is one for the parser of HTTP/1.
 */
#include <stdlib.h>
#include <string.h>

#include "http/transport/har.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void check_answer(const struct canned *a)
{
    static struct field fields[4096];
    static char text[1 << 16];
    struct h1_parser parser = {.limits = {1 << 20, 1 << 20, 1 << 20, 4096}};
    struct h1_head head = {.fields = fields, .fields_cap = 4096};
    if (a->head_len > sizeof text)
        return;

    memcpy(text, a->head, a->head_len);
    must(bide__h1_parse_response(&parser, text, a->head_len, &head) == (ssize_t)a->head_len);
    for (size_t i = 0; i < a->npieces; i++)
        must(a->pieces[i].data || a->pieces[i].error < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct har_file file;

    bide__arena_init(&arena, SIZE_MAX);
    int code = bide__har_read(&file, &arena, (const char *)data, size);
    must(code == 0 || code == BIDE_EJSON);
    for (size_t i = 0; code == 0 && i < file.n; i++) {
        must(file.entries[i].method && file.entries[i].url && file.entries[i].answer);
        check_answer(file.entries[i].answer);
    }
    bide__arena_free(&arena);
    bide_error_clear();
    return 0;
}
