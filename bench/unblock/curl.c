/* SPDX-License-Identifier: MIT */
/*
 * curl.c - what one GET through libcurl costs: COUNT of them, on so many connections that are kept.
 *
 *     bench-curl easy|poll|socket URL [COUNT [CONNECTIONS]]          100,000 by 64
 *
 * easy: curl_easy_perform in as many tasks, each with a handle of its own, and libbide-unblock.  The others are libcurl's own way to
 * have many at once, its multi interface: poll waits in curl_multi_poll, socket in epoll (curl_multi_socket_action).
 */
#include <curl/curl.h>
#include <sys/epoll.h>

#include <bide/bide.h>

#include "bench.h"

struct job {
    const char *url;
    long count, left, done;
    int connections;
    CURLM *multi;
    int set; /* socket: of epoll */
    long timeout_ms;
};

static size_t drop(char *data, size_t size, size_t n, void *arg)
{
    (void)data, (void)arg;
    return size * n;
}

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static CURL *handle_of(struct job *job)
{
    CURL *e = curl_easy_init();

    curl_easy_setopt(e, CURLOPT_URL, job->url);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return e;
}

/* ---- easy ---- */

static int ask(struct job *job)
{
    CURL *e = handle_of(job);

    while (job->left > 0) {
        job->left--;
        CURLcode code = curl_easy_perform(e);
        if (code != CURLE_OK)
            fail(curl_easy_strerror(code));
    }
    curl_easy_cleanup(e);
    return 0;
}

static int run_easy(struct job *job)
{
    static bide_awaitable all[1000];

    for (int i = 0; i < job->connections; i++)
        all[i] = BIDE_AW(bide_coro(ask, job));
    return bide_gather_n(all, (size_t)job->connections);
}

/* ---- multi ---- */

static void begin_multi(struct job *job)
{
    for (int i = 0; i < job->connections && job->left > 0; i++, job->left--)
        curl_multi_add_handle(job->multi, handle_of(job));
}

static void take_ended(struct job *job)
{
    int unused;

    for (CURLMsg *m; (m = curl_multi_info_read(job->multi, &unused));) {
        if (m->data.result != CURLE_OK)
            fail(curl_easy_strerror(m->data.result));
        CURL *e = m->easy_handle;
        job->done++;
        curl_multi_remove_handle(job->multi, e);
        if (job->left > 0 && job->left--)
            curl_multi_add_handle(job->multi, e);
        else
            curl_easy_cleanup(e);
    }
}

static void run_poll(struct job *job)
{
    int running;

    begin_multi(job);
    while (job->done < job->count) {
        curl_multi_perform(job->multi, &running);
        take_ended(job);
        if (job->done < job->count)
            curl_multi_poll(job->multi, NULL, 0, 1000, NULL);
    }
}

static int watch(CURL *e, curl_socket_t s, int what, void *arg, void *known)
{
    struct job *job = arg;
    struct epoll_event ev = {.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u), .data.fd = s};

    (void)e;
    epoll_ctl(job->set, what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL : known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s, &ev);
    if (what != CURL_POLL_REMOVE && !known)
        curl_multi_assign(job->multi, s, job);
    return 0;
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    ((struct job *)arg)->timeout_ms = ms;
    return 0;
}

static int bits_of(uint32_t events)
{
    return (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
           (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

static void run_socket(struct job *job)
{
    struct epoll_event ev[256];
    int running;

    job->set = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(job->multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(job->multi, CURLMOPT_SOCKETDATA, job);
    curl_multi_setopt(job->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(job->multi, CURLMOPT_TIMERDATA, job);
    begin_multi(job);
    while (job->done < job->count) {
        int n = epoll_wait(job->set, ev, 256, (int)job->timeout_ms);
        if (n == 0) {
            job->timeout_ms = -1;
            curl_multi_socket_action(job->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        for (int i = 0; i < n; i++)
            curl_multi_socket_action(job->multi, ev[i].data.fd, bits_of(ev[i].events), &running);
        take_ended(job);
    }
}

static int run_multi(struct job *job, void (*run)(struct job *))
{
    job->multi = curl_multi_init();
    curl_multi_setopt(job->multi, CURLMOPT_MAXCONNECTS, (long)job->connections);
    run(job);
    curl_multi_cleanup(job->multi);
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "";
    void (*run)(struct job *) = strcmp(mode, "poll") == 0 ? run_poll : strcmp(mode, "socket") == 0 ? run_socket : NULL;
    if (!run && strcmp(mode, "easy") != 0) {
        fprintf(stderr, "usage: %s easy|poll|socket URL [COUNT [CONNECTIONS, at most 1000]]\n", argv[0]);
        return 2;
    }
    struct job job = {.url = argv[2], .count = bench_arg(argc, argv, 3, 100000), .timeout_ms = -1};
    job.left = job.count;
    job.connections = (int)bench_arg(argc, argv, 4, 64);
    if (job.connections > 1000)
        job.connections = 1000;

    struct bench b;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    bench_begin(&b);
    int code = run ? run_multi(&job, run) : bide_run(bide_coro(run_easy, &job));
    bench_end(&b, job.count);
    curl_global_cleanup();
    return code < 0;
}
