/* SPDX-License-Identifier: MIT */
/*
 * save_chain.c - the way that bide_file_write_all did not take: four linked calls in an io_uring.
 *
 *     bench-save_chain [N] [DEPTH] [DIR]
 *
 * Each file is opened under a temporary name into a slot of the ring's own table (a direct descriptor), written, closed
 * and renamed, as one chain that needs one trip to the kernel; DEPTH chains at once.  Completions ring an eventfd in an
 * epoll set, as in a loop.  Beside it: bench-files save.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"

#define SAVE_SIZE 200
#define DEPTH_MAX 1024
#define LINKS 4

struct chain {
    char temporary[512], path[512];
    int left;
};

static char data[SAVE_SIZE];
static struct chain chains[DEPTH_MAX];

static void die(const char *what, int code)
{
    fprintf(stderr, "bench-save_chain: %s: %s\n", what, strerror(-code));
    exit(code == -ENOSYS || code == -EPERM ? 77 : 1); /* 77: this kernel refuses io_uring */
}

static void finish(struct io_uring_sqe *sqe, struct chain *c, unsigned flags)
{
    io_uring_sqe_set_data(sqe, c);
    sqe->flags |= (uint8_t)flags;
}

static void start(struct io_uring *ring, unsigned slot, const char *dir, long i)
{
    struct chain *c = &chains[slot];
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

    snprintf(c->temporary, sizeof c->temporary, "%s/.new%ld", dir, i);
    snprintf(c->path, sizeof c->path, "%s/new%ld", dir, i);
    c->left = LINKS;
    io_uring_prep_openat_direct(sqe, AT_FDCWD, c->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666, slot);
    finish(sqe, c, IOSQE_IO_LINK);
    sqe = io_uring_get_sqe(ring);
    io_uring_prep_write(sqe, (int)slot, data, sizeof data, 0);
    finish(sqe, c, IOSQE_IO_LINK | IOSQE_FIXED_FILE);
    sqe = io_uring_get_sqe(ring);
    io_uring_prep_close_direct(sqe, slot);
    finish(sqe, c, IOSQE_IO_LINK);
    sqe = io_uring_get_sqe(ring);
    io_uring_prep_renameat(sqe, AT_FDCWD, c->temporary, AT_FDCWD, c->path, RENAME_NOREPLACE);
    finish(sqe, c, 0);
}

/* Every chain that has ended is followed by the next file; how many have ended. */
static long reap(struct io_uring *ring, const char *dir, long *started, long count)
{
    struct io_uring_cqe *cqe;
    long ended = 0;

    while (io_uring_peek_cqe(ring, &cqe) == 0) {
        struct chain *c = io_uring_cqe_get_data(cqe);
        if (cqe->res < 0)
            die(c->path, cqe->res);
        io_uring_cqe_seen(ring, cqe);
        if (--c->left > 0)
            continue;
        ended++;
        if (*started < count)
            start(ring, (unsigned)(c - chains), dir, (*started)++);
    }
    io_uring_submit(ring);
    return ended;
}

static void run(struct io_uring *ring, int epoll, int bell, const char *dir, long count, long depth)
{
    struct epoll_event event;
    long started = 0, ended = 0;
    uint64_t rings;

    for (; started < depth && started < count; started++)
        start(ring, (unsigned)started, dir, started);
    io_uring_submit(ring);
    while (ended < count) {
        epoll_wait(epoll, &event, 1, -1);
        if (read(bell, &rings, sizeof rings) == sizeof rings)
            ended += reap(ring, dir, &started, count);
    }
}

int main(int argc, char **argv)
{
    struct bench b;
    struct io_uring ring;
    struct io_uring_params params = {.flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG};
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    long count = bench_arg(argc, argv, 1, 10000), depth = bench_arg(argc, argv, 2, 64);
    const char *dir = argc > 3 ? argv[3] : "/tmp";
    if (depth > DEPTH_MAX)
        depth = DEPTH_MAX;

    int code = io_uring_queue_init_params(LINKS * DEPTH_MAX, &ring, &params);
    if (code == 0)
        code = io_uring_register_files_sparse(&ring, DEPTH_MAX);
    if (code < 0)
        die("io_uring", code);
    int bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), epoll = epoll_create1(EPOLL_CLOEXEC);
    io_uring_register_eventfd(&ring, bell);
    epoll_ctl(epoll, EPOLL_CTL_ADD, bell, &event);

    bench_begin(&b);
    run(&ring, epoll, bell, dir, count, depth);
    bench_end(&b, count);
    io_uring_queue_exit(&ring);
    return 0;
}
