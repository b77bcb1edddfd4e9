/* SPDX-License-Identifier: MIT */
/* facts.c - what is known of a URL when it has ended, under curl's names. */
#include "cli/see/see.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "cli/save/jsonl.h"

#define NOT_KNOWN INT64_MIN

struct facts {
    const char *content_type, *error, *file, *version, *local, *method, *peer, *scheme, *url, *effective;
    int64_t exit_code, status, local_port, connects, headers, redirects, retries, peer_port, verified, number;
    int64_t download, heads_in, heads_out, upload, download_speed, upload_speed;
    int64_t tls_us, connect_us, dns_us, ready_us, redirect_us, first_byte_us, end_us;
};

enum fact_kind { FACT_TEXT, FACT_NUMBER, FACT_STATUS, FACT_TIME };

static const struct fact {
    const char *name;
    enum fact_kind kind;
    size_t offset;
} table[] = { /* by name */
    {"content_type", FACT_TEXT, offsetof(struct facts, content_type)},
    {"errormsg", FACT_TEXT, offsetof(struct facts, error)},
    {"exitcode", FACT_NUMBER, offsetof(struct facts, exit_code)},
    {"filename_effective", FACT_TEXT, offsetof(struct facts, file)},
    {"http_code", FACT_STATUS, offsetof(struct facts, status)},
    {"http_version", FACT_TEXT, offsetof(struct facts, version)},
    {"local_ip", FACT_TEXT, offsetof(struct facts, local)},
    {"local_port", FACT_NUMBER, offsetof(struct facts, local_port)},
    {"method", FACT_TEXT, offsetof(struct facts, method)},
    {"num_connects", FACT_NUMBER, offsetof(struct facts, connects)},
    {"num_headers", FACT_NUMBER, offsetof(struct facts, headers)},
    {"num_redirects", FACT_NUMBER, offsetof(struct facts, redirects)},
    {"num_retries", FACT_NUMBER, offsetof(struct facts, retries)},
    {"remote_ip", FACT_TEXT, offsetof(struct facts, peer)},
    {"remote_port", FACT_NUMBER, offsetof(struct facts, peer_port)},
    {"response_code", FACT_STATUS, offsetof(struct facts, status)},
    {"scheme", FACT_TEXT, offsetof(struct facts, scheme)},
    {"size_download", FACT_NUMBER, offsetof(struct facts, download)},
    {"size_header", FACT_NUMBER, offsetof(struct facts, heads_in)},
    {"size_request", FACT_NUMBER, offsetof(struct facts, heads_out)},
    {"size_upload", FACT_NUMBER, offsetof(struct facts, upload)},
    {"speed_download", FACT_NUMBER, offsetof(struct facts, download_speed)},
    {"speed_upload", FACT_NUMBER, offsetof(struct facts, upload_speed)},
    {"ssl_verify_result", FACT_NUMBER, offsetof(struct facts, verified)},
    {"time_appconnect", FACT_TIME, offsetof(struct facts, tls_us)},
    {"time_connect", FACT_TIME, offsetof(struct facts, connect_us)},
    {"time_namelookup", FACT_TIME, offsetof(struct facts, dns_us)},
    {"time_pretransfer", FACT_TIME, offsetof(struct facts, ready_us)},
    {"time_redirect", FACT_TIME, offsetof(struct facts, redirect_us)},
    {"time_starttransfer", FACT_TIME, offsetof(struct facts, first_byte_us)},
    {"time_total", FACT_TIME, offsetof(struct facts, end_us)},
    {"url", FACT_TEXT, offsetof(struct facts, url)},
    {"url_effective", FACT_TEXT, offsetof(struct facts, effective)},
    {"urlnum", FACT_NUMBER, offsetof(struct facts, number)},
};

#define FACTS (sizeof table / sizeof *table)

/* ---- the fields of the answer ---- */

static const char *next_field(const char **at, int *left)
{
    const char *name = *at;
    if (*left == 0)
        return NULL;

    --*left;
    *at = name + strlen(name) + 1;
    return name;
}

/* The first one; NULL: there is none. */
static const char *find_field(const struct seen *s, const char *name, size_t len)
{
    const char *at = s->fields.data, *field;
    int left = s->fields.no_memory ? 0 : s->nfields;

    while ((field = next_field(&at, &left))) {
        const char *value = at;
        at += strlen(at) + 1;
        if (strlen(field) == len && strncasecmp(field, name, len) == 0)
            return value;
    }
    return NULL;
}

void facts_add_header(struct text *to, const struct seen *s, const char *name, size_t len)
{
    const char *value = find_field(s, name, len);

    if (value)
        text_add_string(to, value);
}

