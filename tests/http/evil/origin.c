/* SPDX-License-Identifier: MIT */
/* origin.c - the servers of origin.h. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "evil/origin.h"
#include "harness/certs.h"

struct origin_conn {
    int fd;
    SSL *ssl;
    int busy; /* 503s on this connection */
    char head[4096];
};

struct origin_job {
    int fd;
    SSL_CTX *ctx;
    bool asks; /* who wants a tunnel */
};

/* ---- bytes ---- */

static ssize_t origin_read(struct origin_conn *c, void *out, size_t cap)
{
    return c->ssl ? SSL_read(c->ssl, out, (int)cap) : read(c->fd, out, cap);
}

static void origin_write(struct origin_conn *c, const char *bytes, size_t len)
{
    ssize_t n;

    for (; len > 0; bytes += n, len -= (size_t)n) {
        n = c->ssl ? SSL_write(c->ssl, bytes, (int)len) : send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
    }
}

/* In pieces, with a moment between, so that whoever reads has to wait. */
static void origin_say(struct origin_conn *c, const char *bytes, size_t len, size_t piece)
{
    for (size_t at = 0; at < len; at += piece) {
        origin_write(c, bytes + at, len - at < piece ? len - at : piece);
        usleep(300);
    }
}

static void origin_answer(struct origin_conn *c, const char *fields, const char *body, size_t len)
{
    char head[512];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", fields, len);

    origin_say(c, head, (size_t)n, (size_t)n / 2 + 1);
    origin_say(c, body, len, len / 3 + 1);
}

static bool origin_read_until(struct origin_conn *c, char *out, size_t cap, const char *end)
{
    size_t n = 0, len = strlen(end);

    while (n < cap - 1 && origin_read(c, out + n, 1) == 1) {
        out[++n] = '\0';
        if (n >= len && strcmp(out + n - len, end) == 0)
            return true;
    }
    return false;
}

/* ---- answers ---- */

static size_t origin_take(struct origin_conn *c, size_t left)
{
    char bytes[65536];
    size_t taken = 0;
    ssize_t n;

    for (; left > 0 && (n = origin_read(c, bytes, left < sizeof bytes ? left : sizeof bytes)) > 0; taken += (size_t)n)
        left -= (size_t)n;
    return taken;
}

