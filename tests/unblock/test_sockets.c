/* SPDX-License-Identifier: MIT */
/* test_sockets.c - connect, accept and send in tasks; time limits and flags of sockets. */
#include <pthread.h>
#include <sys/un.h>

#include "unblock.h"

/* ---- connect and accept ---- */

static int serve_one(int listener)
{
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    int fd = accept(listener, (struct sockaddr *)&from, &len);
    char c;

    EXPECT_LE(0, fd);
    EXPECT_EQ(from.sin_family, AF_INET);
    EXPECT_EQ(recv(fd, &c, 1, 0), 1);
    EXPECT_EQ(send(fd, &c, 1, 0), 1);
    close(fd);
    return 0;
}

static int ask_one(const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char c = 0;

    EXPECT_EQ(connect(fd, (const struct sockaddr *)at, sizeof *at), 0);
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(usleep(50 * 1000), 0);
    EXPECT_EQ(write(fd, "a", 1), 1);
    EXPECT_EQ(read(fd, &c, 1), 1);
    EXPECT_EQ(c, 'a');
    EXPECT_EQ(read(fd, &c, 1), 0);
    close(fd);
    return 0;
}

TEST(sockets_of_a_blocking_server_and_its_clients_in_one_thread, .real_time = true)
{
    enum { N = 30 };
    struct sockaddr_in at;
    int listener = listen_here(&at);
    bide_awaitable all[2 * N];
    int64_t start = now_ms();

    for (int i = 0; i < N; i++) {
        all[i] = BIDE_AW(bide_coro(serve_one, listener));
        all[N + i] = BIDE_AW(bide_coro(ask_one, &at));
    }
    EXPECT_EQ(bide_gather_n(all, 2 * N), 0);
    EXPECT_LT(now_ms() - start, 50 * N / 2);
    EXPECT_EQ(fcntl(listener, F_GETFL) & O_NONBLOCK, 0);
    close(listener);
}

static int accept_cancelled(int listener, int *error)
{
    EXPECT_EQ(accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1);
    *error = errno;
    return 0;
}

TEST(sockets_accept_cancelled_ends, .real_time = true)
{
    struct sockaddr_in at;
    int listener = listen_here(&at), error = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(accept_cancelled, listener, &error));

    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(error, ECANCELED);
    EXPECT_EQ(fcntl(listener, F_GETFL) & O_NONBLOCK, 0);
    close(listener);
}

/* The listener is shared by two loops, each in a thread, and by a thread that has none: nobody sees that a task's try does not block. */
enum { ACCEPTED = 600, ACCEPTERS = 3 };

struct shared_listener {
    int fd, accepted, failed;
};

static int accept_all(struct shared_listener *l)
{
    for (;;) {
        int fd = accept(l->fd, NULL, NULL);
        if (fd < 0) {
            __atomic_add_fetch(&l->failed, errno != EINVAL, __ATOMIC_RELAXED); /* EINVAL: it was shut down */
            return 0;
        }
        close(fd);
        __atomic_add_fetch(&l->accepted, 1, __ATOMIC_RELAXED);
    }
}

static void *accept_in_a_loop(void *l)
{
    EXPECT_EQ(bide_run(bide_coro(accept_all, (struct shared_listener *)l)), 0);
    return NULL;
}

static void *accept_without_a_loop(void *l)
{
    accept_all(l);
    return NULL;
}

TEST(sockets_accept_in_several_threads_never_says_EAGAIN, .real_time = true)
{
    struct sockaddr_in at;
    struct shared_listener l = {.fd = listen_here(&at)};
    pthread_t threads[ACCEPTERS];

    for (int i = 0; i < ACCEPTERS; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, i < 2 ? accept_in_a_loop : accept_without_a_loop, &l), 0);
    for (int i = 0; i < ACCEPTED; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
        EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)), 0);
        close(fd);
    }
    while (__atomic_load_n(&l.accepted, __ATOMIC_RELAXED) < ACCEPTED && __atomic_load_n(&l.failed, __ATOMIC_RELAXED) == 0)
        EXPECT_EQ(bide_sleep_ms(1), 0);
    shutdown(l.fd, SHUT_RD);
    for (int i = 0; i < ACCEPTERS; i++)
        EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    EXPECT_EQ(l.failed, 0);
    EXPECT_EQ(l.accepted, ACCEPTED);
    close(l.fd);
}

TEST(sockets_connect_twice_says_that_it_is_connected)
{
    struct sockaddr_in at;
    int listener = listen_here(&at), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    EXPECT_EQ(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    EXPECT_EQ(connect(fd, (struct sockaddr *)&at, sizeof at), -1);
    EXPECT_EQ(errno, EISCONN);
    close(fd);
    close(listener);
}

TEST(sockets_connect_refused_says_so)
{
    struct sockaddr_in at;
    int listener = listen_here(&at), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    close(listener);
    EXPECT_EQ(connect(fd, (struct sockaddr *)&at, sizeof at), -1);
    EXPECT_EQ(errno, ECONNREFUSED);
    close(fd);
}

static int connect_to(const struct sockaddr_in *at, int *error)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *error = connect(fd, (const struct sockaddr *)at, sizeof *at) < 0 ? errno : 0;
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    close(fd);
    return 0;
}

