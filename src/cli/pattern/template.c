/* SPDX-License-Identifier: MIT */
/*
 * template.c - file names out of a template.
 */
#include "cli/pattern/template.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS  "0123456789"

/* ---- reading ---- */

static struct template_part *new_part(struct template *t, enum template_kind kind)
{
    struct template_part *p = &t->parts[t->nparts++];

    p->kind = kind;
    t->has_variable |= kind != TEMPLATE_TEXT;
    t->needs_url |= kind >= TEMPLATE_HOST && kind <= TEMPLATE_EXT;
    t->needs_answer |= kind >= TEMPLATE_EXT;
    t->needs_end |= kind > TEMPLATE_EXT;
    t->needs_sha256 |= kind == TEMPLATE_SHA256;
    t->has_number |= kind == TEMPLATE_GLOB || kind == TEMPLATE_I || kind == TEMPLATE_N;
    return p;
}

static const struct {
    const char *name;
    enum template_kind kind;
} words[] = {
    {"i", TEMPLATE_I},         {"n", TEMPLATE_N},           {"date", TEMPLATE_DATE},     {"host", TEMPLATE_HOST},
    {"path", TEMPLATE_PATH},   {"name", TEMPLATE_NAME},     {"query", TEMPLATE_QUERY},   {"stem", TEMPLATE_STEM},
    {"ext", TEMPLATE_EXT},     {"status", TEMPLATE_STATUS}, {"sha256", TEMPLATE_SHA256},
};

static enum template_kind kind_of(const char *name, size_t len)
{
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
    text_format(why, "'%s': %.*s%s is no variable; there are {1}, {i}, {n}, {host}, {path}, {name}, {stem}, {ext}, "
                     "{query}, {date}, {status}, {sha256}, the names of globs, and widths such as {i:06}; {{ is a brace", t->source, (int)len, at, at[len] ? "}" : "");
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

/* curl's #1, and its #<page>: how long; 0: it is none. */
static size_t hash_length(const char *at)
{
    if (at[0] != '#')
        return 0;

    size_t len = strspn(at + 1, DIGITS), name = at[1] == '<' ? strspn(at + 2, LETTERS DIGITS) : 0;
    if (name > 0)
        return name < GLOB_NAME_MAX && at[2 + name] == '>' && !strchr(DIGITS, at[2]) ? name + 3 : 0;
    return len > 0 && at[1] != '0' ? len + 1 : 0;
}

static int read_hash(struct template *t, const char *at, const char **end, struct text *why)
{
    size_t len = hash_length(at);
    struct template_part *p = new_part(t, TEMPLATE_GLOB);

    *end = at + len;
    p->is_hash = true;
    if (at[1] == '<')
        memcpy(p->name, at + 2, len - 3);
    else
        p->glob = len <= 3 ? (int)strtol(at + 1, NULL, 10) : GLOB_MAX + 1;
    if (p->glob <= GLOB_MAX)
        return 0;
    text_format(why, "'%s': %.*s: a URL has %d globs at most", t->source, (int)len, at, GLOB_MAX);
    return EXIT_USAGE;
}

/* Text up to the next variable: how much of the source it took. */
static size_t read_text(struct template *t, const char *at, bool has_globs, char **out)
{
    const char *start = at, *begin = *out;

    for (; *at; at++) {
        bool is_twice = *at == '{' || *at == '}' || (has_globs && *at == '#' && hash_length(at + 1) > 0);
        if ((is_twice && at[1] != *at) || (has_globs && hash_length(at) > 0))
            break;
        *(*out)++ = *at;
        at += is_twice;
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

int template_parse(struct template *t, const char *source, bool has_globs, struct text *why)
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
        at += read_text(t, at, has_globs, &out);
        if (*at == '#')
            code = read_hash(t, at, &at, why);
        else if (*at == '}')
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

/* Nothing has names here, so that it is most likely a word that is wrong. */
static void no_such_word(const struct template *t, const struct template_part *p, struct text *why)
{
    struct nearest n = {.wanted = p->name};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        nearest_try(&n, words[i].name);
    text_format(why, "'%s': {%s} is no variable, and no glob has this name", t->source, p->name);
    if (n.best)
        text_format(why, "; did you mean {%s}?", n.best);
    else
        text_add_string(why, "; there are {i}, {n}, {date}, {host}, {path}, {name}, {stem}, {ext}, {query}, {status}, {sha256}");
}

/* "{1}", "#1", as it was written. */
static const char *shown(const struct template_part *p, char out[GLOB_NAME_MAX + 4])
{
    if (p->is_hash && p->glob > 0)
        snprintf(out, GLOB_NAME_MAX + 4, "#%d", p->glob);
    else
        snprintf(out, GLOB_NAME_MAX + 4, p->is_hash ? "#<%s>" : "{%s}", p->name);
    return out;
}

static int no_such_glob(const struct template *t, const struct template_part *p, const struct glob *g, struct text *why)
{
    char name[GLOB_NAME_MAX + 4];

    if (p->glob == 0 && !p->is_hash && (!g || g->nvars == 0))
        no_such_word(t, p, why);
    else if (!g)
        text_format(why, "'%s': %s is the value of a glob, and a list of URLs has none; {i} numbers them", t->source, shown(p, name));
    else if (g->nvars == 0)
        text_format(why, "'%s': %s is the value of a glob, such as [1-100], and a URL has none", t->source, shown(p, name));
    else if (p->glob > 0)
        text_format(why, "'%s': %s, but a URL has only %zu glob%s%s", t->source, shown(p, name), g->nvars, g->nvars == 1 ? "" : "s",
                    p->is_hash ? "; ## is a #" : "");
    else
        text_format(why, "'%s': no glob is called <%s>, and no variable %s", t->source, p->name, p->name);
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
        if (p->kind != TEMPLATE_GLOB || (!g && p->column > 0))
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
