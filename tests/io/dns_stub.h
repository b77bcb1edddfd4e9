/* SPDX-License-Identifier: MIT */
/*
 * dns_stub.h - a name server on the loopback, run by the test's own loop, that gives the answers that the test has set.
 */
#ifndef TESTS_IO_DNS_STUB_H
#define TESTS_IO_DNS_STUB_H

#include <arpa/inet.h>

#include "net.h"

enum { TYPE_A = 1, TYPE_PTR = 12, TYPE_AAAA = 28 };
enum { SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5 };

/* What to say of a name and type; a name that is in no record is NXDOMAIN. */
struct stub_record {
    const char *name;
    int type; /* 0: both */
    const char *addrs; /* separated by blanks; of TYPE_PTR: a name.  NULL: no data, or the rcode */
    int rcode;
    int delay_ms;
    int ttl_s;     /* default 60; negative: 0 */
    uint32_t raw_ttl; /* in place of ttl_s */
    bool truncated; /* over UDP only the TC bit */
    bool silent;   /* never answers */
};

struct stub {
    const struct stub_record *records;
    struct fd udp;
    bide_listener *tcp;
    bide_task *udp_task, *tcp_task;
    unsigned queries[2]; /* A, AAAA */
    unsigned tcp_queries;
};

static const struct stub_record *stub_find(const struct stub *s, const char *name, int type)
{
    for (const struct stub_record *r = s->records; r->name; r++)
        if (strcasecmp(r->name, name) == 0 && (r->type == 0 || r->type == type))
            return r;
    return NULL;
}

static bool stub_knows(const struct stub *s, const char *name)
{
    for (const struct stub_record *r = s->records; r->name; r++)
        if (strcasecmp(r->name, name) == 0)
            return true;
    return false;
}

/* One question: its name in `name`, its type, and where it ends. */
static size_t stub_parse(const unsigned char *q, size_t len, char *name, int *type)
{
    size_t at = 12, used = 0;

    while (at < len && q[at]) {
        size_t n = q[at];
        memcpy(name + used, q + at + 1, n);
        used += n;
        name[used++] = '.';
        at += n + 1;
    }
    name[used ? used - 1 : 0] = '\0';
    *type = q[at + 1] << 8 | q[at + 2];
    return at + 5;
}

/* "a.test" as labels: how many bytes. */
static size_t stub_put_name(unsigned char *out, const char *text)
{
    size_t at = 0;

    while (*text) {
        size_t len = strcspn(text, ".");
        out[at] = (unsigned char)len;
        memcpy(out + at + 1, text, len);
        at += len + 1;
        text += len + (text[len] == '.');
    }
    out[at] = 0;
    return at + 1;
}

static size_t stub_add_address(unsigned char *out, const char *text, int type, int ttl)
{
    static const unsigned char head[] = {0xc0, 0x0c, 0, 0, 0, 1};
    size_t n = type == TYPE_A ? 4 : type == TYPE_PTR ? stub_put_name(out + 12, text) : 16;

    memcpy(out, head, sizeof head);
    out[3] = (unsigned char)type;
    for (int i = 0; i < 4; i++)
        out[6 + i] = (unsigned char)(ttl >> (24 - 8 * i));
    out[10] = 0;
    out[11] = (unsigned char)n;
    if (type != TYPE_PTR)
        EXPECT_EQ(inet_pton(type == TYPE_A ? AF_INET : AF_INET6, text, out + 12), 1);
    return 12 + n;
}

/* The answer, made from the question in place: its length. */
static size_t stub_answer(const struct stub *s, unsigned char *q, size_t question, const struct stub_record *r,
                          const char *name, int type, bool tcp)
{
    size_t len = question;
    char list[512] = "", *rest;
    int count = 0;

    if (r && r->addrs && !(r->truncated && !tcp))
        snprintf(list, sizeof list, "%s", r->addrs);
    for (char *a = strtok_r(list, " ", &rest); a; a = strtok_r(NULL, " ", &rest), count++)
        len += stub_add_address(q + len, a, type, r->raw_ttl ? (int)r->raw_ttl : r->ttl_s > 0 ? r->ttl_s : r->ttl_s < 0 ? 0 : 60);
    q[2] = (unsigned char)(0x81 | (r && r->truncated && !tcp ? 2 : 0));
    q[3] = (unsigned char)(0x80 | (r ? r->rcode : stub_knows(s, name) ? 0 : NXDOMAIN));
    q[6] = 0;
    q[7] = (unsigned char)count;
    memset(q + 8, 0, 4);
    return len;
}

