/* SPDX-License-Identifier: MIT */
/*
 * bide-conform.c - the library's parsers behind lines of JSON, for suites of cases.  Not installed.
 *
 *     bide-conform VERB < cases.jsonl
 *
 * One JSON object per line in, one out, in the same order.  A bad case is an answer, never the end
 * of the program: a line that is no JSON is answered {"bad_line":true}.  A verb is one row in the
 * table at the end.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bide/date.h>

#include "http/auth/digest.h"
#include "http/auth/netrc.h"
#include "http/cookie/cookie.h"
#include "http/field/date.h"
#include "http/h1/h1_chunked.h"
#include "../http/from_env.h"
#include "http/url/url.h"
#include "http/value/values.h"

typedef json_t *verb_fn(json_t *in);

static const char *text_of(json_t *in, const char *key)
{
    return json_string_value(json_object_get(in, key));
}

/* ---- base64, as the cases bring their bytes ---- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static char *base64_decode(const char *text, size_t *len)
{
    char *out = malloc(strlen(text) + 1);
    unsigned bits = 0;
    int held = 0;

    *len = 0;
    for (; out && *text && *text != '='; text++) {
        int digit = base64_digit(*text);
        if (digit < 0)
            continue;
        bits = (bits << 6 | (unsigned)digit) & 0xffffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[(*len)++] = (char)(bits >> held);
        }
    }
    return out;
}

/* ---- url: the parser below the objects, because a case may hold a NUL, which no C string can ----
 */

static json_t *part_of(const struct url *u, const char *before, struct url_part part)
{
    char *joined = NULL;
    int n = asprintf(&joined, "%s%.*s", part.len ? before : "", (int)part.len,
                     bide__url_part(u, part));
    json_t *j = n < 0 ? NULL : json_stringn(joined, (size_t)n);

    free(joined);
    return j;
}

/* What the standard calls port: "" when it is the scheme's own. */
static struct url_part shown_port(const struct url *u)
{
    uint32_t name_end = u->hostname.off + u->hostname.len, end = u->host.off + u->host.len;

    return name_end < end ? (struct url_part){name_end + 1, end - name_end - 1}
                          : (struct url_part){0, 0};
}

static json_t *origin_of(const struct url *u, struct url_part scheme)
{
    char *text = NULL;
    int n = asprintf(&text, "%.*s//%.*s", (int)scheme.len, u->href, (int)u->host.len,
                     bide__url_part(u, u->host));
    json_t *j = n < 0 ? NULL : json_stringn(text, (size_t)n);

    free(text);
    return j;
}

static json_t *describe_url(const struct url *u)
{
    uint32_t scheme_len = (uint32_t)(strchr(u->href, ':') - u->href) + 1;
    struct url_part scheme = {0, scheme_len};
    json_t *out = json_pack("{s:s}", "href", u->href);

    json_object_set_new(out, "protocol", part_of(u, "", scheme));
    json_object_set_new(out, "origin", origin_of(u, scheme));
    json_object_set_new(out, "username", part_of(u, "", u->username));
    json_object_set_new(out, "password", part_of(u, "", u->password));
    json_object_set_new(out, "host", part_of(u, "", u->host));
    json_object_set_new(out, "hostname", part_of(u, "", u->hostname));
    json_object_set_new(out, "port", part_of(u, "", shown_port(u)));
    json_object_set_new(out, "pathname", part_of(u, "", u->path));
    json_object_set_new(out, "search", part_of(u, "?", u->query));
    json_object_set_new(out, "hash", part_of(u, "#", u->fragment));
    return out;
}

