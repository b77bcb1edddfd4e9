/* SPDX-License-Identifier: MIT */
/*
 * clash.c - two different URLs that would be saved as one file.
 *
 * Names of -O are different by what they are made of (pattern/names.h), if no list gives them, and most templates prove
 * themselves (pattern/unique.c).  Where that fails, or texts could make a name that no file can have, or one that is
 * the directory of another, the names of the first URLs are made before the first request: a template that is wrong is
 * wrong for most.  Those behind them are looked up as they come, in a table of hashes with a ceiling, and the later of
 * two fails.  --dry-run looks at all.
 */
#include <string.h>
#include <sys/stat.h>

#include "cli/fetch/plan/plan.h"
#include "cli/fetch/report/report.h"
#include "cli/pattern/unique.h"

#define FIRST_NAMES 32768 /* looked at before the first request: some 50 ms */
#define PROVEN_NAMES ((uint64_t)1 << 20) /* the same for --dry-run, of a template that proves itself */
#define PLAN_NAMES ((size_t)3 << 20) /* kept for --dry-run: 32 MiB, and as much for directories */
#define RUN_NAMES  ((size_t)3 << 18) /* 8 MiB, while it runs */
#define RUN_DIRECTORIES ((size_t)3 << 17)

static bool has_list(const struct fetch *f)
{
    return f->options->inputs.len > 0;
}

static bool is_proven(const struct fetch *f)
{
    const struct source *s = &f->source;
    struct unique_sources sources = {.globs = s->globs, .bindings = s->bindings, .n = (size_t)s->nglobs,
                                     .has_list = has_list(f)};

    for (int i = 0; i < s->nglobs; i++)
        if (__builtin_add_overflow(sources.count, s->globs[i].count, &sources.count))
            return false;
    return f->naming.has_template && unique_is_proven(&f->naming.template, &sources);
}

/* ---- saying it ---- */

static const char *advice(const struct fetch *f)
{
    if (f->naming.directory)
        return "; -o with {i} numbers them";
    size_t globs = f->source.nglobs == 1 && !has_list(f) ? f->source.globs[0].nvars : 0;
    return globs > 1 ? "; name every glob in -o, or add {i}" : globs == 1 ? "; add {1} or {i} to -o" : "; add {i} to -o";
}

static int all_the_same(const struct fetch *f)
{
    const char *name = f->naming.template.source;

    if (has_list(f))
        say("all URLs would be saved as %s%s", name, advice(f));
    else
        say("%llu URLs would be saved as %s%s", (unsigned long long)f->stats.total, name, advice(f));
    return EXIT_USAGE;
}

/* ---- making all names ---- */

struct walk {
    struct fetch *f;
    struct nameset names, directories;
    struct job job;   /* of a pattern or a list, as source_next makes it */
    struct text name, twin_of; /* twin_of: look for its first owner; empty: look for twins */
    const char *fault; /* what is wrong with w->name */
    size_t in_way;     /* so much of w->name is a file's name, and a directory's */
    bool no_memory;
    bool is_full;
    bool is_twin;      /* another URL has the name */
    uint64_t left;     /* so many are looked at */
};

/* " (the other is list.txt:7)" */
static void add_other_place(struct text *t, const struct job *other)
{
    if (other->list)
        text_format(t, " (the other is %s:%llu)", other->list, (unsigned long long)other->line);
}

static int found_twin(const struct walk *w, const struct job *first, const struct job *second)
{
    struct text t = {0};

    report_add_place(&t, second);
    report_add_url(&t, text_string(&first->url));
    text_add_string(&t, " and ");
    report_add_url(&t, text_string(&second->url));
    text_format(&t, " would both be saved as %s%s", w->twin_of.data, advice(w->f));
    add_other_place(&t, first);
    say("%s", text_string(&t));
    text_free(&t);
    return EXIT_USAGE;
}

/* "a" and "a/b": a is a file and a directory.  What -O calls a file is not known yet, unless its list says it. */
static bool is_in_way(struct walk *w)
{
    const char *name = w->name.data;
    const struct naming *n = &w->f->naming;
    bool has_directories = n->has_template || fetch_is_named_by_list(n, &w->job);

    for (size_t i = n->has_template ? n->template.root_len : n->root.len; has_directories && i < w->name.len; i++) {
        enum nameset_answer a = name[i] == '/' ? nameset_add(&w->directories, name, i) : NAMESET_THERE;
        w->no_memory |= a == NAMESET_NO_MEMORY;
        if (a == NAMESET_THERE)
            continue;
        if (nameset_has(&w->names, name, i))
            w->in_way = i;
    }
    if (has_directories && nameset_has(&w->directories, name, w->name.len))
        w->in_way = w->name.len;
    return w->in_way > 0;
}

