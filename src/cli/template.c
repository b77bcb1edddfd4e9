/* SPDX-License-Identifier: MIT */
/*
 * template.c - file names out of a template.
 */
#include "cli/template.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS  "0123456789"
#define INDEX   "index.html"

/* ---- reading ---- */

static struct template_part *new_part(struct template *t, enum template_kind kind)
{
    struct template_part *p = &t->parts[t->nparts++];

    p->kind = kind;
    t->has_variable |= kind != TEMPLATE_TEXT;
    t->needs_url |= kind == TEMPLATE_HOST || kind == TEMPLATE_PATH || kind == TEMPLATE_NAME;
    return p;
}

static enum template_kind kind_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        enum template_kind kind;
    } words[] = {{"i", TEMPLATE_I}, {"n", TEMPLATE_N}, {"host", TEMPLATE_HOST}, {"path", TEMPLATE_PATH}, {"name", TEMPLATE_NAME}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].name) == len && memcmp(words[i].name, name, len) == 0)
            return words[i].kind;
    return TEMPLATE_GLOB;
}

static bool is_number(enum template_kind kind)
{
    return kind == TEMPLATE_I || kind == TEMPLATE_N || kind == TEMPLATE_GLOB;
}

/* ":06" */
static const char *read_width(const char *at, struct template_part *p)
{
    size_t digits = strspn(at + 1, DIGITS);

    if (at[1] != '0' || digits < 2 || digits > 3)
        return NULL;
    for (size_t i = 1; i <= digits; i++)
        p->width = p->width * 10 + (at[i] - '0');
    return p->width >= 1 && p->width <= TEMPLATE_DIGITS ? at + 1 + digits : NULL;
}

static int bad_variable(const struct template *t, const char *at, struct text *why)
{
    size_t len = strcspn(at, "}");

    if (*at == '{' && at[len] == '\0') {
        text_format(why, "'%s': column %zu: the } of this brace is missing; {{ is a brace", t->source, (size_t)(at - t->source) + 1);
        return EXIT_USAGE;
    }
    text_format(why, "'%s': %.*s%s is no variable; there are {1}, {i}, {n}, {host}, {path}, {name}, the names of globs, "
                     "and widths such as {i:06}; {{ is a brace", t->source, (int)len, at, at[len] ? "}" : "");
    return EXIT_USAGE;
}

/* at is behind the brace.  *end: behind the closing one. */
static int read_variable(struct template *t, const char *at, const char **end, struct text *why)
{
    size_t len = strspn(at, LETTERS DIGITS);
    bool numbered = strspn(at, DIGITS) == len;
    if (len == 0 || len >= GLOB_NAME_MAX || (!numbered && strchr(DIGITS, *at)))
        return bad_variable(t, at - 1, why);

    struct template_part *p = new_part(t, kind_of(at, len));
    memcpy(p->name, at, len);
    if (numbered)
        p->glob = len <= 2 ? (int)strtol(p->name, NULL, 10) : GLOB_MAX + 1;
    if (numbered && (p->glob < 1 || p->glob > GLOB_MAX))
        return bad_variable(t, at - 1, why);
    const char *rest = at + len;
    if (*rest == ':')
        rest = is_number(p->kind) ? read_width(rest, p) : NULL;
    if (!rest || *rest != '}')
        return bad_variable(t, at - 1, why);
    *end = rest + 1;
    return 0;
}

/* Text up to the next variable: how much of the source it took. */
static size_t read_text(struct template *t, const char *at, char **out)
{
    const char *start = at, *begin = *out;

    for (; *at; at++) {
        bool is_brace = *at == '{' || *at == '}';
        if (is_brace && at[1] != *at)
            break;
        *(*out)++ = *at;
        at += is_brace;
    }
    if (*out > begin) {
        struct template_part *p = new_part(t, TEMPLATE_TEXT);
        p->text = begin;
        p->len = (size_t)(*out - begin);
    }
    return (size_t)(at - start);
}

