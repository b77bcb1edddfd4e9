/* SPDX-License-Identifier: MIT */
/*
 * har_write.c - one exchange as an entry of a HAR file.
 *
 * A body is text where it is UTF-8, else base64; it is decoded, as all who read such files expect it, unless it was cut off.
 * Fields of a head that are no UTF-8 are taken for Latin-1.
 */
#include <jansson.h>
#include <time.h>

#include "http/coding/coding.h"
#include "http/transport/har.h"

#define MASK "***"

/* ---- texts ---- */

/* NULL: out of memory. */
static json_t *latin1(const char *text, size_t len)
{
    char *utf8 = bide__malloc(2 * len + 1), *at = utf8;
    if (!utf8)
        return NULL;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80)
            *at++ = (char)(0xc0 | c >> 6);
        *at++ = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    json_t *json = json_stringn(utf8, (size_t)(at - utf8));
    bide__free(utf8);
    return json;
}

static json_t *text_of(const char *text, size_t len)
{
    json_t *json = json_stringn(text, len);

    return json ? json : latin1(text, len);
}

/* ---- what identifies the user ---- */

/* In Cookie each value goes; in Set-Cookie the first, and what stands behind it are attributes. */
static char *mask_pairs(char *at, const char *value, const char *end, bool only_first)
{
    for (bool is_first = true; value < end; is_first = false) {
        const char *semicolon = memchr(value, ';', (size_t)(end - value)), *stop = semicolon ? semicolon : end;
        const char *equals = memchr(value, '=', (size_t)(stop - value));
        if (is_first || !only_first)
            at = stpcpy(mempcpy(at, value, equals ? (size_t)(equals + 1 - value) : 0), MASK);
        else
            at = mempcpy(at, value, (size_t)(stop - value));
        if (semicolon)
            *at++ = ';';
        value = semicolon ? semicolon + 1 : end;
    }
    return at;
}

/* "Basic ***" */
static char *mask_credentials(char *at, const char *value, const char *end)
{
    const char *space = memchr(value, ' ', (size_t)(end - value));

    return stpcpy(mempcpy(at, value, space ? (size_t)(space + 1 - value) : 0), MASK);
}

static json_t *masked(enum header_id id, const char *value, size_t len)
{
    const char *end = value + len;
    char *text = bide__malloc((strlen(MASK) + 1) * (len + 2)), *at = text;
    if (!text)
        return NULL;

    if (id == HEADER_COOKIE || id == HEADER_SET_COOKIE)
        at = mask_pairs(at, value, end, id == HEADER_SET_COOKIE);
    else
        at = mask_credentials(at, value, end);
    json_t *json = text_of(text, (size_t)(at - text));
    bide__free(text);
    return json;
}

static bool is_secret(enum header_id id)
{
    return id == HEADER_AUTHORIZATION || id == HEADER_PROXY_AUTHORIZATION || id == HEADER_COOKIE || id == HEADER_SET_COOKIE;
}

/* ---- heads ---- */

/* An object or array that is not whole is none: NULL, and so is what it would be a part of. */
static json_t *whole(json_t *json, int code)
{
    if (code == 0)
        return json;
    json_decref(json);
    return NULL;
}

static int add_field(json_t *list, const struct har_exchange *x, bide_bytes name, bide_bytes value)
{
    enum header_id id = bide__header_name_ok(name.data, name.len) ? bide__header_id(name.data, name.len) : HEADER_OTHER;
    json_t *text = is_secret(id) && !x->with_secrets ? masked(id, value.data, value.len) : text_of(value.data, value.len);

    return json_array_append_new(list, json_pack("{s:o, s:o}", "name", text_of(name.data, name.len), "value", text));
}

/* The lines of the head that was sent, behind the first. */
static json_t *sent_fields(const struct har_exchange *x)
{
    json_t *list = json_array();
    const char *at = x->head.data, *end = x->head.data ? at + x->head.len : NULL;
    bool is_first = true;
    int code = 0;

    while (at && at < end && code == 0) {
        const char *stop = memchr(at, '\r', (size_t)(end - at)), *colon = stop ? memchr(at, ':', (size_t)(stop - at)) : NULL;
        if (!stop)
            break;
        if (!is_first && colon && colon + 2 <= stop)
            code = add_field(list, x, (bide_bytes){at, (size_t)(colon - at)}, (bide_bytes){colon + 2, (size_t)(stop - colon - 2)});
        is_first = false;
        at = stop + 2;
    }
    return whole(list, code);
}

static json_t *answered_fields(const struct har_exchange *x)
{
    json_t *list = json_array();
    const struct fields *fs = &x->answer->fields;
    int code = 0;

    for (uint32_t i = 0; i < fs->n && code == 0; i++) {
        const struct field *f = &fs->all[i];
        code = add_field(list, x, (bide_bytes){bide__field_name(fs, f), f->name_len}, (bide_bytes){bide__field_value(fs, f), f->value_len});
    }
    return whole(list, code);
}

