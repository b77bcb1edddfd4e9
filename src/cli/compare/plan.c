/* SPDX-License-Identifier: MIT */
/*
 * plan.c - what is compared: options read and checked, the URLs, how long it will take.
 */
#include "cli/compare/compare.h"
#include "cli/compare/run/run.h"

#include <stdlib.h>
#include <string.h>

#include <bide/pool.h>

#include "cli/option/opt.h"
#include "cli/pattern/glob.h"
#include "cli/request/request.h"

#define WORKERS_MAX      256
#define DELAY_DEFAULT_MS 100
#define DELAY_MAX_MS     60000
#define WORK_DEFAULT_MS  5 /* with an answer that comes at once there must be something to do */
#define WORK_MAX_MS      60000
#define FIRST_ID         27960015 /* of the page lists that bide was made to fetch */

/* ---- options ---- */

static int read_ms(const char *option, const char *text, int64_t max, int64_t *ms)
{
    if (opt_read_milliseconds(text, ms) && *ms <= max)
        return EXIT_OK;
    say("%s: expected a time of at most %d s, such as 100 (milliseconds) or 1.5s, got '%s'", option, (int)(max / 1000),
        text);
    return EXIT_USAGE;
}

static int read_workers(struct compare *c)
{
    const char *text = c->options->workers;
    int64_t n;

    if (strcmp(text, "auto") == 0) {
        int wanted = bide_pool_default_workers();
        c->workers = wanted < WORKERS_MAX ? wanted : WORKERS_MAX;
        return EXIT_OK;
    }
    if (!opt_read_int(text, &n) || n < 1 || n > WORKERS_MAX) {
        say("--workers: expected 'auto' or a whole number from 1 to %d, got '%s'", WORKERS_MAX, text);
        return EXIT_USAGE;
    }
    c->workers = (int)n;
    return EXIT_OK;
}

static int read_times(struct compare *c)
{
    const struct compare_options *o = c->options;
    int code = EXIT_OK;

    if (o->url && o->delay) {
        say("--delay is that of the built-in server, which a URL replaces");
        return EXIT_USAGE;
    }
    c->delay_ms = DELAY_DEFAULT_MS;
    if (o->delay)
        code = read_ms("--delay", o->delay, DELAY_MAX_MS, &c->delay_ms);
    c->work_ms = !o->url && c->delay_ms == 0 ? WORK_DEFAULT_MS : 0;
    if (code == EXIT_OK && o->work)
        code = read_ms("--work", o->work, WORK_MAX_MS, &c->work_ms);
    return code;
}

/* ---- modes ---- */

static int unknown_mode(const char *name)
{
    struct nearest n = {.wanted = name};

    for (const struct compare_mode *m = compare_modes; m->name; m++)
        nearest_try(&n, m->name);
    if (n.best)
        say("--modes: unknown mode '%s'; did you mean %s?", name, n.best);
    else
        say("--modes: unknown mode '%s'; `bide help compare` lists them", name);
    return EXIT_USAGE;
}

static int choose_mode(bool *is_chosen, const char *name, size_t len)
{
    char shown[64];

    for (int i = 0; compare_modes[i].name; i++)
        if (strlen(compare_modes[i].name) == len && memcmp(compare_modes[i].name, name, len) == 0) {
            is_chosen[i] = true;
            return EXIT_OK;
        }
    snprintf(shown, sizeof shown, "%.*s", (int)len, name);
    return unknown_mode(shown);
}

/* Of the modes that nobody named, those that cannot run here are left out. */
bool compare_mode_is_at_hand(const struct compare_mode *m)
{
    char path[4096];

    return !m->needs_unblock || compare_find_unblock(path, sizeof path);
}

static int check_named(const struct compare_row *rows, int n)
{
    char path[4096];

    for (int i = 0; i < n; i++)
        if (rows[i].mode->needs_unblock && !compare_find_unblock(path, sizeof path)) {
            say("--modes: %s needs libbide-unblock.so.0, which is not installed beside libbide", rows[i].mode->name);
            return EXIT_LOCAL;
        }
    return EXIT_OK;
}