static void find_root(struct template *t)
{
    const struct template_part *p = &t->parts[0];

    if (p->kind == TEMPLATE_TEXT)
        for (t->root_len = p->len; t->root_len > 0 && p->text[t->root_len - 1] != '/'; t->root_len--)
            ;
}

int template_parse(struct template *t, const char *source, struct text *why)
{
    int code = 0;

    *t = (struct template){.source = source, .texts = malloc(strlen(source) + 1)};
    char *out = t->texts;
    if (!out) {
        text_add_string(why, "out of memory");
        return EXIT_LOCAL;
    }
    for (const char *at = source; *at && code == 0; ) {
        if (t->nparts + 2 > TEMPLATE_PARTS) {
            text_format(why, "'%s': more than %d parts", source, TEMPLATE_PARTS - 2);
            return EXIT_USAGE;
        }
        at += read_text(t, at, &out);
        if (*at == '}')
            code = bad_variable(t, at, why);
        else if (*at)
            code = read_variable(t, at + 1, &at, why);
    }
    if (code == 0 && t->nparts == 0) {
        text_add_string(why, "'': an empty file name");
        return EXIT_USAGE;
    }
    find_root(t);
    return code;
}

void template_free(struct template *t)
{
    free(t->texts);
    *t = (struct template){0};
}

/* ---- binding ---- */

static int no_such_glob(const struct template *t, const struct template_part *p, const struct glob *g, struct text *why)
{
    if (!g)
        text_format(why, "'%s': {%s} is the value of a glob, and a list of URLs has none; {i} numbers them", t->source, p->name);
    else if (g->nvars == 0)
        text_format(why, "'%s': {%s} is the value of a glob, such as [1-100], and a URL has none", t->source, p->name);
    else if (p->glob > 0)
        text_format(why, "'%s': {%s}, but a URL has only %zu glob%s", t->source, p->name, g->nvars, g->nvars == 1 ? "" : "s");
    else
        text_format(why, "'%s': no glob is called <%s>", t->source, p->name);
    return EXIT_USAGE;
}

static int find_glob(const struct template_part *p, const struct glob *g)
{
    if (!g)
        return -1;
    if (p->glob > 0)
        return p->glob <= (int)g->nvars ? p->glob - 1 : -1;
    for (size_t i = 0; i < g->nvars; i++)
        if (strcmp(g->vars[i]->name, p->name) == 0)
            return (int)i;
    return -1;
}

int template_bind(const struct template *t, const struct glob *g, struct template_binding *b, struct text *why)
{
    for (size_t i = 0; i < t->nparts; i++) {
        const struct template_part *p = &t->parts[i];
        b->glob[i] = p->kind == TEMPLATE_GLOB ? find_glob(p, g) : -1;
        if (p->kind != TEMPLATE_GLOB)
            continue;
        if (b->glob[i] < 0)
            return no_such_glob(t, p, g, why);
        if (p->width > 0 && g->vars[b->glob[i]]->kind != GLOB_NUMBERS) {
            text_format(why, "'%s': {%s:0%d} pads numbers, and the values of this glob are texts", t->source, p->name, p->width);
            return EXIT_USAGE;
        }
    }
    return 0;
}

/* ---- names ---- */

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

static void add_last_segment(const char *path, struct text *to)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    text_add_string(to, *name ? name : INDEX);
}

static void add_glob(const struct glob_part *g, uint64_t which, int width, struct text *to)
{
    if (width > g->width)
        text_add_number(to, g->first + (uint64_t)g->step * which, width);
    else
        glob_add_value(g, which, to);
}

void template_add_name(const struct template *t, const struct template_values *v, struct text *to)
{
    for (size_t i = 0; i < t->nparts; i++) {
        const struct template_part *p = &t->parts[i];
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
            add_last_segment(v->path, to);
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
