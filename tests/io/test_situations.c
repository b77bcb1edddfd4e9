/* SPDX-License-Identifier: MIT */
/*
 * test_situations.c - files, streams, TLS and signals: what each function gives in each situation (harness/situations.h).
 *
 * "No loop" has no objects of a loop: for them see "a closed loop".
 */
#include <fcntl.h>
#include <signal.h>

#include <bide/descriptor.h>
#include <bide/embed.h>
#include <bide/file.h>
#include <bide/listener.h>
#include <bide/signal.h>
#include <bide/socket.h>
#include <bide/stream.h>
#include <bide/transfer.h>
#include <bide/testing.h>

#include "harness/situations.h"
#include "net.h"

/* What belongs to the loop of the test. */
static struct {
    bide_listener *listener, *closed_listener;
    bide_stream *stream; /* nothing comes from its other end */
    bide_stream *peer;
    bide_file *file, *closed;
    bide_signals *signals;
    bide_tls *tls; /* of the thread, rather */
    bide_test_peer *scripted;
    bide_stream *to_scripted;
    bide_loop *loop;
    int pipe[2];
} theirs;

static char path[128], other_path[160];

static int ignore_connection(bide_stream *s, void *arg)
{
    (void)s;
    (void)arg;
    return 0;
}

/* ---- the functions: each gives a code, 0 or more if it works ---- */

/* It works if it gives an object, which goes again; else its code is on record. */
static int made(void *object)
{
    if (!object)
        return bide_error_code();
    (bide_release)(object);
    return 0;
}

static int text_or_code(const char *text)
{
    return text && *text ? 0 : bide_error_code() < 0 ? bide_error_code() : -1;
}

static char byte[8];

static int open_(void) { return made(bide_open(path)); }
static int open_atomic(void) { return made(bide_open(other_path, .atomic = true)); }
static int rename_(void) { int code = bide_rename(path, other_path); return code < 0 ? code : bide_rename(other_path, path); }
static int unlink_(void) { return bide_unlink(other_path); }
static int make_dirs(void) { return bide_make_dirs("."); }
static int write_all(void) { return bide_file_write_all(other_path, "a", 1); }
static int read_all(void)
{
    size_t len;
    char *text = bide_file_read_all(path, 0, &len);
    free(text);
    return text ? 0 : bide_error_code();
}
static int file_read(void) { return (int)bide_file_read(theirs.file, byte, 1, 0); }
static int file_write(void) { return (int)bide_file_write(theirs.file, "b", 1, 0); }
static int file_sync(void) { return bide_file_sync(theirs.file); }
static int file_close(void)
{
    int code = bide_file_close(theirs.closed);
    if (code >= 0)
        theirs.closed = NULL;
    return code;
}

