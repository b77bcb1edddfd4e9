/* SPDX-License-Identifier: MIT */
/*
 * repeats.c - a URL that stands in the lists more than once is asked for once, and recorded for each of its lines.
 *
 * Who is first is decided when a job is taken from the queue: it holds its URL (job.holds) from then on, and those that are
 * taken meanwhile are set aside until it has settled.  Later ones get its result from the table.  When the holder goes back
 * to its host's queue, because that is down, the URL is free: the next job that is taken holds it, so that
 * nothing is set aside for long.
 *
 * Invariant R1: jobs that are set aside wait for a URL that is busy, or that is free and has a job in the queue.
 *
 * Lines that differ in what is sent (method, headers, body) are different requests; with other names they are one, and
 * each gets a copy of the file (repeat_name.c).
 *
 * Setting aside has a ceiling: beyond it nothing is read from the lists until some have settled.
 */
#include <string.h>

#include <bide/url.h>

#include "cli/fetch/plan/plan.h"
#include "cli/fetch/report/report.h"
#include "cli/pattern/unique.h"

#define URLS_MAX    ((size_t)3 << 18) /* that are remembered: 24 MiB */
#define DIGESTS_MAX ((size_t)3 << 16) /* the same with {sha256} */
#define PASS_MOST   256 /* without letting others run */

static bool may_repeat(const struct fetch *f)
{
    const struct source *s = &f->source;

    if (f->options->inputs.len > 0 || s->nglobs > 1)
        return true;
    return s->globs[0].count > 1 && !unique_urls_are_proven(&s->globs[0]);
}

void repeats_open(struct fetch *f)
{
    struct repeats *r = &f->repeats;
    bool has_digests = f->naming.has_template && f->naming.template.needs_sha256;

    r->how = (enum repeats_how)f->options->dups;
    r->is_auto = r->how == REPEATS_AUTO; /* the method may be the list's */
    if (r->is_auto)
        r->how = REPEATS_ONCE;
    r->is_on = r->how != REPEATS_EACH && may_repeat(f);
    urlset_init(&r->urls, has_digests ? DIGESTS_MAX : URLS_MAX, has_digests);
}

/* ---- jobs ---- */

bool repeats_take(struct fetch *f, struct job *job)
{
    struct repeats *r = &f->repeats;

    if (!r->is_on || job->holds || job->fault || job->url.no_memory)
        return false;
    if (r->is_auto && !bide_method_is_idempotent(queue_method(&f->queue, job)))
        return false;
    job->key = repeats_new_key(f, job);
    struct urlset_entry *e = job->key ? urlset_find(&r->urls, job->key) : NULL;
    if (e && e->state != URLSET_FREE)
        return job->is_repeat = true;
    if (!e && job->key && !repeats_cannot_name(f, job))
        e = urlset_add(&r->urls, job->key);
    job->is_forgotten = job->key && !e;
    if (e) {
        e->state = URLSET_BUSY;
        e->first = job->number;
        job->holds = true;
    }
    return false;
}

void repeats_release(struct fetch *f, struct job *job)
{
    struct urlset_entry *e = job->holds ? urlset_find(&f->repeats.urls, job->key) : NULL;

    job->holds = false;
    if (e)
        e->state = URLSET_FREE;
}

static void set_aside(struct fetch *f, struct job *job, struct urlset_entry *e)
{
    struct job *last = e->waiting;

    job->next = last ? last->next : job;
    if (last)
        last->next = job;
    e->waiting = job;
    queue_set_aside(&f->queue, job);
}

/* The one that came first. */
static struct job *take_waiting(struct fetch *f, struct job **last)
{
    struct job *job = (*last)->next;

    if (job == *last)
        *last = NULL;
    else
        (*last)->next = job->next;
    queue_take_back(&f->queue, job);
    return job;
}

struct job *repeats_left_over(struct fetch *f)
{
    struct urlset *s = &f->repeats.urls;

    for (size_t i = 0; f->queue.naside > 0 && i < s->nslots; i++)
        if (s->slots[i].key && s->slots[i].state != URLSET_DONE && s->slots[i].waiting)
            return take_waiting(f, &s->slots[i].waiting);
    return NULL;
}

/* ---- results ---- */

static unsigned extension_number(const char *extension)
{
    const char *other;

    for (unsigned n = 0; extension && (other = names_extension_number(n)); n++)
        if (strcmp(other, extension) == 0)
            return n;
    return 0;
}

