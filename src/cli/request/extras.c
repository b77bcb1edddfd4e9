/* SPDX-License-Identifier: MIT */
/*
 * extras.c - what an entry of a list says besides its URL.
 */
#include "cli/request/extras.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/pattern/names.h"
#include "cli/request/request.h"

const char extras_no_memory[] = "out of memory";

/* ---- drafts ---- */

void draft_clear(struct draft *d)
{
    text_clear(&d->bytes);
    text_clear(&d->why);
    d->n = 0;
    d->fault = NULL;
}

void draft_free(struct draft *d)
{
    text_free(&d->bytes);
    text_free(&d->why);
    draft_clear(d);
}

/* Whatever else is wrong. */
void draft_no_memory(struct draft *d)
{
    d->fault = extras_no_memory;
}

void draft_fault(struct draft *d, const char *format, ...)
{
    char text[256];
    va_list args;

    if (d->fault)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_clear(&d->why);
    text_add_string(&d->why, text);
    d->fault = d->why.no_memory ? extras_no_memory : d->why.data;
}

/* The place of an item that there is once. */
static size_t place_of(const struct draft *d, enum item item)
{
    bool is_single = item == ITEM_NAME || item == ITEM_DIR || item == ITEM_METHOD;

    for (size_t i = 0; is_single && i < d->n; i++)
        if (d->items[i].item == item)
            return i;
    return d->n;
}

/* Room for an item that was begun at d->bytes.data + at. */
static void end_item(struct draft *d, enum item item, int which, size_t at)
{
    size_t i = place_of(d, item), len = d->bytes.len - at;

    text_add_char(&d->bytes, '\0');
    if (i == DRAFT_ITEMS)
        draft_fault(d, "more than %d values for one URL", DRAFT_ITEMS);
    else if (d->bytes.len > DRAFT_BYTES + DRAFT_ITEMS)
        draft_fault(d, "more than %d bytes for one URL", DRAFT_BYTES);
    else if (d->bytes.no_memory)
        draft_no_memory(d);
    if (d->fault)
        return;
    d->items[i].item = item;
    d->items[i].which = which;
    d->items[i].at = at;
    d->items[i].len = len;
    d->n += i == d->n;
}

void draft_add_value(struct draft *d, int which, const char *data, size_t len)
{
    size_t at = d->bytes.len;

    text_add(&d->bytes, data, len);
    end_item(d, ITEM_VALUE, which, at);
}

void draft_add(struct draft *d, enum item item, const char *data, size_t len)
{
    size_t at = d->bytes.len;

    while ((item == ITEM_DIR || item == ITEM_NAME) && len >= 2 && memcmp(data, "./", 2) == 0) {
        data += 2;
        len -= 2;
    }
    len -= item == ITEM_DIR && len == 1 && *data == '.';
    text_add(&d->bytes, data, len);
    end_item(d, item, -1, at);
}

void draft_add_header(struct draft *d, const char *name, const char *value, size_t len)
{
    size_t at = d->bytes.len;

    if (!request_is_token(name, strlen(name))) {
        draft_fault(d, "the name of a header is no word");
        return;
    }
    text_add_string(&d->bytes, name);
    text_add_string(&d->bytes, ": ");
    text_add(&d->bytes, value, len);
    end_item(d, ITEM_HEADER, -1, at);
}

/* ---- base64: RFC 4648 4, also without its = ---- */

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

void draft_add_base64(struct draft *d, const char *data, size_t len)
{
    size_t at = d->bytes.len, n = len;
    uint32_t bits = 0;

    while (n > 0 && len - n < 2 && data[n - 1] == '=')
        n--;
    bool is_good = n % 4 != 1 && (n == len || len % 4 == 0);
    for (size_t i = 0; i < n && is_good; i++) {
        int digit = digit_of(data[i]);
        is_good = digit >= 0;
        bits = bits << 6 | (uint32_t)(digit & 63);
        if (i % 4 > 0)
            text_add_char(&d->bytes, (char)(bits >> (6 - 2 * (i % 4)) & 255));
    }
    if (is_good)
        end_item(d, ITEM_BODY, -1, at);
    else
        draft_fault(d, "body_b64 is no base64");
}

/* ---- what is wrong ---- */

static const char *check_path(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return "a control character in a file name";
    return NULL;
}

/* Whatever is checked later, these name files. */
static const char *check_name(const char *text, size_t len)
{
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, "/");
        if ((n == 0 && at == text && len > 0) || (n == 2 && at[0] == '.' && at[1] == '.'))
            return "its file name leads out of the directory";
        at += n;
        if (!*at)
            return check_path(text, len);
    }
}

static const char *check_item(const struct draft *d, size_t i)
{
    const char *text = d->bytes.data + d->items[i].at;
    size_t len = d->items[i].len;
    enum item item = d->items[i].item;

    if (item != ITEM_BODY && strlen(text) != len)
        return "a NUL byte";
    if (item == ITEM_VALUE)
        return check_path(text, len);
    if (item == ITEM_NAME || item == ITEM_DIR)
        return check_name(text, len);
    if (item == ITEM_METHOD && !request_is_method(text, len))
        return "its method is none, such as GET or POST";
    return NULL;
}

