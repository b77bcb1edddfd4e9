/* SPDX-License-Identifier: MIT */
/* test_arguments.c - what is no argument gets -EINVAL and a sentence that names the function, never a crash. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#include <bide/file.h>
#include <bide/signal.h>
#include <bide/stream.h>
#include <bide/tls.h>

#include "harness/harness.h"

/* The call failed: what it gave, and the sentence. */
#define REFUSED(call, result, says)                    \
    do {                                               \
        bide_error_clear();                            \
        EXPECT_TRUE((call) == (result));               \
        EXPECT_ERR(bide_error_code(), -EINVAL);        \
        EXPECT_CONTAINS(bide_error_text(), says);      \
    } while (0)

static int nobody(bide_stream *s, void *arg)
{
    (void)s;
    (void)arg;
    return 0;
}

TEST(stream_functions_refuse_what_is_no_argument, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_stream *s = bide_connect("127.0.0.1", bide_listener_port(l));
    const char *line;
    char byte;
    EXPECT_NOT_NULL(s);

    REFUSED(bide_read(NULL, &byte, 1), -EINVAL, "bide_read: the stream is NULL");
    REFUSED(bide_read(s, NULL, 1), -EINVAL, "bide_read: the memory to read into is NULL");
    REFUSED(bide_read(s, &byte, 0), -EINVAL, "bide_read: no room");
    REFUSED(bide_read_exactly(NULL, &byte, 1), -EINVAL, "bide_read_exactly: the stream is NULL");
    REFUSED(bide_read_exactly(s, NULL, 1), -EINVAL, "bide_read_exactly: the memory to read into is NULL");
    REFUSED(bide_read_until(NULL, "\n", &line), -EINVAL, "bide_read_until: the stream is NULL");
    REFUSED(bide_read_until(s, NULL, &line), -EINVAL, "bide_read_until: the separator is NULL");
    REFUSED(bide_read_until(s, "", &line), -EINVAL, "bide_read_until: the separator is empty");
    REFUSED(bide_read_until(s, "\n", NULL), -EINVAL, "bide_read_until: the place for the line is NULL");
    REFUSED(bide_write(NULL, "x", 1), -EINVAL, "bide_write: the stream is NULL");
    REFUSED(bide_write(s, NULL, 1), -EINVAL, "bide_write: what to write is NULL");
    EXPECT_EQ(bide_write(s, NULL, 0), 0);
    REFUSED(bide_drain(NULL), -EINVAL, "bide_drain: the stream is NULL");
    REFUSED(bide_stream_shutdown(NULL), -EINVAL, "bide_stream_shutdown: the stream is NULL");
    REFUSED(bide_stream_peer(NULL), NULL, "bide_stream_peer: the stream is NULL");
    REFUSED(bide_stream_alpn(NULL), NULL, "bide_stream_alpn: the stream is NULL");
}

TEST(listener_functions_refuse_what_is_no_argument, .real_time = true)
{
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);

    REFUSED(bide_listen("127.0.0.1", -1), NULL, "port -1 is not 0 to 65535");
    REFUSED(bide_listen("127.0.0.1", 65536), NULL, "port 65536 is not 0 to 65535");
    REFUSED(bide_listen("127.0.0.1", INT_MIN), NULL, "is not 0 to 65535");
    REFUSED(bide_listen("127.0.0.1", 0, .backlog = -1), NULL, "bide_listen: backlog = -1: ");
    REFUSED(bide_connect("127.0.0.1", 1, .max_buffer = (size_t)-1), NULL, "bide_connect: max_buffer = -1: ");
    REFUSED(bide_connect("127.0.0.1", 1, .max_buffer = (size_t)-2), NULL, "bide_connect: max_buffer = -2: ");
    REFUSED(bide_listen("", 0), NULL, "not an address");
    REFUSED(bide_listener_port(NULL), -EINVAL, "bide_listener_port: the listener is NULL");
    REFUSED(bide_accept(NULL), NULL, "bide_accept: the listener is NULL");
    REFUSED(bide_serve(NULL, nobody, NULL), -EINVAL, "bide_serve: the listener is NULL");
    REFUSED(bide_serve(l, NULL, NULL), -EINVAL, "bide_serve: there is no handler");
}