static void settle(struct worker *w, struct job *job, const struct urlset_entry *e)
{
    struct outcome o = {.fail = (enum fail)e->fail, .status = e->status, .bytes = e->bytes, .retry_after_ms = -1,
                        .is_repeat = true, .first = repeats_first_number(&w->f->repeats, e)};
    const char *why = NULL;

    text_clear(&w->why);
    text_clear(&w->name);
    if (o.fail == FAIL_NONE && naming_saves(&w->f->naming) && o.status != 304)
        why = repeats_save(w, job, e, &o);
    if (why) {
        o.fail = o.is_local ? FAIL_IO : FAIL_CLASH;
        text_add_string(&w->why, why);
    } else if (o.fail != FAIL_NONE) {
        report_add_url(&w->why, text_string(&job->url));
        text_format(&w->why, ": the same URL as number %llu, which failed", (unsigned long long)o.first);
    }
    report_settled(w, job, &o);
}

/* Nothing else here waits for anything; if it is cancelled, so is what follows. */
static void let_others_run(struct fetch *f)
{
    if (++f->repeats.passed % PASS_MOST != 0)
        return;
    if (f->jsonl.path)
        BIDE_IGNORE(jsonl_wait_written(&f->jsonl, f->jsonl.added));
    else
        BIDE_IGNORE(bide_sleep_ms(0));
}

static void refuse(struct worker *w, struct job *job, const struct urlset_entry *e)
{
    struct outcome o = {.fail = FAIL_REPEATED, .retry_after_ms = -1, .first = repeats_first_number(&w->f->repeats, e),
                        .is_repeat = true};

    text_clear(&w->why);
    text_clear(&w->name);
    report_add_url(&w->why, text_string(&job->url));
    text_format(&w->why, ": repeated: it is number %llu, too (--dups error)", (unsigned long long)o.first);
    report_settled(w, job, &o);
}

void repeats_pass(struct worker *w, struct job *job)
{
    struct fetch *f = w->f;
    let_others_run(f);
    struct urlset_entry *e = urlset_find(&f->repeats.urls, job->key);

    if (f->repeats.how == REPEATS_ERROR) {
        refuse(w, job, e);
        queue_done(&f->queue, job);
    } else if (e->state != URLSET_DONE) {
        set_aside(f, job, e);
    } else {
        struct urlset_entry copy = *e;
        settle(w, job, &copy);
        queue_done(&f->queue, job);
    }
}

/* As many as waited for it settle with it. */
static void settle_waiting(struct worker *w, struct job *last, const struct urlset_entry *e)
{
    struct fetch *f = w->f;

    while (last) {
        bool were_many = queue_aside_is_full(&f->queue);
        struct job *job = take_waiting(f, &last);
        let_others_run(f);
        if (e->fail == FAIL_CANCELLED)
            report_skipped(f, job);
        else
            settle(w, job, e);
        queue_drop(&f->queue, job);
        if (were_many && !queue_aside_is_full(&f->queue))
            queue_wake_or_grow(&f->queue);
    }
}

/* It could not be saved as it is to be called; others that wait for it have other names, perhaps: one of them is the next. */
static void pass_on(struct fetch *f, struct urlset_entry *e)
{
    e->state = URLSET_FREE;
    if (!e->waiting)
        return;
    struct job *next = take_waiting(f, &e->waiting);
    next->is_repeat = false;
    queue_park(&f->queue, next);
    queue_wake_or_grow(&f->queue);
}

void repeats_settle(struct worker *w, struct job *job, const struct outcome *o)
{
    struct fetch *f = w->f;
    struct urlset_entry *e = job->holds ? urlset_find(&f->repeats.urls, job->key) : NULL;
    if (!e)
        return;

    job->holds = false;
    if (o->fail == FAIL_CLASH) {
        pass_on(f, e);
        return;
    }
    struct job *last = e->waiting;
    if (o->fail == FAIL_NONE && naming_saves(&f->naming) && o->status != 304 && repeats_remember(f, job, e, &w->name) < 0)
        fetch_fail_here(f);
    e->state = URLSET_DONE;
    e->bytes = o->bytes;
    e->fail = o->fail;
    e->status = (unsigned)(o->trail ? o->trail->status : o->status) & 1023;
    e->extension = extension_number(o->is_existing ? w->existing : o->extension);
    if (f->repeats.urls.has_digests)
        memcpy(urlset_digest(&f->repeats.urls, e), o->sha256, sizeof o->sha256);
    struct urlset_entry copy = *e;
    settle_waiting(w, last, &copy);
}