/* The value of a header is a secret, perhaps: only its name is said. */
static void check_header(struct draft *d, const char *text)
{
    bide_pair pair;
    size_t len = strcspn(text, ":");
    char *copy = strdup(text);

    if (!copy)
        draft_no_memory(d);
    else if (!text[len] || !request_is_token(text, len))
        draft_fault(d, "a header is no 'Name: value'");
    else if (!request_split_header(copy, &pair))
        draft_fault(d, "header %.*s: a control character in its value", (int)len, text);
    else if (request_is_framing(pair.name))
        draft_fault(d, "header %s: it is written by bide, from the body", pair.name);
    else if (strcasecmp(pair.name, "Host") == 0 && !pair.value[0])
        draft_fault(d, "header Host: a request has exactly one");
    free(copy);
}

static const char *check(struct draft *d)
{
    int bodies = 0;

    for (size_t i = 0; i < d->n && !d->fault; i++) {
        bodies += d->items[i].item == ITEM_BODY || d->items[i].item == ITEM_JSON;
        const char *fault = check_item(d, i);
        if (fault)
            draft_fault(d, "%s", fault);
        else if (d->items[i].item == ITEM_HEADER)
            check_header(d, d->bytes.data + d->items[i].at);
    }
    if (bodies > 1)
        draft_fault(d, "more than one body");
    return d->fault;
}

/* ---- one block ---- */

static size_t count(const struct draft *d, enum item item)
{
    size_t n = 0;

    for (size_t i = 0; i < d->n; i++)
        n += d->items[i].item == item;
    return n;
}

/* The method is compared with that of the options, which are not known here. */
static bool is_sent(enum item item)
{
    return item == ITEM_HEADER || item == ITEM_BODY || item == ITEM_JSON || item == ITEM_MIRROR;
}

static uint64_t hash_of(const struct draft *d)
{
    uint64_t h = 0;

    for (size_t i = 0; i < d->n; i++) {
        if (!is_sent(d->items[i].item))
            continue;
        uint64_t of_item = names_hash(d->bytes.data + d->items[i].at, d->items[i].len);
        h = (h ^ of_item ^ (uint64_t)(d->items[i].item + 1)) * 0x9e3779b97f4a7c15u;
    }
    return h;
}

static void set_body(struct extras *x, char *text, size_t len, bool is_json)
{
    x->body = (bide_bytes){text, len};
    x->is_json = is_json;
}

/* One item into its place.  Those of a kind come one after the other: how many there were is counted in n. */
static void set_item(struct extras *x, enum item item, int which, char *text, size_t len, size_t n[])
{
    switch (item) {
    case ITEM_NAME:
        x->name = len > 0 ? text : NULL;
        break;
    case ITEM_DIR:
        x->dir = len > 0 ? text : NULL;
        break;
    case ITEM_METHOD:
        x->method = text;
        break;
    case ITEM_HEADER:
        request_split_header(text, &x->headers[n[item]++]);
        break;
    case ITEM_BODY:
    case ITEM_JSON:
        set_body(x, text, len, item == ITEM_JSON);
        break;
    case ITEM_MIRROR:
        x->mirrors[n[item]++] = text;
        break;
    case ITEM_VALUE:
        x->values[which] = text;
        break;
    }
}

const char *extras_new(struct draft *d, int nvalues, struct extras **out)
{
    size_t headers = count(d, ITEM_HEADER), mirrors = count(d, ITEM_MIRROR), counts[ITEM_VALUE + 1] = {0};
    bool has_values = count(d, ITEM_VALUE) > 0;
    const char *fault = check(d);

    *out = NULL;
    if (fault || d->n == 0)
        return fault;
    headers += headers > 0; /* an end to each row */
    mirrors += mirrors > 0;
    size_t pointers = mirrors + (has_values ? (size_t)nvalues : 0);
    size_t bytes = sizeof(struct extras) + headers * sizeof(bide_pair) + pointers * sizeof(char *) + d->bytes.len;
    struct extras *x = calloc(1, bytes);
    if (!x)
        return extras_no_memory;

    x->bytes = bytes;
    x->hash = hash_of(d);
    bide_pair *pairs = (bide_pair *)(x + 1);
    const char **rest = (const char **)(pairs + headers);
    char *texts = (char *)(rest + pointers);
    x->headers = headers > 0 ? pairs : NULL;
    x->mirrors = mirrors > 0 ? rest : NULL;
    x->values = has_values ? rest + mirrors : NULL;
    memcpy(texts, d->bytes.data, d->bytes.len);
    for (size_t i = 0; i < d->n; i++)
        set_item(x, d->items[i].item, d->items[i].which, texts + d->items[i].at, d->items[i].len, counts);
    *out = x;
    return NULL;
}

const char *extras_keep_fault(const char *fault, struct extras **out)
{
    size_t len = strlen(fault) + 1;
    struct extras *x = calloc(1, sizeof *x + len);

    *out = x;
    if (!x)
        return extras_no_memory;
    x->bytes = sizeof *x + len;
    return memcpy(x + 1, fault, len);
}
