/* SPDX-License-Identifier: MIT */
/*
 * compare.c - `bide compare`, from start to end.
 *
 * Every mode runs once; then again, in turns, the order reversed every other time, so that whatever else goes on in the
 * machine meets all of them alike.  A mode is run again only while its runs together stay within the budget: those that
 * take milliseconds get all their runs, one that takes ten seconds gets one.
 */
#include "cli/compare/compare.h"
#include "cli/compare/report/report.h"
#include "cli/compare/run/run.h"
#include "cli/progress/progress.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <stdlib.h>

#define RUN_OVERHEAD_US 20000 /* a process, and the question to the server */
#define COLUMNS_DEFAULT 120

/* ---- the schedule ---- */

static struct compare_row *row_at(struct compare *c, int round, int place)
{
    return &c->rows[round % 2 == 0 ? place : c->nrows - 1 - place];
}

static int64_t cost_us(const struct compare *c, const struct compare_row *r)
{
    int64_t wall = r->nruns > 0 ? r->runs[r->nruns - 1].wall_us : compare_estimate_us(c, r->mode);

    return wall + RUN_OVERHEAD_US;
}

/* May it run once more, when it has run so often? */
static bool fits(const struct compare *c, const struct compare_row *r, int nruns)
{
    int64_t budget_us = c->options->budget_ms * 1000;

    return nruns == 0 || budget_us == 0 || (nruns + 1) * cost_us(c, r) <= budget_us;
}

/* How long it will take from this place of the schedule on. */
static int64_t left_us(struct compare *c, int round, int place)
{
    int64_t left = 0;

    for (; round < c->options->repeat; round++, place = 0)
        for (; place < c->nrows; place++) {
            const struct compare_row *r = row_at(c, round, place);
            if (fits(c, r, round))
                left += cost_us(c, r);
        }
    return left;
}

/* ---- a run ---- */

static int64_t us_of(struct timeval t)
{
    return t.tv_sec * INT64_C(1000000) + t.tv_usec;
}

static void note(struct compare *c, struct compare_row *r, const struct rusage *usage)
{
    struct compare_run *run = &r->runs[r->nruns++];
    const struct compare_shared *s = c->shared;
    int64_t cpu_us = us_of(usage->ru_utime) + us_of(usage->ru_stime) - s->own_cpu_us;

    *run = (struct compare_run){.wall_us = s->wall_us, .memory_kb = s->memory_kb, .failed = s->failed,
                                .bytes = s->bytes, .digest = s->digest, .seen = -1};
    run->cpu_us = cpu_us > 0 ? cpu_us : 0;
    memcpy(run->error, s->error, sizeof run->error);
}

static int run_process(struct compare *c, struct compare_row *r)
{
    struct rusage usage = {0};
    int code = compare_process_run(c, compare_run_mode, r->mode, &usage);

    if (code == EXIT_OK)
        note(c, r, &usage);
    return code;
}

static int run_once(struct compare *c, struct compare_row *r)
{
    int code = r->mode->group ? compare_directory_make(c) : EXIT_OK;

    if (code == EXIT_OK)
        code = run_process(c, r);
    compare_directory_remove(c);
    if (code == EXIT_OK && c->has_server) {
        struct compare_run *run = &r->runs[r->nruns - 1];
        code = compare_server_seen(c, (uint64_t)c->n, &run->seen);
    }
    return code;
}

static int run_all(struct compare *c)
{
    int code = EXIT_OK;

    for (int round = 0; round < c->options->repeat; round++)
        for (int place = 0; place < c->nrows && code == EXIT_OK; place++) {
            struct compare_row *r = row_at(c, round, place);
            if (!fits(c, r, r->nruns))
                continue;
            c->progress->mode = r->mode->name;
            c->progress->run = r->nruns + 1;
            c->progress->began_us = clock_us();
            c->progress->run_us = cost_us(c, r);
            c->progress->left_us = left_us(c, round, place + 1);
            code = run_once(c, r);
        }
    c->progress->mode = NULL;
    return code;
}

/* ---- before and after ---- */

/* What is going to happen, and what is not. */
static void say_plan(const struct compare *c, int64_t total_us)
{
    struct text line = {0};
    if (c->options->quiet)
        return;

    for (int i = 0; compare_modes[i].name && !c->options->modes; i++)
        if (!compare_mode_is_at_hand(&compare_modes[i]))
            say_note("%s: left out, for libbide-unblock is not installed beside libbide", compare_modes[i].name);
    compare_describe(c, &line);
    if (!line.no_memory)
        say_note("%s; %d mode%s, up to %d run%s each: about %d s", line.data, c->nrows, c->nrows == 1 ? "" : "s",
                 c->options->repeat, c->options->repeat == 1 ? "" : "s", compare_whole_seconds(total_us));
    text_free(&line);
}

static int get_ready(struct compare *c)
{
    int64_t unused;
    int code = compare_process_prepare(c);

    if (code == EXIT_OK && c->has_server)
        code = compare_server_start(c);
    if (code == EXIT_OK)
        code = compare_plan_urls(c);
    if (code == EXIT_OK && c->work_ms > 0)
        c->work_steps = (uint64_t)c->work_ms * compare_steps_per_ms();
    if (code == EXIT_OK)
        code = compare_probe(c);
    if (code == EXIT_OK && c->has_server)
        code = compare_server_seen(c, 1, &unused);
    if (code == EXIT_OK)
        say_plan(c, left_us(c, 0, 0));
    return code;
}

static struct compare_look look_of_stdout(void)
{
    struct progress p;
    struct winsize w = {0};
    const char *columns = getenv("COLUMNS");
    struct compare_look look = {.columns = COLUMNS_DEFAULT};

    progress_open(&p, PROGRESS_NONE, 0, 0);
    look.has_utf8 = p.has_utf8;
    look.has_colour = colour_on(STDOUT_FILENO);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        look.columns = w.ws_col;
    else if (columns && strtol(columns, NULL, 10) > 0)
        look.columns = (int)strtol(columns, NULL, 10);
    return look;
}

/* Everything that was asked for, also if one of it cannot be written. */
static int report(struct compare *c)
{
    const struct compare_options *o = c->options;
    struct compare_look look = look_of_stdout();
    struct text table = {0}, json = {0}, svg = {0};
    bool is_taken = (o->json && output_is_stdout(o->json)) || (o->svg && output_is_stdout(o->svg));
    int code = EXIT_OK, saved;

    if (!is_taken) {
        compare_table(c, &look, &table);
        code = compare_file_save("-", &table);
    }
    if (o->json) {
        compare_json(c, &json);
        saved = compare_file_save(o->json, &json);
        code = saved != EXIT_OK ? saved : code;
    }
    if (o->svg) {
        compare_svg(c, &svg);
        saved = compare_file_save(o->svg, &svg);
        code = saved != EXIT_OK ? saved : code;
    }
    text_free(&table);
    text_free(&json);
    text_free(&svg);
    return code;
}

int compare_run_command(const struct compare_options *options)
{
    struct compare_progress progress;
    struct compare c = {.options = options, .progress = &progress};
    int code = compare_plan(&c);

    compare_progress_open(&progress, options->quiet);
    progress.runs = options->repeat;
    if (code == EXIT_OK)
        code = get_ready(&c);
    if (code == EXIT_OK)
        code = run_all(&c);
    compare_progress_erase(&progress);
    compare_server_stop(&c);
    compare_process_finish(&c);
    if (code == EXIT_OK) {
        compare_judge(&c);
        code = report(&c);
        if (code == EXIT_OK)
            code = compare_verdict(&c);
    }
    compare_plan_free(&c);
    return code;
}
