/* SPDX-License-Identifier: MIT */
/*
 * idle.c - what a server keeps for a connection that has had its answer and says nothing: COUNT of them at once.
 *
 *     bench-idle COUNT [CERT KEY]                   our server, in this process; with a certificate over TLS
 *     bench-idle COUNT PORT PID [tls]               a server that runs: the process PID, on this port of 127.0.0.1
 *
 * The client is a child, so its memory does not count.  It asks once on each connection; then the server has a few
 * seconds to give back what it does not need.  rss_kb is what its memory has grown by since it was ready, page tables
 * included.
 */
#include <strings.h>
#include <unistd.h>

#include <bide/bide.h>
#include <bide/server.h>

#include "bench.h"

#define SETTLE_MS 4000
#define AT_ONCE 32

struct job {
    long count, begun;
    int port, to_client, from_client;
    pid_t server; /* whose memory */
    const char *cert, *key;
    bool is_tls;
    bide_tls *tls;
    bide_stream **streams;
};

/* ---- the client ---- */

static int ask(struct job *job, bide_stream **s)
{
    static const char request[] = "GET /j HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    const char *line;
    char body[4096];
    ssize_t n, length = 0;
    *s = bide_connect("127.0.0.1", job->port, .tls = job->tls, .timeout_ms = 60000);
    if (!*s)
        return bide_raise();

    BIDE_TRY(bide_write(*s, request, sizeof request - 1));
    while ((n = bide_read_until(*s, "\r\n", &line)) > 2)
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            length = atol(line + 15);
    if (n < 0)
        return (int)n;
    if (length <= 0 || length > (ssize_t)sizeof body)
        return bide_fail(BIDE_EHTTP, "an answer of %zd bytes", length);
    n = bide_read_exactly(*s, body, (size_t)length);
    return n < 0 ? (int)n : 0;
}

static int ask_some(struct job *job)
{
    while (job->begun < job->count)
        BIDE_TRY(ask(job, &job->streams[job->begun++]));
    return 0;
}

static int client(struct job *job)
{
    bide_awaitable all[AT_ONCE];
    char byte;
    bide_auto bide_tls *tls = job->is_tls ? bide_tls_new(.insecure = true) : NULL;
    if (job->is_tls && !tls)
        return bide_raise();

    job->tls = tls;
    job->streams = calloc((size_t)job->count, sizeof *job->streams);
    for (int i = 0; i < AT_ONCE; i++)
        all[i] = BIDE_AW(bide_coro(ask_some, job));
    BIDE_TRY(bide_gather_n(all, AT_ONCE));
    if (write(job->from_client, "!", 1) != 1)
        return bide_fail(-errno, "telling the bench");
    (void)!read(job->to_client, &byte, 1); /* until it has looked */
    _exit(0);
}

/* The child waits for the port before it begins. */
static void start_client(struct job *job)
{
    int go[2], done[2];
    if (pipe(go) < 0 || pipe(done) < 0)
        exit(2);
    pid_t child = fork();

    if (child < 0)
        exit(2);
    if (child > 0) {
        close(go[0]), close(done[1]);
        job->to_client = go[1], job->from_client = done[0];
        return;
    }
    close(go[1]), close(done[0]);
    if (read(go[0], &job->port, sizeof job->port) != sizeof job->port)
        _exit(2);
    job->to_client = go[0], job->from_client = done[1];
    _exit(bide_main(bide_coro(client, job)));
}

/* ---- the bench ---- */

static long memory_kb(pid_t pid)
{
    char path[64], line[256];
    long kb = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmRSS:", 6) == 0 || strncmp(line, "VmPTE:", 6) == 0)
            kb += atol(line + 6);
    if (f)
        fclose(f);
    return kb;
}

static int wait_for_client(struct job *job)
{
    char byte;

    return read(job->from_client, &byte, 1) == 1 ? 0 : -1;
}

static int measure(struct job *job)
{
    long before = memory_kb(job->server);
    struct bench b;

    bench_begin(&b);
    if (write(job->to_client, &job->port, sizeof job->port) != sizeof job->port ||
        bide_to_thread(bide_coro(wait_for_client, job)) < 0)
        return bide_fail(BIDE_ESTATE, "the client has failed");
    BIDE_TRY(bide_sleep_ms(SETTLE_MS));
    bench_report(job->count, bench_seconds(CLOCK_MONOTONIC) - b.wall, bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - b.cpu,
                 memory_kb(job->server) - before);
    return 0;
}

static int answer(bide_exchange *x, void *arg)
{
    (void)arg;
    return bide_respond(x, 200, "application/json", "{\"id\":1}", 8);
}

static int app(struct job *job)
{
    if (job->server != getpid())
        return measure(job);
    bide_auto bide_server *server = bide_server_start(answer, .cert_file = job->cert, .key_file = job->key);
    if (!server)
        return bide_raise();

    job->port = bide_server_port(server);
    return measure(job);
}

int main(int argc, char **argv)
{
    struct job job = {.count = bench_arg(argc, argv, 1, 0), .server = getpid()};

    if (argc > 3 && atoi(argv[2]) > 0) {
        job.port = atoi(argv[2]);
        job.server = atoi(argv[3]);
        job.is_tls = argc > 4;
    } else if (argc > 3) {
        job.cert = argv[2];
        job.key = argv[3];
        job.is_tls = true;
    }
    start_client(&job);
    return bide_main(bide_coro(app, &job));
}
