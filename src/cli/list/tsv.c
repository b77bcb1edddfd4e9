/* SPDX-License-Identifier: MIT */
/*
 * tsv.c - fields with tabs between, and what they are: --columns url,name,header:X-Token, or a head line.
 *
 * url name dir method header body body_b64 json mean what they say, header:NAME is the value of that header; any other
 * name is a variable for -o, and so are these.  An empty field says nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/list/list.h"
#include "cli/request/request.h"

static const struct {
    const char *name;
    int kind;
    enum item item;
} words[] = {
    {"url", COLUMN_URL, 0}, {"name", COLUMN_ITEM, ITEM_NAME}, {"out", COLUMN_ITEM, ITEM_NAME}, {"dir", COLUMN_ITEM, ITEM_DIR},
    {"method", COLUMN_ITEM, ITEM_METHOD}, {"header", COLUMN_ITEM, ITEM_HEADER}, {"body", COLUMN_ITEM, ITEM_BODY},
    {"body_b64", COLUMN_BASE64, 0}, {"json", COLUMN_ITEM, ITEM_JSON},
};

int list_variable(const struct list_rules *rules, const char *name, size_t len)
{
    for (int i = 0; i < rules->nvariables; i++)
        if (strlen(rules->variables[i]) == len && memcmp(rules->variables[i], name, len) == 0)
            return i;
    return -1;
}

/* ---- columns ---- */

static void set_column(struct column *c, const struct list_rules *rules, const char *name)
{
    *c = (struct column){.kind = COLUMN_OTHER, .name = name, .variable = list_variable(rules, name, strlen(name))};
    if (strncasecmp(name, "header:", 7) == 0) {
        c->kind = COLUMN_HEADER;
        c->header = name + 7;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i].name, name) == 0) {
            c->kind = words[i].kind;
            c->item = words[i].item;
        }
}

static bool is_repeated(const struct columns *c, const struct column *last)
{
    if (!last->name[0] || (last->kind == COLUMN_ITEM && last->item == ITEM_HEADER))
        return false;
    for (const struct column *p = c->at; p < last; p++)
        if (strcasecmp(p->name, last->name) == 0)
            return true;
    return false;
}

static const char *check_columns(const struct columns *c, struct text *why)
{
    bool has_url = false;

    for (size_t i = 0; i < c->n; i++) {
        const struct column *p = &c->at[i];
        has_url |= p->kind == COLUMN_URL;
        if (is_repeated(c, p))
            text_format(why, "the column %s stands there twice", p->name);
        else if (p->kind == COLUMN_HEADER && (!request_is_token(p->header, strlen(p->header)) || request_is_framing(p->header)))
            text_format(why, "%s is no header that a list can set", p->name);
        if (why->len > 0 || why->no_memory)
            return why->no_memory ? extras_no_memory : why->data;
    }
    return has_url ? NULL : "no column is called url";
}

/* Cut `texts` into names, in place. */
static char *next_name(char **rest, char separator)
{
    char *name = *rest + strspn(*rest, " "), *end = strchr(name, separator);

    *rest = end ? end + 1 : NULL;
    end = end ? end : name + strlen(name);
    while (end > name && (end[-1] == ' ' || end[-1] == '\r'))
        end--;
    *end = '\0';
    return name;
}

const char *columns_parse(struct columns *c, const struct list_rules *rules, const char *names, size_t len, char separator,
                          struct text *why)
{
    *c = (struct columns){.texts = strndup(names, len)};
    if (!c->texts)
        return extras_no_memory;
    for (char *rest = c->texts; rest;) {
        if (c->n == LIST_COLUMNS) {
            text_format(why, "more than %d columns", LIST_COLUMNS);
            return why->no_memory ? extras_no_memory : why->data;
        }
        set_column(&c->at[c->n], rules, next_name(&rest, separator));
        c->n++;
    }
    return check_columns(c, why);
}

void columns_free(struct columns *c)
{
    free(c->texts);
    *c = (struct columns){0};
}

bool columns_is_head(const char *line, size_t len, char separator)
{
    bool found = false;

    while (len > 0 && !found) {
        const char *end = memchr(line, separator, len);
        size_t n = end ? (size_t)(end - line) : len;
        found = n == 3 && strncasecmp(line, "url", 3) == 0;
        len -= end ? n + 1 : n;
        line += end ? n + 1 : n;
    }
    return found;
}

/* ---- a line ---- */

static void add_field(struct draft *d, const struct column *c, const char *field, size_t len)
{
    if (c->variable >= 0)
        draft_add_value(d, c->variable, field, len);
    if (c->kind == COLUMN_ITEM)
        draft_add(d, c->item, field, len);
    else if (c->kind == COLUMN_BASE64)
        draft_add_base64(d, field, len);
    else if (c->kind == COLUMN_HEADER)
        draft_add_header(d, c->header, field, len);
}

void tsv_parse(struct draft *d, const struct columns *c, const char *line, size_t len, const char **url, size_t *url_len)
{
    size_t fields = 0;

    *url_len = 0;
    for (const char *at = line, *end = line + len; at; fields++) {
        const char *tab = memchr(at, '\t', (size_t)(end - at));
        size_t n = tab ? (size_t)(tab - at) : (size_t)(end - at);
        const struct column *p = fields < c->n ? &c->at[fields] : NULL;
        if (p && p->kind == COLUMN_URL) {
            *url = at;
            *url_len = n;
        }
        if (p && n > 0)
            add_field(d, p, at, n);
        if (!p && n > 0)
            draft_fault(d, "a field number %zu, but there are %zu columns: see --columns", fields + 1, c->n);
        at = tab ? tab + 1 : NULL;
    }
    if (*url_len == 0)
        draft_fault(d, "the field of the column url is empty");
}
