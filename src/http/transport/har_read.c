/* SPDX-License-Identifier: MIT */
/*
 * har_read.c - a HAR file as answers: what matters of each entry, checked and copied.
 *
 * Those of browsers and proxies differ from the text of the format in a few ways, and all of these are read: bodies that are decoded
 * under fields that say they are not; several Set-Cookie joined by line ends; the pseudo-fields of HTTP/2; no body where there
 * was one (then it is cut off); a status of 0 for what failed.
 */
#include <jansson.h>

#include "http/transport/har.h"
#include "http/value/json_depth.h"

#define ENTRIES_MAX 1000000

struct reading {
    struct arena *arena;
    size_t i; /* the entry, for messages */
};

static int fail(const struct reading *r, const char *what)
{
    return bide_fail(BIDE_EJSON, "not a HAR file: log.entries[%zu].%s", r->i, what);
}

/* ---- values ---- */

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bide_bytes bytes_at(const json_t *object, const char *key)
{
    const json_t *text = json_object_get(object, key);

    return (bide_bytes){json_string_value(text), json_string_length(text)};
}

/* ---- fields ---- */

static bool is_played(const char *name, bool keeps_length, bool keeps_coding)
{
    size_t len = strlen(name);
    if (!bide__header_name_ok(name, len))
        return false;

    switch (bide__header_id(name, len)) {
    case HEADER_CONTENT_LENGTH:
        return keeps_length;
    case HEADER_CONTENT_ENCODING:
        return keeps_coding;
    case HEADER_TRANSFER_ENCODING:
    case HEADER_CONNECTION:
    case HEADER_KEEP_ALIVE:
        return false;
    default:
        return true;
    }
}

static size_t count_lines(const char *text)
{
    size_t n = 1;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static bool add_line(struct reading *r, bide_pair *to, const char *name, const char *line, size_t len)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    *to = (bide_pair){bide__arena_strndup(r->arena, name, strlen(name)), bide__arena_strndup(r->arena, line, len)};
    return to->name && to->value;
}

/* A value of several lines is several fields; one that cannot be a value is none. */
static int add_field(struct reading *r, bide_pair *list, size_t *n, const char *name, const char *value)
{
    for (;; value++) {
        size_t len = strcspn(value, "\n");
        if (!add_line(r, &list[*n], name, value, len))
            return BIDE_ENOMEM;
        *n += bide__header_value_ok(list[*n].value, strlen(list[*n].value));
        value += len;
        if (!*value)
            return 0;
    }
}

static int read_fields(struct reading *r, const json_t *response, const bide_pair **out, bool keeps_length, bool keeps_coding)
{
    const json_t *headers = json_object_get(response, "headers"), *field;
    size_t i, n = 0, most = 1;
    if (headers && !json_is_array(headers))
        return fail(r, "response.headers: not a list");

    json_array_foreach(headers, i, field)
        most += text_at(field, "value") ? count_lines(text_at(field, "value")) : 0;
    bide_pair *list = bide__arena_alloc(r->arena, most * sizeof *list);
    if (!list)
        return BIDE_ENOMEM;
    json_array_foreach(headers, i, field) {
        const char *name = text_at(field, "name"), *value = text_at(field, "value");
        if (!name || !value)
            return fail(r, "response.headers: a field without name or value");
        if (is_played(name, keeps_length, keeps_coding))
            BIDE_TRY(add_field(r, list, &n, name, value));
    }
    list[n] = (bide_pair){NULL, NULL};
    *out = list;
    return 0;
}

/* ---- bodies ---- */

/* The text of an object, out of its encoding; data NULL: there is none. */
static int read_text(struct reading *r, const json_t *object, const char *encoding_key, const char *what, bide_bytes *out)
{
    const char *encoding = text_at(object, encoding_key);
    *out = bytes_at(object, "text");
    if (!out->data || !encoding || !encoding[0])
        return 0;
    if (strcmp(encoding, "base64") != 0)
        return fail(r, what);

    char *bytes = bide__arena_alloc(r->arena, out->len / 4 * 3 + 4);
    ssize_t n = bytes ? bide__base64_decode(bytes, out->data, out->len) : 0;
    if (n < 0)
        return fail(r, what);
    *out = (bide_bytes){bytes, (size_t)n};
    return bytes ? 0 : BIDE_ENOMEM;
}

/* Is something of it missing? */
static bool is_cut(const json_t *content, const bide_bytes *body, int status)
{
    bool is_expected = json_integer_value(json_object_get(content, "size")) > 0 && (status < 300 || status > 399);

    return json_is_true(json_object_get(content, "_truncated")) || (!body->data && is_expected);
}

/* ---- an entry ---- */

static int set_answer(struct reading *r, struct har_entry *e, const bide_answer *a)
{
    e->answer = bide__canned_new(r->arena, a, "answer");
    if (!e->answer && bide_error_code() == -EINVAL)
        return fail(r, "response: it can be none");
    return e->answer ? 0 : BIDE_ENOMEM;
}

static int read_failure(struct reading *r, struct har_entry *e, const json_t *response)
{
    int64_t code = json_integer_value(json_object_get(response, "_code"));

    return set_answer(r, e, &(bide_answer){.size = sizeof(bide_answer),
                                           .error = code < 0 && code > INT_MIN ? (int)code : BIDE_EDISCONNECTED});
}

