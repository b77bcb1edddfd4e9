/* SPDX-License-Identifier: MIT */
/* fork_exec_thread.c - the other births: a fork of the program as it is, the program started anew, a thread. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool/spawn/spawn.h"

#define EXEC_VARIABLE "BIDE_POOL_WORKER"

/* ---- fork ---- */

int bide__fork_start(const struct birth *b, int *pidfd)
{
    int life = bide__life_pipe();
    if (life < 0)
        return life;
    if (bide__has_threads() && !getenv("BIDE_FORK_UNSAFE_OK"))
        return bide_fail(-EBUSY, "a fork while the program has other threads would copy their locks: use BIDE_POOL_PROCESS");

    bool by_main_thread = getpid() == gettid();
    pid_t pid = bide__raw_fork(pidfd, false);
    if (pid != 0)
        return pid < 0 ? bide_fail(pid, "no process for a worker: %s", bide_strerror(pid)) : pid;

    int keep[] = {b->memory, b->arena, b->ctl, b->bell, b->our_bell, life};
    if (b->input < 0)
        bide__give_no_input();
    else
        __fpurge(stdin); /* what the program has read ahead is the program's */
    bide__become_worker(keep, array_len(keep), life, by_main_thread);
    bide__zygote_disown();
    int status = bide__worker_main(b);
    fflush(stdout);
    _exit(status);
}

/* ---- exec ---- */

extern char **environ;

/* The environment and one more. */
static char **environment_with(char *extra)
{
    size_t n = 0;
    while (environ[n])
        n++;
    char **copy = bide__malloc((n + 2) * sizeof *copy);
    if (!copy)
        return NULL;
    memcpy(copy, environ, n * sizeof *copy);
    copy[n] = extra;
    copy[n + 1] = NULL;
    return copy;
}

/* A descriptor that is copied to itself stays open over exec.  main() may read before it is a worker: no input for it, too. */
static int spawn(const char *program, char **env, const int *fds, size_t n, bool has_input, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    char *argv[] = {(char *)(uintptr_t)program, NULL};
    int code = posix_spawn_file_actions_init(&actions);

    for (size_t i = 0; i < n && code == 0; i++)
        code = posix_spawn_file_actions_adddup2(&actions, fds[i], fds[i]);
    if (code == 0 && !has_input)
        code = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (code == 0)
        code = posix_spawn(pid, program, &actions, NULL, argv, env);
    posix_spawn_file_actions_destroy(&actions);
    return -code;
}

int bide__exec_start(const struct birth *b, const char *program, int *pidfd)
{
    char text[160];
    pid_t pid = 0;
    int life = bide__life_pipe();
    if (life < 0)
        return life;

    const int fds[] = {b->memory, b->arena, b->ctl, b->bell, b->our_bell, life};
    snprintf(text, sizeof text, EXEC_VARIABLE "=%d %d %d %d %d %d %u %d %d %d %d", fds[0], fds[1], fds[2], fds[3], fds[4],
             fds[5], b->ring_bytes, b->concurrency, b->index, b->cpu, b->outer_workers);
    char **env = environment_with(text);
    if (!env)
        return bide__fail_nomem("starting a worker");
    int code = spawn(program ? program : "/proc/self/exe", env, fds, array_len(fds), b->input >= 0, &pid);
    bide__free(env);
    if (code < 0)
        return bide_fail(code, "starting %s as a worker: %s", program ? program : "this program", bide_strerror(code));
    *pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return pid;
}

bool bide__exec_was_asked(void)
{
    return getenv(EXEC_VARIABLE) != NULL;
}

void bide__exec_serve_if_asked(void)
{
    const char *text = getenv(EXEC_VARIABLE);
    struct birth b = {.kind = BIDE_POOL_EXEC};
    int life;
    if (!text || bide__worker_here)
        return;
    if (sscanf(text, "%d %d %d %d %d %d %u %d %d %d %d", &b.memory, &b.arena, &b.ctl, &b.bell, &b.our_bell, &life, &b.ring_bytes,
               &b.concurrency, &b.index, &b.cpu, &b.outer_workers) != 11)
        return;

    unsetenv(EXEC_VARIABLE); /* programs that this one starts are no workers */
    int keep[] = {b.memory, b.arena, b.ctl, b.bell, b.our_bell, life};
    for (size_t i = 0; i < array_len(keep); i++)
        fcntl(keep[i], F_SETFD, FD_CLOEXEC);
    bide__become_worker(keep, array_len(keep), life, false);
    if (bide__named_check() < 0)
        bide_error_clear(); /* the first bide_pool_new of the parent reports it */
    int status = bide__worker_main(&b);
    fflush(stdout);
    _exit(status);
}

/* ---- thread ---- */

static pthread_key_t at_end;
static pthread_once_t at_end_once = PTHREAD_ONCE_INIT;

/* The thread was ended behind call.c's back: what its loop had is lost, but nobody waits for it. */
static void thread_was_ended(void *birth)
{
    bide__worker_say_gone(birth);
    bide__free(birth);
}

static void make_at_end(void)
{
    pthread_key_create(&at_end, thread_was_ended);
}

static void *thread_main(void *birth)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_setspecific(at_end, birth);
    bide__worker_main(birth);
    pthread_setspecific(at_end, NULL);
    bide__free(birth);
    return NULL;
}

int bide__thread_start(const struct birth *b, pthread_t *thread)
{
    struct birth *copy = bide__malloc(sizeof *copy);
    if (!copy)
        return bide__fail_nomem("a worker thread");
    *copy = *b;
    pthread_once(&at_end_once, make_at_end);

    int code = pthread_create(thread, NULL, thread_main, copy);
    if (code != 0) {
        bide__free(copy);
        return bide_fail(-code, "no thread for a worker: %s", bide_strerror(-code));
    }
    return 0;
}
