/* SPDX-License-Identifier: MIT */
/*
 * jsonl.c - {"url": ..., "name": ..., "dir": ..., "method": ..., "headers": {...}, "body": ...} a line.
 *
 * The body is one of "body" (a text), "body_b64" (its bytes in base64) and "json" (any value).  "headers" has a text for
 * each name, or several in an array.  url_b64 is a URL in base64, as records have those that are no text.  Members with
 * other names are variables for -o, or nothing.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/list/list.h"

#define DEEPEST 32 /* jansson's parser calls itself, and a task's stack is small */

/* Would it go deeper than that? */
static bool is_too_deep(const char *line, size_t len)
{
    bool in_text = false;
    int depth = 0;

    for (size_t i = 0; i < len; i++) {
        if (in_text && line[i] == '\\')
            i++;
        else if (line[i] == '"')
            in_text = !in_text;
        else if (!in_text && (line[i] == '{' || line[i] == '['))
            depth++;
        else if (!in_text && (line[i] == '}' || line[i] == ']'))
            depth--;
        if (depth > DEEPEST)
            return true;
    }
    return false;
}

static bool is_text(struct draft *d, const char *key, const json_t *value)
{
    if (!json_is_string(value))
        draft_fault(d, "%s is no text", key);
    return json_is_string(value);
}

static void add_text(struct draft *d, enum item item, const char *key, const json_t *value)
{
    if (is_text(d, key, value))
        draft_add(d, item, json_string_value(value), json_string_length(value));
}

static void add_header(struct draft *d, const char *name, const json_t *value)
{
    size_t i;
    const json_t *one;

    if (json_is_array(value) && json_array_size(value) > 0) {
        json_array_foreach((json_t *)value, i, one)
            if (json_is_array(one))
                draft_fault(d, "headers: a value is a text, or an array of texts");
            else
                add_header(d, name, one);
    } else if (json_is_string(value)) {
        draft_add_header(d, name, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        char number[32];
        draft_add_header(d, name, number, (size_t)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value)));
    } else if (!json_is_null(value)) {
        draft_fault(d, "headers: a value is a text, or an array of texts");
    }
}

static void add_headers(struct draft *d, json_t *headers)
{
    const char *name;
    json_t *value;

    if (json_is_object(headers))
        json_object_foreach(headers, name, value)
            add_header(d, name, value);
    else
        draft_fault(d, "headers is no object");
}

/* Behind the text that begins here. */
static const char *skip_text(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\';
    return at < end ? at + 1 : end;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at))
        at++;
    return at;
}

/* Behind the value that begins here; of a document that is one. */
static const char *skip_value(const char *at, const char *end)
{
    int depth = 0;

    while (at < end) {
        if (depth == 0 && (*at == ',' || *at == '}'))
            break;
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        at = *at == '"' ? skip_text(at, end) : at + 1;
    }
    while (at[-1] == ' ' || at[-1] == '\t')
        at--;
    return at;
}

/* The body is what stands there, to the byte: 0.1 read and written again would be 0.10000000000000001. */
static void add_json(struct draft *d, const char *line, size_t len)
{
    const char *end = line + len, *at = memchr(line, '{', len);

    while (at && at < end && *at != '}') {
        const char *key = skip_space(at + 1, end), *behind = skip_text(key, end);
        const char *value = skip_space(skip_space(behind, end) + 1, end);
        at = skip_value(value, end);
        if (behind - key == 6 && memcmp(key, "\"json\"", 6) == 0)
            draft_add(d, ITEM_JSON, value, (size_t)(at - value));
        at = skip_space(at, end);
    }
}

static void add_base64_url(struct draft *d, const json_t *value, struct text *url)
{
    size_t before = d->n;

    draft_add_base64(d, json_string_value(value), json_string_length(value));
    if (d->n == before)
        return;
    d->n = before; /* it was no body */
    text_clear(url);
    text_add(url, d->bytes.data + d->items[before].at, d->items[before].len);
    if (memchr(url->data, '\0', url->len))
        draft_fault(d, "url_b64: a NUL byte");
}

