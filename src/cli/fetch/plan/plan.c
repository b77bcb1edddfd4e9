/* SPDX-License-Identifier: MIT */
/*
 * plan.c - checks before the first request.
 */
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/fetch/plan/plan.h"
#include "cli/fetch/report/report.h"

/* ---- URLs ---- */

static int read_patterns(struct fetch *f, int n, char **urls)
{
    int code = EXIT_OK;

    f->source.globs = calloc((size_t)n + 1, sizeof *f->source.globs);
    f->source.bindings = calloc((size_t)n + 1, sizeof *f->source.bindings);
    if (!f->source.globs || !f->source.bindings)
        return say_no_memory();
    for (int i = 0; i < n && code == EXIT_OK; i++)
        code = request_read_pattern(&f->source.globs[f->source.nglobs++], urls[i], f->options->no_glob, &f->stats.total);
    return code;
}

/* ---- lists ---- */

/* Who is second to read standard input finds it empty. */
static int check_stdin(const struct fetch *f)
{
    const struct opt_list *lists = &f->options->inputs;
    int lists_there = 0, readers = request_count_stdin(&f->options->http);

    for (size_t i = 0; i < lists->len; i++)
        lists_there += strcmp(lists->items[i], "-") == 0;
    if (lists_there == 0 || lists_there + readers == 1)
        return EXIT_OK;
    say("--input -: standard input can be read once, and %s asks for it, too", readers > 0 ? "an option with @-" : "another --input");
    return EXIT_USAGE;
}

static int read_lists(struct fetch *f)
{
    int code = check_stdin(f);

    f->of_patterns = f->stats.total;
    f->source.inputs = f->options->inputs.items;
    if (code == EXIT_OK && f->options->inputs.len > 0)
        code = fetch_read_rules(f);
    if (code == EXIT_OK)
        code = fetch_count_lists(f, f->options->dry_run);
    if (!f->stats.is_total_known)
        f->stats.total = 0;
    return code;
}

/* ---- where bodies go ---- */

static bool has_globs(const struct fetch *f)
{
    for (int i = 0; i < f->source.nglobs; i++)
        if (f->source.globs[i].nvars > 0)
            return true;
    return false;
}

static int read_template(struct fetch *f)
{
    struct naming *n = &f->naming;
    struct text why = {0};
    int code = template_parse(&n->template, f->options->output, has_globs(f), &why);

    n->has_template = code == EXIT_OK;
    if (code == EXIT_OK && (code = fetch_bind_columns(f)) != EXIT_OK)
        return code;
    for (int i = 0; i < f->source.nglobs && code == EXIT_OK; i++)
        code = template_bind(&n->template, &f->source.globs[i], &f->source.bindings[i], &why);
    if (f->options->inputs.len > 0 && code == EXIT_OK) {
        struct template_binding none;
        code = template_bind(&n->template, NULL, &none, &why);
    }
    if (code != EXIT_OK)
        say("--output %s", text_string(&why));
    code = why.no_memory ? EXIT_LOCAL : code;
    text_free(&why);
    return code;
}

static int check_only_one(const struct fetch *f)
{
    if (f->stats.is_total_known && f->stats.total <= 1)
        return EXIT_OK;
    if (f->stats.is_total_known)
        say("%llu bodies would run into each other on standard output; say where they go: -o 'out/{i}', -O DIR; `bide get` prints one after "
            "the other", (unsigned long long)f->stats.total);
    else
        say("bodies would run into each other on standard output; say where they go: -o 'out/{i}', -O DIR; `bide get` prints one "
            "after the other");
    return EXIT_USAGE;
}

static int choose_output(struct fetch *f)
{
    const struct fetch_options *o = f->options;
    struct naming *n = &f->naming;

    n->to_stdout = o->output ? output_is_stdout(o->output) || output_take_terminal(o->output) : !o->output_dir && !o->jsonl;
    n->directory = o->output_dir;
    if (o->output_dir && !*o->output_dir) {
        say("--output-dir: an empty name; the current directory is .");
        return EXIT_USAGE;
    }
    if (o->output && o->output_dir) {
        say("--output and --output-dir exclude each other: a file has one name");
        return EXIT_USAGE;
    }
    int code = fetch_check_outputs(o, n->to_stdout);
    if (code != EXIT_OK)
        return code;
    if (n->to_stdout)
        return check_only_one(f);
    return o->output ? read_template(f) : EXIT_OK;
}