/* The pairs of the query as they stand in the URL. */
static json_t *query_of(const char *url)
{
    json_t *list = json_array();
    const char *at = strchr(url, '?');
    int code = 0;

    for (at = at ? at + 1 : NULL; at && *at && *at != '#' && code == 0;) {
        size_t len = strcspn(at, "&#"), name = strcspn(at, "=&#");
        json_t *value = text_of(at + name + (name < len), len - name - (name < len));
        code = json_array_append_new(list, json_pack("{s:o, s:o}", "name", text_of(at, name), "value", value));
        at += len + (at[len] == '&');
    }
    return whole(list, code);
}

/* ---- bodies ---- */

/* Decoded, up to max bytes; data NULL: that cannot be done.  The result is to be freed. */
static bide_bytes decode(const struct fields *fields, bide_bytes coded, size_t max)
{
    struct codings list = {0};
    struct decoders pool = {.n_decoders = 0};
    struct buf out;
    struct decoder *d = NULL;
    ssize_t n = 0;
    size_t used;

    bide__buf_init(&out, max + DECODE_WINDOW);
    for (uint32_t i = 0; i < fields->n && n >= 0; i++)
        if (fields->all[i].id == HEADER_CONTENT_ENCODING)
            n = bide__codings_add(&list, bide__field_value(fields, &fields->all[i]), fields->all[i].value_len);
    if (n >= 0 && bide__codings_any(&list))
        d = bide__decoder_open(&pool, &list, (struct decode_limits){.max_bytes = max});
    for (n = d ? 1 : -1; n > 0;) {
        char *tail = bide__buf_reserve(&out, DECODE_WINDOW);
        n = tail ? bide__decode(d, coded.data, coded.len, &used, tail, DECODE_WINDOW, true) : -1;
        bide__buf_commit(&out, n > 0 ? (size_t)n : 0);
        coded = tail ? (bide_bytes){coded.data + used, coded.len - used} : coded;
    }
    if (d && n == 0)
        n = bide__decode_end(d);
    if (d)
        bide__decoder_close(&pool, d);
    bide__decoders_free(&pool);
    if (n < 0)
        bide__buf_free(&out);
    return n < 0 ? (bide_bytes){NULL, 0} : (bide_bytes){out.data ? out.data : bide__calloc(1, 1), bide__buf_len(&out)};
}

/* Into an object: "text", and the name of its encoding if it is one. */
static int set_text(json_t *object, bide_bytes data, const char *encoding_name)
{
    json_t *text = json_stringn(data.data ? data.data : "", data.len);
    if (text)
        return json_object_set_new(object, "text", text);

    char *coded = bide__malloc(BASE64_ROOM(data.len));
    if (!coded)
        return -1;
    bide__base64_encode(coded, data.data, data.len);
    int code = json_object_set_new(object, "text", json_string(coded)) | json_object_set_new(object, encoding_name, json_string("base64"));
    bide__free(coded);
    return code;
}

static const char *value_of(const struct fields *fields, enum header_id id)
{
    const struct field *f = fields ? bide__fields_find(fields, id) : NULL;

    return f ? bide__field_value(fields, f) : "";
}

static json_t *content_of(const struct har_exchange *x)
{
    const struct fields *fields = &x->answer->fields;
    const struct har_body *b = &x->body;
    const char *type = value_of(fields, HEADER_CONTENT_TYPE);
    bool is_coded = bide__fields_have(fields, HEADER_CONTENT_ENCODING) && b->len > 0;
    bide_bytes decoded = is_coded && !b->is_cut ? decode(fields, b->data, x->max_body) : (bide_bytes){NULL, 0};
    bide_bytes data = decoded.data ? decoded : b->data;
    json_t *json = json_pack("{s:I, s:o}", "size", (json_int_t)(decoded.data ? decoded.len : b->len), "mimeType",
                             text_of(type, strlen(type)));

    if (decoded.data)
        json_object_set_new(json, "compression", json_integer((json_int_t)decoded.len - (json_int_t)b->len));
    if (is_coded && !decoded.data)
        json_object_set_new(json, "_encoded", json_true());
    if (b->is_cut)
        json_object_set_new(json, "_truncated", json_true());
    int code = set_text(json, data, "encoding");
    bide__free((char *)(uintptr_t)decoded.data);
    return whole(json, code);
}

/* ---- the parts of an entry ---- */

static const char *type_in(json_t *fields)
{
    size_t i;
    json_t *field;

    json_array_foreach(fields, i, field)
        if (strcasecmp(json_string_value(json_object_get(field, "name")), "Content-Type") == 0)
            return json_string_value(json_object_get(field, "value"));
    return "";
}

