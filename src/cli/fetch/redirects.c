/* SPDX-License-Identifier: MIT */
/*
 * redirects.c - where redirects lead to: may a job go there now?  And for the record of one whose redirects came to no end.
 *
 * A job counts at the host that it asks, so that hosts behind redirects have their health and their window like others.
 * If such a host must be left alone, the job waits for it like those of its own.  When it is its turn, it goes on where it
 * was; if it has fields that must not go everywhere, which is for the library to say, it begins with its own URL
 * again, and keeps its place at the host that it waited for.  What is not safe to be sent twice does not wait.  One that goes
 * on has the cookies that the redirects before have set: they are kept in a jar of the job's own, unless all URLs have one.
 *
 * A request that fails gives no response to ask: what is followed is noted on the way.  The session may follow one
 * more than --max-redirs, so that the one too many is seen, too, before it is refused here.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/fetch/fetch.h"
#include "cli/fetch/report/report.h"
#include "cli/fetch/save/save.h"

static void note_last(struct trail *t, const bide_response *r)
{
    t->is_seen = true;
    t->http_minor = bide_response_http_minor(r);
    t->reused = bide_response_reused(r);
    t->timing = bide_response_timing(r);
    snprintf(t->ip, sizeof t->ip, "%s", bide_response_peer(r));
}

/* Nothing in it is for its first host alone. */
static bool may_go_on(const struct fetch *f, const struct job *job)
{
    const char *url = text_string(&job->url);

    return !f->request.headers && !f->request.cookies && !job->extras && !bide_url_find_authority(url, strlen(url)).user.data;
}

/* It waits for the host of this URL. */
static int wait_there(struct worker *w, const char *to)
{
    struct job *job = w->job;

    free(job->redirect.url);
    job->redirect.url = may_go_on(w->f, job) ? strdup(to) : NULL; /* without memory: from the beginning */
    if (!job->redirect.url)
        job_forget_cookies(job);
    job->redirect.hops = w->trail.redirects;
    job->redirect.is_away = !hosts_is(job->host, job_asks(job));
    return bide_fail(BIDE_EREDIRECT, "%s may not be asked now", job->host->name);
}

/* To another host: what this one said counts for it, and that one may not have room. */
static int hop(struct worker *w, const bide_response *r, const char *to)
{
    struct job *job = w->job;
    bool is_there = hosts_is(job->host, to), is_on_its_way = job->redirect.is_away; /* its place is at a host behind this one */

    if (is_there)
        job->redirect.is_away = false;
    if (is_there || is_on_its_way)
        return 0;

    if (hosts_is(job->host, bide_response_url(r))) {
        bide_timing t = bide_response_timing(r);
        queue_borne(&w->f->queue, job, timing_answer_us(&t));
        queue_answered(&w->f->queue, job, t.first_byte);
    }
    w->hop = queue_hop(&w->f->queue, job, to);
    if (w->hop == HOP_WAITS && !bide_method_is_idempotent(queue_method(&w->f->queue, job)))
        w->hop = HOP_GOES;
    if (w->hop == HOP_GOES) {
        if (!job->request.is_sent) /* without memory for that host it still counts at this one */
            silence_ask(&w->f->queue, job);
        job->redirect.is_away = false; /* for the next hop */
        return 0;
    }
    return wait_there(w, to);
}

/* Of a request that has no jar of ours; a value that is none is dropped, as the library does. */
static int note_cookies(struct worker *w, const bide_response *r)
{
    struct job_redirect *j = &w->job->redirect;
    bide_pair field;
    if (w->f->request.jar || w->trail.has_jar)
        return 0;

    for (size_t i = 0; bide_header_at(r, i, &field); i++) {
        if (strcasecmp(field.name, "Set-Cookie") != 0)
            continue;
        if (!j->jar && !(j->jar = bide_cookie_jar_new()))
            return bide_error_code();
        if (bide_cookie_jar_add(j->jar, bide_response_url(r), field.value) == BIDE_ENOMEM)
            return BIDE_ENOMEM;
    }
    return 0;
}

static int note_redirect(const bide_response *r, const char *to, void *arg)
{
    struct worker *w = arg;
    int most = w->f->options->http.max_redirects;

    if (w->trail.redirects == most) {
        note_last(&w->trail, r);
        return bide_fail(BIDE_EREDIRECT, "more than %d redirects", most);
    }
    w->trail.redirects++;
    text_clear(&w->landed);
    text_add_string(&w->landed, to);
    BIDE_TRY(note_cookies(w, r));
    return hop(w, r, to);
}

void fetch_watch_redirects(struct fetch *f)
{
    struct request *q = &f->request;

    q->on_redirect = note_redirect;
    q->max_redirects += q->max_redirects > 0;
}

bide_response *fetch_ask(struct worker *w)
{
    struct fetch *f = w->f;
    const struct job *job = w->job;

    w->trail = (struct trail){.redirects = job->redirect.hops, .has_jar = job->redirect.jar};
    text_clear(&w->landed);
    if (job->redirect.url)
        text_add_string(&w->landed, job->redirect.url);
    return request_send(&f->request, f->session, job_asks(job),
                        &(struct request_of_one){.extras = job->extras, .watcher = w, .jar = job->redirect.jar,
                                                   .resume = fetch_find_part(w), .seen = &w->seen});
}

void fetch_note_trail(struct worker *w, const bide_error_info *e)
{
    struct trail *t = &w->trail;
    struct outcome *o = &w->outcome;

    o->redirects = t->redirects;
    if (t->redirects > 0 && !w->landed.no_memory)
        o->final_url = w->landed.data;
    if (e->code != BIDE_EREDIRECT)
        return;
    t->status = e->http_status;
    o->trail = t;
}