UNIT(tls_new_refuses_options_that_mean_nothing)
{
    REFUSED(bide_tls_new(.server = true), NULL, "a server needs .cert_file");
    REFUSED(bide_tls_new(.server = true, .cert_file = "x", .insecure = true), NULL, ".insecure is for clients");
    REFUSED(bide_tls_new(.key_file = "x"), NULL, ".key_file without .cert_file");
    REFUSED(bide_tls_new(.min_version = 1), NULL, ".min_version");
    REFUSED(bide_tls_new(.min_version = -1), NULL, ".min_version");
    REFUSED(bide_tls_new(.alpn = ",h2"), NULL, ".alpn");
}

static void refuse_file_arguments(void)
{
    char byte, *text;
    size_t len;
    bide_auto bide_file *f = bide_open("/dev/null", .flags = O_RDWR);
    EXPECT_NOT_NULL(f);

    REFUSED(bide_open(NULL), NULL, "bide_open: the path is NULL");
    REFUSED(bide_open("x", .mode = 010000), NULL, "mode 010000 is not 0 to 07777");
    REFUSED(bide_open("x", .mode = -1), NULL, "is not 0 to 07777");
    REFUSED(bide_file_read(NULL, &byte, 1, -1), -EINVAL, "bide_file_read: the file is NULL");
    REFUSED(bide_file_read(f, NULL, 1, -1), -EINVAL, "bide_file_read: the memory to read into is NULL");
    REFUSED(bide_file_read(f, &byte, 1, -2), -EINVAL, "bide_file_read: the offset is -2");
    REFUSED(bide_file_write(NULL, "x", 1, -1), -EINVAL, "bide_file_write: the file is NULL");
    REFUSED(bide_file_write(f, NULL, 1, -1), -EINVAL, "bide_file_write: what to write is NULL");
    REFUSED(bide_file_write(f, "x", 1, INT64_MIN), -EINVAL, "bide_file_write: the offset is -9223372036854775808");
    REFUSED(bide_file_sync(NULL), -EINVAL, "bide_file_sync: the file is NULL");
    EXPECT_EQ(bide_file_close(NULL), 0);
    REFUSED(bide_rename(NULL, "b"), -EINVAL, "bide_rename: the old name is NULL");
    REFUSED(bide_rename("a", NULL), -EINVAL, "bide_rename: the new name is NULL");
    REFUSED(bide_unlink(NULL), -EINVAL, "bide_unlink: the name is NULL");
    REFUSED(bide_make_dirs(NULL), -EINVAL, "bide_make_dirs: the name is NULL");
    REFUSED(text = bide_file_read_all(NULL, 0, &len), NULL, "bide_file_read_all: the name is NULL");
    REFUSED(text = bide_file_read_all("/dev/null", 0, NULL), NULL, "bide_file_read_all: the place for the length is NULL");
    REFUSED(bide_file_write_all(NULL, "x", 1), -EINVAL, "bide_file_write_all: the name is NULL");
    REFUSED(bide_file_write_all("x", NULL, 1), -EINVAL, "bide_file_write_all: what to write is NULL");
    (void)text;
}

TEST(file_functions_refuse_what_is_no_argument, .real_time = true)
{
    refuse_file_arguments();
}

UNIT(file_functions_refuse_what_is_no_argument_outside_of_tasks_too)
{
    refuse_file_arguments();
}

TEST(signals_refuse_what_is_no_argument)
{
    REFUSED(bide_signals_open(NULL), NULL, "bide_signals_open: no signals");
    REFUSED(bide_signals_open((int[]){0}), NULL, "bide_signals_open: no signals");
    REFUSED(bide_signals_open((int[]){-1, 0}), NULL, "signal -1 cannot be caught");
    REFUSED(bide_signals_open((int[]){1000, 0}), NULL, "signal 1000 cannot be caught");
    REFUSED(bide_signals_wait(NULL), -EINVAL, "bide_signals_wait: ");
}
