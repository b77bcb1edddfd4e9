/* SPDX-License-Identifier: MIT */
/*
 * test_memory.c - a whole conversation while the n-th allocation fails, for every n: name, connection, TLS, stream.
 *
 * The server and its name server are another process, so that only the client's allocations are counted.
 */
#include <signal.h>
#include <sys/wait.h>

#include "io/net/dns.h"

#include "dns_stub.h"

#define NTH_MAX 200

struct ports {
    int plain, tls, dns;
};

static int echo_lines(bide_stream *s, void *arg)
{
    const char *line;

    (void)arg;
    for (;;) {
        ssize_t n = bide_read_until(s, "\n", &line);
        BIDE_TRY(n);
        BIDE_TRY(bide_write(s, line, (size_t)n));
        BIDE_TRY(bide_drain(s));
    }
}

static int serve_all(int to_parent)
{
    struct stub dns;
    struct ports ports;
    bide_auto bide_tls *tls = bide_tls_new(.server = true, .cert_file = cert_path("good"), .alpn = "http/1.1");
    bide_auto bide_listener *plain = bide_listen("127.0.0.1", 0);
    bide_auto bide_listener *secure = bide_listen("127.0.0.1", 0, .tls = tls);
    EXPECT_TRUE(tls && plain && secure);
    stub_start(&dns, (struct stub_record[]){{.name = "good.test", .type = TYPE_A, .addrs = "127.0.0.1"}, {0}});
    ports = (struct ports){bide_listener_port(plain), bide_listener_port(secure), bide_listener_port(dns.tcp)};
    EXPECT_EQ(write(to_parent, &ports, sizeof ports), sizeof ports);
    return bide_gather(bide_coro(bide_serve, plain, echo_lines, NULL), bide_coro(bide_serve, secure, echo_lines, NULL));
}

/* The servers, in a process of their own, which dies with ours. */
static pid_t start_servers(struct ports *ports)
{
    int pipe_fds[2];
    char servers[64];

    certs_make();
    EXPECT_EQ(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        BIDE_IGNORE(bide_run(bide_coro(serve_all, pipe_fds[1])));
        _exit(1);
    }
    close(pipe_fds[1]);
    EXPECT_EQ(read(pipe_fds[0], ports, sizeof *ports), sizeof *ports);
    close(pipe_fds[0]);
    snprintf(servers, sizeof servers, "127.0.0.1:%d", ports->dns);
    setenv("BIDE_DNS_SERVERS", servers, 1);
    return pid;
}

static int converse(bide_stream *s)
{
    const char *line;
    char text[8];
    if (!s)
        return bide_raise();

    BIDE_TRY(bide_write(s, "hello\nworld\n", 12));
    BIDE_TRY(bide_read_until(s, "\n", &line));
    EXPECT_MEM(line, "hello\n", 6);
    BIDE_TRY(bide_read_exactly(s, text, 6));
    EXPECT_MEM(text, "world\n", 6);
    return bide_stream_shutdown(s);
}

static int talk_plain(const struct ports *ports)
{
    bide_auto bide_stream *s = bide_connect("good.test", ports->plain);

    return converse(s);
}

/* Twice, so that the second one resumes the session. */
static int talk_tls(const struct ports *ports)
{
    bide_auto bide_tls *tls = bide_tls_new(.ca_file = cert_path("ca"), .alpn = "http/1.1");
    if (!tls)
        return bide_raise();
    for (int i = 0; i < 2; i++) {
        bide_auto bide_stream *s = bide_connect("good.test", ports->tls, .tls = tls);
        BIDE_TRY(converse(s));
    }
    return 0;
}

static int talk_tls_default(const struct ports *ports)
{
    bide_auto bide_tls *tls = bide__tls_shared(BIDE_TLS(.alpn = "http/1.1"));
    if (!tls)
        return bide_raise();
    bide_auto bide_stream *s = bide_connect("good.test", ports->tls, .tls = tls);
    return converse(s);
}

/* Client and server in one, so that accepting fails as well; a server goes on when it is short of memory. */
static int listen_and_accept(const struct ports *ports)
{
    (void)ports;
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    if (!l)
        return bide_raise();
    bide_auto bide_stream *client = bide_connect("127.0.0.1", bide_listener_port(l));
    if (!client)
        return bide_raise();
    bide_auto bide_stream *server = bide_accept(l);
    return server ? 0 : bide_raise();
}

