/* SPDX-License-Identifier: MIT */
/* coded.h - messages whose body is in a coding, for wires: see wire.h. */
#ifndef TESTS_HTTP_CODED_H
#define TESTS_HTTP_CODED_H

#include "brotli.h"
#include "http/coding/coding.h"
#include "wire.h"

struct message {
    char data[4096];
    size_t len;
};

/* Put a coding on the bytes of m. */
UNUSED static void encode(struct message *m, enum coding coding, const char *in, size_t len)
{
    struct encoder *e = coding == CODING_BR ? NULL : bide__encoder_open(coding);
    bool done = !e;
    size_t used;

    m->len = e ? 0 : brotli_compress(in, len, m->data, sizeof m->data - 300);
    while (!done) {
        ssize_t n = bide__encode(e, in, len, &used, m->data + m->len, sizeof m->data - m->len, true, &done);
        EXPECT_LE(0, n);
        in += used, len -= used;
        m->len += (size_t)n;
        EXPECT_LT(m->len, sizeof m->data - 300);
    }
    bide__encoder_close(e);
}

/* In front of it: a head with these fields, each ended by CRLF, and its length. */
UNUSED static void put_head(struct message *m, const char *status, const char *fields)
{
    char head[300];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status, fields, m->len);

    memmove(m->data + n, m->data, m->len);
    memcpy(m->data, head, (size_t)n);
    m->len += (size_t)n;
}

/* Both: a whole answer. */
UNUSED static struct message *coded(struct message *m, enum coding coding, const char *name, const char *text)
{
    char field[64];

    snprintf(field, sizeof field, "Content-Encoding: %s\r\n", name);
    encode(m, coding, text, strlen(text));
    put_head(m, "200 OK", field);
    return m;
}

#endif
