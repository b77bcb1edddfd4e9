/* SPDX-License-Identifier: MIT */
/*
 * zygote.c - the small process from which workers are born, as the program sees it; zygote_main.c is the process itself.
 *
 * A fork copies the page tables of the whole program and stops it for as long (30 ms for 1 GiB).  So there is one early
 * fork, which does nothing but fork on: it clones with CLONE_PARENT, and the worker is a child of the program itself,
 * which gets its status from the kernel and no relay.
 *
 *     program --request, 5 descriptors--> zygote --clone--> worker (a child of the program)
 *     program <------- its number, through the worker's control socket -------'
 *
 * When the program ends, even by SIGKILL, the writing end of the life pipe closes: the zygote reads its end from its
 * socket, and each worker gets SIGKILL from the kernel, because it asked for a signal when that pipe can be read.
 *
 * Invariants:
 *   Z1  one zygote for a process; a process that was forked has none until it makes its own.
 *   Z2  the writing end of the life pipe is open in the program alone.
 *   Z3  a worker is in the births (births.c) before it runs: the kernel writes its number there.  So none is unknown to
 *       the program, whenever the zygote dies.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/spawn/spawn.h"

#define END_MAX_MS 1000 /* it does nothing but fork; a stopped one would never end by itself */

static struct {
    pthread_mutex_t lock;
    int socket;
    int life[2]; /* reading, writing end */
    pid_t pid;
    int pidfd; /* somebody else may wait for it, and its number be another process's then */
    bool by_main_thread;
    bool forking; /* the child that is being made needs its end of the pipe */
    struct image image;
    uint64_t nbirths;
} zygote = {.lock = PTHREAD_MUTEX_INITIALIZER, .socket = -1, .life = {-1, -1}, .pidfd = -1};

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- forks ---- */

/* Close our descriptors of the zygote; it ends when nobody holds the other end. */
static void forget(void)
{
    bide__births_forget();
    if (zygote.socket >= 0)
        close(zygote.socket);
    if (zygote.pidfd >= 0)
        close(zygote.pidfd);
    for (int i = 0; i < 2; i++)
        if (zygote.life[i] >= 0)
            close(zygote.life[i]);
    zygote.socket = zygote.life[0] = zygote.life[1] = zygote.pidfd = -1;
    zygote.pid = 0;
}

/* In the child of any fork of the program's own: its zygote is not the child's. */
static void after_fork(void)
{
    pthread_mutex_init(&zygote.lock, NULL);
    if (!zygote.forking)
        forget();
}

static void disown_descriptors(void)
{
    zygote.socket = zygote.life[0] = zygote.life[1] = zygote.pidfd = -1;
    zygote.pid = 0;
    pthread_mutex_init(&zygote.lock, NULL);
}

void bide__zygote_disown(void)
{
    disown_descriptors();
    bide__births_forget(); /* the program's; a pool inside a worker has its own */
}

/* Time to do what it was asked for; then it is killed. */
static void end_zygote(int64_t grace_ms)
{
    siginfo_t info;

    if (zygote.socket >= 0)
        close(zygote.socket);
    zygote.socket = -1;
    if (zygote.pidfd < 0)
        return;
    if (!bide__wait_readable(zygote.pidfd, grace_ms)) {
        syscall(SYS_pidfd_send_signal, zygote.pidfd, SIGKILL, NULL, 0);
        bide__wait_readable(zygote.pidfd, END_MAX_MS);
    }
    waitid(P_PIDFD, (id_t)zygote.pidfd, &info, WEXITED | WNOHANG | __WALL);
    close(zygote.pidfd);
    zygote.pidfd = -1;
    zygote.pid = 0;
}

static void at_end(void)
{
    end_zygote(0);
    forget();
}

static void install(void)
{
    bide__fork_generation(); /* before any fork of ours */
    pthread_atfork(NULL, NULL, after_fork);
    atexit(at_end);
}

/* ---- the program's side ---- */

static int make_life_pipe(void)
{
    if (zygote.life[0] >= 0)
        return 0;
    return pipe2(zygote.life, O_CLOEXEC) < 0 || bide__fds_above_standard(zygote.life) < 0 ? bide_fail(-errno, "a pipe: %s", bide_strerror(-errno)) : 0;
}

int bide__life_pipe(void)
{
    pthread_once(&once, install);
    pthread_mutex_lock(&zygote.lock);
    int code = make_life_pipe();
    pthread_mutex_unlock(&zygote.lock);
    return code < 0 ? code : zygote.life[0];
}

