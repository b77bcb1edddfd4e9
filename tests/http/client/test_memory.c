/* SPDX-License-Identifier: MIT */
/* test_memory.c - allocations and system calls: how many there are, and what happens when one fails. */
#include "client.h"
#include "http/client/client.h"

/* A request on a session of its own, from beginning to end.  0, or the code. */
static int whole_get(const char *url, bide_request_args args)
{
    bide_auto bide_session *s = bide_session_new(.ca_file = strncmp(url, "https", 5) == 0 ? cert_path("ca") : NULL,
                                                 .headers = BIDE_PAIRS({"X-A", "b"}));
    if (!s)
        return bide_error_code();
    args.url = url;
    bide_auto bide_response *r = bide_request_with(s, "GET", &args);
    return r && bide_body(r).data ? 0 : bide_error_code();
}

/* Fail the n-th allocation for n = 0, 1, 2, ... until one after the other succeeds: nothing is left to fail. */
static void expect_every_failure_is_returned(struct peer *p, bide_request_args args)
{
    int in_a_row = 0, failures = 0;

    peer_start(p);
    for (long n = 0; in_a_row < 12; n++) {
        EXPECT_LT(n, 500);
        bide__alloc_fail_at(n);
        int code = whole_get(peer_url(p, "/"), args);
        bide__alloc_fail_at(-1);
        if (code < 0)
            EXPECT_ERR(code, BIDE_ENOMEM);
        bide_error_clear();
        in_a_row = code < 0 ? 0 : in_a_row + 1;
        failures += code < 0;
    }
    EXPECT_LT(8, failures);
    peer_stop(p);
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

TEST(client_out_of_memory_is_an_error_at_every_allocation, .real_time = true, .seconds = 30)
{
    struct peer whole = {.scripts = {ASK OK("5") "hello"}, .repeat = true};
    struct peer pieces = {.scripts = {ASK "HTTP/1.1 200 OK\r\n" PAUSE "Content-Length: 5\r\n\r\nhe" PAUSE "llo"},
                          .repeat = true};
    struct peer chunks = {.scripts = {ASK CHUNKED "2\r\nhe\r\n" PAUSE "3\r\nllo\r\n0\r\n\r\n"}, .repeat = true};

    expect_every_failure_is_returned(&whole, (bide_request_args){.size = sizeof(bide_request_args), .form = BIDE_PAIRS({"a", "b"})});
    expect_every_failure_is_returned(&pieces, (bide_request_args){.size = sizeof(bide_request_args), .json = "1"});
    expect_every_failure_is_returned(&chunks, (bide_request_args){.size = sizeof(bide_request_args), .query = BIDE_PAIRS({"a", "b"})});
}

TEST(client_out_of_memory_is_an_error_at_every_allocation_of_tls, .real_time = true, .seconds = 30)
{
    certs_make();
    struct peer tls = {.scripts = {ASK OK("5") "hel" PAUSE "lo"}, .repeat = true, .cert = "good"};

    expect_every_failure_is_returned(&tls, (bide_request_args){.size = sizeof(bide_request_args), .headers = BIDE_PAIRS({"X-B", "c"})});
}

TEST(client_out_of_memory_on_a_redirect_is_an_error, .real_time = true, .seconds = 30)
{
    struct peer p = {.scripts = {ASK "HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n" ASK OK("5") "hello"},
                     .repeat = true};

    expect_every_failure_is_returned(&p, (bide_request_args){.size = sizeof(bide_request_args)});
}

/* ---- a steady stream ---- */

#define FOUR(x)    x x x x
#define HUNDRED(x) FOUR(FOUR(x) FOUR(x) FOUR(x) FOUR(x) FOUR(x) FOUR(x) x)

/* After the first requests, an allocation that is doomed is never made. */
static void expect_no_allocations(struct peer *p, const char *text)
{
    if (bide__no_recycling)
        SKIP("nothing is recycled under a checker, or with BIDE_DEBUG=1");
    peer_start(p);
    {
        bide_auto bide_session *s = bide_session_new(.ca_file = p->cert ? cert_path("ca") : NULL);
        const char *url = peer_url(p, "/");
        for (int i = 0; i < 10; i++)
            expect_get(s, url, text);
        bide__alloc_fail_at(0);
        for (int i = 0; i < 80; i++)
            expect_get(s, url, text);
        EXPECT_NULL(bide__malloc(1)); /* it was waiting for this */
        EXPECT_EQ(bide_session_get_stats(s).connections, 1);
    }
    peer_stop(p);
}

TEST(client_a_steady_stream_of_requests_allocates_nothing, .real_time = true)
{
    struct peer counted = PEER(HUNDRED(ASK OK("5") "hello"));
    struct peer chunked = PEER(HUNDRED(ASK CHUNKED "5\r\nhello\r\n0\r\n\r\n"));

    expect_no_allocations(&counted, "hello");
    expect_no_allocations(&chunked, "hello");
}

TEST(client_a_steady_stream_of_requests_over_tls_allocates_nothing_of_ours, .real_time = true)
{
    certs_make();
    struct peer tls = {.scripts = {HUNDRED(ASK OK("5") "hello")}, .cert = "good"};

    expect_no_allocations(&tls, "hello");
}

static const struct filter_ops *real_ops;
static const struct poller_ops *real_poller;
static int recvs, sends, waits;

static ssize_t counted_recv(struct filter *f, void *out, size_t cap)
{
    recvs += container_of(f, struct socket_filter, filter)->fd.readable; /* else it makes no system call */
    return real_ops->try_recv(f, out, cap);
}

static ssize_t counted_send(struct filter *f, const struct iovec *iov, int n)
{
    sends++;
    return real_ops->try_send(f, iov, n);
}

static int counted_wait(void *poller, int64_t timeout_ns)
{
    waits++;
    return real_poller->wait(poller, timeout_ns);
}

/* One send and one recv for each request, and one look at epoll. */
static void expect_two_calls_each(struct peer *p, const char *text)
{
    struct filter_ops counting;
    struct poller_ops counting_poller;
    peer_start(p);
    {
        bide_auto bide_session *s = bide_session_new(.ca_file = p->cert ? cert_path("ca") : NULL);
        const char *url = peer_url(p, "/");
        for (int i = 0; i < 10; i++)
            expect_get(s, url, text);
        struct conn *c = container_of(s->connector.idle.next, struct conn, in_idle);
        real_ops = c->stream->socket.filter.ops;
        counting = *real_ops;
        counting.try_recv = counted_recv;
        counting.try_send = counted_send;
        c->stream->socket.filter.ops = &counting;
        real_poller = s->loop->poller_ops;
        counting_poller = *real_poller;
        counting_poller.wait = counted_wait;
        s->loop->poller_ops = &counting_poller;

        recvs = sends = waits = 0;
        for (int i = 0; i < 80; i++)
            expect_get(s, url, text);
        EXPECT_EQ(sends, 80);
        EXPECT_EQ(recvs, 80);
        EXPECT_LE(waits, 80 + 8); /* a timer of the wheel may end a wait once more */
        s->loop->poller_ops = real_poller;
        c->stream->socket.filter.ops = real_ops;
    }
    peer_stop(p);
}

TEST(client_a_small_get_is_one_send_and_one_recv, .real_time = true)
{
    struct peer counted = PEER(HUNDRED(ASK OK("5") "hello"));
    struct peer chunked = PEER(HUNDRED(ASK CHUNKED "5\r\nhello\r\n0\r\n\r\n"));

    expect_two_calls_each(&counted, "hello");
    expect_two_calls_each(&chunked, "hello");
}

TEST(client_a_small_get_over_tls_is_one_send_and_one_recv, .real_time = true)
{
    certs_make();
    struct peer tls = {.scripts = {HUNDRED(ASK OK("5") "hello")}, .cert = "good"};

    expect_two_calls_each(&tls, "hello");
}

/* ---- many at once ---- */

static int wait_for_answer(bide_session *s, const char *url)
{
    bide_auto bide_response *r = bide_get(s, url);
    return r ? 0 : bide_raise();
}

static int answer_late(bide_exchange *x, void *arg)
{
    (void)arg;
    BIDE_TRY(bide_sleep_ms(500));
    return bide_respond_text(x, 200, "late");
}

static long resident_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "re");

    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = atol(line + 8);
    if (f)
        fclose(f);
    return kib;
}

/* Client and server are one process here, so this is the memory of both. */
TEST(client_a_request_that_waits_takes_little_memory, .real_time = true, .seconds = 60)
{
    const char *preloaded = getenv("LD_PRELOAD");
    if (BIDE_SANITIZED || (preloaded && strstr(preloaded, "valgrind")))
        SKIP("a sanitizer needs memory of its own");
    enum { N = 400 };
    static bide_task *tasks[N];
    bide_auto bide_server *server = bide_server_start(answer_late);
    bide_auto bide_session *s = bide_session_new(.limit = N, .limit_per_host = N);
    char url[128];
    snprintf(url, sizeof url, "%s/", bide_server_url(server));
    EXPECT_EQ(wait_for_answer(s, url), 0);

    long before = resident_kib();
    for (int i = 0; i < N; i++)
        tasks[i] = bide_create_task(bide_coro(wait_for_answer, s, url));
    EXPECT_EQ(bide_sleep_ms(250), 0);
    EXPECT_LT(resident_kib() - before, 40 * N);
    for (int i = 0; i < N; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 0);
        bide_release(tasks[i]);
    }
}