/* ---- what the variables say ---- */

static int64_t per_second(uint64_t bytes, int64_t us)
{
    return us > 0 ? (int64_t)((double)bytes * 1e6 / (double)us) : 0;
}

/* 0: trusted, or there was nothing to be trusted. */
static int64_t verified(const struct seen *s)
{
    return s->is_untrusted ? 1 : s->see->is_insecure && s->is_tls ? NOT_KNOWN : 0;
}

static struct facts facts_of(const struct seen *s, const struct ending *end)
{
    bool is_asked = s->effective.len > 0;

    return (struct facts){
        .content_type = find_field(s, "Content-Type", sizeof "Content-Type" - 1),
        .error = end->text,
        .file = end->file,
        .version = !s->has_answer ? "0" : s->minor ? "1.1" : "1.0",
        .local = s->local,
        .method = is_asked ? s->method : NULL,
        .peer = s->peer,
        .scheme = !is_asked ? NULL : strncmp(text_string(&s->effective), "https:", 6) == 0 ? "HTTPS" : "HTTP",
        .url = s->url,
        .effective = is_asked ? text_string(&s->effective) : s->url,
        .exit_code = end->code,
        .status = s->has_answer ? s->status : 0,
        .local_port = s->local_port,
        .connects = s->connects,
        .headers = s->nfields,
        .redirects = s->redirects,
        .retries = s->retries,
        .peer_port = s->peer_port,
        .verified = verified(s),
        .number = (int64_t)s->number - 1,
        .download = (int64_t)s->download,
        .heads_in = (int64_t)s->heads_in,
        .heads_out = (int64_t)s->heads_out,
        .upload = (int64_t)s->upload,
        .download_speed = per_second(s->download, s->end_us),
        .upload_speed = per_second(s->upload, s->end_us),
        .tls_us = s->tls_us,
        .connect_us = s->connect_us,
        .dns_us = s->dns_us,
        .ready_us = s->ready_us,
        .redirect_us = s->redirect_us,
        .first_byte_us = s->first_byte_us,
        .end_us = s->end_us,
    };
}

static int64_t number_of(const struct facts *f, const struct fact *row)
{
    int64_t n;

    memcpy(&n, (const char *)f + row->offset, sizeof n);
    return n;
}

static const char *text_of(const struct facts *f, const struct fact *row)
{
    const char *text;

    memcpy(&text, (const char *)f + row->offset, sizeof text);
    return text && text[0] ? text : NULL;
}

static void add_number(struct text *to, const struct fact *row, int64_t n)
{
    if (row->kind == FACT_TIME)
        text_format(to, "%" PRId64 ".%06" PRId64, n / 1000000, n % 1000000);
    else
        text_format(to, row->kind == FACT_STATUS ? "%03" PRId64 : "%" PRId64, n);
}

static const struct fact *find(const char *name, size_t len)
{
    for (size_t i = 0; i < FACTS; i++)
        if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
            return &table[i];
    return NULL;
}

bool facts_know(const char *name, size_t len)
{
    return find(name, len);
}

void facts_list(struct text *to)
{
    for (size_t i = 0; i < FACTS; i++)
        text_format(to, "%s%s", i ? ", " : "", table[i].name);
}

void facts_add(struct text *to, const char *name, size_t len, const struct seen *s, const struct ending *end)
{
    const struct facts f = facts_of(s, end);
    const struct fact *row = find(name, len);

    if (row->kind == FACT_TEXT)
        text_add_string(to, text_of(&f, row) ? text_of(&f, row) : "");
    else if (number_of(&f, row) != NOT_KNOWN)
        add_number(to, row, number_of(&f, row));
}

void facts_add_json(struct text *to, const struct seen *s, const struct ending *end)
{
    const struct facts f = facts_of(s, end);
    struct text members = {0};

    for (size_t i = 0; i < FACTS; i++) {
        const struct fact *row = &table[i];
        int64_t n = row->kind == FACT_TEXT ? 0 : number_of(&f, row);
        if (row->kind == FACT_TEXT) {
            jsonl_add_member(&members, row->name, text_of(&f, row));
            continue;
        }
        text_format(&members, ",\"%s\":", row->name);
        if (n == NOT_KNOWN)
            text_add_string(&members, "null");
        else if (row->kind == FACT_STATUS)
            text_format(&members, "%" PRId64, n);
        else
            add_number(&members, row, n);
    }
    if (members.no_memory)
        to->no_memory = true;
    else
        text_format(to, "{%s}", members.data + 1); /* without the first comma */
    text_free(&members);
}