static int tls_new(void) { return made(bide_tls_new(.insecure = true)); }
static int connect_(void) { return made(bide_connect("127.0.0.1", bide_listener_port(theirs.listener))); }
static int connect_nowhere(void) { return made(bide_connect("127.0.0.1", 1)); }
static int connect_tls(void) { return made(bide_connect("127.0.0.1", 1, .tls = theirs.tls)); }
static int listen_(void) { return made(bide_listen("127.0.0.1", 0)); }
static int listen_tls(void) { return made(bide_listen("127.0.0.1", 0, .tls = theirs.tls)); }
static int listener_port(void) { return bide_listener_port(theirs.listener); }
static int accept_(void) { return made(bide_accept(theirs.listener)); }
static int serve(void) { return bide_serve(theirs.listener, ignore_connection, NULL); }
static int read_(void) { return (int)bide_read(theirs.stream, byte, 1); }
static int read_exactly(void) { return (int)bide_read_exactly(theirs.stream, byte, 1); }
static int read_until(void) { const char *line; return (int)bide_read_until(theirs.stream, "\n", &line); }
static int write_(void) { return bide_write(theirs.stream, "a", 1); }
static int drain(void) { return bide_drain(theirs.stream); }
static int read_peer(void) { return (int)bide_read(theirs.peer, byte, 1); }
static int shut_down(void) { return bide_stream_shutdown(theirs.stream); }
static int peer(void) { return text_or_code(bide_stream_peer(theirs.stream)); }
static int alpn(void) { return bide_stream_alpn(theirs.stream) && bide_error_code() == 0 ? 0 : bide_error_code(); }
static int push(void) { return bide_stream_push(theirs.peer, .arg = NULL); }
static int add_address(void) { return bide_addresses_add(NULL, "127.0.0.1"); }
static int below_read(void) { return (int)bide_below_read(NULL, byte, 1); }
static int below_write(void) { return (int)bide_below_write(NULL, byte, 1); }
static int signals_open(void) { return made(bide_signals_open((int[]){SIGUSR2, 0})); }
static int signals_wait(void) { return bide_signals_wait(theirs.signals); }
static int peer_new(void) { return made(bide_test_peer_new()); }
static int peer_connect(void) { return made(bide_test_peer_connect(theirs.scripted)); }
static int peer_check(void) { return bide_test_peer_check(theirs.scripted); }
static int peer_connections(void) { return bide_test_peer_connections(theirs.scripted); }
static int peer_received(void) { return bide_test_peer_received(theirs.scripted, 0).data ? 0 : bide_error_code(); }
static int virtual_clock(void) { return bide_test_virtual_clock(); }
static int wait_for_descriptor(void) { return bide_fd_wait(theirs.pipe[1], BIDE_WRITABLE); }
static int descriptor_closed(void) { return bide_fd_forget(theirs.pipe[0]); }
static void nothing(void *arg) { (void)arg; }
static int add_reader(void) { return bide_loop_add_reader(theirs.loop, theirs.pipe[0], nothing, NULL); }
static int add_writer(void) { return bide_loop_add_writer(theirs.loop, theirs.pipe[1], nothing, NULL); }
static int remove_reader(void) { return bide_loop_remove_reader(theirs.loop, theirs.pipe[0]) ? 0 : bide_error_code(); }
static int remove_writer(void) { return bide_loop_remove_writer(theirs.loop, theirs.pipe[1]) ? 0 : bide_error_code(); }
static int from_fd(void) { return made(bide_stream_from_fd(theirs.pipe[0], .keep_open = true)); }
static int standard(void) { int code = made(bide_stdin()); return code < 0 ? code : made(bide_stdout()); }
static int loop_fd(void) { return bide_loop_fd(theirs.loop); }
static int loop_timeout(void) { return bide_loop_timeout_ms(theirs.loop) <= 0 ? bide_error_code() : 0; }
static int run_once(void) { return bide_loop_run_once(theirs.loop); }
static int peek(void) { const char *data; return (int)bide_peek(theirs.stream, 1, &data); }
static int read_until_any(void) { const char *line; return (int)bide_read_until_any(theirs.stream, BIDE_SEPARATORS("\n"), &line, NULL); }
static int send_file(void) { return (int)bide_sendfile(theirs.stream, theirs.pipe[0], 0, 0); }
static int start_tls(void) { return bide_stream_start_tls(theirs.stream, .tls = theirs.tls, .server_name = "a.example"); }
static int write_limits(void) { return bide_stream_set_write_limits(theirs.stream, 16384, 0); }
static int collected(void) { return (int)bide_stream_buffered(theirs.stream); }
static int addresses(void) { return bide_stream_addresses(theirs.stream, NULL, NULL); }
static int set_socket(void) { return bide_stream_set_socket(theirs.stream, .keepalive_ms = 1000); }
static int set_option(void) { int on = 1; return bide_stream_setsockopt(theirs.stream, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on); }
static int get_option(void)
{
    int on;
    size_t len = sizeof on;
    return bide_stream_getsockopt(theirs.stream, SOL_SOCKET, SO_KEEPALIVE, &on, &len);
}
static int send_fds(void) { return bide_stream_send_fds(theirs.stream, "x", 1, theirs.pipe, 1); }
static int receive_fds(void) { int fd, n; return (int)bide_stream_receive_fds(theirs.stream, byte, 1, &fd, 1, &n); }
static int credentials(void) { bide_credentials who; return bide_stream_credentials(theirs.stream, &who); }
static int serve_limited(void) { return bide_serve_limited(theirs.listener, ignore_connection, NULL, .max_connections = 1); }
static int listener_close(void) { return bide_listener_close(theirs.closed_listener); }
static int getaddrinfo_(void) { bide_address a; return bide_getaddrinfo("127.0.0.1", 1, &a, 1); }
static int getnameinfo_(void)
{
    bide_address a;
    char name[BIDE_NAME_MAX];
    int code = bide_address_parse(&a, "127.0.0.1", 1);
    return code < 0 ? code : bide_getnameinfo(&a, name, sizeof name);
}
static int share(void) { return made(bide_retain(theirs.stream)); }

