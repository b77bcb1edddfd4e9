/* SPDX-License-Identifier: MIT */
/* test_budget.c - what one turn of the loop may move: many fast peers hold up nobody who wants little. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/harness.h"
#include "io/stream/stream.h"

enum { PEERS = 16, QUEUED = 128 * 1024 };

struct readers {
    bide_stream *streams[PEERS];
    size_t bytes;
    int done;
};

/* QUEUED bytes lie in the kernel, and the end behind them. */
static bide_stream *full_stream(void)
{
    static const char filler[QUEUED];
    int fds[2], room = 4 * QUEUED;

    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    EXPECT_EQ(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
    EXPECT_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    EXPECT_EQ(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    EXPECT_EQ(write(fds[1], filler, QUEUED), QUEUED);
    close(fds[1]);
    bide_stream *s = bide__stream_from_socket(fds[0], "peer", 0);
    EXPECT_NOT_NULL(s);
    return s;
}

static int read_all(struct readers *all, int number)
{
    char *buffer = malloc(2 * QUEUED);
    ssize_t n;

    while ((n = bide_read(all->streams[number], buffer, 2 * QUEUED)) > 0)
        all->bytes += (size_t)n;
    free(buffer);
    all->done++;
    return (int)n;
}

TEST(stream_reads_of_one_turn_have_a_ceiling_for_all_tasks)
{
    struct readers all = {.bytes = 0};
    bide_task *tasks[PEERS];
    size_t most = 0;
    int turns = 0;
    for (int i = 0; i < PEERS; i++)
        all.streams[i] = full_stream();
    for (int i = 0; i < PEERS; i++)
        EXPECT_NOT_NULL(tasks[i] = bide_create_task(bide_coro(read_all, &all, i)));
    for (size_t before = 0; all.done < PEERS; before = all.bytes, turns++) {
        EXPECT_EQ(bide_sleep_ms(0), 0); /* one turn */
        most = all.bytes - before > most ? all.bytes - before : most;
    }
    EXPECT_EQ(all.bytes, (size_t)PEERS * QUEUED);
    EXPECT_LE(most, 1 << 20); /* 256 KiB in all, as many for who waited in line, and 32 KiB for each */
    EXPECT_LT(1, turns);
    for (int i = 0; i < PEERS; i++) {
        EXPECT_EQ(bide_await(tasks[i]), 0);
        bide_release(tasks[i]);
        bide_release(all.streams[i]);
    }
}