/* A listener whose queue is full does not answer. */
TEST(sockets_connect_cancelled_ends, .real_time = true)
{
    enum { MOST = 8 };
    struct sockaddr_in at;
    int listener = listen_here(&at), fd[MOST], error = 0;
    EXPECT_EQ(listen(listener, 0), 0);
    for (int i = 0; i < MOST; i++) {
        fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        BIDE_IGNORE(connect(fd[i], (struct sockaddr *)&at, sizeof at));
    }

    bide_auto bide_task *t = bide_create_task(bide_coro(connect_to, &at, &error));
    EXPECT_EQ(bide_sleep_ms(20), 0);
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), BIDE_ECANCELED);
    EXPECT_EQ(error, ECANCELED);
    for (int i = 0; i < MOST; i++)
        close(fd[i]);
    close(listener);
}

static int connect_in_vain(const struct sockaddr_un *at, int *error)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *error = connect(fd, (const struct sockaddr *)at, sizeof *at) < 0 ? errno : 0;
    close(fd);
    return 0;
}

/* A Unix socket whose backlog is full: no event tells when there is room again. */
TEST(sockets_connect_to_a_full_backlog_waits_for_a_place, .real_time = true)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error[4] = {-1, -1, -1, -1};
    bide_task *t[4];
    snprintf(at.sun_path, sizeof at.sun_path, "%s/s", test_tmpdir());
    EXPECT_EQ(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    EXPECT_EQ(listen(listener, 0), 0);

    for (int i = 0; i < 4; i++)
        t[i] = bide_create_task(bide_coro(connect_in_vain, &at, &error[i]));
    EXPECT_EQ(bide_sleep_ms(30), 0);
    EXPECT_EQ(error[0], 0);
    EXPECT_EQ(error[2], -1);
    bide_task_cancel(t[3]);
    EXPECT_EQ(bide_await(t[3]), BIDE_ECANCELED);
    EXPECT_EQ(error[3], ECANCELED);
    while (error[1] < 0 || error[2] < 0)
        close(accept(listener, NULL, NULL));
    for (int i = 0; i < 4; i++) {
        BIDE_IGNORE(bide_await(t[i]));
        bide_release(t[i]);
    }
    EXPECT_EQ(error[1], 0);
    EXPECT_EQ(error[2], 0);
    close(listener);
}

/* ---- sending ---- */

enum { MUCH = 4 * 1024 * 1024 };

static int read_much(int fd)
{
    static char part[65536];
    size_t sum = 0;

    for (ssize_t n; (n = read(fd, part, sizeof part)) > 0;) {
        for (ssize_t i = 0; i < n; i++)
            EXPECT_EQ(part[i], (char)((sum + (size_t)i) % 251));
        sum += (size_t)n;
    }
    return (int)sum;
}

static char much[MUCH];

static ssize_t send_much(int fd)
{
    return send(fd, much, MUCH, MSG_NOSIGNAL);
}

static ssize_t write_much(int fd)
{
    return write(fd, much, MUCH);
}

static ssize_t writev_much(int fd)
{
    struct iovec iov[] = {{much, 7}, {much + 7, 0}, {much + 7, MUCH / 2}, {much + 7 + MUCH / 2, MUCH - MUCH / 2 - 7}};

    return writev(fd, iov, 4);
}

static ssize_t sendmsg_much(int fd)
{
    struct iovec iov[] = {{much, MUCH / 3}, {much + MUCH / 3, MUCH - MUCH / 3}};

    return sendmsg(fd, &(struct msghdr){.msg_iov = iov, .msg_iovlen = 2}, 0);
}

TEST(sockets_send_returns_when_all_is_sent, .real_time = true)
{
    static ssize_t (*const ways[])(int fd) = {send_much, write_much, writev_much, sendmsg_much};
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (char)(i % 251);

    for (int i = 0; i < 4; i++) {
        int fd[2];
        pair_of(SOCK_STREAM, fd);
        bide_auto bide_task *t = bide_create_task(bide_coro(read_much, fd[0]));
        errno = E2BIG;
        EXPECT_EQ(ways[i](fd[1]), MUCH);
        EXPECT_EQ(errno, E2BIG);
        close(fd[1]);
        EXPECT_EQ(bide_await(t), MUCH);
        close(fd[0]);
    }
}