static json_t *request_of(const struct har_exchange *x)
{
    json_t *fields = sent_fields(x);
    const char *type = type_in(fields);
    json_t *post = x->sent.len > 0 ? json_pack("{s:s, s:[]}", "mimeType", type, "params") : NULL;
    int code = x->sent.len > 0 ? set_text(post, x->sent.data, "_encoding") : 0;

    if (x->sent.is_cut)
        json_object_set_new(post, "_truncated", json_true());
    json_t *json = json_pack("{s:s, s:o, s:s, s:[], s:o, s:o, s:I, s:I, s:o*}", "method", x->method, "url", text_of(x->url, strlen(x->url)),
                     "httpVersion", "HTTP/1.1", "cookies", "headers", fields, "queryString", query_of(x->url), "headersSize",
                     x->head.data ? (json_int_t)x->head.len : (json_int_t)-1, "bodySize", (json_int_t)x->sent.len, "postData", post);
    return whole(json, code);
}

static json_t *response_of(const struct har_exchange *x)
{
    const struct answer *a = x->answer;
    const char *reason = a->reason ? a->reason : "", *to = value_of(&a->fields, HEADER_LOCATION);
    json_t *json = json_pack("{s:i, s:o, s:s, s:[], s:o, s:o, s:o, s:i, s:I}", "status", a->status, "statusText",
                             text_of(reason, strlen(reason)), "httpVersion", a->minor == 0 && a->status > 0 ? "HTTP/1.0" : "HTTP/1.1",
                             "cookies", "headers", answered_fields(x), "content", content_of(x), "redirectURL",
                             text_of(to, strlen(to)), "headersSize", -1, "bodySize", (json_int_t)x->body.len);

    if (x->code < 0) {
        json_object_set_new(json, "_error", text_of(x->error, strlen(x->error)));
        json_object_set_new(json, "_code", json_integer(x->code));
    }
    return json;
}

static double ms_between(int64_t from_ns, int64_t to_ns)
{
    int64_t us = (to_ns - from_ns) / 1000;

    return from_ns > 0 && us >= 0 ? (double)us / 1000 : -1;
}

static double or_zero(double ms)
{
    return ms < 0 ? 0 : ms;
}

/* Send, wait and receive must be there; ssl is a part of connect. */
static json_t *timings_of(const struct har_exchange *x)
{
    double ssl = ms_between(x->connect_ns, x->tls_ns), connect = ms_between(x->dns_ns ? x->dns_ns : x->start_ns, x->connect_ns);
    int64_t ready_ns = x->tls_ns ? x->tls_ns : x->connect_ns ? x->connect_ns : x->start_ns;

    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "blocked", -1.0, "dns", ms_between(x->start_ns, x->dns_ns), "connect",
                     x->connect_ns && ssl >= 0 ? or_zero(connect) + ssl : connect, "ssl", ssl, "send",
                     or_zero(ms_between(ready_ns, x->sent_ns)), "wait", or_zero(ms_between(x->sent_ns, x->first_byte_ns)), "receive",
                     or_zero(ms_between(x->first_byte_ns, x->end_ns)));
}

static void write_date(char out[40], int64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm t;
    size_t n = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &t));

    snprintf(out + n, 40 - n, ".%03dZ", (int)(us / 1000 % 1000));
}

static json_t *entry_of(const struct har_exchange *x)
{
    char date[40], connection[24];
    write_date(date, x->began_us);
    snprintf(connection, sizeof connection, "%llu", (unsigned long long)x->connection);

    return json_pack("{s:s, s:f, s:o, s:o, s:{}, s:o, s:s*, s:s*}", "startedDateTime", date, "time",
                     or_zero(ms_between(x->start_ns, x->end_ns)), "request", request_of(x), "response", response_of(x), "cache",
                     "timings", timings_of(x), "serverIPAddress", x->peer && x->peer[0] ? x->peer : NULL, "connection",
                     x->connection > 0 ? connection : NULL);
}

/* jansson 2.14 does not look at what becomes of a key, and goes on behind it. */
struct sink {
    struct buf *out;
    bool has_failed;
};

static int append(const char *text, size_t len, void *arg)
{
    struct sink *s = arg;

    s->has_failed = s->has_failed || bide__buf_append(s->out, text, len) < 0;
    return s->has_failed ? -1 : 0;
}

int bide__har_write(struct buf *out, const struct har_exchange *x)
{
    struct error_mark mark;

    bide__error_mark(&mark); /* a body that cannot be decoded is recorded as it is */
    json_t *entry = entry_of(x);
    bide__error_restore(&mark);
    if (!entry)
        return bide__fail_nomem("an entry of a HAR file");
    struct sink sink = {.out = out};
    int code = json_dump_callback(entry, append, &sink, JSON_COMPACT);
    json_decref(entry);
    return code < 0 || sink.has_failed ? bide__fail_nomem("an entry of a HAR file") : 0;
}