/*
 * With the n-th allocation failing, the whole program included: it works (the memory was for something that can be done
 * without) or says BIDE_ENOMEM in words, and gives everything back.
 */
static void without_memory(int (*talk)(const struct ports *), const struct ports *ports)
{
    int failed = 0, in_a_row = 0;

    for (long n = 0; in_a_row < 20; n++) {
        size_t live = bide__alloc_live();
        EXPECT_LT(n, NTH_MAX);
        bide__alloc_fail_at(n);
        int code = bide_run(bide_coro(talk, ports));
        bide__alloc_fail_at(-1);
        if (code < 0) {
            EXPECT_ERR(code, BIDE_ENOMEM);
            EXPECT_CONTAINS(bide_error_text(), "emory");
            failed++;
        }
        in_a_row = code < 0 ? 0 : in_a_row + 1;
        bide_error_clear();
        EXPECT_EQ(bide__alloc_live(), live);
    }
    EXPECT_LT(5, failed);
}

static void try_each(int (*talk)(const struct ports *))
{
    struct ports ports;
    pid_t servers = start_servers(&ports);

    without_memory(talk, &ports);
    kill(servers, SIGKILL);
    waitpid(servers, NULL, 0);
}

UNIT(without_memory_a_connection_by_name_fails_cleanly, .seconds = 30)
{
    try_each(talk_plain);
}

UNIT(without_memory_tls_fails_cleanly, .seconds = 60)
{
    try_each(talk_tls);
}

UNIT(without_memory_the_default_context_fails_cleanly, .seconds = 60)
{
    certs_make();
    setenv("SSL_CERT_FILE", cert_path("ca"), 1);
    try_each(talk_tls_default);
}

/* ---- the libraries' memory ---- */

static atomic_long library_countdown = -1;

static bool library_fails(void)
{
    return atomic_load(&library_countdown) >= 0 && atomic_fetch_sub(&library_countdown, 1) == 0;
}

static void *openssl_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return library_fails() ? NULL : malloc(n);
}

static void *openssl_realloc(void *old, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return library_fails() ? NULL : realloc(old, n);
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

static void *ares_malloc(size_t n)
{
    return library_fails() ? NULL : malloc(n);
}

static void *ares_realloc(void *old, size_t n)
{
    return library_fails() ? NULL : realloc(old, n);
}

/* What the libraries make of it; never a certificate that is taken for a good one. */
static bool is_their_way_of_saying_so(int code)
{
    return code == BIDE_ENOMEM || code == BIDE_ETLS || code == BIDE_ECERT || code == BIDE_EDNS || code == BIDE_EEOF;
}

/*
 * The same for what OpenSSL and c-ares allocate: thousands, so every 23rd of them, or all ($BIDE_TEST_EVERY=1).  OpenSSL
 * says it in many ways, and sometimes does without.
 */
UNIT(without_memory_in_the_libraries_tls_fails_cleanly, .seconds = 100)
{
    struct ports ports;
    const char *every = getenv("BIDE_TEST_EVERY");
    long stride = every && atol(every) > 0 ? atol(every) : 23, left = -1;
    int failed = 0;
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
        SKIP("OpenSSL has allocated something already");
    EXPECT_EQ(ares_library_init_mem(ARES_LIB_INIT_ALL, ares_malloc, free, ares_realloc), ARES_SUCCESS);
    pid_t servers = start_servers(&ports);
    EXPECT_EQ(bide_run(bide_coro(talk_tls, &ports)), 0);

    for (long n = 0; left < 0; n += stride) {
        size_t live = bide__alloc_live();
        atomic_store(&library_countdown, n);
        int code = bide_run(bide_coro(talk_tls, &ports));
        left = atomic_exchange(&library_countdown, -1);
        if (code < 0 && (!is_their_way_of_saying_so(code) || !bide_error_text()[0]))
            FAIL("allocation %ld: %d %s", n, code, bide_error_text());
        failed += code < 0;
        bide_error_clear();
        EXPECT_EQ(bide__alloc_live(), live);
    }
    EXPECT_LT(20, failed);
    kill(servers, SIGKILL);
    waitpid(servers, NULL, 0);
    ares_library_cleanup();
}

UNIT(without_memory_listening_and_accepting_fail_cleanly)
{
    struct ports none = {0};

    without_memory(listen_and_accept, &none);
}
