/* SPDX-License-Identifier: MIT */
/* test_memory.c - the server when memory runs out. */
#include <malloc.h>

#include <bide/server.h>
#include <bide/stream.h>

#include "server/wire_pair.h"

TEST(server_survives_any_failing_allocation, .real_time = true, .seconds = 30)
{
    int answered = 0;
    START();
    for (long n = 0; n < 60; n++) {
        bide__alloc_fail_at(n);
        bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s));
        if (c) {
            static const char text[] = "POST /q?x=y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close"
                                       "\r\n\r\n1\r\nz\r\n0\r\n\r\n";
            ssize_t got = bide_write(c, text, sizeof text - 1) == 0 && bide_drain(c) == 0 ? 1 : 0;
            while (got > 0)
                got = bide_read(c, reply, 256);
        }
        bide__alloc_fail_at(-1);
        bide_error_clear();
        BIDE_IGNORE(bide_sleep_ms(25)); /* the acceptor waits a little after such a failure */
        if (strstr(ask(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "hello"))
            answered++;
    }
    EXPECT_EQ(answered, 60);
}

/* Its fields need memory of their own before anything of the answer is set up. */
TEST(server_survives_a_failing_allocation_in_a_head_of_many_fields, .real_time = true, .seconds = 30)
{
    char text[1024] = "GET / HTTP/1.1\r\nHost: a\r\n";
    START();
    for (int i = 0; i < 20; i++)
        strcat(text, "X: y\r\n");
    strcat(text, "\r\n");
    mallopt(M_PERTURB, 0xa5); /* memory that nobody has cleared is not empty by chance */
    for (long n = 0; n < 25; n++) {
        bide__alloc_fail_at(n);
        bide_auto bide_stream *c = bide_connect("127.0.0.1", bide_server_port(s));
        if (c && bide_write(c, text, strlen(text)) == 0 && bide_drain(c) == 0 && bide_stream_shutdown(c) == 0)
            while (bide_read(c, reply, 256) > 0)
                ;
        bide__alloc_fail_at(-1);
        bide_error_clear();
        BIDE_IGNORE(bide_sleep_ms(25));
    }
    EXPECT_CONTAINS(ask(s, text), "hello");
    mallopt(M_PERTURB, 0);
}
