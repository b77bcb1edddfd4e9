/* SPDX-License-Identifier: MIT */
/* test_judge.c - what `bide compare` makes of its runs, and when it says nothing. */
#include <math.h>

#include "cli/compare/compare.h"
#include "cli/compare/report/report.h"
#include "cli/compare/run/run.h"
#include "harness/harness.h"

#define REPEAT 5
#define N      100

static struct compare_options options = {.n = N, .at_once = N, .repeat = REPEAT};
static struct compare_run all_runs[COMPARE_MODES_MAX][REPEAT];

static const struct compare_mode *mode_of(const char *name)
{
    for (const struct compare_mode *m = compare_modes; m->name; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    FAIL("there is no mode %s", name);
    return NULL;
}

/* A row of runs that took so many milliseconds each, ended by 0; all is well with them. */
static struct compare_row *add_row(struct compare *c, const char *name, const int *walls_ms)
{
    struct compare_row *r = &c->rows[c->nrows];

    *r = (struct compare_row){.mode = mode_of(name), .runs = all_runs[c->nrows++]};
    for (; walls_ms[r->nruns]; r->nruns++)
        r->runs[r->nruns] = (struct compare_run){.wall_us = walls_ms[r->nruns] * 1000, .cpu_us = 1000 * (r->nruns + 1),
                                                 .memory_kb = 100 + r->nruns, .digest = 7, .seen = N};
    return r;
}

#define MS(...) ((const int[]){__VA_ARGS__, 0})

static struct compare comparison(void)
{
    return (struct compare){
        .options = &options, .n = N, .at_once = N, .workers = 2, .has_server = true, .delay_ms = 100};
}

UNIT(compare_takes_the_median_and_half_the_range)
{
    struct compare c = comparison();
    struct compare_row *slow = add_row(&c, "sequential", MS(1000)), *odd = add_row(&c, "async", MS(14, 10, 30));
    struct compare_row *even = add_row(&c, "threads", MS(40, 10, 20, 30));

    compare_judge(&c);
    EXPECT_EQ(1000000, slow->wall_us);
    EXPECT_EQ(0, slow->spread_us);
    EXPECT_EQ(14000, odd->wall_us);
    EXPECT_EQ(10000, odd->spread_us);
    EXPECT_EQ(2000, odd->cpu_us);
    EXPECT_EQ(102, odd->memory_kb);
    EXPECT_EQ(25000, even->wall_us);
    EXPECT_EQ(2500, even->cpu_us);
    EXPECT_TRUE(fabs(slow->speed_up - 1) < 1e-9);
    EXPECT_TRUE(fabs(even->speed_up - 40) < 1e-9);
    EXPECT_EQ(EXIT_OK, compare_verdict(&c));
}

/* Spoil the last run of "async" in one way; no speed-up is reported. */
static void expect_silence(void (*spoil)(struct compare_run *), const char *fault)
{
    struct compare c = comparison();
    struct compare_row *slow = add_row(&c, "sequential", MS(1000, 1000)), *fast = add_row(&c, "async", MS(10, 10));
    struct compare_row *third = add_row(&c, "threads", MS(20));
    struct text table = {0};

    spoil(&fast->runs[1]);
    compare_judge(&c);
    EXPECT_STR(fast->fault, fault);
    EXPECT_TRUE(fast->speed_up == 0);
    EXPECT_TRUE(slow->speed_up == 1 && third->speed_up == 50);
    EXPECT_EQ(EXIT_SOME_FAILED, compare_verdict(&c));

    compare_table(&c, &(struct compare_look){.columns = 120}, &table);
    EXPECT_NOT_NULL(strstr(table.data, fault));
    EXPECT_NOT_NULL(strstr(table.data, "50 x"));
    EXPECT_NULL(strstr(table.data, "100 x"));
    text_free(&table);
}

static void see_fewer(struct compare_run *r)
{
    r->seen = 97;
}

static void see_more(struct compare_run *r)
{
    r->seen = 103;
}

static void answer_otherwise(struct compare_run *r)
{
    r->digest = 8;
}

static void fail_some(struct compare_run *r)
{
    r->failed = 3;
    snprintf(r->error, sizeof r->error, "refused");
}

UNIT(compare_tells_no_speed_up_of_a_mode_that_is_not_fair)
{
    expect_silence(see_fewer, "the server saw 97 requests, not 100");
    expect_silence(see_more, "the server saw 103 requests, not 100");
    expect_silence(answer_otherwise, "its answers differ from run to run");
    expect_silence(fail_some, "3 of 100 requests failed: refused");
}

UNIT(compare_tells_no_speed_up_when_answers_differ_between_modes)
{
    struct compare c = comparison();
    struct compare_row *slow = add_row(&c, "sequential", MS(1000, 1000)), *fast = add_row(&c, "async", MS(10, 10));

    fast->runs[0].digest = fast->runs[1].digest = 8;
    compare_judge(&c);
    EXPECT_STR(fast->fault, "its answers differ from those of sequential");
    EXPECT_TRUE(fast->speed_up == 0 && slow->speed_up == 1);
}

UNIT(compare_tells_no_speed_up_against_a_mode_that_failed)
{
    struct compare c = comparison();
    struct compare_row *slow = add_row(&c, "sequential", MS(1000)), *fast = add_row(&c, "async", MS(10));

    fail_some(&slow->runs[0]);
    compare_judge(&c);
    EXPECT_STR(fast->fault, "");
    EXPECT_TRUE(fast->speed_up == 0 && slow->speed_up == 0);
    slow->runs[0].failed = N;
    fast->runs[0].failed = N;
    compare_judge(&c);
    EXPECT_EQ(EXIT_NOTHING, compare_verdict(&c));
}

UNIT(compare_writes_are_measured_by_the_plain_write)
{
    struct compare c = comparison();

    add_row(&c, "sequential", MS(1000));
    struct compare_row *plain = add_row(&c, "write", MS(60)), *awaited = add_row(&c, "awaited-write", MS(30));
    compare_judge(&c);
    EXPECT_TRUE(plain->speed_up == 1 && awaited->speed_up == 2);
}

UNIT(compare_estimates_by_how_many_are_under_way)
{
    struct compare c = comparison();

    c.answer_us = 100000;
    EXPECT_EQ(10000000, compare_estimate_us(&c, mode_of("sequential")));
    EXPECT_EQ(10000000, compare_estimate_us(&c, mode_of("fake-async")));
    EXPECT_EQ(5000000, compare_estimate_us(&c, mode_of("processes")));
    EXPECT_EQ(100000, compare_estimate_us(&c, mode_of("async")));
    c.at_once = 30;
    EXPECT_EQ(400000, compare_estimate_us(&c, mode_of("async")));
    c.work_ms = 10;
    EXPECT_EQ(400000 + 1000000, compare_estimate_us(&c, mode_of("async")));
    EXPECT_EQ(400000 + 500000, compare_estimate_us(&c, mode_of("async-processes")));
}

UNIT(compare_bars_are_as_long_as_their_times)
{
    struct compare c = comparison();
    struct text table = {0};
    static const int walls[] = {1000, 500, 10};
    static const char *const names[] = {"sequential", "processes", "async"};
    char start[32];

    for (int i = 0; i < 3; i++)
        add_row(&c, names[i], MS(walls[i]));
    compare_judge(&c);
    compare_table(&c, &(struct compare_look){.columns = 300}, &table);
    static const int cells[] = {44, 22, 1};
    for (int i = 0; i < 3; i++) {
        snprintf(start, sizeof start, "\n%s ", names[i]);
        char *line = strstr(table.data, start);
        EXPECT_NOT_NULL(line);
        line += strcspn(line, "#");
        EXPECT_EQ((size_t)cells[i], strspn(line, "#"));
    }
    text_free(&table);
}

UNIT(compare_shortens_between_characters)
{
    static const struct {
        const char *text;
        size_t max;
        const char *expected;
    } cases[] = {{"", 3, ""},          {"abc", 3, "abc"},     {"abcd", 3, "abc..."},
                 {"ab\u00fc", 4, "ab\u00fc"}, {"ab\u00fcd", 3, "ab..."}, {"a\033b", 5, "a\\x1b..."}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text t = {0};
        compare_add_short(&t, cases[i].text, cases[i].max);
        EXPECT_EQ(strlen(cases[i].expected), t.len);
        EXPECT_TRUE(t.len == 0 || strcmp(t.data, cases[i].expected) == 0);
        text_free(&t);
    }
}

/* What a server says ends up in the picture and in the table: it must break neither. */
UNIT(compare_escapes_what_a_server_says)
{
    struct compare c = comparison();
    struct text svg = {0}, table = {0};
    struct compare_row *r = add_row(&c, "async", MS(10));

    r->runs[0].failed = 1;
    snprintf(r->runs[0].error, sizeof r->runs[0].error, "</text><script>&\033[2J");
    compare_judge(&c);
    compare_svg(&c, &svg);
    compare_table(&c, &(struct compare_look){.columns = 120}, &table);
    EXPECT_NOT_NULL(strstr(svg.data, "&lt;/text&gt;&lt;script&gt;&amp;\\x1b[2J"));
    EXPECT_NOT_NULL(strstr(svg.data, "<rect class=\"failed\""));
    EXPECT_NULL(strstr(svg.data, "<script>"));
    EXPECT_NULL(strchr(svg.data, '\033'));
    EXPECT_NULL(strchr(table.data, '\033'));
    text_free(&svg);
    text_free(&table);
}