static int send_cancelled(int fd, ssize_t *n, int *error)
{
    errno = 0;
    *n = send(fd, much, MUCH, 0);
    *error = errno;
    return 0;
}

TEST(sockets_send_cancelled_ends_with_what_was_sent, .real_time = true)
{
    int fd[2], error = 0;
    ssize_t n = 0;
    pair_of(SOCK_STREAM, fd);
    bide_auto bide_task *t = bide_create_task(bide_coro(send_cancelled, fd[1], &n, &error));

    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(n > 0 && n < MUCH);

    bide_auto bide_task *again = bide_create_task(bide_coro(send_cancelled, fd[1], &n, &error));
    EXPECT_EQ(bide_sleep_ms(1), 0);
    bide_task_cancel(again);
    EXPECT_EQ(bide_await(again), BIDE_ECANCELED);
    EXPECT_EQ(n, -1);
    EXPECT_EQ(error, ECANCELED);
    close_both(fd);
}

TEST(sockets_datagrams_keep_their_bounds, .real_time = true)
{
    int fd[2];
    char out[64];
    pair_of(SOCK_DGRAM, fd);

    EXPECT_EQ(sendto(fd[1], "abc", 3, 0, NULL, 0), 3);
    EXPECT_EQ(write(fd[1], "defgh", 5), 5);
    EXPECT_EQ(recv(fd[0], out, sizeof out, MSG_WAITALL), 3);
    EXPECT_EQ(recvfrom(fd[0], out, sizeof out, 0, NULL, NULL), 5);
    close_both(fd);
}

static int send_in_parts(int fd)
{
    for (int i = 0; i < 10; i++) {
        EXPECT_EQ(write(fd, &"0123456789"[i], 1), 1);
        EXPECT_EQ(usleep(1000), 0);
    }
    return 0;
}

TEST(sockets_waitall_waits_for_all, .real_time = true)
{
    int fd[2];
    char out[11] = "";
    pair_of(SOCK_STREAM, fd);
    bide_auto bide_task *t = bide_create_task(bide_coro(send_in_parts, fd[1]));

    struct iovec iov[] = {{out, 4}, {out + 4, 6}};
    EXPECT_EQ(recvmsg(fd[0], &(struct msghdr){.msg_iov = iov, .msg_iovlen = 2}, MSG_WAITALL), 10);
    EXPECT_STR(out, "0123456789");
    EXPECT_EQ(bide_await(t), 0);
    close_both(fd);
}

/* ---- limits and flags ---- */

