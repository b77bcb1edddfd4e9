/* SPDX-License-Identifier: MIT */
/*
 * judge.c - the results of the runs, and whether they may be compared at all.
 */
#include "cli/compare/compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Of sorted values: the middle one, or halfway between the two. */
static int64_t median(const int64_t *sorted, int n)
{
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

static int measure(struct compare_row *r)
{
    size_t n = (size_t)r->nruns;
    int64_t *walls = malloc(n * sizeof *walls), *cpus = malloc(n * sizeof *cpus);

    for (size_t i = 0; walls && cpus && i < n; i++) {
        walls[i] = r->runs[i].wall_us;
        cpus[i] = r->runs[i].cpu_us;
    }
    if (walls && cpus) {
        qsort(walls, n, sizeof *walls, by_value);
        qsort(cpus, n, sizeof *cpus, by_value);
        r->wall_us = median(walls, r->nruns);
        r->spread_us = (walls[n - 1] - walls[0]) / 2;
        r->cpu_us = median(cpus, r->nruns);
    }
    bool is_measured = walls && cpus;
    free(walls);
    free(cpus);
    return is_measured;
}

/* Of all runs, the worst. */
static void collect(const struct compare *c, struct compare_row *r)
{
    r->seen = r->runs[0].seen;
    for (int i = 0; i < r->nruns; i++) {
        const struct compare_run *run = &r->runs[i];
        r->memory_kb = i > 0 && (run->memory_kb < 0 || r->memory_kb < 0) ? -1
                       : run->memory_kb > r->memory_kb || i == 0 ? run->memory_kb : r->memory_kb;
        if (run->failed > r->failed)
            r->failed = run->failed;
        if (distance(run->seen, c->n) > distance(r->seen, c->n))
            r->seen = run->seen;
    }
}

static const char *first_error(const struct compare_row *r)
{
    for (int i = 0; i < r->nruns; i++)
        if (r->runs[i].failed > 0)
            return r->runs[i].error;
    return "";
}

static bool is_constant(const struct compare_row *r)
{
    for (int i = 1; i < r->nruns; i++)
        if (r->runs[i].digest != r->runs[0].digest)
            return false;
    return true;
}

static void find_fault(const struct compare *c, struct compare_row *r)
{
    if (r->failed > 0)
        snprintf(r->fault, sizeof r->fault, "%" PRIu64 " of %d requests failed: %s", r->failed, c->n, first_error(r));
    else if (!is_constant(r))
        snprintf(r->fault, sizeof r->fault, "its answers differ from run to run");
    else if (r->seen >= 0 && r->seen != c->n)
        snprintf(r->fault, sizeof r->fault, "the server saw %" PRId64 " requests, not %d", r->seen, c->n);
}

static struct compare_row *row_of(struct compare *c, const char *name)
{
    for (int i = 0; i < c->nrows; i++)
        if (strcmp(c->rows[i].mode->name, name) == 0 && c->rows[i].nruns > 0)
            return &c->rows[i];
    return NULL;
}

/* The answers that all others must be like: those of the first mode that is without fault. */
static const struct compare_row *find_model(const struct compare *c)
{
    for (int i = 0; i < c->nrows; i++)
        if (c->rows[i].nruns > 0 && !c->rows[i].fault[0])
            return &c->rows[i];
    return NULL;
}

static void compare_answers(struct compare *c)
{
    const struct compare_row *model = find_model(c);

    for (int i = 0; i < c->nrows; i++) {
        struct compare_row *r = &c->rows[i];
        if (r->nruns > 0 && !r->fault[0] && r->runs[0].digest != model->runs[0].digest)
            snprintf(r->fault, sizeof r->fault, "its answers differ from those of %s", model->mode->name);
    }
}

void compare_judge(struct compare *c)
{
    for (int i = 0; i < c->nrows; i++) {
        struct compare_row *r = &c->rows[i];
        if (r->nruns == 0)
            continue;
        collect(c, r);
        find_fault(c, r);
        if (!measure(r))
            snprintf(r->fault, sizeof r->fault, "no memory to compare its runs");
    }
    compare_answers(c);
    for (int i = 0; i < c->nrows; i++) {
        struct compare_row *r = &c->rows[i];
        const struct compare_row *against = row_of(c, r->mode->against);
        if (r->nruns > 0 && against && !r->fault[0] && !against->fault[0] && r->wall_us > 0)
            r->speed_up = (double)against->wall_us / (double)r->wall_us;
    }
}

int compare_verdict(const struct compare *c)
{
    int faults = 0;
    bool has_answer = false;

    for (int i = 0; i < c->nrows; i++) {
        faults += c->rows[i].fault[0] != '\0';
        has_answer |= c->rows[i].nruns > 0 && c->rows[i].failed < (uint64_t)c->n;
    }
    return faults == 0 ? EXIT_OK : has_answer ? EXIT_SOME_FAILED : EXIT_NOTHING;
}
