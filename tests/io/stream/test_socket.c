/* SPDX-License-Identifier: MIT */
/* test_socket.c - the socket under a stream: addresses, options, descriptors over Unix sockets, who the peer is. */
#include "harness/harness.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bide/bide.h>

#include "base/base.h"

struct ends {
    bide_listener *listener;
    bide_stream *client, *server;
};

static struct ends connect_over(const char *host)
{
    struct ends e = {.listener = bide_listen(host, 0)};
    EXPECT_NOT_NULL(e.listener);
    e.client = bide_connect(host, bide_listener_port(e.listener));
    e.server = bide_accept(e.listener);
    EXPECT_TRUE(e.client && e.server);
    return e;
}

static void end(struct ends *e)
{
    bide_release(e->client);
    bide_release(e->server);
    bide_release(e->listener);
}

static const char *unix_name(void)
{
    static char name[64];

    snprintf(name, sizeof name, "unix:@bide-test-%d", (int)getpid());
    return name;
}

static int option(const bide_stream *s, int level, int name)
{
    int value = -1;
    size_t len = sizeof value;

    EXPECT_EQ(bide_stream_getsockopt(s, level, name, &value, &len), 0);
    EXPECT_EQ(len, sizeof value);
    return value;
}

TEST(socket_addresses_of_both_ends, .real_time = true)
{
    struct ends e = connect_over("127.0.0.1");
    bide_address local, peer, other_local, other_peer;

    EXPECT_EQ(bide_stream_addresses(e.client, &local, &peer), 0);
    EXPECT_EQ(bide_stream_addresses(e.server, &other_local, &other_peer), 0);
    EXPECT_TRUE(bide_address_equal(&local, &other_peer) && bide_address_equal(&peer, &other_local));
    EXPECT_EQ(bide_address_port(&peer), bide_listener_port(e.listener));
    EXPECT_EQ(bide_stream_addresses(e.client, NULL, NULL), 0);
    EXPECT_ERR(bide_stream_addresses(NULL, &local, NULL), -EINVAL);
    end(&e);
}

