/* SPDX-License-Identifier: MIT */
/*
 * test_fork.c - what a child of fork(), or another thread, does with connections, listeners, signals and pipes is its own
 * business: the parent, or the loop, does not notice.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "io/file/file_save.h"
#include "net.h"

/* The exit status of a child that runs body(arg); 100 and more: the signal that ended it. */
static int in_child(int (*body)(void *arg), void *arg)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        alarm(8);
        _exit(body(arg));
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static int release(void *object)
{
    bide_release(object);
    return 7;
}

/* ---- streams ---- */

struct pair {
    bide_listener *listener;
    bide_stream *client, *server;
};

static int accept_into(struct pair *p)
{
    p->server = bide_accept(p->listener);
    return p->server ? 0 : bide_raise();
}

static void pair_open(struct pair *p)
{
    p->listener = bide_listen("127.0.0.1", 0);
    EXPECT_NOT_NULL(p->listener);
    bide_auto bide_task *t = bide_create_task(bide_coro(accept_into, p));
    p->client = bide_connect("127.0.0.1", bide_listener_port(p->listener));
    EXPECT_NOT_NULL(p->client);
    EXPECT_EQ(bide_await(t), 0);
}

static void pair_close(struct pair *p)
{
    bide_release(p->client);
    bide_release(p->server);
    bide_release(p->listener);
    bide_error_clear();
}

static int say_later(bide_stream *s, const char *text)
{
    BIDE_TRY(bide_sleep_ms(20));
    BIDE_TRY(bide_write(s, text, strlen(text)));
    return bide_drain(s);
}

/* `to` gets this, though it has to wait for it, and nothing before. */
static void expect_said(bide_stream *from, bide_stream *to, const char *text)
{
    char got[64] = "";
    bide_auto bide_task *t = bide_create_task(bide_coro(say_later, from, text));

    bide_timeout(5000)
        EXPECT_EQ(bide_read_exactly(to, got, strlen(text)), (ssize_t)strlen(text));
    EXPECT_STR(got, text);
    EXPECT_EQ(bide_await(t), 0);
}

TEST(fork_child_that_releases_a_stream_leaves_it_to_the_parent, .real_time = true)
{
    struct pair p;
    pair_open(&p);
    expect_said(p.server, p.client, "one");
    EXPECT_EQ(bide_write(p.client, "collected ", 10), 0); /* not sent yet: it is the parent's to send */
    EXPECT_EQ(in_child(release, p.client), 7);
    EXPECT_EQ(in_child(release, p.server), 7);
    expect_said(p.server, p.client, "two");
    EXPECT_EQ(bide_drain(p.client), 0);
    char got[11] = "";
    EXPECT_EQ(bide_read_exactly(p.server, got, 10), 10);
    EXPECT_STR(got, "collected ");
    pair_close(&p);
}

static int shut(void *s)
{
    char byte;
    if (bide_write(s, "x", 1) != BIDE_ESTATE || bide_drain(s) != BIDE_ESTATE || bide_read(s, &byte, 1) != BIDE_ESTATE)
        return 1;
    return bide_stream_shutdown(s) == BIDE_ESTATE ? 7 : 2;
}

TEST(fork_child_that_uses_a_stream_is_refused, .real_time = true)
{
    struct pair p;
    pair_open(&p);
    EXPECT_EQ(in_child(shut, p.client), 7);
    expect_said(p.client, p.server, "one");
    expect_said(p.server, p.client, "two");
    pair_close(&p);
}

static int pong(bide_stream *s)
{
    char buf[4];

    BIDE_TRY((int)bide_read_exactly(s, buf, 4));
    BIDE_TRY(bide_write(s, "pong", 4));
    return bide_drain(s);
}

static int serve_pong(struct pair *p)
{
    p->server = bide_accept(p->listener);
    if (!p->server)
        return bide_raise();
    for (int i = 0; i < 2; i++)
        BIDE_TRY(pong(p->server));
    return 0;
}

static void ping(bide_stream *s)
{
    char got[5] = "";

    EXPECT_EQ(bide_write(s, "ping", 4), 0);
    bide_timeout(5000)
        EXPECT_EQ(bide_read_exactly(s, got, 4), 4);
    EXPECT_STR(got, "pong");
}