static json_t *verb_url(json_t *in)
{
    static char base_storage[BIDE_URL_MAX + 1], storage[BIDE_URL_MAX + 1];
    json_t *input = json_object_get(in, "input"), *base_text = json_object_get(in, "base");
    struct url base, u;
    int r = URL_ENOSCHEME;

    if (json_is_string(base_text))
        r = bide__url_parse(&base, json_string_value(base_text), json_string_length(base_text),
                            base_storage, sizeof base_storage);
    if (json_is_string(input))
        r = bide__url_resolve(&u, r == 0 ? &base : NULL, json_string_value(input),
                              json_string_length(input), storage, sizeof storage);
    if (r == 0)
        return describe_url(&u);
    return json_pack("{s:b, s:s}", "failure", 1, "why", bide__url_strerror(r));
}

/* ---- idna: a name alone, before a URL is made of it ---- */

static json_t *verb_idna(json_t *in)
{
    char host[8192];
    struct url_out out = {.data = host, .cap = sizeof host};
    json_t *input = json_object_get(in, "input");
    uint8_t kind, zone;

    if (bide__url_put_host(&out, json_string_value(input), json_string_length(input), &kind, &zone) < 0)
        return json_pack("{s:n}", "expect");
    return json_pack("{s:s#}", "expect", host, (int)out.len);
}

/* ---- dates ---- */

static json_t *verb_date(json_t *in)
{
    const char *text = text_of(in, "input");
    int64_t when;

    if (text && (bide_http_date_parse(text, time(NULL), &when) ||
                 bide__cookie_date_parse(text, strlen(text), &when)))
        return json_pack("{s:I}", "expect_unix", (json_int_t)when);
    return json_pack("{s:n}", "expect_unix");
}

static json_t *verb_retry_after(json_t *in)
{
    const char *text = text_of(in, "input");
    int64_t ms = bide_retry_after_ms(text, NULL, json_integer_value(json_object_get(in, "now")));

    if (ms >= 0 && ms % 1000 == 0) /* the cases know whole seconds only, as the standard does */
        return json_pack("{s:I}", "want_seconds", (json_int_t)ms / 1000);
    return json_pack("{s:n}", "want_seconds");
}

/* ---- cookies ---- */

static bool parse_url(struct url *out, const char *text)
{
    static char storage[BIDE_URL_MAX + 1];

    return text && bide__url_parse(out, text, strlen(text), storage, sizeof storage) == 0;
}

static void set_all(bide_cookie_jar *jar, const char *url, json_t *fields, int64_t now)
{
    struct url u;
    json_t *field;
    size_t i;

    if (!parse_url(&u, url))
        return;
    json_array_foreach(fields, i, field)
        bide__jar_set(jar, &u, json_string_value(field), json_string_length(field), now);
}

static json_t *header_for(bide_cookie_jar *jar, const char *url, int64_t now)
{
    struct url u;
    const char *value = "";
    ssize_t n = parse_url(&u, url) ? bide__jar_header(jar, &(struct jar_request){.url = &u, .now = now}, &value) : 0;

    return n < 0 ? json_null() : json_stringn(value, (size_t)n);
}

static json_t *verb_cookie(json_t *in)
{
    bide_cookie_jar *jar = bide_cookie_jar_new();
    int64_t now = time(NULL);

    set_all(jar, text_of(in, "request_url"), json_object_get(in, "set_cookie"), now);
    json_t *out = json_pack("{s:o}", "expect_cookie_header", header_for(jar, text_of(in, "next_url"), now));
    bide_release(jar);
    return out;
}

