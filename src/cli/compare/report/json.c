/* SPDX-License-Identifier: MIT */
/*
 * json.c - every run, for programs.
 *
 * Times are seconds, memory is bytes, what is not known is null.
 */
#include "cli/compare/report/report.h"
#include "cli/compare/run/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include <bide/version.h>

static json_t *seconds(int64_t us)
{
    return json_real((double)us / 1e6);
}

static json_t *number_or_null(int64_t n, int64_t factor)
{
    return n >= 0 ? json_integer((json_int_t)n * (json_int_t)factor) : json_null();
}

static json_t *text_or_null(const char *text)
{
    json_t *s = text && *text ? json_string(text) : json_null();

    return s ? s : json_string("(not UTF-8)");
}

static json_t *run_of(const struct compare_run *run)
{
    char digest[24];

    snprintf(digest, sizeof digest, "%016" PRIx64, run->digest);
    return json_pack("{s:o, s:o, s:o, s:I, s:o, s:I, s:s, s:o}", "wall_s", seconds(run->wall_us), "cpu_s",
                     seconds(run->cpu_us), "peak_memory",
                     number_or_null(run->memory_kb, 1024), "failed", (json_int_t)run->failed, "seen_by_server",
                     number_or_null(run->seen, 1), "body_bytes", (json_int_t)run->bytes, "digest", digest, "error",
                     text_or_null(run->error));
}

static json_t *mode_of(const struct compare *c, const struct compare_row *r)
{
    json_t *runs = json_array();

    for (int i = 0; i < r->nruns; i++)
        json_array_append_new(runs, run_of(&r->runs[i]));
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:f, s:o, s:o, s:I, s:o, s:s, s:o, s:o, s:o}", "name", r->mode->name,
                     "what", r->mode->what, "at_once", compare_width(c, r->mode), "wall_s", seconds(r->wall_us),
                     "spread_s", seconds(r->spread_us), "requests_per_s",
                     r->wall_us > 0 ? c->n * 1e6 / (double)r->wall_us : 0.0, "cpu_s", seconds(r->cpu_us), "peak_memory",
                     number_or_null(r->memory_kb, 1024), "failed", (json_int_t)r->failed, "seen_by_server",
                     number_or_null(r->seen, 1), "against", r->mode->against, "speed_up",
                     r->speed_up > 0 ? json_real(r->speed_up) : json_null(), "fault", text_or_null(r->fault), "runs",
                     runs);
}

static json_t *document_of(const struct compare *c)
{
    json_t *modes = json_array();

    for (int i = 0; i < c->nrows; i++)
        json_array_append_new(modes, mode_of(c, &c->rows[i]));
    return json_pack("{s:s, s:i, s:i, s:i, s:o, s:o, s:f, s:o}", "bide", BIDE_VERSION, "requests", c->n, "at_once",
                     c->at_once, "workers", c->workers, "url", text_or_null(c->shown_url), "delay_s",
                     c->has_server ? json_real((double)c->delay_ms / 1e3) : json_null(), "work_s",
                     (double)c->work_ms / 1e3, "modes", modes);
}

void compare_json(const struct compare *c, struct text *to)
{
    json_t *document = document_of(c);

    text_add_json(to, document, JSON_INDENT(2) | JSON_REAL_PRECISION(9)); /* NULL: no memory, and that is noted */
    json_decref(document);
    text_add_char(to, '\n');
}