/* No close_notify goes out from the child. */
TEST(fork_child_that_releases_a_tls_stream_says_no_goodbye, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *server = bide_tls_new(.server = true, .cert_file = cert_path("good"));
    bide_auto bide_tls *client = bide_tls_new(.ca_file = cert_path("ca"));
    struct pair p = {.listener = bide_listen("127.0.0.1", 0, .tls = server)};
    EXPECT_NOT_NULL(p.listener);
    bide_auto bide_task *t = bide_create_task(bide_coro(serve_pong, &p));
    p.client = bide_connect("127.0.0.1", bide_listener_port(p.listener), .tls = client, .server_name = "good.test",
                            .timeout_ms = 5000);
    EXPECT_NOT_NULL(p.client);
    ping(p.client);
    EXPECT_EQ(in_child(release, p.client), 7);
    EXPECT_EQ(in_child(release, p.server), 7);
    ping(p.client);
    EXPECT_EQ(bide_await(t), 0);
    pair_close(&p);
}

/* ---- a listener ---- */

TEST(fork_child_that_releases_a_listener_leaves_its_path, .real_time = true)
{
    char host[300];
    snprintf(host, sizeof host, "unix:%s/socket", test_tmpdir());
    bide_auto bide_listener *l = bide_listen(host, 0);
    struct pair p = {.listener = l};
    struct stat st;
    EXPECT_NOT_NULL(l);

    EXPECT_EQ(in_child(release, l), 7);
    EXPECT_EQ(stat(host + 5, &st), 0);
    bide_auto bide_task *t = bide_create_task(bide_coro(accept_into, &p));
    BIDE_IGNORE(bide_sleep_ms(20));
    bide_auto bide_stream *s = bide_connect(host, 0);
    EXPECT_NOT_NULL(s);
    EXPECT_EQ(bide_wait_for(t, 5000), 0);
    bide_release(p.server);
}

/* ---- signals ---- */

static int raise_usr1(void *arg)
{
    (void)arg;
    raise(SIGUSR1);
    return 1;
}

TEST(fork_child_has_the_signals_of_before_and_rings_no_bell_of_the_parent, .real_time = true)
{
    bide_auto bide_signals *s = bide_signals_open((int[]){SIGUSR1, 0});
    EXPECT_NOT_NULL(s);
    EXPECT_EQ(in_child(release, s), 7);
    EXPECT_EQ(in_child(raise_usr1, NULL), 100 + SIGUSR1);
    EXPECT_ERR(bide_wait_for(bide_coro(bide_signals_wait, s), 20), BIDE_ETIMEDOUT);
    bide_error_clear();
    raise(SIGUSR1);
    EXPECT_EQ(bide_signals_wait(s), SIGUSR1);
}

/* ---- a pipe that the loop watches ---- */

static int write_byte(int fd)
{
    BIDE_TRY(bide_sleep_ms(20));
    return (int)write(fd, "x", 1);
}

TEST(fork_child_that_releases_a_pipe_leaves_it_to_the_parent, .real_time = true)
{
    char path[300], byte = 0;
    snprintf(path, sizeof path, "%s/pipe", test_tmpdir());
    EXPECT_EQ(mkfifo(path, 0600), 0);
    bide_auto bide_file *f = bide_open(path, .flags = O_RDONLY);
    EXPECT_NOT_NULL(f);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    EXPECT_LE(0, fd);
    EXPECT_EQ(in_child(release, f), 7);
    bide_auto bide_task *t = bide_create_task(bide_coro(write_byte, fd));
    bide_timeout(5000)
        EXPECT_EQ(bide_file_read(f, &byte, 1, -1), 1);
    EXPECT_EQ(byte, 'x');
    EXPECT_EQ(bide_await(t), 1);
    close(fd);
}

/* ---- files ---- */

static int use_file(void *file)
{
    bide_file *f = file;
    char byte;
    if (bide_file_read(f, &byte, 1, 0) != BIDE_ESTATE || bide_file_write(f, "child", 5, 0) != BIDE_ESTATE)
        return 1;
    return bide_file_sync(f) == BIDE_ESTATE && bide_error_code() == BIDE_ESTATE ? 7 : 2;
}

