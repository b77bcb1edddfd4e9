/* SPDX-License-Identifier: MIT */
/*
 * records.c - fuzz target: lines of --jsonl.
 *
 * Whatever stands in URLs, values of globs, names and answers: a line is one JSON object, has no line end but its own and
 * nothing that a terminal would obey, and says what it was given.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <bide/text.h>

#include "cli/fetch/report/report.h"
#include "cli/fetch/content_type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void check_plain(const char *line, size_t len)
{
    while (len > 0) {
        uint32_t c = 0;
        int n = bide_utf8_decode(line, len, &c);
        must(n > 0 && bide_is_printable(c));
        line += n;
        len -= (size_t)n;
    }
}

static json_t *check_line(const struct text *t)
{
    must(!t->no_memory && t->len > 1 && t->data[t->len - 1] == '\n');
    check_plain(t->data, t->len - 1);
    json_t *line = json_loadb(t->data, t->len, JSON_REJECT_DUPLICATES, NULL);
    must(json_is_object(line));
    return line;
}

/* A string of characters comes back as it was. */
static void check_string(const char *text)
{
    struct text t = {0};
    bool is_utf8 = true;

    for (size_t len = strlen(text), at = 0; at < len && is_utf8; ) {
        uint32_t c = 0;
        int n = bide_utf8_decode(text + at, len - at, &c);
        is_utf8 = n > 0;
        at += is_utf8 ? (size_t)n : 0;
    }
    text_add_string(&t, "{\"a\":0");
    jsonl_add_member(&t, "s", text);
    text_add_char(&t, '}');
    check_plain(t.data, t.len);
    json_t *line = json_loadb(t.data, t.len, 0, NULL), *s = json_object_get(line, "s");
    must(json_is_string(s) && (!is_utf8 || strcmp(json_string_value(s), text) == 0));
    must(is_utf8 == !json_object_get(line, "s_b64"));
    json_decref(line);
    text_free(&t);
}

static const char *next_part(char **rest)
{
    const char *part = *rest ? strsep(rest, "\n") : NULL;

    return part ? part : "";
}

static void set(struct text *t, const char *text)
{
    text_clear(t);
    text_add_string(t, text);
}

/* Without those in base64. */
static size_t count_plain(json_t *object)
{
    size_t n = 0;
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
        n += strstr(name, "_b64") == NULL;
    return n;
}

/* The URL comes back, but for a user and a password: as it is, or in base64. */
static void check_url(json_t *line, const char *given)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *base64 = json_string_value(json_object_get(line, "url_b64"));
    struct text want = {0}, got = {0};
    unsigned bits = 0, nbits = 0;

    report_add_url(&want, given);
    if (!base64)
        text_add_string(&got, json_string_value(json_object_get(line, "url")));
    for (; base64 && *base64 && *base64 != '='; base64++) {
        must(strchr(digits, *base64));
        bits = bits << 6 | (unsigned)(strchr(digits, *base64) - digits);
        nbits += 6;
        if (nbits >= 8)
            text_add_char(&got, (char)(bits >> (nbits -= 8)));
    }
    must(strcmp(text_string(&want), text_string(&got)) == 0);
    text_free(&want);
    text_free(&got);
}

/* The record of one URL, of which all texts are the input's. */
static void check_record(struct fetch *f, struct glob *g, unsigned kind, char *rest)
{
    struct worker w = {.f = f};
    struct job job = {.pattern = g->nvars > 0 ? 0 : -1, .attempts = (int)(kind & 7), .began_us = kind & 8 ? 1 : 0};
    struct outcome o = {.fail = (enum fail)(kind % FAIL_KINDS), .status = kind & 16 ? 200 + (int)kind : 0, .redirects = kind & 1,
                        .bytes = kind};

    f->source.globs = g;
    set(&job.url, next_part(&rest));
    set(&w.name, next_part(&rest));
    set(&w.why, next_part(&rest));
    set(&w.mime, next_part(&rest));
    set(&w.landed, next_part(&rest));
    set(&w.etag, next_part(&rest));
    text_clear(&w.charset);
    type_charset(next_part(&rest), &w.charset);
    o.mime = w.mime.data;
    o.etag = w.etag.data;
    o.charset = w.charset.data;
    job.list = kind & 32 ? o.etag : NULL;
    o.final_url = o.redirects ? w.landed.data : NULL;
    job.k = g->count - 1;
    report_settled(&w, &job, &o);
    json_t *line = check_line(&f->jsonl.lines);
    must(json_boolean_value(json_object_get(line, "ok")) == (o.fail == FAIL_NONE));
    must(json_integer_value(json_object_get(line, "bytes")) == kind);
    must(count_plain(json_object_get(line, "vars")) == g->nvars);
    check_url(line, job.url.data ? job.url.data : "");
    json_decref(line);
    text_free(&job.url);
    text_free(&w.name);
    text_free(&w.why);
    text_free(&w.mime);
    text_free(&w.landed);
    text_free(&w.etag);
    text_free(&w.charset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fetch_options options;
    static struct fetch f;
    struct text why = {0};
    struct glob g;
    if (size < 1)
        return 0;

    char *text = strndup((const char *)data + 1, size - 1), *rest = text;
    check_string(text);
    f = (struct fetch){.options = &options, .jsonl.path = "log", .naming.directory = "d", .messages = 1000};
    f.request.method = "GET";
    f.queue.options.request = &f.request;
    if (glob_parse(&g, next_part(&rest), false, &why) == EXIT_OK)
        check_record(&f, &g, data[0], rest);
    glob_free(&g);
    text_free(&why);
    text_free(&f.jsonl.lines);
    free(text);
    return 0;
}
