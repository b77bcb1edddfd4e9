/* SPDX-License-Identifier: MIT */
/*
 * stop.c - the end of a run before all is done.
 */
#include "cli/fetch/report/report.h"

void fetch_stop(struct fetch *f)
{
    f->stopping = true;
    queue_stop(&f->queue);
}

void fetch_fail(struct fetch *f, int exit_code)
{
    if (f->exit_code == 0)
        f->exit_code = exit_code;
    fetch_stop(f);
}

void fetch_fail_here(struct fetch *f)
{
    if (f->exit_code == 0)
        report_failure(f, "%s; stopping", bide_error_text());
    fetch_fail(f, EXIT_LOCAL);
}