/* Of a URL that is repeated the name is its own. */
static bool claim(struct walk *w)
{
    bool is_named = w->f->naming.directory && fetch_is_named_by_list(&w->f->naming, &w->job);
    uint64_t owner = is_named ? repeats_owner(w->f, &w->job) : repeats_key(w->f, &w->job);
    enum nameset_answer a = owner ? nameset_claim(&w->names, w->name.data, w->name.len, owner)
                                  : nameset_add(&w->names, w->name.data, w->name.len);

    w->is_full |= a == NAMESET_FULL;
    w->no_memory |= a == NAMESET_NO_MEMORY;
    w->is_twin = a == NAMESET_THERE;
    return w->is_twin || w->no_memory || (a == NAMESET_NEW && is_in_way(w));
}

/* Before a run with -O: what lists do not name is different. */
static bool is_passed_over(const struct walk *w)
{
    const struct fetch *f = w->f;

    return f->naming.directory && !f->options->dry_run && !fetch_is_named_by_list(&f->naming, &w->job);
}

/* Is it the one that is in the way of the name that is looked for? */
static bool is_other(const struct walk *w)
{
    size_t len = w->twin_of.len;

    return w->name.len >= len && memcmp(w->name.data, w->twin_of.data, len) == 0 &&
           (w->name.len == len || (w->in_way > 0 && w->name.data[len] == '/'));
}

/* The name of one more URL; true: it is the one that is looked for, or it is wrong, or there is no memory to know. */
static bool visit(struct walk *w)
{
    if (w->twin_of.len == 0 && w->left-- == 0)
        return w->is_full = true;
    if (is_passed_over(w))
        return false;
    w->fault = fetch_name(w->f, &w->job, NULL, &w->name);
    if (w->fault == fetch_not_a_url)
        return false; /* it will fail, and then say why */
    if (w->fault == fetch_no_memory)
        return w->no_memory = true;
    if (w->fault == fetch_no_value || (w->fault && w->job.extras))
        return false; /* its line alone will fail, too */
    if (w->fault)
        return true;
    if (w->twin_of.len > 0)
        return is_other(w);
    return (w->f->naming.has_template || !fetch_name_is_unique(&w->f->naming, &w->job, &w->name)) && claim(w);
}

static bool walk_patterns(struct walk *w)
{
    const struct source *s = &w->f->source;

    for (w->job.pattern = 0; w->job.pattern < s->nglobs && !w->is_full; w->job.pattern++) {
        const struct glob *g = &s->globs[w->job.pattern];
        for (w->job.k = 0; w->job.k < g->count && !w->is_full; w->job.k++) {
            text_clear(&w->job.url);
            glob_add_nth(g, w->job.k, &w->job.url);
            if (visit(w))
                return true;
            w->job.number++;
        }
    }
    return false;
}

static bool walk_list(struct walk *w, struct list *l)
{
    struct list_entry e;
    bool found = false;

    w->job.pattern = -1;
    while (!found) {
        int got = list_next(l, &e);
        if (got == LIST_END || got == LIST_REFUSED)
            return false;
        if (got == LIST_MORE && lines_fill(&l->lines) < 0)
            list_cut(l);
        if (got == LIST_GOT) {
            text_clear(&w->job.url);
            text_add(&w->job.url, e.url, e.len);
            w->job.list = l->lines.name;
            w->job.line = e.line;
            w->job.extras = e.extras;
            found = visit(w);
            w->job.extras = NULL;
        }
        free(e.extras);
        w->job.number += !found && (got == LIST_GOT || got == LIST_BAD);
    }
    return true;
}

/* Lists that are files; they are counted on the way. */
static bool walk_lists(struct walk *w)
{
    bool found = false;
    struct list *l = malloc(sizeof *l);
    if (!l)
        return w->no_memory = true;

    for (const char *const *path = w->f->source.inputs; path && *path && !found && !w->is_full; path++) {
        if (!fetch_list_is_file(*path) || list_open(l, *path, &w->f->source.rules) != EXIT_OK)
            break; /* numbers of URLs behind it are not known */
        found = walk_list(w, l);
        list_close(l);
    }
    free(l);
    return found;
}

static bool walk(struct walk *w)
{
    w->job.number = 0;
    w->job.list = NULL;
    /* -O tells apart what a pattern tells apart. */
    bool are_different = w->f->naming.directory && (!w->f->options->dry_run || w->f->of_patterns > FIRST_NAMES);
    return (!are_different && walk_patterns(w)) || walk_lists(w);
}