static int read_response(struct reading *r, struct har_entry *e, const json_t *response)
{
    const json_t *content = json_object_get(response, "content"), *status = json_object_get(response, "status");
    int64_t number = json_integer_value(status);
    bide_answer a = {.size = sizeof a, .status = (int)number};
    if (!json_is_integer(status) || number < 0 || number > 999)
        return fail(r, "response.status: none");
    if (number < 200)
        return read_failure(r, e, response);

    const char *reason = text_at(response, "statusText");
    bool is_head = strcmp(e->method, "HEAD") == 0, keeps_coding = json_is_true(json_object_get(content, "_encoded"));
    BIDE_TRY(read_fields(r, response, &a.headers, is_head, keeps_coding || is_head));
    BIDE_TRY(read_text(r, content, "encoding", "response.content: not in base64", &a.data));
    a.reason = reason && bide__header_value_ok(reason, strlen(reason)) ? reason : NULL;
    if (!is_cut(content, &a.data, a.status) || is_head)
        return set_answer(r, e, &a);
    const bide_answer_piece pieces[] = {{.data = a.data}, {.error = BIDE_ETRUNCATED}, {.text = NULL}};
    a.pieces = a.data.len > 0 ? pieces : pieces + 1;
    a.data = (bide_bytes){NULL, 0};
    return set_answer(r, e, &a);
}

/* As requests have it: in its normal form, without fragment. */
static const char *read_url(struct reading *r, const char *text)
{
    struct url u;
    size_t len = strcspn(text, "#"), cap = len <= BIDE_URL_MAX ? bide__url_bound(len, NULL) : 1;
    char *storage = bide__arena_alloc(r->arena, cap);
    if (!storage)
        return NULL;
    return bide__url_parse(&u, text, len, storage, cap) == 0 ? u.href : bide__arena_strndup(r->arena, text, len);
}

static int read_request(struct reading *r, struct har_entry *e, const json_t *request)
{
    const char *method = text_at(request, "method"), *url = text_at(request, "url");
    const json_t *post = json_object_get(request, "postData");
    bide_bytes sent;
    if (!method || !method[0])
        return fail(r, "request.method: none");
    if (!url || !url[0])
        return fail(r, "request.url: none");

    e->method = bide__arena_strndup(r->arena, method, strlen(method));
    e->url = read_url(r, url);
    if (!e->method || !e->url)
        return BIDE_ENOMEM;
    BIDE_TRY(read_text(r, post, "_encoding", "request.postData: not in base64", &sent));
    if (!sent.data || json_is_true(json_object_get(post, "_truncated")))
        return 0;
    e->sent = (bide_bytes){bide__arena_strndup(r->arena, sent.data, sent.len), sent.len};
    return e->sent.data ? 0 : BIDE_ENOMEM;
}

static int read_entries(struct har_file *out, struct reading *r, const json_t *entries)
{
    size_t n = json_array_size(entries);
    if (n > ENTRIES_MAX)
        return bide_fail(BIDE_ETOOBIG, "a HAR file of more than %d entries", ENTRIES_MAX);

    out->entries = bide__arena_alloc(r->arena, n * sizeof *out->entries + 1);
    if (!out->entries)
        return BIDE_ENOMEM;
    for (r->i = 0; r->i < n; r->i++) {
        const json_t *entry = json_array_get(entries, r->i);
        struct har_entry *e = &out->entries[r->i];
        *e = (struct har_entry){.is_played = false};
        BIDE_TRY(read_request(r, e, json_object_get(entry, "request")));
        BIDE_TRY(read_response(r, e, json_object_get(entry, "response")));
        out->n++;
    }
    return 0;
}

/* ---- the document ---- */

static json_t *load(const char *text, size_t len)
{
    char quoted[80];
    json_error_t error;
    size_t mark = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (bide__json_text_is_too_deep(text, len)) {
        bide_fail(BIDE_EJSON, "not a HAR file: lists in lists, more than %d of them", JSON_DEPTH_MAX);
        return NULL;
    }

    json_t *doc = json_loadb(text + mark, len - mark, JSON_ALLOW_NUL, &error);
    if (!doc && json_error_code(&error) == json_error_out_of_memory)
        bide__fail_nomem("a HAR file");
    else if (!doc)
        bide_fail(BIDE_EJSON, "not a HAR file: line %d, column %d: %s", error.line, error.column,
                  bide__shown(quoted, error.text, strlen(error.text)));
    return doc;
}

int bide__har_read(struct har_file *out, struct arena *arena, const char *text, size_t len)
{
    struct reading r = {.arena = arena};
    json_t *doc = load(text, len);
    if (!doc)
        return bide_error_code();
    const json_t *entries = json_object_get(json_object_get(doc, "log"), "entries");

    *out = (struct har_file){.n = 0};
    int code = json_is_array(entries) ? read_entries(out, &r, entries)
                                      : bide_fail(BIDE_EJSON, "not a HAR file: there is no list log.entries in it");
    json_decref(doc);
    return code;
}