static void set_url(struct draft *d, const char *key, const json_t *value, struct text *url)
{
    if (!is_text(d, key, value))
        return;
    if (strcmp(key, "url_b64") == 0) {
        add_base64_url(d, value, url);
        return;
    }
    if (strlen(json_string_value(value)) != json_string_length(value))
        draft_fault(d, "url: a NUL byte");
    if (url->len == 0)
        text_add(url, json_string_value(value), json_string_length(value));
}

/* A member may be a variable of -o, too. */
static void add_variable(struct draft *d, int variable, const json_t *value)
{
    char number[32];

    if (json_is_string(value))
        draft_add_value(d, variable, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        draft_add_value(d, variable, number, (size_t)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value)));
    else if (json_is_boolean(value))
        draft_add_value(d, variable, json_is_true(value) ? "true" : "false", json_is_true(value) ? 4 : 5);
}

static void add_member(struct draft *d, const struct list_rules *rules, const char *key, json_t *value, struct text *url)
{
    int variable = list_variable(rules, key, strlen(key));

    if (json_is_null(value))
        return;
    if (variable >= 0)
        add_variable(d, variable, value);
    if (strcmp(key, "url") == 0 || strcmp(key, "url_b64") == 0)
        set_url(d, key, value, url);
    else if (strcmp(key, "name") == 0 || strcmp(key, "out") == 0)
        add_text(d, ITEM_NAME, key, value);
    else if (strcmp(key, "dir") == 0)
        add_text(d, ITEM_DIR, key, value);
    else if (strcmp(key, "method") == 0)
        add_text(d, ITEM_METHOD, key, value);
    else if (strcmp(key, "headers") == 0)
        add_headers(d, value);
    else if (strcmp(key, "body") == 0)
        add_text(d, ITEM_BODY, key, value);
    else if (strcmp(key, "body_b64") == 0 && is_text(d, key, value))
        draft_add_base64(d, json_string_value(value), json_string_length(value));
    else if (strcmp(key, "header") == 0)
        draft_fault(d, "no member is called header; headers is an object with a text for each name");
}

/* What stands near the place may be a secret. */
static void not_json(struct draft *d, const json_error_t *e)
{
    const char *near = strstr(e->text, " near ");
    int len = near ? (int)(near - e->text) : (int)strlen(e->text);

    draft_fault(d, "no line of JSON: %.*s, byte %d", len, e->text, e->position);
}

/*
 * Without memory, jansson's reader leaves out bytes of texts and goes on: that has to be seen here.
 */
static _Thread_local bool lacked_memory;

static void *noting_malloc(size_t size)
{
    void *p = malloc(size);

    lacked_memory |= !p;
    return p;
}

static json_t *load(struct draft *d, const char *line, size_t len)
{
    json_error_t error;

    json_set_alloc_funcs(noting_malloc, free);
    lacked_memory = false;
    json_t *document = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (lacked_memory)
        draft_no_memory(d);
    else if (!document)
        not_json(d, &error);
    return document;
}

void jsonl_parse(struct draft *d, const struct list_rules *rules, const char *line, size_t len, struct text *url)
{
    const char *key;
    json_t *value;

    if (is_too_deep(line, len)) {
        draft_fault(d, "objects within objects, more than %d deep", DEEPEST);
        salvage_json(line, len, url);
        return;
    }
    json_t *document = load(d, line, len);
    if (!json_is_object(document)) {
        if (document)
            draft_fault(d, "no object, such as {\"url\": \"http://...\"}");
        else
            salvage_json(line, len, url);
        json_decref(document);
        return;
    }
    json_object_foreach(document, key, value)
        add_member(d, rules, key, value, url);
    if (json_object_get(document, "json"))
        add_json(d, line, len);
    if (url->len == 0)
        draft_fault(d, "no member url");
    json_decref(document);
}