/* The directory that no name leads out of.  Without memory for it there would be none, and names could lead anywhere. */
static int find_root(struct naming *n)
{
    if (n->directory) {
        text_add_string(&n->root, n->directory);
        if (n->root.len > 0 && !text_ends_with(&n->root, '/'))
            text_add_char(&n->root, '/');
    } else if (n->has_template && n->template.root_len > 0) {
        text_add(&n->root, n->template.parts[0].text, n->template.root_len);
    }
    return n->root.no_memory ? say_no_memory() : EXIT_OK;
}

/* -o /dev/null: a device or a pipe is written to, not replaced. */
static bool names_device(const struct naming *n)
{
    const char *name = n->template.parts[0].text;
    struct stat st;

    if (!n->has_template || n->template.has_variable || stat(name, &st) < 0 || S_ISDIR(st.st_mode))
        return false;
    return !S_ISREG(st.st_mode) || output_names_descriptor(name);
}

/* --skip-existing looks for the file before it asks. */
static int check_skip_existing(const struct fetch *f)
{
    const struct naming *n = &f->naming;

    if (!f->options->skip_existing || (naming_saves(n) && !n->direct && !(n->has_template && n->template.needs_end)))
        return EXIT_OK;
    if (naming_saves(n) && !n->direct)
        say("--skip-existing: {status} and {sha256} of -o are not known before the answer has come");
    else
        say("--skip-existing needs files: -o 'out/{i}', -O DIR");
    return EXIT_USAGE;
}

static void find_date(struct naming *n)
{
    struct tm t;

    n->began = time(NULL);
    if (!localtime_r(&n->began, &t) || strftime(n->date, sizeof n->date, "%Y-%m-%d", &t) == 0)
        strcpy(n->date, "1970-01-01");
}

/* A name that is wrong for the first URL or the last most likely is for all. */
static int check_first_name(struct fetch *f)
{
    struct job job = {.pattern = 0};
    struct text name = {0};
    int code = EXIT_OK;

    if (f->source.nglobs > 0 && f->naming.has_template) {
        glob_add_nth(&f->source.globs[0], 0, &job.url);
        const char *fault = fetch_name(f, &job, NULL, &name);
        if (fault) {
            say("--output %s: %s%s", f->naming.template.source, fault,
                text_ends_with(&name, '/') ? "; -O takes a directory" : "");
            code = fault == fetch_no_memory ? EXIT_LOCAL : EXIT_USAGE;
        }
    }
    text_free(&job.url);
    text_free(&name);
    return code;
}

int fetch_plan(struct fetch *f, int n, char **urls)
{
    f->naming.root_fd = -1;
    if (n == 0 && f->options->inputs.len == 0) {
        say("expected a URL, or a list of them with -i; `bide help fetch` shows how");
        return EXIT_USAGE;
    }
    int code = fetch_read_limit(f);
    if (code == EXIT_OK)
        code = read_patterns(f, n, urls);
    if (code == EXIT_OK)
        code = read_lists(f);
    if (code == EXIT_OK)
        code = choose_output(f);
    if (code == EXIT_OK)
        code = find_root(&f->naming);
    if (code != EXIT_OK)
        return code;
    /* The text of a part has no NUL of its own. */
    if (f->naming.has_template && !f->naming.template.has_variable)
        f->naming.template.texts[f->naming.template.parts[0].len] = '\0';
    f->naming.direct = names_device(&f->naming);
    find_date(&f->naming);
    code = check_skip_existing(f);
    if (code == EXIT_OK)
        code = check_first_name(f);
    return code == EXIT_OK ? fetch_check_clashes(f) : code;
}

int fetch_check_users(struct fetch *f)
{
    struct text url = {0};
    int code = EXIT_OK;

    for (int i = 0; i < f->source.nglobs && code == EXIT_OK; i++) {
        text_clear(&url);
        glob_add_nth(&f->source.globs[i], 0, &url);
        code = url.no_memory ? say_no_memory() : request_check_user(&f->request, text_string(&url));
    }
    text_free(&url);
    return code;
}

void fetch_plan_free(struct fetch *f)
{
    struct naming *n = &f->naming;

    source_close(&f->source);
    if (n->has_template || f->options->output)
        template_free(&n->template);
    nameset_free(&n->names);
    nameset_free(&n->directories);
    urlset_free(&f->repeats.urls);
    text_free(&f->repeats.names);
    text_free(&n->root);
    if (n->root_fd >= 0)
        close(n->root_fd);
}
