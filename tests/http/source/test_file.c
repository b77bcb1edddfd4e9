/* SPDX-License-Identifier: MIT */
/* test_file.c - files as bodies to send: whole and in part, that change meanwhile, and what is no plain file. */
#include "uploads.h"

#define MIB (1 << 20)
#define OK_0 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static int put_file(const char *url, const char *path)
{
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = s ? bide_put(s, url, .data_file = path) : NULL;

    return r ? bide_status(r) == 200 ? 0 : -EIO : bide_error_code();
}

static int put_part(const char *url, const bide_body_source *body)
{
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = s ? bide_put(s, url, .body = body) : NULL;

    return r ? bide_status(r) == 200 ? 0 : -EIO : bide_error_code();
}

/* ---- whole ---- */

/* R7 */
TEST(file_is_sent_with_its_length, .real_time = true)
{
    struct peer p = PEER(ASK OK_0);
    peer_start(&p);

    EXPECT_EQ(put_file(peer_url(&p, "/"), make_file("a", "hello, file", 11)), 0);
    peer_stop(&p);
    EXPECT_CONTAINS(p.seen, "\r\nContent-Length: 11\r\n");
    EXPECT_NULL(strstr(p.seen, "Transfer-Encoding"));
    EXPECT_STR(last_body(&p), "hello, file");
}

TEST(file_without_bytes_is_an_empty_body, .real_time = true)
{
    struct peer p = PEER(ASK OK_0);
    peer_start(&p);

    EXPECT_EQ(put_file(peer_url(&p, "/"), make_file("a", "", 0)), 0);
    peer_stop(&p);
    EXPECT_CONTAINS(p.seen, "\r\nContent-Length: 0\r\n");
}

TEST(file_that_is_large_is_sent_whole, .real_time = true)
{
    struct peer p = PEER(ASK OK_0);
    peer_start(&p);

    EXPECT_EQ(put_file(peer_url(&p, "/"), make_large_file("a", "begin", 20 * MIB + 7)), 0);
    peer_stop(&p);
    EXPECT_EQ(p.nbody, 20 * MIB + 7);
    EXPECT_MEM(last_body(&p), "begin", 6);
}

/* The kernel sends it in pieces, with a pause after each. */
TEST(file_is_sent_at_a_rate, .real_time = true)
{
    struct peer p = PEER(ASK OK_0);
    struct timespec begun, end;
    peer_start(&p);
    {
        bide_auto bide_session *s = bide_session_new(.max_rate = 10 * MIB);
        clock_gettime(CLOCK_MONOTONIC, &begun);
        bide_auto bide_response *r = bide_put(s, peer_url(&p, "/"), .data_file = make_large_file("a", "begin", 5 * MIB + 7));
        clock_gettime(CLOCK_MONOTONIC, &end);
        EXPECT_EQ(bide_status(r), 200);
    }
    peer_stop(&p);
    EXPECT_EQ(p.nbody, 5 * MIB + 7);
    EXPECT_LE(430, (end.tv_sec - begun.tv_sec) * 1000 + (end.tv_nsec - begun.tv_nsec) / 1000000);
}

/* What TLS takes has to be read. */
TEST(file_goes_through_tls, .real_time = true)
{
    certs_make();
    struct peer p = {.scripts = {ASK OK_0}, .cert = "good"};
    peer_start(&p);
    bide_auto bide_session *s = bide_session_new(.ca_file = cert_path("ca"));

    bide_auto bide_response *r = bide_put(s, peer_url(&p, "/"), .data_file = make_large_file("a", "begin", 3 * MIB + 1));
    EXPECT_EQ(bide_status(r), 200);
    peer_stop(&p);
    EXPECT_EQ(p.nbody, 3 * MIB + 1);
    EXPECT_MEM(last_body(&p), "begin", 6);
}

