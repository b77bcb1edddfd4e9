/* SPDX-License-Identifier: MIT */
/*
 * progress.c - what `bide get` shows of a large body that goes to a file or a pipe.
 *
 * Nothing is shown of what is over soon, or is small.
 */
#include <unistd.h>

#include <bide/loop.h>

#include "cli/get/get.h"

#define LARGE_BYTES 1000000
#define LATE_US     500000

void get_progress_open(struct get_progress *p, const struct get_options *options, uint64_t n)
{
    bool to_terminal = options->output ? output_is_stdout(options->output) && isatty(STDOUT_FILENO) : isatty(STDOUT_FILENO);

    *p = (struct get_progress){.total = n, .began_us = clock_us()};
    progress_open(&p->progress, PROGRESS_AUTO, 0, p->began_us);
    p->progress.large_alone = n == 1;
    p->is_on = !options->no_progress && !to_terminal && isatty(STDERR_FILENO) && p->progress.mode == PROGRESS_BAR;
}

static struct progress_view view(struct get_progress *p, int64_t now_us)
{
    const struct get_flow *f = p->flow;
    struct progress_view v = {.total = p->total, .done = p->done, .ok = p->done - p->failed, .failed = p->failed,
                              .received = p->received, .live = 1, .bytes_left = -1};

    if (!f || (f->length < LARGE_BYTES && f->received < LARGE_BYTES))
        return v;
    v.large = (struct progress_large){.name = secrets_shown_url(f->url, p->shown, sizeof p->shown), .id = p->done + 1,
                                      .received = f->received, .length = f->length,
                                      .seconds = (double)(now_us - p->began_us) / 1e6};
    if (f->length > 0 && (int64_t)f->received <= f->length) {
        v.under_way = (double)f->received / (double)f->length;
        v.bytes_left = (double)(f->length - (int64_t)f->received);
    }
    return v;
}

int get_progress_run(struct get_progress *p)
{
    for (;;) {
        BIDE_TRY(bide_sleep_ms(PROGRESS_BAR_MS));
        int64_t now_us = clock_us();
        struct progress_view v = view(p, now_us);
        if (p->progress.shown || (v.large.name && now_us - p->began_us >= LATE_US))
            progress_tick(&p->progress, &v, now_us);
        else
            progress_measure(&p->progress, &v, now_us);
    }
}