TEST(socket_options_by_name, .real_time = true)
{
    struct ends e = connect_over("127.0.0.1");
    EXPECT_EQ(option(e.client, IPPROTO_TCP, TCP_NODELAY), 1);

    EXPECT_EQ(bide_stream_set_socket(e.client, .keepalive_ms = 61500, .keepalive_interval_ms = 5000, .keepalive_count = 4,
                                     .user_timeout_ms = 30000, .nagle = true, .receive_buffer = 50000), 0);
    EXPECT_EQ(option(e.client, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(e.client, IPPROTO_TCP, TCP_KEEPIDLE), 62);
    EXPECT_EQ(option(e.client, IPPROTO_TCP, TCP_KEEPINTVL), 5);
    EXPECT_EQ(option(e.client, IPPROTO_TCP, TCP_KEEPCNT), 4);
    EXPECT_EQ(option(e.client, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    EXPECT_EQ(option(e.client, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(option(e.client, SOL_SOCKET, SO_RCVBUF), 100000); /* the kernel doubles it */
    EXPECT_EQ(bide_stream_set_socket(e.client, .keepalive_ms = BIDE_NONE), 0);
    EXPECT_EQ(option(e.client, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_EQ(bide_stream_setsockopt(e.client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
    EXPECT_EQ(option(e.client, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_ERR(bide_stream_set_socket(e.client, .keepalive_ms = -5), -EINVAL);
    EXPECT_ERR(bide_stream_setsockopt(e.client, IPPROTO_TCP, 9999, &(int){1}, sizeof(int)), -ENOPROTOOPT);
    end(&e);
}

TEST(socket_linger_of_nothing_resets_the_connection, .real_time = true)
{
    struct ends e = connect_over("127.0.0.1");
    char c;

    EXPECT_EQ(bide_stream_set_socket(e.client, .linger_ms = BIDE_NONE), 0);
    bide_release(e.client);
    e.client = NULL;
    EXPECT_ERR(bide_read(e.server, &c, 1), -ECONNRESET);
    end(&e);
}

TEST(socket_of_a_pipe_is_none, .real_time = true)
{
    int ends[2], n;
    char c;
    bide_credentials who;
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    bide_auto bide_stream *s = bide_stream_from_fd(ends[0]);

    EXPECT_ERR(bide_stream_set_socket(s, .nagle = true), -ENOTSOCK);
    EXPECT_ERR(bide_stream_addresses(s, NULL, NULL), -ENOTSOCK);
    EXPECT_ERR(bide_stream_receive_fds(s, &c, 1, &n, 1, &n), -ENOTSOCK);
    EXPECT_ERR(bide_stream_credentials(s, &who), -ENOTSOCK);
    close(ends[1]);
}

/* ---- Unix sockets ---- */

TEST(unix_peer_credentials_are_the_kernels, .real_time = true)
{
    struct ends e = connect_over(unix_name()), tcp = connect_over("127.0.0.1");
    bide_credentials who;
    bide_address a;

    EXPECT_EQ(bide_stream_credentials(e.server, &who), 0);
    EXPECT_EQ(who.pid, getpid());
    EXPECT_EQ(who.uid, getuid());
    EXPECT_EQ(who.gid, getgid());
    EXPECT_ERR(bide_stream_credentials(e.server, NULL), -EINVAL);
    EXPECT_ERR(bide_stream_credentials(tcp.server, &who), -EOPNOTSUPP);
    EXPECT_EQ(bide_stream_addresses(e.server, NULL, &a), 0);
    EXPECT_EQ(bide_address_family(&a), 0);
    end(&e);
    end(&tcp);
}

TEST(unix_descriptors_arrive_with_their_bytes, .real_time = true)
{
    struct ends e = connect_over(unix_name());
    int pipe_[2], got[4], n = -1;
    char data[16] = "", c;
    EXPECT_EQ(pipe2(pipe_, O_CLOEXEC), 0);

    EXPECT_EQ(bide_write(e.client, "before", 6), 0); /* is sent first */
    EXPECT_EQ(bide_stream_send_fds(e.client, "two", 3, pipe_, 2), 0);
    EXPECT_EQ(bide_stream_receive_fds(e.server, data, 6, got, 4, &n), 6);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(bide_stream_receive_fds(e.server, data, sizeof data, got, 4, &n), 3);
    EXPECT_MEM(data, "two", 3);
    EXPECT_EQ(n, 2);
    EXPECT_EQ(fcntl(got[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    EXPECT_EQ(write(got[1], "x", 1), 1);
    EXPECT_EQ(read(pipe_[0], &c, 1), 1);
    for (int i = 0; i < 2; i++) {
        close(got[i]);
        close(pipe_[i]);
    }
    bide_release(e.client);
    e.client = NULL;
    EXPECT_EQ(bide_stream_receive_fds(e.server, data, sizeof data, got, 4, &n), 0);
    end(&e);
}

static int send_big(bide_stream *s, int fd)
{
    static char data[500000];

    return bide_stream_send_fds(s, data, sizeof data, &fd, 1);
}

TEST(unix_descriptors_with_more_bytes_than_the_socket_takes, .real_time = true)
{
    struct ends e = connect_over(unix_name());
    static char data[65536];
    int got[2], n, fds = 0;
    size_t sum = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(send_big, e.client, 0));

    while (sum < 500000) {
        ssize_t len = bide_stream_receive_fds(e.server, data, sizeof data, got, 2, &n);
        EXPECT_LT(0, len);
        sum += (size_t)len;
        fds += n;
        for (int i = 0; i < n; i++)
            close(got[i]);
    }
    EXPECT_EQ(fds, 1);
    EXPECT_EQ(bide_await(t), 0);
    end(&e);
}

/* What was not asked for is closed: the harness looks for descriptors that are left. */
TEST(unix_more_descriptors_than_asked_for_are_closed, .real_time = true)
{
    struct ends e = connect_over(unix_name());
    int fds[] = {0, 1, 2}, got[2], n;
    char data[8];

    EXPECT_EQ(bide_stream_send_fds(e.client, "abc", 3, fds, 3), 0);
    EXPECT_ERR(bide_stream_receive_fds(e.server, data, sizeof data, got, 2, &n), BIDE_ELIMIT);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(bide_stream_send_fds(e.client, "abc", 3, fds, 3), 0);
    EXPECT_EQ(bide_read(e.server, data, sizeof data), 3); /* a plain read takes none */
    EXPECT_EQ(bide_stream_send_fds(e.client, "d", 1, fds, 1), 0);
    EXPECT_EQ(bide_stream_receive_fds(e.server, data, 1, NULL, 0, &n), BIDE_ELIMIT);
    EXPECT_EQ(bide_stream_send_fds(e.client, "e", 1, fds, 1), 0); /* and goes on */
    EXPECT_EQ(bide_stream_receive_fds(e.server, data, 1, got, 2, &n), 1);
    EXPECT_EQ(n, 1);
    close(got[0]);
    end(&e);
}

TEST(unix_descriptors_without_room_for_them_are_an_error, .real_time = true)
{
    struct ends e = connect_over(unix_name());
    struct rlimit before, none;
    int fds[] = {0, 1}, got[2], n;
    char data[8];
    EXPECT_EQ(bide_stream_send_fds(e.client, "ab", 2, fds, 2), 0);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    int next = dup(0);
    close(next);
    none.rlim_cur = (rlim_t)next + 1; /* for one of two */
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);

    ssize_t len = bide_stream_receive_fds(e.server, data, sizeof data, got, 2, &n);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < n; i++)
        close(got[i]);
    end(&e);
    if (n == 2)
        SKIP("the limit is not the kernel's here: valgrind keeps it to itself");
    EXPECT_ERR(len, BIDE_ELIMIT);
    EXPECT_EQ(n, 0);
}

static int receive_some(bide_stream *s)
{
    int fds[2], n;
    char c;

    return (int)bide_stream_receive_fds(s, &c, 1, fds, 2, &n);
}

TEST(unix_descriptors_bad_use_cancel_and_release, .real_time = true)
{
    struct ends e = connect_over(unix_name()), tcp = connect_over("127.0.0.1");
    int fds[BIDE_FDS_MAX + 1] = {0}, n;
    char c;

    EXPECT_ERR(bide_stream_send_fds(e.client, "x", 1, fds, BIDE_FDS_MAX + 1), -EINVAL);
    EXPECT_ERR(bide_stream_send_fds(e.client, "x", 1, fds, 0), -EINVAL);
    EXPECT_ERR(bide_stream_send_fds(e.client, "", 0, fds, 1), -EINVAL);
    EXPECT_ERR(bide_stream_send_fds(e.client, "x", 1, (int[]){900}, 1), -EBADF);
    EXPECT_ERR(bide_stream_send_fds(tcp.client, "x", 1, fds, 1), -EOPNOTSUPP);
    EXPECT_ERR(bide_stream_receive_fds(tcp.client, &c, 1, fds, 1, &n), -EOPNOTSUPP);
    EXPECT_ERR(bide_stream_receive_fds(e.client, &c, 0, fds, 1, &n), -EINVAL);
    EXPECT_ERR(bide_stream_receive_fds(e.client, &c, 1, NULL, 1, &n), -EINVAL);
    bide_auto bide_task *t = bide_create_task(bide_coro(receive_some, e.server));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_task_cancel(t);
    EXPECT_ERR(bide_await(t), BIDE_ECANCELED);
    bide_auto bide_task *u = bide_create_task(bide_coro(receive_some, e.server));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_release(e.server);
    e.server = NULL;
    EXPECT_ERR(bide_await(u), BIDE_ECLOSED);
    end(&e);
    end(&tcp);
}