/* They are shown in the order of compare_modes, however they are named. */
static int read_modes(struct compare *c)
{
    bool is_chosen[COMPARE_MODES_MAX] = {false};
    int code = EXIT_OK;

    for (const char *at = c->options->modes; at && code == EXIT_OK;) {
        size_t len = strcspn(at, ",");
        code = choose_mode(is_chosen, at, len);
        at = at[len] ? at + len + 1 : NULL;
    }
    for (int i = 0; compare_modes[i].name; i++)
        if (c->options->modes ? is_chosen[i] : compare_mode_is_at_hand(&compare_modes[i]))
            c->rows[c->nrows++].mode = &compare_modes[i];
    return code == EXIT_OK ? check_named(c->rows, c->nrows) : code;
}

static bool note_url(struct compare *c)
{
    size_t size = c->options->url ? strlen(c->options->url) + 1 : 0;

    if (size > 0 && (c->shown_url = malloc(size)))
        secrets_shown_url(c->options->url, c->shown_url, size);
    return size == 0 || c->shown_url;
}

static int make_rows(struct compare *c)
{
    for (int i = 0; i < c->nrows; i++)
        if (!(c->rows[i].runs = calloc((size_t)c->options->repeat, sizeof *c->rows[i].runs)))
            return EXIT_LOCAL;
    c->answers = calloc((size_t)c->n, sizeof *c->answers);
    c->urls = calloc((size_t)c->n, sizeof *c->urls);
    return c->answers && c->urls && note_url(c) ? EXIT_OK : EXIT_LOCAL;
}

static int check_files(const struct compare_options *o)
{
    if (o->json && o->svg && output_is_stdout(o->json) && output_is_stdout(o->svg)) {
        say("--json - and --svg - would run into each other on standard output");
        return EXIT_USAGE;
    }
    int code = compare_file_check("--json", o->json);
    return code == EXIT_OK ? compare_file_check("--svg", o->svg) : code;
}

int compare_plan(struct compare *c)
{
    int code;

    c->n = c->options->n;
    c->at_once = c->options->at_once < c->n ? c->options->at_once : c->n;
    c->has_server = !c->options->url;
    if ((code = read_workers(c)) != EXIT_OK || (code = read_times(c)) != EXIT_OK || (code = read_modes(c)) != EXIT_OK ||
        (code = check_files(c->options)) != EXIT_OK)
        return code;
    if ((code = compare_width_check(c)) != EXIT_OK)
        return code;
    code = make_rows(c);
    if (code != EXIT_OK)
        say("out of memory");
    return code;
}

/* ---- URLs ---- */

static int add_url(struct compare *c, const struct glob *g, int i)
{
    uint64_t which[GLOB_MAX];
    struct text url = {0};

    glob_pick(g, (uint64_t)i % g->count, which);
    glob_add_url(g, which, &url);
    if (url.no_memory || !url.data) {
        text_free(&url);
        say("out of memory");
        return EXIT_LOCAL;
    }
    c->urls[i] = url.data;
    return (uint64_t)i < g->count ? request_check_url(url.data) : EXIT_OK;
}

static int read_pattern(struct compare *c, const char *pattern)
{
    struct text why = {0};
    struct glob g = {0};
    int code = glob_parse(&g, pattern, false, &why);

    if (code != EXIT_OK)
        say("%s: %s", pattern, why.no_memory ? "out of memory" : why.data);
    for (int i = 0; i < c->n && code == EXIT_OK; i++)
        code = add_url(c, &g, i);
    text_free(&why);
    glob_free(&g);
    return code;
}

int compare_plan_urls(struct compare *c)
{
    char pattern[160];

    snprintf(pattern, sizeof pattern, "%s/x/player/pagelist?aid=[%d-%d]", c->base, FIRST_ID, FIRST_ID + c->n - 1);
    return read_pattern(c, c->has_server ? pattern : c->options->url);
}

void compare_plan_free(struct compare *c)
{
    for (int i = 0; i < c->nrows; i++)
        free(c->rows[i].runs);
    for (int i = 0; c->urls && i < c->n; i++)
        free(c->urls[i]);
    free(c->urls);
    free(c->answers);
    free(c->shown_url);
}

/* ---- time ---- */

int64_t compare_estimate_us(const struct compare *c, const struct compare_mode *mode)
{
    int width = compare_width(c, mode);
    int processors = mode->has_workers && c->workers < c->n ? c->workers : mode->has_workers ? c->n : 1;
    int64_t turns = (c->n + width - 1) / width;

    return turns * c->answer_us + c->n * c->work_ms * 1000 / processors;
}
