/* SPDX-License-Identifier: MIT */
/*
 * test_flow.c - a limit on silence is renewed by every byte, also by those that the kernel still holds for a slow peer.
 *
 * The slow peers are threads with blocking sockets and small buffers.  What is slow takes several times the limit.
 */
#include <time.h>

#include "client.h"

enum { LIMIT_MS = 200, LARGE = 5 << 20, HUGE = 16 << 20, SMALL_BUFFER = 4096 }; /* HUGE: for no kernel's buffer */

static char large[HUGE];

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int small_socket(int size)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    return fd;
}

/* ---- the server, and clients that are slow ---- */

struct reader {
    int port, buffer; /* SO_RCVBUF */
    const char *request;
    size_t body;      /* bytes of its body, of "x" */
    int pause_ms;     /* before each piece that is read */
    size_t piece;
    size_t got;       /* bytes of the answer */
    int64_t took_ms;
    char head[64];
};

static int connect_small(int port, int buffer)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = small_socket(buffer);

    EXPECT_EQ(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void send_fully(int fd, const char *data, size_t len)
{
    for (ssize_t n; len > 0; data += n, len -= (size_t)n)
        if ((n = send(fd, data, len, MSG_NOSIGNAL)) <= 0)
            return;
}

/* In a thread: ask, and read slowly until the end. */
static int read_slowly(struct reader *r)
{
    int fd = connect_small(r->port, r->buffer);
    char *piece = malloc(r->piece);
    int64_t begun = now_ms();
    ssize_t n;

    send_fully(fd, r->request, strlen(r->request));
    send_fully(fd, large, r->body);
    do {
        usleep((useconds_t)r->pause_ms * 1000);
        n = recv(fd, piece, r->piece, 0);
        if (r->got == 0 && n > 0)
            snprintf(r->head, sizeof r->head, "%.*s", (int)n, piece);
        r->got += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    r->took_ms = now_ms() - begun;
    free(piece);
    close(fd);
    return 0;
}

static int answer_code;
static char answer_text[256];

static int large_answer(bide_exchange *x, void *arg)
{
    (void)arg;
    answer_code = bide_respond(x, 200, "text/plain", large, strcmp(bide_exchange_path(x), "/huge") == 0 ? HUGE : LARGE);
    snprintf(answer_text, sizeof answer_text, "%s", answer_code < 0 ? bide_error_text() : "");
    return answer_code;
}

TEST(server_client_that_reads_slowly_is_not_idle, .real_time = true, .seconds = 20)
{
    bide_auto bide_server *s = bide_server_start(large_answer, .idle_timeout_ms = LIMIT_MS);
    struct reader r = {.port = bide_server_port(s), .request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                       .buffer = 65536, .pause_ms = 15, .piece = 65536};

    EXPECT_EQ(bide_to_thread(bide_coro(read_slowly, &r)), 0);
    EXPECT_LT(LARGE, r.got);
    EXPECT_LT(3 * LIMIT_MS, r.took_ms);
    EXPECT_EQ(answer_code, 0);
}

TEST(server_client_that_stopped_reading_is_cut_off, .real_time = true)
{
    bide_auto bide_server *s = bide_server_start(large_answer, .idle_timeout_ms = LIMIT_MS);
    int fd = connect_small(bide_server_port(s), SMALL_BUFFER);
    int64_t begun = now_ms();

    answer_code = 1;
    send_fully(fd, "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n", 31);
    while (answer_code == 1)
        EXPECT_EQ(bide_sleep_ms(5), 0);
    EXPECT_LE(LIMIT_MS, now_ms() - begun);
    EXPECT_ERR(answer_code, BIDE_ETIMEDOUT);
    EXPECT_CONTAINS(answer_text, "the client took nothing of the answer within 200 ms");
    close(fd);
}

/* The answer is in the kernel's buffer, and the server waits for the next request meanwhile. */
static int whole_in_the_kernel(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond(x, 200, "text/plain", large, 200000);
}

static int ask_twice_slowly(struct reader *r)
{
    int fd = connect_small(r->port, SMALL_BUFFER);
    char piece[8192];
    ssize_t n = 1;

    for (int i = 0; i < 2 && n > 0; i++) {
        send_fully(fd, r->request, strlen(r->request));
        for (r->got = 0; r->got < 200000 && n > 0; r->got += n > 0 ? (size_t)n : 0) {
            usleep(30000);
            n = recv(fd, piece, sizeof piece, 0);
        }
    }
    close(fd);
    return 0;
}

TEST(server_client_that_still_takes_its_answer_is_not_idle_between_requests, .real_time = true, .seconds = 20)
{
    bide_auto bide_server *s = bide_server_start(whole_in_the_kernel, .idle_timeout_ms = LIMIT_MS);
    struct reader r = {.port = bide_server_port(s), .request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"};

    EXPECT_EQ(bide_to_thread(bide_coro(ask_twice_slowly, &r)), 0);
    EXPECT_LE(200000, r.got);
    EXPECT_EQ(bide_server_count(s, 200), 2);
    EXPECT_EQ(bide_server_get_stats(s).connections, 1);
}

/* A connection that is closed with bytes unread is reset, and what of the answer is on its way is lost. */
TEST(server_answer_without_reading_the_body_arrives_at_a_slow_client, .real_time = true, .seconds = 20)
{
    bide_auto bide_server *s = bide_server_start(whole_in_the_kernel);
    struct reader r = {.port = bide_server_port(s), .buffer = SMALL_BUFFER, .body = 2 << 20, .pause_ms = 40, .piece = 8192,
                       .request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n"};

    EXPECT_EQ(bide_to_thread(bide_coro(read_slowly, &r)), 0);
    EXPECT_LT(200000, r.got);
}

/* ---- the client, and servers that are slow ---- */

struct slow_server {
    int listener, buffer; /* SO_RCVBUF */
    pthread_t thread;
    size_t piece;      /* read at once; 0: nothing is read */
    int pause_ms;
    size_t wanted;     /* bytes behind the first 200 until it answers */
    const char *early; /* said when the head has come */
    const char *answer;
    int think_ms;
};

static void *serve_slowly(void *arg)
{
    struct slow_server *p = arg;
    int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    char *piece = malloc(65536);
    size_t got = 0;
    ssize_t n = recv(fd, piece, 200, 0); /* the head, about */

    if (p->early)
        send_fully(fd, p->early, strlen(p->early));
    while (n > 0 && p->piece > 0 && got < p->wanted) {
        n = recv(fd, piece, p->piece, 0);
        got += n > 0 ? (size_t)n : 0;
        usleep((useconds_t)p->pause_ms * 1000);
    }
    usleep((useconds_t)p->think_ms * 1000);
    if (p->answer)
        send_fully(fd, p->answer, strlen(p->answer));
    shutdown(fd, SHUT_WR);
    /* The client may have kept the connection, and wait for this thread before it can see that it ends. */
    struct timeval limit = {.tv_usec = 100000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    for (int64_t end = now_ms() + 3000; now_ms() < end && recv(fd, piece, 65536, 0) > 0;)
        ;
    free(piece);
    close(fd);
    return NULL;
}

/* A server that takes one connection. */
static const char *slow_start(struct slow_server *p)
{
    static char url[64];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    p->listener = small_socket(p->buffer ? p->buffer : SMALL_BUFFER);
    EXPECT_EQ(bind(p->listener, (struct sockaddr *)&a, len), 0);
    EXPECT_EQ(listen(p->listener, 4), 0);
    EXPECT_EQ(getsockname(p->listener, (struct sockaddr *)&a, &len), 0);
    EXPECT_EQ(pthread_create(&p->thread, NULL, serve_slowly, p), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    return url;
}

static void slow_stop(struct slow_server *p)
{
    pthread_join(p->thread, NULL);
    close(p->listener);
}

static void expect_uploaded(size_t len, int buffer, int pause_ms)
{
    struct slow_server p = {.buffer = buffer, .piece = (size_t)buffer, .pause_ms = pause_ms, .wanted = len - 200, .answer = OK("2") "ok"};
    const char *url = slow_start(&p);
    int64_t begun = now_ms();
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = LIMIT_MS);
    bide_auto bide_response *r = bide_post(s, url, .data = {large, len});

    if (!r)
        FAIL("%zu bytes: %s", len, bide_error_text());
    expect_body(r, "ok");
    EXPECT_LT(3 * LIMIT_MS, now_ms() - begun);
    slow_stop(&p);
}

TEST(client_upload_to_a_slow_reader_is_no_silence, .real_time = true, .seconds = 60)
{
    expect_uploaded(LARGE, 65536, 15);  /* more than the kernel takes at once */
    expect_uploaded(200000, 4096, 15);  /* all in the kernel's hands: the answer is waited for */
}

TEST(client_server_that_stops_reading_an_upload_is_distinguished_from_one_that_thinks, .real_time = true)
{
    struct slow_server stuck = {.piece = 0, .think_ms = 700}, all = {.piece = 65536, .wanted = 199800, .think_ms = 700};
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = LIMIT_MS);

    EXPECT_FAILED(bide_post(s, slow_start(&stuck), .data = {large, HUGE}), BIDE_ETIMEDOUT, "of the request's 1677",
                  "timed out: the server took nothing within 200 ms; it has taken ");
    slow_stop(&stuck);
    EXPECT_FAILED(bide_post(s, slow_start(&stuck), .data = {large, 200000}), BIDE_ETIMEDOUT, "of the request's 2001",
                  "timed out: the server took nothing within 200 ms; it has taken ");
    slow_stop(&stuck);
    EXPECT_FAILED(bide_post(s, slow_start(&all), .data = {large, 200000}), BIDE_ETIMEDOUT, "whole request, 2001",
                  "timed out: no answer within 200 ms; it has taken the ");
    slow_stop(&all);
}

/* It has answered, keeps the connection, and takes no more of the body. */
TEST(client_answer_before_the_end_of_a_stuck_upload_is_the_answer, .real_time = true)
{
    struct slow_server p = {.piece = 0, .early = OK("6") "enough", .think_ms = 700};
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = LIMIT_MS);
    bide_auto bide_response *r = bide_post(s, slow_start(&p), .data = {large, HUGE});

    if (!r)
        FAIL("%s", bide_error_text());
    EXPECT_EQ(bide_status(r), 200);
    expect_body(r, "enough");
    EXPECT_EQ(bide_session_get_stats(s).open, 0);
    slow_stop(&p);
}

static int compute_after(int wait_ms, int ms)
{
    BIDE_TRY(bide_sleep_ms(wait_ms));
    for (int64_t end = now_ms() + ms; now_ms() < end;)
        ;
    return 0;
}

/* What had come in time is no silence, also when this thread was too busy to look. */
TEST(client_answer_that_came_while_the_thread_was_busy_is_in_time, .real_time = true)
{
    struct peer p = PEER(ASK PAUSE OK("2") "ok");
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.read_timeout_ms = 150);
    bide_auto bide_task *busy = bide_create_task(bide_coro(compute_after, 10, 400)); /* while the request waits */
    bide_auto bide_response *r = bide_get(s, peer_url(&p, "/"));
    if (!r)
        FAIL("%s", bide_error_text());
    expect_body(r, "ok");
    peer_stop(&p);
}

/* ---- TLS: a record that comes byte by byte ---- */

struct drip {
    int listener, port, to;
    pthread_t thread;
    size_t piece;
    int pause_ms;
};

static void drip_on(int from, int to, size_t piece, int pause_ms)
{
    char bytes[4096];
    ssize_t n = recv(from, bytes, piece, 0);

    if (n > 0)
        send_fully(to, bytes, (size_t)n);
    else
        shutdown(to, SHUT_WR);
    usleep((useconds_t)pause_ms * 1000);
}

/* Passes bytes on, those of the server slowly once the handshake is over. */
static void *drip_run(void *arg)
{
    struct drip *d = arg;
    int client = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC), server = connect_small(d->to, SMALL_BUFFER), on = 1;
    struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    int64_t begun = now_ms();

    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (now_ms() < begun + 2000 && poll(fds, 2, 100) >= 0) {
        bool slow = now_ms() > begun + 100;
        if (fds[0].revents & POLLIN)
            drip_on(client, server, 4096, 0);
        if (fds[0].revents & (POLLHUP | POLLERR))
            break;
        if (fds[1].revents & POLLIN)
            drip_on(server, client, slow ? d->piece : 4096, slow ? d->pause_ms : 0);
    }
    close(client);
    close(server);
    return NULL;
}

static void drip_start(struct drip *d)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    d->listener = small_socket(SMALL_BUFFER);
    EXPECT_EQ(bind(d->listener, (struct sockaddr *)&a, len), 0);
    EXPECT_EQ(listen(d->listener, 4), 0);
    EXPECT_EQ(getsockname(d->listener, (struct sockaddr *)&a, &len), 0);
    d->port = ntohs(a.sin_port);
    EXPECT_EQ(pthread_create(&d->thread, NULL, drip_run, d), 0);
}