/* The rules of a case: suffixes, and "*" for every last label. */
static psl_ctx_t *suffixes_of(json_t *rules)
{
    char text[4096] = "";
    size_t i, len = 0;
    json_t *rule;

    json_array_foreach(rules, i, rule)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\n", json_string_value(rule));
    FILE *file = fmemopen(text, len ? len : 1, "r");
    psl_ctx_t *list = psl_load_fp(file);
    fclose(file);
    return list;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All that have not ended, as name=value, sorted. */
static json_t *all_sorted(bide_cookie_jar *jar, int64_t now)
{
    char *texts[JAR_MAX], joined[65536] = "";
    size_t n = 0, len = 0;

    for (struct cookie *c = bide__jar_after(jar, 0); c; c = bide__jar_after(jar, c->id))
        if (!bide__cookie_has_ended(c, now) && asprintf(&texts[n], "%s=%s", bide__cookie_name(c), bide__cookie_value(c)) >= 0)
            n++;
    qsort(texts, n, sizeof *texts, by_text);
    for (size_t i = 0; i < n; i++) {
        len += (size_t)snprintf(joined + len, sizeof joined - len, "%s%s", i ? " " : "", texts[i]);
        free(texts[i]);
    }
    return json_string(joined);
}

static json_t *verb_jar(json_t *in)
{
    bide_cookie_jar *jar = bide_cookie_jar_new();
    psl_ctx_t *list = suffixes_of(json_object_get(in, "psl"));
    json_t *step, *got = json_array();
    size_t i;

    jar->suffixes = list;
    json_array_foreach(json_object_get(in, "steps"), i, step) {
        int64_t now = json_integer_value(json_object_get(in, "now")) + json_integer_value(json_object_get(step, "at_ms")) / 1000;
        const char *op = text_of(step, "op") ? text_of(step, "op") : "", *url = text_of(step, "url");
        if (strcmp(op, "set") == 0)
            set_all(jar, url, json_object_get(step, "set_cookie"), now);
        else if (strcmp(op, "get") == 0)
            json_array_append_new(got, header_for(jar, url, now));
        else if (strcmp(op, "all") == 0)
            json_array_append_new(got, all_sorted(jar, now));
    }
    bide_release(jar);
    psl_free(list);
    return json_pack("{s:o}", "got", got);
}

/* In its canonical form; what is no host is taken as it is, in lower case. */
static struct host_name host_of(char out[HOST_NAME_SIZE], const char *text)
{
    struct host_name h = {.name = out, .is_name = true};
    ssize_t n = bide__host_name_put(out, text, strlen(text), &h.is_name);

    for (h.len = n < 0 ? 0 : (size_t)n; n < 0 && text[h.len] && h.len < HOST_NAME_SIZE - 1; h.len++)
        out[h.len] = text[h.len] >= 'A' && text[h.len] <= 'Z' ? (char)(text[h.len] + 32) : text[h.len];
    return h;
}

static json_t *verb_domain_match(json_t *in)
{
    char host[HOST_NAME_SIZE], domain[HOST_NAME_SIZE];
    const char *h = text_of(in, "host") ? text_of(in, "host") : "", *d = text_of(in, "cookie_domain");
    struct host_name name = host_of(host, h), of = host_of(domain, d ? d + (d[0] == '.' && d[1]) : "");

    return json_pack("{s:b}", "match", bide__host_name_is_in(name, of.name, of.len));
}

static json_t *verb_path_match(json_t *in)
{
    const char *path = text_of(in, "request_path"), *of = text_of(in, "cookie_path");

    return json_pack("{s:b}", "match", path && of && bide__cookie_path_match(path, strlen(path), of, strlen(of)));
}

static json_t *verb_default_path(json_t *in)
{
    const char *path = text_of(in, "path") ? text_of(in, "path") : "";
    size_t len = bide__cookie_default_path_len(path, strlen(path));

    return json_pack("{s:s#}", "want", len > 1 ? path : "/", (int)len);
}

/* A cookie with this Domain, from this host: is it kept, and whose is it then? */
static json_t *verb_domain_attribute(json_t *in)
{
    bide_cookie_jar *jar = bide_cookie_jar_new();
    psl_ctx_t *list = suffixes_of(json_object_get(in, "psl"));
    const char *host = text_of(in, "host") ? text_of(in, "host") : "";
    bool is_v6 = strchr(host, ':');
    char url[512], field[512];
    struct url u;

    jar->suffixes = list;
    snprintf(url, sizeof url, "http://%s%s%s/", is_v6 ? "[" : "", host, is_v6 ? "]" : "");
    snprintf(field, sizeof field, "a=b; domain=%s", text_of(in, "domain_attr"));
    if (parse_url(&u, url))
        bide__jar_set(jar, &u, field, strlen(field), 0);
    struct cookie *c = bide__jar_after(jar, 0);
    json_t *out = json_pack("{s:b, s:s?, s:o}", "accept", c != NULL, "want_domain", c ? c->domain->name : NULL, "host_only",
                            c ? json_boolean(c->host_only) : json_null());
    bide_release(jar);
    psl_free(list);
    return out;
}

/* In the spelling that it came in: it has as many labels there. */
static const char *last_labels(const char *name, const char *like)
{
    size_t n = 1;
    const char *at = name + strlen(name);

    for (; *like; like++)
        n += *like == '.';
    while (at > name && !(at[-1] == '.' && --n == 0))
        at--;
    return at;
}

static json_t *verb_psl(json_t *in)
{
    const char *text = text_of(in, "input") ? text_of(in, "input") : "", *found = NULL;
    char name[HOST_NAME_SIZE];
    bool is_name;

    if (bide__host_name_put(name, text, strlen(text), &is_name) >= 0 && is_name)
        found = bide__registrable_domain(psl_builtin(), name);
    bool is_ascii = text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
    return json_pack("{s:s?}", "registrable", found && !is_ascii ? last_labels(text, found) : found);
}

/* ---- values with parameters ---- */

static char *lower_copy(const char *text, size_t len)
{
    char *copy = strndup(text, len);

    for (char *c = copy; copy && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c += 32;
    return copy;
}

/* WHATWG MIME Sniffing 4.5: ;name=value, quoted unless the value is a token. */
static void write_parameter(FILE *out, const struct param *p, json_t *seen)
{
    char *name = lower_copy(p->name, p->name_len), value[4096];
    size_t n = bide__param_value(p, value, sizeof value);

    n = n < sizeof value ? n : sizeof value;
    if (!json_object_get(seen, name)) {
        bool is_token = bide__header_name_ok(value, n);
        json_object_set_new(seen, name, json_true());
        fprintf(out, is_token ? ";%s=" : ";%s=\"", name);
        for (size_t i = 0; i < n; i++)
            fprintf(out, value[i] == '"' || value[i] == '\\' ? "\\%c" : "%c", value[i]);
        if (!is_token)
            fputc('"', out);
    }
    free(name);
}

static json_t *verb_mime(json_t *in)
{
    const char *text = text_of(in, "input") ? text_of(in, "input") : "";
    struct mime m;
    struct param p;
    char *written = NULL;
    size_t size;
    if (!bide__mime_parse(&m, text, strlen(text)))
        return json_pack("{s:n}", "serialized");

    FILE *out = open_memstream(&written, &size);
    json_t *seen = json_object();
    char *type = lower_copy(m.type, m.type_len), *subtype = lower_copy(m.subtype, m.subtype_len);
    fprintf(out, "%s/%s", type, subtype);
    while (bide__mime_next(&m.params, &p))
        write_parameter(out, &p, seen);
    fclose(out);
    json_t *answer = json_pack("{s:s}", "serialized", written);
    free(written);
    free(type);
    free(subtype);
    json_decref(seen);
    return answer;
}

/* What filename and filename* say is shown as the name under which it would be saved, the others as they came. */
static json_t *parameter_of(const struct param *p)
{
    char value[1024], safe[FILE_NAME_SIZE];
    bool is_extended = bide__header_equals(p->name, p->name_len, "filename*");
    long n = is_extended ? bide__param_extended(p, value, sizeof value) : (long)bide__param_value(p, value, sizeof value);
    if (n < 0 || (size_t)n > sizeof value)
        return NULL;
    if (!is_extended && !bide__header_equals(p->name, p->name_len, "filename"))
        return json_stringn(value, (size_t)n);
    return json_stringn(safe, bide__file_name_make_safe(safe, value, (size_t)n));
}

static json_t *verb_content_disposition(json_t *in)
{
    const char *text = text_of(in, "input") ? text_of(in, "input") : "";
    struct disposition d;
    struct param p;
    json_t *params = json_object();
    if (!bide__disposition_parse(&d, text, strlen(text)))
        return json_pack("{s:n, s:o}", "type", "params", params);

    while (bide__params_next(&d.params, &p)) {
        char *name = lower_copy(p.name, p.name_len);
        json_t *value = parameter_of(&p);
        if (value && !json_object_get(params, name))
            json_object_set(params, name, value);
        json_decref(value);
        free(name);
    }
    char *type = lower_copy(d.type, d.type_len);
    json_t *answer = json_pack("{s:s, s:o}", "type", type, "params", params);
    free(type);
    return answer;
}

/* ---- requests, as the server reads them ---- */

/* The body at in[0..len): its length, -1 if it is not whole, or an error. */
static ssize_t skip_body(const struct h1_head *head, char *in, size_t len)
{
    struct h1_chunked c = H1_CHUNKED_INIT;
    const char *data;
    size_t data_len, used = 0;

    if (head->body == H1_BODY_LENGTH)
        return head->content_length <= len ? (ssize_t)head->content_length : -1;
    if (head->body != H1_BODY_CHUNKED)
        return 0;
    while (!c.done) {
        ssize_t n = bide__h1_chunked_step(&c, in + used, len - used, &data, &data_len);
        if (n <= 0)
            return n < 0 ? n : c.done ? (ssize_t)used : -1;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

/* One request at in[0..len): its length, 0 if it is not whole, or an error. */
static ssize_t read_request(struct h1_head *head, char *in, size_t len)
{
    struct h1_parser parser = H1_PARSER_INIT;
    ssize_t n = bide__h1_parse_request(&parser, in, len, head);
    int r = n > 0 ? bide__h1_frame_request(head) : 0;

    if (n <= 0 || r < 0)
        return n <= 0 ? n : r;
    ssize_t body = skip_body(head, in + n, len - (size_t)n);
    return body == -1 ? 0 : body < 0 ? body : n + body;
}

static json_t *verb_request(json_t *in)
{
    static struct field fields[H1_FIELDS_MAX];
    struct h1_head head = {.fields = fields, .fields_cap = H1_FIELDS_MAX};
    const char *encoded = text_of(in, "input_b64");
    size_t len = 0, at = 0;
    char *bytes = base64_decode(encoded ? encoded : "", &len);
    ssize_t n = 1;
    int complete = 0;

    while (bytes && n > 0 && at < len) {
        n = read_request(&head, bytes + at, len - at);
        complete += n > 0;
        at += n > 0 ? (size_t)n : 0;
        if (n > 0 && !head.keep_alive)
            break;
    }
    const char *error = n < 0               ? bide__h1_strerror((int)n)
                        : n > 0 && at < len ? "bytes behind the last request"
                                            : NULL;
    free(bytes);
    return json_pack("{s:s?, s:i}", "error", error, "messages_complete", complete);
}

/* ---- JSON, as bide_json reads it ---- */

static json_t *verb_json(json_t *in)
{
    size_t len = 0;
    const char *encoded = text_of(in, "input_b64");
    char *bytes = base64_decode(encoded ? encoded : "", &len);
    json_t *value = bytes ? json_loadb(bytes, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    json_t *answer = json_pack("{s:s}", "expect", value ? "accept" : "reject");

    json_decref(value);
    free(bytes);
    return answer;
}

/* ---- Digest, netrc ---- */

static json_t *verb_digest(json_t *in)
{
    const char *field = text_of(in, "www_authenticate"), *nc = text_of(in, "nc"), *body = text_of(in, "body");
    const char *user = text_of(in, "user"), *password = text_of(in, "password");
    struct digest d = {0};
    struct digest_request what = {text_of(in, "method"), text_of(in, "uri"), body, body ? strlen(body) : 0, text_of(in, "cnonce")};
    char out[8192];

    if (!field || !what.method || !what.target || !user || !password)
        return NULL;
    bide__digest_choose(&d, field, strlen(field));
    d.nc = nc ? (uint32_t)strtoul(nc, NULL, 16) - 1 : 0;
    if (!d.is_set || bide__digest_answer(&d, &(struct digest_user){user, password}, &what, out, sizeof out) < 0)
        return json_pack("{s:n}", "want_response");
    char *response = strstr(out, " response=\"") + strlen(" response=\"");
    *strchr(response, '"') = '\0';
    return json_pack("{s:s, s:s}", "want_response", response, "cnonce", what.cnonce ? what.cnonce : d.cnonce);
}

static json_t *verb_netrc(json_t *in)
{
    json_t *text = json_object_get(in, "netrc"), *all = json_object();
    const char *bytes = json_string_value(text);
    struct netrc_entry e;
    size_t at = 0;
    int r = bytes ? 1 : -1;

    while (r > 0 && (r = bide__netrc_next(bytes, json_string_length(text), &at, &e)) > 0)
        json_object_set_new(all, e.is_default ? "default" : e.host, json_pack("{s:s, s:s}", "login", e.user, "password", e.password));
    if (r == 0)
        return json_pack("{s:o}", "expect", all);
    json_decref(all);
    return json_pack("{s:s}", "expect", "error");
}

/* ---- proxy: which one, as a URL; a port that was not said is not shown ---- */

static const char *variable_of(const char *name, void *env)
{
    return text_of(env, name);
}

static json_t *verb_proxy(json_t *in)
{
    static char storage[BIDE_URL_MAX + 1];
    const char *text = text_of(in, "url");
    char shown[PROXY_PART_MAX + 32], port[8] = "";
    struct proxy p;
    struct url u;

    if (!text || bide__url_parse(&u, text, strlen(text), storage, sizeof storage) < 0)
        return NULL;
    if (proxy_from_env(&p, &u, variable_of, json_object_get(in, "env")) <= 0)
        return json_pack("{s:n}", "want_proxy");
    if (p.has_port)
        snprintf(port, sizeof port, ":%u", p.port);
    snprintf(shown, sizeof shown, "%s://%s%s", bide__proxy_scheme(p.kind), p.host, port);
    return json_pack("{s:s}", "want_proxy", shown);
}

static const struct {
    const char *name;
    verb_fn *run;
} verbs[] = {
    {"url", verb_url},
    {"idna", verb_idna},
    {"date", verb_date},
    {"retry-after", verb_retry_after},
    {"cookie", verb_cookie},
    {"jar", verb_jar},
    {"domain-match", verb_domain_match},
    {"domain-attribute", verb_domain_attribute},
    {"path-match", verb_path_match},
    {"default-path", verb_default_path},
    {"psl", verb_psl},
    {"mime", verb_mime},
    {"content-disposition", verb_content_disposition},
    {"http1-request", verb_request},
    {"json", verb_json},
    {"digest", verb_digest},
    {"netrc", verb_netrc},
    {"proxy", verb_proxy},
};

static verb_fn *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return verbs[i].run;
    return NULL;
}

static void answer_line(verb_fn *run, const char *line, size_t len)
{
    json_t *in = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
    json_t *out = json_is_object(in) ? run(in) : NULL;

    if (!out)
        out = json_pack("{s:b}", "bad_line", 1);
    char *text = json_dumps(out, JSON_COMPACT | JSON_ENSURE_ASCII);
    puts(text ? text : "{\"bad_line\":true}");
    free(text);
    json_decref(out);
    json_decref(in);
}

int main(int argc, char **argv)
{
    verb_fn *run = argc == 2 ? find_verb(argv[1]) : NULL;
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    if (!run) {
        fputs("usage: bide-conform VERB < cases.jsonl, where VERB is one of", stderr);
        for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
            fprintf(stderr, " %s", verbs[i].name);
        fputc('\n', stderr);
        return 2;
    }
    while ((len = getline(&line, &cap, stdin)) >= 0)
        answer_line(run, line, (size_t)len);
    free(line);
    return 0;
}