/* Take a question, wait as long as its record says, make the answer: its length, 0 for none. */
static ssize_t stub_serve(struct stub *s, unsigned char *q, size_t len, bool tcp)
{
    char name[256];
    int type;
    size_t question = stub_parse(q, len, name, &type);
    const struct stub_record *r = stub_find(s, name, type);

    s->queries[type == TYPE_AAAA]++;
    s->tcp_queries += tcp;
    if (r && r->silent)
        return 0;
    if (r && r->delay_ms)
        BIDE_TRY(bide_sleep_ms(r->delay_ms));
    return (ssize_t)stub_answer(s, q, question, r, name, type, tcp);
}

struct stub_datagram {
    struct stub *stub;
    struct sockaddr_in from;
    ssize_t len;
    unsigned char data[1500];
};

static int stub_one(struct stub_datagram *d)
{
    ssize_t len = stub_serve(d->stub, d->data, (size_t)d->len, false);
    if (len > 0)
        sendto(d->stub->udp.fd, d->data, (size_t)len, 0, (struct sockaddr *)&d->from, sizeof d->from);
    free(d);
    return 0;
}

static int stub_udp(struct stub *s)
{
    for (;;) {
        BIDE_TRY(bide__fd_wait_readable(&s->udp));
        struct stub_datagram *d = malloc(sizeof *d);
        socklen_t len = sizeof d->from;
        d->stub = s;
        d->len = recvfrom(s->udp.fd, d->data, 512, 0, (struct sockaddr *)&d->from, &len);
        if (d->len >= 12) {
            bide_task *one = bide_create_task(bide_coro(stub_one, d));
            if (!one)
                free(d);
            bide_detach(one);
        } else {
            s->udp.readable = false;
            free(d);
        }
    }
}

static int stub_tcp(bide_stream *c, void *arg)
{
    unsigned char q[2 + 1500];

    for (;;) {
        BIDE_TRY(bide_read_exactly(c, q, 2));
        size_t len = (size_t)(q[0] << 8 | q[1]);
        EXPECT_LT(len, 512);
        BIDE_TRY(bide_read_exactly(c, q + 2, len));
        ssize_t n = stub_serve(arg, q + 2, len, true);
        q[0] = (unsigned char)(n >> 8);
        q[1] = (unsigned char)n;
        BIDE_TRY(bide_write(c, q, (size_t)n + 2));
        BIDE_TRY(bide_drain(c));
    }
}

/* Where it listens, as .servers has it. */
__attribute__((unused)) static const char *stub_server(const struct stub *s, char out[32])
{
    snprintf(out, 32, "127.0.0.1:%d", bide_listener_port(s->tcp));
    return out;
}

static void stub_open(struct stub *s, const struct stub_record *records)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    *s = (struct stub){.records = records};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    do { /* a port that is free for both: a test beside us may have the other one */
        bide_release(s->tcp);
        s->tcp = bide_listen("127.0.0.1", 0);
        EXPECT_NOT_NULL(s->tcp);
        a.sin_port = htons((uint16_t)bide_listener_port(s->tcp));
    } while (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 && errno == EADDRINUSE);
    EXPECT_EQ(bide__fd_open(&s->udp, fd), 0);
    s->udp_task = bide_create_task(bide_coro(stub_udp, s));
    s->tcp_task = bide_create_task(bide_coro(bide_serve, s->tcp, stub_tcp, s));
}

/* From now on, this loop's resolver asks the stub. */
__attribute__((unused)) static void stub_start(struct stub *s, const struct stub_record *records)
{
    char servers[32];

    stub_open(s, records);
    setenv("BIDE_DNS_SERVERS", stub_server(s, servers), 1);
}

__attribute__((unused)) static void stub_stop(struct stub *s)
{
    bide_release(s->udp_task);
    bide_release(s->tcp_task);
    bide_release(s->tcp);
    bide__fd_close(&s->udp);
    bide_error_clear();
}

#endif