/* The body of a request, whatever frames it; asks for it first if that is wanted. */
static size_t origin_body(struct origin_conn *c)
{
    const char *length = strcasestr(c->head, "\r\nContent-Length: ");
    char line[256];
    size_t total = 0;

    if (strcasestr(c->head, "\r\nExpect: 100-continue")) {
        usleep(300);
        origin_write(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    if (length)
        return origin_take(c, (size_t)atol(length + 18));
    if (!strcasestr(c->head, "\r\nTransfer-Encoding: chunked"))
        return 0;
    for (size_t n; origin_read_until(c, line, sizeof line, "\r\n") && (n = strtoul(line, NULL, 16)) > 0; total += n)
        if (origin_take(c, n + 2) < n + 2)
            return total;
    while (origin_read_until(c, line, sizeof line, "\r\n") && line[0] != '\r')
        ;
    return total;
}

static void origin_gzip(struct origin_conn *c, bool json)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
    static __thread char text[20000], packed[24000], frame[64];
    z_stream z = {.zalloc = NULL};
    size_t n = 0;

    for (int i = 0; n < sizeof text - 40; i++)
        n += (size_t)sprintf(text + n, json ? "%s%d" : "%sline %d\n", json ? i ? "," : "[" : "", i * 7919);
    n += (size_t)sprintf(text + n, json ? "]" : "end\n");
    deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (unsigned char *)text, z.avail_in = (unsigned)n;
    z.next_out = (unsigned char *)packed, z.avail_out = sizeof packed;
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    origin_write(c, head, sizeof head - 1);
    for (size_t at = 0, piece = z.total_out / 3 + 1; at < z.total_out; at += piece) {
        piece = z.total_out - at < piece ? z.total_out - at : piece;
        origin_say(c, frame, (size_t)sprintf(frame, "%zx\r\n", piece), 64);
        origin_say(c, packed + at, piece, piece / 2 + 1);
        origin_write(c, "\r\n", 2);
    }
    origin_write(c, "0\r\nX-Trailer: 1\r\n\r\n", 20);
}

/* All of it, the rest of it, or, of /cut, a half and then the end. */
static bool origin_big(struct origin_conn *c, bool cut)
{
    static const char etag[] = "ETag: \"v1\"";
    static char bytes[ORIGIN_BIG];
    const char *range = strcasestr(c->head, "\r\nRange: bytes=");
    size_t from = range ? (size_t)atol(range + 15) : 0, end = cut && !range ? ORIGIN_BIG / 2 : ORIGIN_BIG;
    char head[256];
    int n = range ? snprintf(head, sizeof head, "HTTP/1.1 206 P\r\n%s\r\nContent-Range: bytes %zu-%d/%d\r\nContent-Length: %zu\r\n\r\n", etag,
                             from, ORIGIN_BIG - 1, ORIGIN_BIG, ORIGIN_BIG - from)
                  : snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %d\r\n\r\n", etag, ORIGIN_BIG);

    origin_say(c, head, (size_t)n, 60);
    if (from < end)
        origin_say(c, bytes + from, end - from, 50000);
    return end == ORIGIN_BIG;
}

/* False: this was the last one. */
static bool origin_serve(struct origin_conn *c)
{
    static const char busy[] = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 5\r\n\r\nlater";
    char number[32], path[64] = "";
    size_t body = origin_body(c);

    if (sscanf(c->head, "%*s http://%*[^/]%63s", path) < 1) /* as to a proxy */
        sscanf(c->head, "%*s %63s", path);
    if (strncmp(path, "/gzip", 5) == 0)
        origin_gzip(c, strstr(path, "json"));
    else if (strcmp(path, "/redirect") == 0)
        origin_answer(c, "302 There\r\nSet-Cookie: a=1\r\nLocation: /cookie", "elsewhere", 9);
    else if (strcmp(path, "/cookie") == 0)
        origin_answer(c, strstr(c->head, "\r\nCookie: a=1") ? "200 OK" : "400 None", "hello", 5);
    else if (strcmp(path, "/digest") == 0 && !strcasestr(c->head, "\r\nAuthorization: Digest"))
        origin_answer(c, "401 Who\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256", "who", 3);
    else if (strcmp(path, "/busy") == 0 && c->busy++ == 0)
        origin_write(c, busy, sizeof busy - 1);
    else if (strcmp(path, "/upload") == 0)
        origin_answer(c, "200 OK", number, (size_t)sprintf(number, "%zu", body));
    else if (strcmp(path, "/big") == 0 || strcmp(path, "/cut") == 0)
        return origin_big(c, path[1] == 'c');
    else
        origin_answer(c, "200 OK", "hello", 5);
    return true;
}

/* ---- proxies ---- */

static void origin_relay(int a, int b)
{
    struct pollfd ends[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
    char bytes[16384];

    while (poll(ends, 2, 20000) > 0)
        for (int i = 0; i < 2; i++) {
            ssize_t n = ends[i].revents ? read(ends[i].fd, bytes, sizeof bytes) : -1;
            if (ends[i].revents && n <= 0)
                return;
            if (n > 0 && send(ends[1 - i].fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
                return;
        }
}

static void origin_lead_to(struct origin_conn *c, int port, const char *welcome, size_t len)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) {
        origin_say(c, welcome, len, len / 2);
        origin_relay(c->fd, fd);
    }
    close(fd);
}

/* No method but "nobody asks"; the first byte was read. */
static void origin_socks5(struct origin_conn *c)
{
    unsigned char b[300] = {0};
    unsigned len = 4;

    if (read(c->fd, b, 1) != 1 || origin_take(c, b[0]) != b[0])
        return;
    origin_say(c, "\5\0", 2, 1);
    if (read(c->fd, b, 4) != 4 || (b[3] == 3 && (read(c->fd, b + 4, 1) != 1 || (len = b[4]) == 0)))
        return;
    origin_take(c, len);
    if (read(c->fd, b, 2) == 2)
        origin_lead_to(c, b[0] << 8 | b[1], "\5\0\0\1\0\0\0\0\0\0", 10);
}

/* ---- its life ---- */

/* False: this was the last request. */
static bool origin_go_on(struct origin_conn *c, bool asks)
{
    const char *colon = strchr(c->head, ':');

    if (strncmp(c->head, "CONNECT ", 8) != 0)
        return origin_serve(c);
    if (asks && !strcasestr(c->head, "\r\nProxy-Authorization: Digest")) {
        origin_answer(c, "407 Who\r\nProxy-Authenticate: Digest realm=\"p\", nonce=\"n\", qop=\"auth\"", "who are you", 11);
        return true;
    }
    if (colon)
        origin_lead_to(c, atoi(colon + 1), "HTTP/1.1 200 Yes\r\n\r\n", 20);
    return false;
}

static void *origin_thread(void *arg)
{
    struct origin_job *job = arg;
    struct origin_conn c = {.fd = job->fd};
    char first = 0;
    int on = 1;

    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (job->ctx) {
        c.ssl = SSL_new(job->ctx);
        SSL_set_fd(c.ssl, c.fd);
    }
    if (!c.ssl && recv(c.fd, &first, 1, MSG_PEEK) == 1 && first == 5 && read(c.fd, &first, 1) == 1)
        origin_socks5(&c);
    else if (!c.ssl || SSL_accept(c.ssl) == 1)
        while (origin_read_until(&c, c.head, sizeof c.head, "\r\n\r\n") && origin_go_on(&c, job->asks))
            ;
    SSL_free(c.ssl);
    close(c.fd);
    free(job);
    return NULL;
}

static SSL_CTX *origin_context(enum origin_port port)
{
    if (port == ORIGIN_PLAIN || port == ORIGIN_ASKING)
        return NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(ctx, cert_path("good"));
    SSL_CTX_use_PrivateKey_file(ctx, cert_path("good"), SSL_FILETYPE_PEM);
    if (port == ORIGIN_MUTUAL) {
        SSL_CTX_load_verify_locations(ctx, cert_path("ca"), NULL);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"m", 1);
    }
    return ctx;
}

_Noreturn static void origin_run(const struct origin_server *o)
{
    struct pollfd ready[ORIGIN_PORTS];
    SSL_CTX *ctx[ORIGIN_PORTS];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < ORIGIN_PORTS; i++) {
        ready[i] = (struct pollfd){.fd = o->listener[i], .events = POLLIN};
        ctx[i] = origin_context((enum origin_port)i);
    }
    while (poll(ready, ORIGIN_PORTS, -1) > 0)
        for (int i = 0; i < ORIGIN_PORTS; i++) {
            pthread_t thread;
            struct origin_job *job = malloc(sizeof *job);
            int fd = ready[i].revents ? accept(o->listener[i], NULL, NULL) : -1;
            *job = (struct origin_job){.fd = fd, .ctx = ctx[i], .asks = i == ORIGIN_ASKING};
            if (fd < 0 || pthread_create(&thread, NULL, origin_thread, job) != 0)
                free(job);
            else
                pthread_detach(thread);
        }
    _exit(1);
}

/* Before anything is made to fail. */
void origin_start(struct origin_server *o)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;

    certs_make();
    for (int i = 0; i < ORIGIN_PORTS; i++) {
        a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        o->listener[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(bind(o->listener[i], (struct sockaddr *)&a, sizeof a), 0);
        EXPECT_EQ(listen(o->listener[i], 64), 0);
        EXPECT_EQ(getsockname(o->listener[i], (struct sockaddr *)&a, &len), 0);
        o->port[i] = ntohs(a.sin_port);
    }
    o->pid = fork();
    EXPECT_TRUE(o->pid >= 0);
    if (o->pid == 0)
        origin_run(o);
    for (int i = 0; i < ORIGIN_PORTS; i++)
        close(o->listener[i]);
}

void origin_stop(const struct origin_server *o)
{
    kill(o->pid, SIGKILL);
    waitpid(o->pid, NULL, 0);
}
