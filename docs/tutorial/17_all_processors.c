/* SPDX-License-Identifier: MIT */
/* 17_all_processors.c - one server in three threads, and what its handlers share. */
#include <bide/bide.h>
#include <stdatomic.h>
#include <stdio.h>

#define THREADS 3

struct site {
    atomic_int visits;      /* all threads count */
    int visits_of[THREADS]; /* each has its own, so nobody else writes it */
    bide_loop *journal;     /* who may write the journal: one loop, in one thread */
    int lines;
};

static int write_line(struct site *site)
{
    return ++site->lines; /* in the journal's thread, whoever calls */
}

static int count_visit(bide_exchange *x, void *arg)
{
    struct site *site = arg;

    site->visits_of[bide_thread_index()]++;
    int n = atomic_fetch_add(&site->visits, 1) + 1;
    BIDE_TRY(bide_call_in_loop(site->journal, bide_coro(write_line, site)));
    return bide_respond_json(x, 200, "{\"visit\":%d}", n);
}

static int visit(bide_server *server)
{
    bide_auto bide_session *s = bide_session_new(.base_url = bide_server_url(server)); /* its own: a connection of its own */
    for (int i = 0; i < 10; i++) {
        bide_auto bide_response *r = bide_get(s, "/");
        if (!r || !bide_body(r).data)
            return bide_raise();
    }
    return 0;
}

static int app(void)
{
    struct site site = {.journal = bide_get_event_loop()};
    bide_awaitable visitors[20];
    int sum = 0;
    bide_auto bide_server *server = bide_server_start(count_visit, .arg = &site, .threads = THREADS);
    if (!server)
        return bide_raise();

    for (int i = 0; i < 20; i++)
        visitors[i] = BIDE_AW(bide_coro(visit, server));
    BIDE_TRY(bide_gather_n(visitors, 20));
    BIDE_TRY(bide_server_stop(server, 1000));
    for (int i = 0; i < THREADS; i++)
        sum += site.visits_of[i];
    printf("%d visits, %d of them counted by threads, %d lines, %llu requests\n", atomic_load(&site.visits), sum, site.lines,
           (unsigned long long)bide_server_get_stats(server).requests);
    return 0;
}

int main(void)
{
    return bide_main(bide_coro(app));
}