static int one_record(bide_exchange *x, void *arg)
{
    (void)arg;
    BIDE_TRY(bide_sleep_ms(150));
    return bide_respond(x, 200, "text/plain", large, 12000);
}

TEST(client_tls_record_that_comes_slowly_is_no_silence, .real_time = true, .seconds = 20)
{
    certs_make();
    bide_auto bide_server *server =
        bide_server_start(one_record, .cert_file = cert_path("good"), .key_file = cert_path("good"));
    struct drip d = {.to = bide_server_port(server), .piece = 256, .pause_ms = 20};
    char url[64];
    drip_start(&d);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", d.port);
    {
        bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"), .read_timeout_ms = 2 * LIMIT_MS);
        bide_auto bide_response *r = bide_get(s, url);
        if (!r)
            FAIL("%s", bide_error_text());
        EXPECT_EQ(bide_body(r).len, 12000);
    }
    pthread_join(d.thread, NULL);
    close(d.listener);
}

/* ---- fair turns ---- */

enum { BULK = 40, BOUND = 3 << 20 }; /* connections; bytes that all of them together may move first */

struct fair {
    bide_server *server;
    uint64_t moved; /* by the server, when the small request was asked for */
};

static int bulk_or_small(bide_exchange *x, void *arg)
{
    struct fair *f = arg;
    bide_server_stats stats = bide_server_get_stats(f->server);

    if (strcmp(bide_exchange_path(x), "/up") == 0)
        return bide_exchange_body(x).data ? bide_respond_text(x, 200, "taken") : bide_raise();
    if (strcmp(bide_exchange_path(x), "/huge") == 0)
        return bide_respond(x, 200, "text/plain", large, HUGE);
    f->moved = stats.bytes_out + stats.bytes_in;
    return bide_respond_text(x, 200, "small");
}