TEST(sockets_that_do_not_block_say_EAGAIN_at_once)
{
    int fd[2];
    char c;
    pair_of(SOCK_STREAM | SOCK_NONBLOCK, fd);

    EXPECT_EQ(recv(fd[0], &c, 1, 0), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(read(fd[0], &c, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
    fill(fd[1]);
    EXPECT_EQ(write(fd[1], "x", 1), -1);
    EXPECT_EQ(errno, EAGAIN);
    close_both(fd);

    pair_of(SOCK_STREAM, fd);
    EXPECT_EQ(recv(fd[0], &c, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, EAGAIN);
    close_both(fd);

    struct sockaddr_in at;
    int listener = listen_here(&at);
    EXPECT_EQ(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    EXPECT_EQ(accept(listener, NULL, NULL), -1);
    EXPECT_EQ(errno, EAGAIN);
    close(listener);
}

TEST(sockets_with_SO_RCVTIMEO_say_EAGAIN_when_it_is_over)
{
    struct timeval tv = {.tv_usec = 200 * 1000};
    int fd[2];
    char c = 0;
    pair_of(SOCK_STREAM, fd);
    EXPECT_EQ(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
    EXPECT_EQ(setsockopt(fd[1], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv), 0);
    int64_t start = now_ms();

    EXPECT_EQ(recv(fd[0], &c, 1, 0), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(now_ms() - start, 200);
    EXPECT_EQ(read(fd[0], &c, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(now_ms() - start, 400);
    fill(fd[1]);
    EXPECT_EQ(send(fd[1], &c, 1, 0), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(now_ms() - start, 600);
    close_both(fd);
}

/* A library closes its descriptor without our notice, and the number is reused. */
TEST(sockets_with_a_number_that_was_used_before_do_not_hang, .real_time = true)
{
    char c;
    int number = -1;

    for (int i = 0; i < 20; i++) {
        int fd[2];
        pair_of(SOCK_STREAM, fd);
        if (number < 0)
            number = fd[0];
        EXPECT_EQ(fd[0], number);
        int kept = i % 2 ? dup(fd[0]) : -1; /* the old open file description stays open, and in the epoll set */
        bide_timeout(1)
            EXPECT_EQ(recv(fd[0], &c, 1, 0), -1);
        bide_auto bide_task *t = bide_create_task(bide_coro(send_in_parts, fd[1]));
        EXPECT_EQ(recv(fd[0], &c, 1, MSG_WAITALL), 1);
        EXPECT_EQ(bide_await(t), 0);
        close_both(fd);
        if (kept >= 0)
            close(kept);
    }
}

/* The peer always has more data: other tasks must get their turns all the same. */
static int count_turns(int *n)
{
    for (;; ++*n)
        BIDE_TRY(bide_sleep_ms(0));
}

TEST(sockets_that_are_always_ready_let_others_run, .real_time = true)
{
    int fd[2], n = 0;
    char c;
    pair_of(SOCK_STREAM, fd);
    fill(fd[1]);
    bide_auto bide_task *t = bide_create_task(bide_coro(count_turns, &n));

    for (int i = 0; i < 1000; i++)
        EXPECT_EQ(recv(fd[0], &c, 1, 0), 1);
    EXPECT_LT(5, n);
    close_both(fd);
}

/* ---- several messages in one call ---- */

enum { MANY = 4 };

struct many {
    struct mmsghdr headers[MANY];
    struct iovec pieces[MANY];
    char bytes[MANY][8];
};

static void many_init(struct many *m)
{
    *m = (struct many){0};
    for (int i = 0; i < MANY; i++) {
        m->bytes[i][0] = (char)('a' + i);
        m->pieces[i] = (struct iovec){m->bytes[i], sizeof m->bytes[i]};
        m->headers[i].msg_hdr = (struct msghdr){.msg_iov = &m->pieces[i], .msg_iovlen = 1};
    }
}

static int send_two_and_two(int fd)
{
    struct many m;

    many_init(&m);
    EXPECT_EQ(sendmmsg(fd, m.headers, 2, 0), 2);
    EXPECT_EQ(usleep(5000), 0);
    EXPECT_EQ(sendmmsg(fd, m.headers + 2, 2, 0), 2);
    EXPECT_EQ(m.headers[3].msg_len, 8u);
    return 0;
}

TEST(sockets_recvmmsg_waits_for_all_or_for_one, .real_time = true)
{
    int fd[2];
    struct many m;
    pair_of(SOCK_DGRAM, fd);
    many_init(&m);

    bide_auto bide_task *t = bide_create_task(bide_coro(send_two_and_two, fd[0]));
    EXPECT_EQ(recvmmsg(fd[1], m.headers, MANY, 0, NULL), MANY);
    EXPECT_EQ(m.bytes[3][0], 'd');
    EXPECT_EQ(m.headers[3].msg_len, 8u);
    EXPECT_EQ(bide_await(t), 0);

    bide_auto bide_task *again = bide_create_task(bide_coro(send_two_and_two, fd[0]));
    EXPECT_EQ(recvmmsg(fd[1], m.headers, MANY, MSG_WAITFORONE, NULL), 2);
    EXPECT_EQ(recvmmsg(fd[1], m.headers, 2, 0, NULL), 2);
    EXPECT_EQ(bide_await(again), 0);
    close_both(fd);
}

TEST(sockets_recvmmsg_with_a_time_ends_with_what_has_come)
{
    int fd[2];
    struct many m;
    struct timespec ts = {.tv_nsec = 40 * 1000000};
    pair_of(SOCK_DGRAM, fd);
    many_init(&m);
    int64_t start = now_ms();

    EXPECT_EQ(send(fd[0], "x", 1, 0), 1);
    EXPECT_EQ(recvmmsg(fd[1], m.headers, MANY, 0, &ts), 1);
    EXPECT_EQ(now_ms() - start, 40);
    EXPECT_EQ(ts.tv_sec + ts.tv_nsec, 0);
    EXPECT_EQ(recvmmsg(fd[1], m.headers, MANY, MSG_DONTWAIT, NULL), -1);
    EXPECT_EQ(errno, EAGAIN);
    close_both(fd);
}

static int read_slowly(int fd)
{
    static char out[70000];
    size_t sum = 0;
    ssize_t n;

    while ((n = read(fd, out, sizeof out)) > 0)
        sum += (size_t)n;
    EXPECT_EQ(sum, 4u * 1000000);
    return 0;
}

TEST(sockets_sendmmsg_sends_all_of_each_message_of_a_stream, .real_time = true)
{
    static char bytes[1000000];
    struct many m;
    int fd[2];
    pair_of(SOCK_STREAM, fd);
    many_init(&m);
    for (int i = 0; i < MANY; i++)
        m.pieces[i] = (struct iovec){bytes, sizeof bytes};

    bide_auto bide_task *t = bide_create_task(bide_coro(read_slowly, fd[1]));
    EXPECT_EQ(sendmmsg(fd[0], m.headers, MANY, 0), MANY);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(m.headers[i].msg_len, sizeof bytes);
    shutdown(fd[0], SHUT_WR);
    EXPECT_EQ(bide_await(t), 0);
    close_both(fd);
}
