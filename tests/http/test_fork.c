/* SPDX-License-Identifier: MIT */
/* test_fork.c - sessions, responses and servers of a parent process, and of another thread's loop. */
#include <sys/wait.h>
#include <unistd.h>

#include <bide/bide.h>

#include "client.h"

enum { LONG = 40000 }; /* as short as what is worth reading for its connection's sake, and more than comes with the head */

static int answer(bide_exchange *x, void *arg)
{
    static char body[LONG];
    (void)arg;

    memset(body, 'b', sizeof body);
    if (strcmp(bide_exchange_path(x), "/long") != 0)
        return bide_respond_text(x, 200, "short");
    BIDE_TRY(bide_respond_header(x, "Content-Length", "40000"));
    BIDE_TRY(bide_respond_begin(x, 200, "text/plain"));
    BIDE_TRY(bide_respond_chunk(x, body, 10));
    BIDE_TRY(bide_sleep_ms(50));
    BIDE_TRY(bide_respond_chunk(x, body, LONG - 10));
    return bide_respond_end(x);
}

static const char *at(const bide_server *server, const char *path)
{
    static char url[200];

    snprintf(url, sizeof url, "%s%s", bide_server_url(server), path);
    return url;
}

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

static void expect_short(bide_session *s, bide_server *server)
{
    bide_auto bide_response *r = bide_get(s, at(server, "/"), .timeout_ms = 5000);
    EXPECT_NOT_NULL(r);
    EXPECT_STR(bide_text(r), "short");
}

TEST(fork_child_that_releases_a_session_leaves_its_connections, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(answer);
    bide_auto bide_session *s = bide_session_new();

    expect_short(s, server);
    EXPECT_EQ(in_child(release, s), 7);
    expect_short(s, server);
    EXPECT_EQ(bide_session_get_stats(s).connections, 1);
    EXPECT_EQ(bide_session_get_stats(s).reused, 1);
}

/* Releasing reads a short rest, so that the connection can be used again: the child must not take it from the parent. */
TEST(fork_child_that_releases_a_response_does_not_take_its_body, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(answer);
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = bide_get(s, at(server, "/long"));
    EXPECT_NOT_NULL(r);

    BIDE_IGNORE(bide_sleep_ms(200)); /* all of it is here */
    EXPECT_EQ(in_child(release, r), 7);
    EXPECT_EQ(bide_body(r).len, LONG);
    expect_short(s, server);
    EXPECT_EQ(bide_session_get_stats(s).connections, 1);
}

TEST(fork_child_that_releases_a_server_leaves_it_running, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(answer);
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_session *other = bide_session_new();

    expect_short(s, server);
    EXPECT_EQ(in_child(release, server), 7);
    expect_short(s, server);
    expect_short(other, server);
    EXPECT_EQ(bide_server_get_stats(server).connections, 2);
}

static int use_inherited(void *session)
{
    EXPECT_ERR(bide_session_get_stats(session).requests, 0);
    EXPECT_ERR(bide_error_code(), BIDE_ESTATE);
    bide_error_clear();
    return 7;
}

TEST(fork_child_that_asks_a_session_is_refused, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(answer);
    bide_auto bide_session *s = bide_session_new();

    expect_short(s, server);
    EXPECT_EQ(in_child(use_inherited, s), 7);
}

/* ---- another thread ---- */

struct theirs {
    bide_server *server;
    bide_session *session;
    bide_response *response;
};

static int ask_theirs(struct theirs *t)
{
    const char *data;

    EXPECT_NULL(bide_get(t->session, bide_server_url(t->server)));
    EXPECT_CONTAINS(bide_error_text(), "bide_request: it belongs to the event loop of another thread");
    bide_error_clear();
    EXPECT_NULL(bide_body(t->response).data);
    EXPECT_CONTAINS(bide_error_text(), "bide_body: it belongs");
    bide_error_clear();
    EXPECT_ERR(bide_read_chunk(t->response, &data), BIDE_ESTATE);
    EXPECT_EQ(bide_status(t->response), 200); /* what lies in the response may be looked at */
    bide_error_clear();
    EXPECT_ERR(bide_server_stop(t->server, 0), BIDE_ESTATE);
    bide_error_clear();
    EXPECT_EQ(bide_server_get_stats(t->server).connections, 0);
    EXPECT_ERR(bide_error_code(), BIDE_ESTATE);
    bide_error_clear();
    bide_release(t->response); /* says so on standard error */
    bide_release(t->session);
    bide_release(t->server);
    return 0;
}

static int ask_theirs_in_a_task(struct theirs *t)
{
    return bide_run(bide_coro(ask_theirs, t));
}

TEST(other_thread_is_refused_by_sessions_responses_and_servers, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(answer);
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = bide_get(s, at(server, "/long"));
    EXPECT_NOT_NULL(r);

    struct theirs theirs = {server, s, r};
    EXPECT_EQ(bide_to_thread(bide_coro(ask_theirs_in_a_task, &theirs)), 0);
    EXPECT_EQ(bide_body(r).len, LONG);
    expect_short(s, server);
}

static int respond_elsewhere(bide_exchange *x)
{
    return bide_respond_text(x, 200, "from a thread");
}

static int answer_from_a_thread(bide_exchange *x, void *arg)
{
    (void)arg;
    int r = bide_to_thread(bide_coro(respond_elsewhere, x));
    return bide_respond_text(x, 200, r == BIDE_ESTATE ? "refused" : "let");
}

TEST(other_thread_is_refused_by_the_request_of_a_server, .real_time = true)
{
    bide_auto bide_server *server = bide_server_start(answer_from_a_thread);
    bide_auto bide_session *s = bide_session_new();
    bide_auto bide_response *r = bide_get(s, bide_server_url(server));
    EXPECT_NOT_NULL(r);
    EXPECT_STR(bide_text(r), "refused");
}