/* Beside threads only fork() leaves the child with locks that are free; workers then end with SIGCHLD, as it does. */
static pid_t fork_zygote(int *pidfd)
{
    if (!bide__has_threads())
        return bide__raw_fork(pidfd, false);
    pid_t pid = fork();
    if (pid <= 0)
        return pid < 0 ? -errno : 0;

    *pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (*pidfd >= 0)
        return pid;
    int code = -errno;
    kill(pid, SIGKILL);
    bide__block_begin();
    waitpid(pid, NULL, 0);
    bide__block_end();
    return code;
}

static int make(void)
{
    int pair[2], code = make_life_pipe();
    if (code < 0 || (code = bide__births_make()) < 0)
        return code;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 || bide__fds_above_standard(pair) < 0)
        return bide_fail(-errno, "a socket for the pool's helper process: %s", bide_strerror(-errno));

    bide__image_take(&zygote.image);
    zygote.by_main_thread = getpid() == gettid();
    int life = zygote.life[0];
    zygote.forking = true;
    int pidfd = -1;
    pid_t pid = fork_zygote(&pidfd);
    zygote.forking = false;
    if (pid == 0) {
        int keep[] = {pair[1], life};
        bide__give_no_input(); /* a worker that shall have the program's is sent it */
        bide__become_worker(keep, 2, life, zygote.by_main_thread);
        disown_descriptors(); /* the births it keeps */
        bide__zygote_main(pair[1], life, zygote.by_main_thread);
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return bide_fail(pid, "no process for the pool's helper: %s", bide_strerror(pid));
    }
    pidfd = bide__fd_above_standard(pidfd);
    fcntl(pidfd, F_SETFD, FD_CLOEXEC);
    zygote.socket = pair[0];
    zygote.pid = pid;
    zygote.pidfd = pidfd;
    return 0;
}

static int prepare_locked(void)
{
    return zygote.socket >= 0 ? 0 : make();
}

int bide__zygote_prepare(void)
{
    pthread_once(&once, install);
    pthread_mutex_lock(&zygote.lock);
    int code = prepare_locked();
    pthread_mutex_unlock(&zygote.lock);
    return code;
}

void bide__zygote_image(struct image *to)
{
    pthread_mutex_lock(&zygote.lock);
    *to = zygote.image;
    pthread_mutex_unlock(&zygote.lock);
}

pid_t bide__zygote_made(uint64_t number)
{
    pthread_mutex_lock(&zygote.lock);
    pid_t pid = bide__births_made(number);
    pthread_mutex_unlock(&zygote.lock);
    return pid;
}

pid_t bide__zygote_pid(void)
{
    return zygote.pid;
}

void bide__zygote_kill(void)
{
    pthread_mutex_lock(&zygote.lock);
    end_zygote(0);
    pthread_mutex_unlock(&zygote.lock);
}

/* Another zygote, in place of the one that was killed, or is too old. */
static int replace(void)
{
    end_zygote(END_MAX_MS);
    return make();
}

static int send_birth(const struct fd_message *m, const int *fds, unsigned n)
{
    int code = bide__fds_send(zygote.socket, m, fds, n);

    return code < 0 ? bide_fail(code, "asking for a worker: %s", bide_strerror(code)) : 0;
}

int bide__zygote_start(const struct birth *b, uint64_t *number)
{
    const int fds[BIRTH_FDS + 1] = {b->memory, b->arena, b->ctl, b->bell, b->our_bell, b->input};
    unsigned nfds = b->input < 0 ? BIRTH_FDS : BIRTH_FDS + 1;
    struct fd_message m = {.words = {(int32_t)b->ring_bytes, b->concurrency, b->index, b->cpu, b->outer_workers}};

    pthread_mutex_lock(&zygote.lock);
    int code = prepare_locked();
    m.id = *number = ++zygote.nbirths;
    if (code == 0)
        code = send_birth(&m, fds, nfds);
    if ((code == -EPIPE || code == -ECONNRESET) && (code = replace()) == 0)
        code = send_birth(&m, fds, nfds);
    pthread_mutex_unlock(&zygote.lock);
    return code;
}

int bide__zygote_renew(void)
{
    pthread_once(&once, install);
    pthread_mutex_lock(&zygote.lock);
    int code = replace();
    pthread_mutex_unlock(&zygote.lock);
    return code;
}