/* R69 */
TEST(file_is_sent_again_after_a_redirect, .real_time = true)
{
    struct peer p = PEER(ASK "HTTP/1.1 307 R\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n" ASK OK_0);
    peer_start(&p);

    EXPECT_EQ(put_file(peer_url(&p, "/"), make_file("a", "twice", 5)), 0);
    peer_stop(&p);
    EXPECT_EQ(count_of(p.seen, "twice"), 2);
    EXPECT_STR(last_body(&p), "twice");
}

TEST(file_of_the_kernel_without_a_size_goes_out_in_chunks, .real_time = true)
{
    struct peer p = PEER(HEAD PAUSE OK_0 STALL);
    peer_start(&p);

    EXPECT_EQ(put_file(peer_url(&p, "/"), "/proc/self/status"), 0);
    peer_stop(&p);
    EXPECT_CONTAINS(p.seen, "\r\nTransfer-Encoding: chunked\r\n");
}

/* ---- in part ---- */

TEST(file_part_is_sent_and_leaves_the_position, .real_time = true)
{
    struct peer p = PEER(ASK OK_0);
    peer_start(&p);
    int fd = open(make_file("a", "0123456789", 10), O_RDONLY | O_CLOEXEC);

    EXPECT_EQ(put_part(peer_url(&p, "/"), bide_body_from_fd(fd, .offset = 3, .length = 4)), 0);
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
    close(fd);
    peer_stop(&p);
    EXPECT_STR(last_body(&p), "3456");
}

TEST(file_that_is_shorter_than_said_is_refused_before_anything_is_sent, .real_time = true)
{
    struct peer p = PEER(ASK OK_0);
    peer_start(&p);
    int fd = open(make_file("a", "0123456789", 10), O_RDONLY | O_CLOEXEC);
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_put(s, peer_url(&p, "/"), .body = bide_body_from_fd(fd, .offset = 3, .length = 8)), -EINVAL, "has 10 bytes",
                  "8 from 3 on");
    EXPECT_FAILED(bide_put(s, peer_url(&p, "/"), .body = bide_body_from_fd(fd, .offset = 11)), -EINVAL, "has 10 bytes", "from 11");
    EXPECT_FAILED(bide_put(s, peer_url(&p, "/"), .body = bide_body_from_fd(fd, .offset = -1)), -EINVAL, "offset", "-1");
    EXPECT_FAILED(bide_put(s, peer_url(&p, "/"), .body = bide_body_from_fd(-1)), -EBADF, "descriptor -1", "");
    close(fd);
    EXPECT_EQ(peer_stop(&p), 0);
}

/* ---- while it is sent ---- */

struct change {
    const char *path;
    off_t size; /* -1: it goes */
};

static int change_it(const struct change *c)
{
    BIDE_TRY(bide_sleep_ms(15));
    return c->size < 0 ? unlink(c->path) : truncate(c->path, c->size);
}

/* 64 MiB to a server that reads nothing for the first 30 ms. */
static int put_changing(struct peer *p, const char *path, off_t size)
{
    const struct change c = {path, size};
    bide_auto bide_task *t = bide_create_task(bide_coro(change_it, &c));
    int code = put_file(peer_url(p, "/"), path);

    EXPECT_EQ(bide_await(t), 0);
    return code;
}

/* R10 */
TEST(file_that_shrinks_or_grows_while_it_is_sent_is_an_error, .real_time = true)
{
    struct peer p = PEER(HEAD PAUSE REST OK_0, HEAD PAUSE REST OK_0);
    peer_start(&p);
    const char *path = make_large_file("a", "x", 64 * MIB);

    EXPECT_ERR(put_changing(&p, path, 1 * MIB), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "has changed while it was sent: it has 1048576 bytes now, and had 67108864");
    make_large_file("a", "x", 64 * MIB);
    EXPECT_ERR(put_changing(&p, path, 64 * MIB + 1), -EINVAL);
    EXPECT_CONTAINS(bide_error_text(), "it has 67108865 bytes now, and had 67108864");
    bide_error_clear();
    peer_stop(&p);
    EXPECT_LT(p.nbody, 128 * MIB); /* no request was whole */
}

