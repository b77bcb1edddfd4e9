/* SPDX-License-Identifier: MIT */
/*
 * wire_bytes.c - how many bytes a page costs on the wire, TLS included: wire_bytes URL [CA_FILE]
 *
 * A filter that counts, put by a dialler between TLS and the socket.
 */
#include <stdio.h>

#include <bide/bide.h>

struct counter {
    long in, out;
    int open; /* connections that are counted */
};

static ssize_t count_read(bide_stream_below *below, void *out, size_t cap, void *arg)
{
    struct counter *c = arg;
    ssize_t n = bide_below_read(below, out, cap);

    c->in += n > 0 ? n : 0;
    return n; /* -EAGAIN too */
}

static ssize_t count_write(bide_stream_below *below, const void *data, size_t len, void *arg)
{
    struct counter *c = arg;
    ssize_t n = bide_below_write(below, data, len);

    c->out += n > 0 ? n : 0;
    return n;
}

static void closed(void *arg)
{
    ((struct counter *)arg)->open--;
}

static bide_stream *dial(const char *host, int port, void *arg)
{
    struct counter *c = arg;
    bide_auto bide_stream *s = bide_connect(host, port);
    if (!s)
        return NULL;

    c->open++;
    if (bide_stream_push(s, .read = count_read, .write = count_write, .destroy = closed, .arg = c) < 0)
        return NULL;
    return bide_take(s);
}

static int get(const char *url, const char *ca_file, struct counter *c)
{
    bide_auto bide_session *s = bide_session_new(.dial = dial, .dial_arg = c, .ca_file = ca_file);
    if (!s)
        return bide_raise();
    bide_auto bide_response *r = bide_get(s, url);
    if (!r || !bide_body(r).data)
        return bide_raise();

    printf("body: %zu bytes\n", bide_body(r).len);
    return 0;
}

int main(int argc, char **argv)
{
    struct counter c = {.open = 0};
    if (argc < 2) {
        fprintf(stderr, "usage: wire_bytes URL [CA_FILE]\n");
        return 2;
    }
    int code = bide_main(bide_coro(get, argv[1], argv[2], &c));
    printf("wire: %ld bytes in, %ld out, %d still open\n", c.in, c.out, c.open);
    return code;
}