static int close_file(void *file)
{
    return bide_file_close(file) == BIDE_ESTATE && bide_error_code() == BIDE_ESTATE ? 7 : 1;
}

static int close_file_in_a_loop(void *file)
{
    return bide_run(bide_coro(close_file, file));
}

/* Whatever a child does with a file that is half written, it has no name before the parent closes it, and is whole then. */
static void expect_left_to_the_parent(int (*body)(void *arg))
{
    char path[300], got[32] = "";
    snprintf(path, sizeof path, "%s/atomic", test_tmpdir());
    bide_file *f = bide_open(path, .atomic = true, .flags = O_WRONLY);
    EXPECT_NOT_NULL(f);
    EXPECT_EQ(bide_file_write(f, "half ", 5, -1), 5);
    EXPECT_EQ(in_child(body, f), 7);
    EXPECT_TRUE(access(path, F_OK) < 0);
    EXPECT_EQ(bide_file_write(f, "whole", 5, -1), 5);
    EXPECT_EQ(bide_file_close(f), 0);
    bide_auto bide_file *again = bide_open(path);
    EXPECT_EQ(bide_file_read(again, got, sizeof got, 0), 10);
    EXPECT_STR(got, "half whole");
    unlink(path);
}

static void expect_all_left_to_the_parent(void)
{
    int (*const bodies[])(void *) = {use_file, close_file, close_file_in_a_loop, release};

    for (size_t i = 0; i < 2 * array_len(bodies); i++) {
        bide__save_by_name = i % 2;
        expect_left_to_the_parent(bodies[i / 2]);
    }
    bide__save_by_name = false;
}

TEST(fork_child_leaves_a_half_written_file_to_the_parent, .real_time = true)
{
    expect_all_left_to_the_parent();
}

UNIT(fork_child_leaves_a_half_written_file_that_no_loop_has_to_the_parent)
{
    expect_all_left_to_the_parent();
}

/* ---- another thread ---- */

static int use_their_file(bide_file *f)
{
    char byte;
    EXPECT_ERR(bide_file_read(f, &byte, 1, 0), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "bide_file_read: it belongs to the event loop of another thread");
    EXPECT_ERR(bide_file_write(f, "theirs", 6, 0), BIDE_ESTATE);
    EXPECT_ERR(bide_file_sync(f), BIDE_ESTATE);
    EXPECT_ERR(bide_file_close(f), BIDE_ESTATE);
    bide_error_clear();
    bide_release(f); /* says so on standard error */
    return 0;
}

static int use_their_file_in_a_task(bide_file *f)
{
    return bide_run(bide_coro(use_their_file, f));
}

TEST(other_thread_is_refused_by_files, .real_time = true)
{
    char path[300];
    struct stat st;
    snprintf(path, sizeof path, "%s/ours", test_tmpdir());
    for (int atomic = 0; atomic < 2; atomic++) {
        bide_file *f = bide_open(path, .atomic = atomic, .flags = atomic ? O_WRONLY : O_RDWR | O_CREAT);
        EXPECT_NOT_NULL(f);
        EXPECT_EQ(bide_to_thread(bide_coro(use_their_file, f)), 0);
        EXPECT_EQ(bide_to_thread(bide_coro(use_their_file_in_a_task, f)), 0);
        EXPECT_EQ(bide_file_write(f, "ours", 4, -1), 4);
        EXPECT_EQ(bide_file_close(f), 0);
        EXPECT_EQ(stat(path, &st), 0);
        EXPECT_EQ(st.st_size, 4);
    }
}

static bide_file *of_nobody;

static void *write_of_nobody(void *arg)
{
    EXPECT_EQ(bide_file_write(of_nobody, "any", 3, -1), 3);
    return arg;
}

static int write_of_nobody_in_a_task(void)
{
    return write_of_nobody(NULL) != NULL;
}

UNIT(file_that_no_loop_has_is_for_any_thread)
{
    char path[300];
    struct stat st;
    pthread_t thread;
    snprintf(path, sizeof path, "%s/any", test_tmpdir());
    of_nobody = bide_open(path, .flags = O_WRONLY | O_CREAT);
    EXPECT_NOT_NULL(of_nobody);
    EXPECT_EQ(pthread_create(&thread, NULL, write_of_nobody, NULL), 0);
    pthread_join(thread, NULL);
    EXPECT_EQ(bide_run(bide_coro(write_of_nobody_in_a_task)), 0);
    EXPECT_EQ(bide_file_close(of_nobody), 0);
    EXPECT_EQ(stat(path, &st), 0);
    EXPECT_EQ(st.st_size, 6);
}