/* A name that no file can have. */
static int found_wrong(const struct walk *w)
{
    char shown[512];
    struct text place = {0};

    report_add_place(&place, &w->job);
    secrets_shown_url(w->job.url.data, shown, sizeof shown);
    say("%s%s would be saved as '%s': %s", text_string(&place), shown, w->name.len > 0 ? w->name.data : "", w->fault);
    text_free(&place);
    return EXIT_USAGE;
}

static int found_in_way(const struct walk *w, const struct job *first, const struct job *second, const struct text *name)
{
    char shown[512];
    struct text t = {0};

    report_add_place(&t, second);
    text_format(&t, "%s would be saved as %s, but %s cannot be a file and a directory",
                secrets_shown_url(text_string(&second->url), shown, sizeof shown), text_string(name), w->twin_of.data);
    text_add_string(&t, w->f->naming.has_template ? "; {i} in place of a text numbers them" : advice(w->f));
    add_other_place(&t, first);
    say("%s", text_string(&t));
    text_free(&t);
    return EXIT_USAGE;
}

/* w stands at a name that was there before, or is in the way of one: a second pass finds whose. */
static int find_other(struct walk *w)
{
    struct text url = {0}, name = {0};
    struct job second = w->job;
    int code = EXIT_OK;

    text_add(&w->twin_of, w->name.data, w->is_twin ? w->name.len : w->in_way);
    text_add_string(&name, text_string(&w->name));
    text_add_string(&url, text_string(&w->job.url));
    second.url = url;
    w->no_memory = w->twin_of.no_memory || url.no_memory || name.no_memory;
    if (!w->no_memory && walk(w) && !w->no_memory && w->job.number < second.number)
        code = w->is_twin ? found_twin(w, &w->job, &second) : found_in_way(w, &w->job, &second, &name);
    text_free(&url);
    text_free(&name);
    return w->no_memory ? say_no_memory() : code;
}

static int check_names(struct fetch *f)
{
    bool is_dry = f->options->dry_run;
    struct walk w = {.f = f, .left = !is_dry ? FIRST_NAMES : f->naming.is_proven ? PROVEN_NAMES : UINT64_MAX};
    int code = EXIT_OK;

    nameset_init(&w.names, PLAN_NAMES);
    nameset_init(&w.directories, PLAN_NAMES);
    bool found = walk(&w) && !w.is_full;
    if (w.no_memory)
        code = say_no_memory();
    else if (found)
        code = w.fault ? found_wrong(&w) : find_other(&w);
    f->naming.are_checked = is_dry && !w.is_full;
    nameset_free(&w.names);
    nameset_free(&w.directories);
    text_free(&w.name);
    text_free(&w.twin_of);
    text_free(&w.job.url);
    return code;
}

/* May a name be impossible, or lie below another?  Numbers and letters make no such names. */
static bool has_texts(const struct fetch *f)
{
    const struct template *t = &f->naming.template;
    bool has_sets = false;

    for (int i = 0; i < f->source.nglobs; i++)
        for (size_t k = 0; k < f->source.globs[i].nvars; k++)
            has_sets |= f->source.globs[i].vars[k]->kind == GLOB_SET;
    for (size_t i = 0; i < t->nparts; i++)
        if (t->parts[i].kind == TEMPLATE_PATH || t->parts[i].kind == TEMPLATE_NAME || (has_sets && t->parts[i].kind == TEMPLATE_GLOB))
            return true;
    return false;
}

/* More than can be looked up while it runs: of lists nobody knows, of patterns that is known at once. */
static int too_many(const struct fetch *f)
{
    say("more than %zu names, which the template does not keep apart%s", RUN_NAMES, advice(f));
    return EXIT_USAGE;
}

int fetch_check_clashes(struct fetch *f)
{
    struct naming *n = &f->naming;
    bool is_single = !has_list(f) && f->stats.total == 1;

    f->repeats.urls.secret = siphash_new_key();
    n->is_proven = !naming_saves(n) || is_single || is_proven(f) || (n->has_template && n->template.needs_sha256);
    if (n->is_proven)
        return n->has_template && !is_single && has_texts(f) ? check_names(f) : EXIT_OK;
    if (n->has_template && !n->template.has_variable)
        return all_the_same(f);
    if (n->has_template && f->of_patterns > RUN_NAMES)
        return too_many(f);
    nameset_init(&n->names, RUN_NAMES);
    nameset_init(&n->directories, RUN_DIRECTORIES);
    return n->has_template || has_list(f) || f->options->dry_run ? check_names(f) : EXIT_OK;
}
