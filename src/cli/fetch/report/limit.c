/* SPDX-License-Identifier: MIT */
/*
 * limit.c - --fail-fast and --max-errors: so many failures are too many, and the run stops.
 *
 * A share is one of the URLs that are done, and means nothing before there are some.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/fetch/report/report.h"

#define ENOUGH 100 /* URLs done, before a share of them is looked at */

int fetch_read_limit(struct fetch *f)
{
    struct error_limit *l = &f->limit;
    const char *text = f->options->max_errors;
    char *end = NULL;

    *l = (struct error_limit){.is_set = text || f->options->fail_fast};
    if (!text)
        return EXIT_OK;
    if (f->options->fail_fast) {
        say("--fail-fast and --max-errors exclude each other: the first stops at one failure");
        return EXIT_USAGE;
    }
    double n = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : -1;
    l->is_share = end && strcmp(end, "%") == 0;
    l->most = n;
    if (n >= 0 && (l->is_share ? n <= 100 : *end == '\0' && n < 1e15 && n == (double)(uint64_t)n))
        return EXIT_OK;
    say("--max-errors: expected a number of URLs such as 100, or a share such as 5%%, got '%s'", text);
    return EXIT_USAGE;
}

static bool are_too_many(const struct fetch *f)
{
    const struct stats *s = &f->stats;
    const struct error_limit *l = &f->limit;
    uint64_t failed = s->failed - s->repeated_failed, done = s->done - s->repeated; /* what is repeated fails once */

    if (l->is_share)
        return done >= ENOUGH && (double)failed * 100 > l->most * (double)done;
    return (double)failed > l->most;
}

void fetch_check_limit(struct fetch *f)
{
    if (!f->limit.is_set || f->stopping || !are_too_many(f))
        return;
    report_failure(f, "%llu of %llu URLs failed; stopping (%s)", (unsigned long long)f->stats.failed,
               (unsigned long long)f->stats.done, f->options->fail_fast ? "--fail-fast" : "--max-errors");
    fetch_fail(f, EXIT_LIMIT);
}