static int open_file(const char *path)
{
    of_nobody = bide_open(path, .flags = O_WRONLY | O_CREAT);
    return of_nobody ? 0 : bide_raise();
}

UNIT(file_whose_loop_is_closed_can_be_used_and_closed)
{
    char path[300];
    snprintf(path, sizeof path, "%s/later", test_tmpdir());
    EXPECT_EQ(bide_run(bide_coro(open_file, path)), 0);
    EXPECT_EQ(bide_file_write(of_nobody, "later", 5, -1), 5);
    EXPECT_EQ(bide_file_sync(of_nobody), 0);
    EXPECT_EQ(bide_file_close(of_nobody), 0);
}

static int use_their_tls(bide_tls *client, bide_tls *server)
{
    EXPECT_NULL(bide_connect("127.0.0.1", 1, .tls = client));
    EXPECT_EQ(bide_error_code(), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "bide_connect: the TLS context belongs to the thread that made it");
    bide_error_clear();
    EXPECT_NULL(bide_listen("127.0.0.1", 0, .tls = server));
    EXPECT_EQ(bide_error_code(), BIDE_ESTATE);
    return 0;
}

static int use_their_tls_in_a_task(bide_tls *client, bide_tls *server)
{
    return bide_run(bide_coro(use_their_tls, client, server));
}

TEST(other_thread_is_refused_by_tls_contexts, .real_time = true)
{
    certs_make();
    bide_auto bide_tls *client = bide_tls_new(.ca_file = cert_path("ca"));
    bide_auto bide_tls *server = bide_tls_new(.server = true, .cert_file = cert_path("good"));
    EXPECT_NOT_NULL(client);
    EXPECT_NOT_NULL(server);
    EXPECT_EQ(bide_to_thread(bide_coro(use_their_tls_in_a_task, client, server)), 0);
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0, .tls = server);
    EXPECT_NOT_NULL(l);
}

static int use_theirs(struct pair *p, bide_signals *signals)
{
    char buf[4];
    const char *line;

    EXPECT_ERR(bide_read(p->client, buf, 4), BIDE_ESTATE);
    EXPECT_CONTAINS(bide_error_text(), "bide_read: it belongs to the event loop of another thread");
    bide_error_clear();
    EXPECT_ERR(bide_read_exactly(p->client, buf, 4), BIDE_ESTATE);
    EXPECT_ERR(bide_read_until(p->client, "\n", &line), BIDE_ESTATE);
    EXPECT_ERR(bide_write(p->client, buf, 4), BIDE_ESTATE);
    EXPECT_ERR(bide_drain(p->client), BIDE_ESTATE);
    EXPECT_ERR(bide_stream_shutdown(p->client), BIDE_ESTATE);
    EXPECT_NULL(bide_accept(p->listener));
    EXPECT_ERR(bide_serve(p->listener, NULL, NULL), BIDE_ESTATE);
    EXPECT_ERR(bide_signals_wait(signals), BIDE_ESTATE);
    bide_error_clear();
    bide_release(p->client); /* says so on standard error */
    bide_release(p->listener);
    bide_release(signals);
    return 0;
}

static int use_theirs_in_a_task(struct pair *p, bide_signals *signals)
{
    return bide_run(bide_coro(use_theirs, p, signals));
}

TEST(other_thread_is_refused_by_streams_listeners_and_signals, .real_time = true)
{
    struct pair p;
    pair_open(&p);
    bide_auto bide_signals *s = bide_signals_open((int[]){SIGUSR1, 0});
    EXPECT_EQ(bide_to_thread(bide_coro(use_theirs, &p, s)), 0);
    EXPECT_EQ(bide_to_thread(bide_coro(use_theirs_in_a_task, &p, s)), 0);
    expect_said(p.client, p.server, "one");
    raise(SIGUSR1);
    EXPECT_EQ(bide_signals_wait(s), SIGUSR1);
    pair_close(&p);
}