TEST(file_that_vanishes_while_it_is_sent_is_sent_all_the_same, .real_time = true)
{
    struct peer p = PEER(HEAD PAUSE REST OK_0);
    peer_start(&p);

    EXPECT_EQ(put_changing(&p, make_large_file("a", "x", 64 * MIB), -1), 0);
    peer_stop(&p);
    EXPECT_EQ(p.nbody, 64 * MIB);
}

/* ---- no plain files ---- */

TEST(file_that_cannot_be_sent_says_why, .real_time = true)
{
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_put(s, "http://127.0.0.1:1/", .data_file = test_tmpdir()), -EISDIR, test_tmpdir(), "directory");
    EXPECT_FAILED(bide_put(s, "http://127.0.0.1:1/", .data_file = in_tmp("none")), -ENOENT, "PUT http://127.0.0.1:1/: open", "none");
    EXPECT_FAILED(bide_put(s, "http://127.0.0.1:1/", .data_file = "x", .text = "y"), -EINVAL, "only one of", "data_file");
}

static int write_slowly(int fd)
{
    for (int i = 0; i < 3; i++) {
        BIDE_TRY(bide_sleep_ms(5));
        EXPECT_EQ(write(fd, "piece", 5), 5);
    }
    close(fd);
    return 0;
}

TEST(file_that_is_a_pipe_goes_out_in_chunks_as_it_comes, .real_time = true)
{
    struct peer p = PEER(HEAD PAUSE PAUSE OK_0 STALL);
    peer_start(&p);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);

    bide_auto bide_task *t = bide_create_task(bide_coro(write_slowly, ends[1]));
    EXPECT_EQ(put_part(peer_url(&p, "/"), bide_body_from_fd(ends[0])), 0);
    EXPECT_EQ(bide_await(t), 0);
    EXPECT_EQ(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0); /* as it was */
    close(ends[0]);
    peer_stop(&p);
    EXPECT_CONTAINS(p.seen, "\r\nTransfer-Encoding: chunked\r\n");
}

static int write_to_fifo(const char *path)
{
    bide_auto bide_file *f = bide_open(path, .flags = O_WRONLY);

    return f ? (int)bide_file_write(f, "from afar", 9, -1) : bide_error_code();
}

TEST(file_that_is_a_fifo_waits_for_its_writer, .real_time = true)
{
    struct peer p = PEER(HEAD PAUSE PAUSE OK_0 STALL);
    peer_start(&p);
    const char *path = in_tmp("fifo");
    EXPECT_EQ(mkfifo(path, 0600), 0);

    bide_auto bide_task *t = bide_create_task(bide_coro(write_to_fifo, path));
    EXPECT_EQ(put_file(peer_url(&p, "/"), path), 0);
    EXPECT_EQ(bide_await(t), 9);
    peer_stop(&p);
}

TEST(file_that_is_a_pipe_that_stalls_ends_with_the_limit, .real_time = true)
{
    struct peer p = PEER(HEAD STALL);
    peer_start(&p);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    bide_auto bide_session *s = bide_session_new();

    EXPECT_FAILED(bide_put(s, peer_url(&p, "/"), .body = bide_body_from_fd(ends[0]), .timeout_ms = 30), BIDE_ETIMEDOUT, "within 30 ms",
                  "the body to send did not come");
    close(ends[0]);
    close(ends[1]);
    peer_stop(&p);
}

/* ---- at every point ---- */

TEST(file_every_allocation_may_fail, .real_time = true)
{
    struct peer p = {.scripts = {ASK OK_0}, .repeat = true};
    peer_start(&p);

    expect_every_allocation_may_fail(&p, (upload_fn *)put_file, make_file("a", "hello", 5));
    peer_stop(&p);
}

TEST(file_every_await_may_be_cancelled, .real_time = true)
{
    struct peer p = {.scripts = {ASK OK_0}, .repeat = true};
    peer_start(&p);

    expect_every_await_may_be_cancelled(&p, (upload_fn *)put_file, make_large_file("a", "x", 4 * MIB));
    peer_stop(&p);
}