static const struct situation_row rows[] = {
    /* Threads: any; without a loop they block */
    {"bide_open", open_, {W, W, W, W, W, W}},
    {"bide_open of an atomic file", open_atomic, {W, W, W, W, W, W}},
    {"bide_file_write_all", write_all, {W, W, W, W, W, W}},
    {"bide_file_read_all", read_all, {W, W, W, W, W, W}},
    {"bide_unlink", unlink_, {W, W, W, W, W, W}},
    {"bide_rename", rename_, {W, W, W, W, W, W}},
    {"bide_make_dirs", make_dirs, {W, W, W, W, W, W}},
    {"bide_tls_new", tls_new, {W, W, W, W, W, W}},
    /* files of the loop */
    {"bide_file_read", file_read, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_file_write", file_write, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_file_sync", file_sync, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_file_close", file_close, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    /* They suspend. */
    {"bide_getaddrinfo", getaddrinfo_, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_getnameinfo", getnameinfo_, {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_connect to nobody", connect_nowhere,
     {BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, -ECONNREFUSED}},
    {"bide_connect", connect_, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_connect with TLS", connect_tls, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ENOLOOP, -ECONNREFUSED}},
    {"bide_accept", accept_, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_serve", serve, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_read", read_, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_read_exactly", read_exactly, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_read_until", read_until, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_peek", peek, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_read_until_any", read_until_any, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_sendfile", send_file, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_stream_start_tls", start_tls, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_serve_limited", serve_limited, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_fd_wait", wait_for_descriptor, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_signals_wait", signals_wait, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_read of what is there", read_peer, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_write", write_, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_drain", drain, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_stream_shutdown", shut_down, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    /* They open a descriptor of the running loop. */
    {"bide_listen", listen_, {BIDE_ENOLOOP, W, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_listen with TLS", listen_tls, {NEVER, W, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ENOLOOP, W}},
    {"bide_stream_from_fd", from_fd, {NEVER, W, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_stdin, bide_stdout", standard, {NEVER, W, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_signals_open", signals_open, {BIDE_ENOLOOP, W, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    /* What never changes. */
    {"bide_listener_port", listener_port, {NEVER, W, W, W, W, W}},
    {"bide_stream_peer", peer, {NEVER, W, W, W, W, W}},
    {"bide_stream_alpn", alpn, {NEVER, W, W, W, W, W}},
    /* The rest. */
    {"bide_loop_add_reader", add_reader, {NEVER, W, BIDE_ECLOSED, BIDE_ESTATE, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_loop_add_writer", add_writer, {NEVER, W, BIDE_ECLOSED, BIDE_ESTATE, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_loop_remove_reader", remove_reader, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_loop_remove_writer", remove_writer, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_stream_set_write_limits", write_limits, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_stream_buffered", collected, {NEVER, W, W, W, W, W}},
    {"bide_stream_addresses", addresses, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_stream_set_socket", set_socket, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_stream_setsockopt", set_option, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_stream_getsockopt", get_option, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_stream_send_fds", send_fds, {NEVER, -EOPNOTSUPP, -EOPNOTSUPP, BIDE_ESTATE, BIDE_ESTATE, -EOPNOTSUPP}},
    {"bide_stream_receive_fds", receive_fds, {NEVER, -EOPNOTSUPP, -EOPNOTSUPP, BIDE_ESTATE, BIDE_ESTATE, -EOPNOTSUPP}},
    {"bide_stream_credentials", credentials, {NEVER, -EOPNOTSUPP, -EOPNOTSUPP, BIDE_ESTATE, BIDE_ESTATE, -EOPNOTSUPP}},
    {"bide_listener_close", listener_close, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_loop_fd", loop_fd, {NEVER, W, BIDE_ECLOSED, BIDE_ESTATE, BIDE_ESTATE, BIDE_ECLOSED}},
    {"bide_loop_timeout_ms", loop_timeout, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_loop_run_once", run_once, {NEVER, BIDE_ERUNNING, BIDE_ECLOSED, BIDE_ERUNNING, BIDE_ESTATE, BIDE_ERUNNING}},
    {"bide_fd_forget", descriptor_closed, {NEVER, W, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_stream_push", push, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    /* They are for functions of the program's own that the library calls: without what those are given, */
    {"bide_addresses_add", add_address, {-EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL}},
    {"bide_below_read", below_read, {-EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL}},
    {"bide_below_write", below_write, {-EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL}},
    /* for tests */
    {"bide_test_peer_new", peer_new, {BIDE_ENOLOOP, W, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_test_peer_connect", peer_connect, {NEVER, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ESTATE, BIDE_ESTATE, BIDE_ESTATE}},
    {"bide_test_peer_check", peer_check, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_test_peer_connections", peer_connections, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_test_peer_received", peer_received, {NEVER, W, W, BIDE_ESTATE, BIDE_ESTATE, W}},
    {"bide_test_virtual_clock", virtual_clock, {BIDE_ENOLOOP, W, BIDE_ENOLOOP, BIDE_ENOLOOP, BIDE_ENOLOOP, W}},
    {"bide_retain", share, {NEVER, W, W, NEVER, W, W}},
};

static void check_all(enum situation s)
{
    situation_check(rows, sizeof rows / sizeof *rows, s);
}

/* ---- the situations ---- */

static void make_files(void)
{
    snprintf(path, sizeof path, "%s/file", test_tmpdir());
    snprintf(other_path, sizeof other_path, "%s.other", path);
    EXPECT_EQ(bide_file_write_all(path, "text", 4), 0);
}

static void make_theirs(void)
{
    make_files();
    theirs.listener = bide_listen("127.0.0.1", 0);
    theirs.closed_listener = bide_listen("127.0.0.1", 0);
    theirs.stream = bide_connect("127.0.0.1", bide_listener_port(theirs.listener));
    theirs.peer = bide_accept(theirs.listener);
    EXPECT_EQ(bide_write(theirs.stream, "abc", 3), 0);
    EXPECT_EQ(bide_drain(theirs.stream), 0);
    theirs.file = bide_open(path, .flags = O_RDWR);
    theirs.closed = bide_open(path);
    theirs.signals = bide_signals_open((int[]){SIGUSR1, 0});
    theirs.tls = bide_tls_new(.insecure = true);
    theirs.scripted = bide_test_peer_new();
    theirs.to_scripted = bide_test_peer_connect(theirs.scripted);
    EXPECT_TRUE(theirs.scripted && theirs.to_scripted);
    theirs.loop = bide_retain(bide_get_event_loop());
    EXPECT_EQ(pipe2(theirs.pipe, O_CLOEXEC), 0);
    EXPECT_TRUE(theirs.stream && theirs.peer && theirs.file && theirs.closed && theirs.signals && theirs.tls);
}

static void end_theirs(void)
{
    bide_release(theirs.listener);
    bide_release(theirs.closed_listener);
    bide_release(theirs.stream);
    bide_release(theirs.peer);
    bide_release(theirs.file);
    bide_release(theirs.closed);
    bide_release(theirs.signals);
    bide_release(theirs.tls);
    bide_release(theirs.to_scripted);
    bide_release(theirs.scripted);
    bide_release(theirs.loop);
    close(theirs.pipe[0]);
    close(theirs.pipe[1]);
    EXPECT_EQ(unlink(path), 0);
}

UNIT(io_situation_without_a_loop_follows_the_contracts)
{
    make_files();
    check_all(NO_LOOP);
    EXPECT_EQ(unlink(path), 0);
}

TEST(io_situation_in_a_callback_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_callback(check_all);
    end_theirs();
}

static int makes_theirs(void)
{
    make_theirs();
    return 0;
}

UNIT(io_situation_after_the_loop_was_closed_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(makes_theirs)), 0);
    check_all(CLOSED);
    end_theirs();
}

UNIT(io_situation_in_a_task_of_another_loop_follows_the_contracts)
{
    EXPECT_EQ(bide_run(bide_coro(makes_theirs)), 0);
    situation_check_in_second_loop(check_all);
    end_theirs();
}

TEST(io_situation_in_another_thread_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_thread(check_all);
    end_theirs();
}

TEST(io_situation_in_a_forked_child_follows_the_contracts, .real_time = true)
{
    make_theirs();
    situation_check_in_child(check_all);
    end_theirs();
}
