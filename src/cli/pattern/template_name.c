/* SPDX-License-Identifier: MIT */
/*
 * template_name.c - the name that a template and a URL make.
 */
#include <stdio.h>
#include <string.h>

#include "cli/pattern/template.h"

#define INDEX "index.html"

/* Without empty components, which file systems do not see. */
static void add_path(const char *path, struct text *to)
{
    path += strspn(path, "/");
    size_t len = strlen(path);

    for (const char *c = path; *c; c++)
        if (*c != '/' || (c[1] && c[1] != '/'))
            text_add_char(to, *c);
    if (len == 0 || path[len - 1] == '/')
        text_add_string(to, len == 0 ? INDEX : "/" INDEX);
}

static const char *last_segment(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    return *name ? name : INDEX;
}

static void add_stem(const char *path, struct text *to)
{
    const char *name = last_segment(path);

    text_add(to, name, names_extension_at(name, strlen(name)));
}

/* The URL's own, or that of the answer. */
static void add_extension(const struct template_values *v, struct text *to)
{
    const char *name = last_segment(v->path);
    size_t dot = names_extension_at(name, strlen(name));

    if (name[dot] == '.')
        text_add_string(to, name + dot + 1);
    else
        text_add_string(to, v->extension ? v->extension + 1 : "{ext}");
}

/* One component, whatever is in it. */
static void add_query(const char *query, struct text *to)
{
    for (; *query; query++) {
        if (names_is_plain(*query))
            text_add_char(to, *query);
        else
            text_format(to, "%%%02X", (unsigned char)*query);
    }
}

static void add_status(int status, struct text *to)
{
    if (status > 0)
        text_format(to, "%d", status);
    else
        text_add_string(to, "{status}");
}

static void add_glob(const struct glob_part *g, uint64_t which, int width, struct text *to)
{
    if (width > g->width)
        text_add_number(to, g->first + (uint64_t)g->step * which, width);
    else
        glob_add_value(g, which, to);
}

/* What the entry of a list says in place of the URL's own. */
static const char *column_of(const struct template_part *p, const struct template_values *v)
{
    const char *value = p->column > 0 && v->columns ? v->columns[p->column - 1] : NULL;

    return value && *value ? value : NULL;
}

const struct template_part *template_lacks(const struct template *t, const struct template_values *v)
{
    for (size_t i = 0; i < t->nparts && !v->glob; i++)
        if (t->parts[i].kind == TEMPLATE_GLOB && !column_of(&t->parts[i], v))
            return &t->parts[i];
    return NULL;
}

void template_add_name(const struct template *t, const struct template_values *v, struct text *to)
{
    for (size_t i = 0; i < t->nparts; i++) {
        const struct template_part *p = &t->parts[i];
        const char *column = column_of(p, v);
        if (column) {
            text_add_string(to, column);
            continue;
        }
        switch (p->kind) {
        case TEMPLATE_TEXT:
            text_add(to, p->text, p->len);
            break;
        case TEMPLATE_GLOB:
            add_glob(v->glob->vars[v->binding->glob[i]], v->which[v->binding->glob[i]], p->width, to);
            break;
        case TEMPLATE_I:
        case TEMPLATE_N:
            text_add_number(to, v->number + (p->kind == TEMPLATE_N), p->width);
            break;
        case TEMPLATE_HOST:
            text_add_string(to, v->host);
            break;
        case TEMPLATE_PATH:
            add_path(v->path, to);
            break;
        case TEMPLATE_NAME:
            text_add_string(to, last_segment(v->path));
            break;
        case TEMPLATE_STEM:
            add_stem(v->path, to);
            break;
        case TEMPLATE_QUERY:
            add_query(v->query, to);
            break;
        case TEMPLATE_EXT:
            add_extension(v, to);
            break;
        case TEMPLATE_DATE:
            text_add_string(to, v->date);
            break;
        case TEMPLATE_STATUS:
            add_status(v->status, to);
            break;
        case TEMPLATE_SHA256:
            text_add_string(to, v->sha256 ? v->sha256 : "{sha256}");
            break;
        }
    }
}

const char *template_name_fault(const char *name, size_t root_len)
{
    const char *at = name + (root_len < strlen(name) ? root_len : strlen(name));

    for (;;) {
        size_t len = strcspn(at, "/");
        if (len == 0)
            return at[len] ? "an empty name between two slashes" : at == name ? "an empty name" : "a file name is missing behind the slash";
        if (len == 1 && at[0] == '.')
            return "'.' is the directory itself, and no name";
        if (len == 2 && at[0] == '.' && at[1] == '.')
            return "it leads out of its directory";
        if (len > NAMES_BYTES_MAX)
            return "a name is longer than 255 bytes";
        if (at[len] == '\0')
            return NULL;
        at += len + 1;
    }
}
