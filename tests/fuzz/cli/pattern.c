/* SPDX-License-Identifier: MIT */
/*
 * pattern.c - fuzz target: URL patterns, templates of file names, and the names that come out.
 *
 * The first line is a pattern, the second a template, the third a path, the fourth a host and the fifth a query as a URL has
 * them.  A pattern has as many URLs as it says; no name leads out of its directory or is longer than file systems have it; and where it is
 * proven that all names are different, they are.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/pattern/names.h"
#include "cli/pattern/nameset.h"
#include "cli/pattern/template.h"
#include "cli/pattern/unique.h"

#define NAMES 300 /* of a pattern that are looked at */
#define LINES 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    char *lines[LINES];
    struct glob glob;
    struct template template;
    struct template_binding binding;
};

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

/* Each line in memory of its own, so that the sanitizer sees an over-read; a NUL ends it. */
static void split(struct input *in, const char *data, size_t size)
{
    for (size_t i = 0; i < LINES; i++) {
        const char *end = size > 0 ? memchr(data, '\n', size) : NULL;
        size_t len = end ? (size_t)(end - data) : size;
        in->lines[i] = strndup(data ? data : "", len);
        data += len + (end != NULL);
        size -= len + (end != NULL);
    }
}

/* ---- patterns ---- */

static void check_values(const struct glob *g, const uint64_t *which)
{
    struct text value = {0};

    for (size_t i = 0; i < g->nvars; i++) {
        must(which[i] < g->vars[i]->count);
        text_clear(&value);
        glob_add_value(g->vars[i], which[i], &value);
        must(!value.no_memory && (g->vars[i]->kind != GLOB_LETTERS || value.len == 1));
        must(g->vars[i]->kind != GLOB_NUMBERS || (value.len > 0 && value.len <= 19 && strspn(value.data, "0123456789") == value.len));
    }
    text_free(&value);
}

/* The k-th URL, out of its values and directly. */
static void check_nth(const struct glob *g, uint64_t k)
{
    uint64_t which[GLOB_MAX] = {0}, again = 0;
    struct text a = {0}, b = {0};

    glob_pick(g, k, which);
    check_values(g, which);
    for (size_t i = 0; i < g->nvars; i++)
        again = again * g->vars[i]->count + which[i];
    must(again == k);
    glob_add_url(g, which, &a);
    glob_add_nth(g, k, &b);
    must(a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0));
    text_free(&a);
    text_free(&b);
}

static void check_glob(const struct glob *g)
{
    uint64_t product = 1;

    must(g->count >= 1 && g->count <= INT64_MAX && g->nvars <= GLOB_MAX);
    for (size_t i = 0; i < g->nvars; i++)
        product *= g->vars[i]->count;
    must(product == g->count);
    check_nth(g, 0);
    check_nth(g, g->count / 2);
    check_nth(g, g->count - 1);
}

/* ---- names ---- */

static bool leads_out(const char *name)
{
    for (const char *at = name; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            return true;
    return false;
}

/* As fetch_name.c makes it.  false: no file can have this name. */
static bool make_name(const struct input *in, uint64_t k, struct text *name)
{
    const struct template *t = &in->template;
    uint64_t which[GLOB_MAX] = {0};
    struct template_values v = {.glob = &in->glob, .which = which, .binding = &in->binding, .number = k,
                                .host = in->lines[3], .path = in->lines[2], .query = in->lines[4],
                                .date = "20261129"};

    text_clear(name);
    glob_pick(&in->glob, k, which);
    template_add_name(t, &v, name);
    if (t->has_variable)
        names_shorten(name, t->root_len);
    must(!name->no_memory);
    const char *text = text_string(name);
    if (template_name_fault(text, t->root_len))
        return false;
    must(name->len > t->root_len && (t->root_len == 0 || memcmp(text, t->parts[0].text, t->root_len) == 0));
    must(!leads_out(text + t->root_len) && text[t->root_len] != '/');
    for (const char *at = text + t->root_len; *at; at += strcspn(at, "/") + (at[strcspn(at, "/")] == '/'))
        must(strcspn(at, "/") <= NAMES_BYTES_MAX);
    return true;
}

static void check_names(const struct input *in)
{
    struct unique_sources sources = {.globs = &in->glob, .bindings = &in->binding, .n = 1, .count = in->glob.count};
    bool is_proven = unique_is_proven(&in->template, &sources);
    struct text name = {0};
    struct nameset seen;

    nameset_init(&seen, NAMES);
    for (uint64_t k = 0; k < in->glob.count && k < NAMES; k++)
        if (make_name(in, k, &name))
            must(nameset_add(&seen, name.data, name.len) == NAMESET_NEW || !is_proven);
    if (make_name(in, in->glob.count - 1, &name) && in->glob.count > NAMES)
        must(nameset_add(&seen, name.data, name.len) != NAMESET_THERE || !is_proven);
    nameset_free(&seen);
    text_free(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.lines = {NULL}};
    struct text why = {0};

    split(&in, (const char *)data, size);
    int code = glob_parse(&in.glob, in.lines[0], false, &why);
    if (code == EXIT_OK)
        check_glob(&in.glob);
    else
        must(code == EXIT_USAGE && why.len > 0);
    text_clear(&why);
    int read = template_parse(&in.template, in.lines[1], code == EXIT_OK && in.glob.nvars > 0, &why);
    if (code == EXIT_OK && read == EXIT_OK) {
        read = template_bind(&in.template, &in.glob, &in.binding, &why);
        if (read == EXIT_OK && in.lines[2][0] == '/')
            check_names(&in);
    }
    must(read == EXIT_OK || (read == EXIT_USAGE && why.len > 0));
    template_free(&in.template);
    glob_free(&in.glob);
    text_free(&why);
    for (size_t i = 0; i < LINES; i++)
        free(in.lines[i]);
    return 0;
}