/* All of them ask before the server has a turn, the small one last. */
static uint64_t bytes_before_a_small_request(const char *bulk, size_t body)
{
    struct fair f = {0};
    bide_auto bide_server *s = f.server = bide_server_start(bulk_or_small, .arg = &f);
    int fds[BULK + 1];

    for (int i = 0; i <= BULK; i++) {
        fds[i] = connect_small(bide_server_port(s), 65536);
        send_fully(fds[i], i < BULK ? bulk : "GET / HTTP/1.1\r\nHost: a\r\n\r\n", i < BULK ? strlen(bulk) : 27);
        for (size_t sent = 0; i < BULK && sent < body;) {
            ssize_t n = send(fds[i], large, body - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent = n > 0 ? sent + (size_t)n : body;
        }
    }
    while (f.moved == 0)
        EXPECT_EQ(bide_sleep_ms(1), 0);
    for (int i = 0; i <= BULK; i++)
        close(fds[i]);
    return f.moved;
}

TEST(server_small_request_beside_bulk_readers_waits_for_few_of_their_bytes, .real_time = true, .seconds = 20)
{
    EXPECT_LT(bytes_before_a_small_request("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n", 0), BOUND);
}

TEST(server_small_request_beside_bulk_senders_waits_for_few_of_their_bytes, .real_time = true, .seconds = 20)
{
    EXPECT_LT(bytes_before_a_small_request("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n", HUGE), BOUND);
}
