/* SPDX-License-Identifier: MIT */
/* wire_pair.h - for the tests of the server: a handler that does as the path says, and a client that knows nothing. */
#ifndef BIDE_TESTS_SERVER_WIRE_PAIR_H
#define BIDE_TESTS_SERVER_WIRE_PAIR_H

#include <stdlib.h>

#include <bide/server.h>
#include <bide/stream.h>
#include <bide/task.h>

#include "base/base.h"
#include "harness/harness.h"

/* ---- a handler that does as the path says ---- */

static inline int echo_body(bide_exchange *x)
{
    bide_bytes body = bide_exchange_body(x);
    if (!body.data)
        return bide_raise();
    return bide_respond(x, 200, "text/plain", body.data, body.len);
}

static inline int chunks(bide_exchange *x)
{
    BIDE_TRY(bide_respond_begin(x, 200, "text/plain"));
    BIDE_TRY(bide_respond_chunk(x, "one", 3));
    BIDE_TRY(bide_respond_chunk(x, "", 0));
    BIDE_TRY(bide_respond_chunk(x, "three", 5));
    return bide_respond_end(x);
}

static inline int counted(bide_exchange *x, const char *length)
{
    BIDE_TRY(bide_respond_header(x, "Content-Length", length));
    BIDE_TRY(bide_respond_begin(x, 200, "text/plain"));
    BIDE_TRY(bide_respond_chunk(x, "12345", 5));
    return bide_respond_end(x);
}

static inline int describe(bide_exchange *x)
{
    char text[512];
    const char *param = bide_exchange_param(x, "x"), *header = bide_exchange_header(x, "x-test");

    snprintf(text, sizeof text, "%s|%s|%s|%s|x=%s|h=%s", bide_exchange_method(x), bide_exchange_target(x),
             bide_exchange_path(x), bide_exchange_query(x), param ? param : "(none)", header ? header : "(none)");
    return bide_respond(x, 200, NULL, text, strlen(text));
}

static inline int fail_in_the_middle(bide_exchange *x)
{
    BIDE_TRY(bide_respond_begin(x, 200, "text/plain"));
    BIDE_TRY(bide_respond_chunk(x, "half", 4));
    return bide_fail(-EIO, "the disk is gone");
}

static inline int route(bide_exchange *x, void *arg)
{
    const char *path = bide_exchange_path(x);

    (void)arg;
    if (strcmp(bide_exchange_target(x), "/") == 0)
        return bide_respond_text(x, 200, "hello");
    if (strcmp(path, "/body") == 0)
        return echo_body(x);
    if (strcmp(path, "/chunks") == 0)
        return chunks(x);
    if (strncmp(path, "/counted/", 9) == 0)
        return counted(x, path + 9);
    if (strcmp(path, "/fail") == 0)
        return bide_fail(-EIO, "the disk is gone");
    if (strcmp(path, "/half") == 0)
        return fail_in_the_middle(x);
    if (strcmp(path, "/peer") == 0)
        return bide_respond_text(x, 200, bide_exchange_peer(x));
    if (strcmp(path, "/silent") == 0)
        return 0;
    if (strcmp(path, "/empty") == 0)
        return bide_respond(x, 204, NULL, NULL, 0);
    if (strncmp(path, "/sleep/", 7) == 0) {
        BIDE_TRY(bide_sleep_ms(atoi(path + 7)));
        return bide_respond_text(x, 200, path + 7);
    }
    return describe(x);
}

/* ---- a client that knows nothing ---- */

static inline bide_stream *dial(bide_server *s)
{
    bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s));

    EXPECT_NOT_NULL(c);
    return c;
}

static char reply[1 << 20];

/* Read until the server closes. */
static inline const char *read_all(bide_stream *c)
{
    size_t len = 0;

    for (ssize_t n = 1; n > 0; len += n > 0 ? (size_t)n : 0) {
        n = bide_read(c, reply + len, sizeof reply - 1 - len);
        EXPECT_LE(0, n);
    }
    reply[len] = '\0';
    return reply;
}

static inline void send_text(bide_stream *c, const char *text)
{
    EXPECT_EQ(bide_write(c, text, strlen(text)), 0);
    EXPECT_EQ(bide_drain(c), 0);
}

/* Dates differ; take them out. */
static inline const char *without_dates(char *text)
{
    for (char *at; (at = strstr(text, "Date: "));) {
        char *end = strstr(at, "GMT\r\n");
        EXPECT_TRUE(end && end - at == 32);
        memmove(at, end + 5, strlen(end + 5) + 1);
    }
    return text;
}

static inline const char *ask(bide_server *s, const char *text)
{
    bide_auto bide_stream *c = dial(s);

    send_text(c, text);
    BIDE_IGNORE(bide_stream_shutdown(c));
    read_all(c);
    return without_dates(reply);
}

/* ---- a certificate ---- */

static inline void make_certificate(char *cert, char *key, size_t cap)
{
    char command[1024];

    snprintf(cert, cap, "%s/cert.pem", test_tmpdir());
    snprintf(key, cap, "%s/key.pem", test_tmpdir());
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s -out %s 2>/dev/null", key, cert);
    if (system(command) != 0)
        SKIP("no openssl command to make a certificate with");
}

#define START(...) \
    bide_auto bide_server *s = bide_server_start(route, ##__VA_ARGS__); \
    EXPECT_NOT_NULL(s)

#endif
