/* SPDX-License-Identifier: MIT */
/*
 * popen.c - popen and pclose in a task: a stream whose reads and writes suspend the task.
 *
 * stdio reads a pipe inside libc, where nothing can be interposed.  So the stream has functions of ours (fopencookie), and fileno() is
 * interposed to return its descriptor.  These streams are in a list, in which pclose() finds the program.  As in libc, fclose() waits for
 * its end, too.
 *
 * An interrupted task does not wait for the program; one of the next calls here reaps it.
 */
#include <spawn.h>

#include "unblock/unblock.h"

extern char **environ;

struct program {
    struct program *next;
    FILE *stream;
    pid_t pid;
    int fd;
    int *status; /* pclose's; NULL: fclose returns it */
};

static struct program *programs, *left; /* left: by tasks that were interrupted */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void lock_list(void)
{
    NEXT(pthread_mutex_lock)(&lock);
}

static void unlock_list(void)
{
    NEXT(pthread_mutex_unlock)(&lock);
}

__attribute__((constructor)) static void begin(void)
{
    pthread_atfork(lock_list, unlock_list, unlock_list);
}

/* ---- the stream ---- */

static ssize_t program_read(void *cookie, char *out, size_t cap)
{
    return read(((struct program *)cookie)->fd, out, cap);
}

/* A full pipe suspends the task even without BIDE_UNBLOCK=pipes: no logger writes here. */
static ssize_t program_write(void *cookie, const char *data, size_t len)
{
    const struct program *p = cookie;
    bide_task *t = bide__unblock_task();
    if (!t)
        return NEXT(write)(p->fd, data, len);
    struct blocked b = BLOCKED(t, p->fd, BIDE_WRITABLE);
    struct iovec iov = {(void *)(uintptr_t)data, len};
    ssize_t n = bide__unblock_write_pipe(&b, &iov, 1);

    return n < 0 ? 0 : n; /* 0 is an error, see fopencookie(3) */
}

/* False: the task was interrupted. */
static bool wait_for_end(pid_t pid, int *status)
{
    pid_t ended;

    do
        ended = waitpid(pid, status, 0);
    while (ended < 0 && errno == EINTR);
    if (ended < 0)
        *status = -1;
    return ended >= 0 || errno != ECANCELED;
}

static void leave_program(struct program *p)
{
    lock_list();
    p->next = left;
    left = p;
    unlock_list();
}

static void take_left(void)
{
    int saved = errno;

    lock_list();
    for (struct program **at = &left; *at;) {
        struct program *p = *at;
        if (NEXT(waitpid)(p->pid, NULL, WNOHANG) == 0) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        free(p);
    }
    unlock_list();
    errno = saved;
}

static int program_close(void *cookie)
{
    struct program *p = cookie;

    close(p->fd);
    lock_list();
    struct program **at = &programs;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    unlock_list();
    int status = -1, *out = p->status;
    if (wait_for_end(p->pid, &status))
        free(p);
    else
        leave_program(p);
    if (out)
        *out = status;
    take_left();
    return status;
}

/* The descriptor of a stream; -1: the stream is libc's.  status: where the program's status is to be stored; NULL: nowhere. */
static int find(const FILE *stream, int *status)
{
    lock_list();
    struct program *p = programs;
    while (p && p->stream != stream)
        p = p->next;
    int fd = p ? p->fd : -1;
    if (p && status)
        p->status = status;
    unlock_list();
    return fd;
}

int fileno(FILE *stream)
{
    int fd = likely(!__atomic_load_n(&programs, __ATOMIC_RELAXED)) ? -1 : find(stream, NULL);

    return fd < 0 ? NEXT(fileno)(stream) : fd;
}

int fileno_unlocked(FILE *stream) __attribute__((alias("fileno")));

/* ---- popen ---- */

/* The child gets the other end of the pipe as standard input or output.  It inherits no other popen stream: all are close-on-exec. */
static int start(const char *command, int theirs, int standard, pid_t *pid)
{
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t) "--", (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;

    error = posix_spawn_file_actions_adddup2(&actions, theirs, standard);
    if (error == 0)
        error = posix_spawn(pid, "/bin/sh", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static FILE *open_stream(struct program *p, bool reads)
{
    static const cookie_io_functions_t reading = {.read = program_read, .close = program_close};
    static const cookie_io_functions_t writing = {.write = program_write, .close = program_close};

    p->stream = fopencookie(p, reads ? "r" : "w", reads ? reading : writing);
    if (!p->stream)
        return NULL;
    lock_list();
    p->next = programs;
    __atomic_store_n(&programs, p, __ATOMIC_RELAXED);
    unlock_list();
    return p->stream;
}

/* Takes both ends of the pipe: ours goes to the stream, theirs is closed in any case. */
static FILE *open_program(const char *command, int ours, int theirs, bool reads)
{
    struct program *p = calloc(1, sizeof *p);
    FILE *stream = NULL;
    int error = p ? start(command, theirs, reads ? STDOUT_FILENO : STDIN_FILENO, &p->pid) : ENOMEM;

    close(theirs);
    if (error == 0) {
        p->fd = ours;
        stream = open_stream(p, reads);
        error = errno;
    }
    if (stream)
        return stream;
    close(ours);
    free(p);
    errno = error;
    return NULL;
}

/* "r" or "w", and perhaps an "e": others are libc's to refuse. */
static bool is_mode(const char *mode)
{
    return mode && strspn(mode, "rwe") == strlen(mode) && !strchr(mode, 'r') != !strchr(mode, 'w');
}

FILE *popen(const char *command, const char *mode)
{
    bool reads = mode && strchr(mode, 'r');
    int fds[2];
    if (likely(!bide__unblock_task()) || !is_mode(mode))
        return NEXT(popen)(command, mode);
    take_left();
    if (pipe2(fds, O_CLOEXEC) < 0)
        return NULL;

    return open_program(command, fds[!reads], fds[reads], reads);
}

int pclose(FILE *stream)
{
    int status = -1;
    if (find(stream, &status) < 0)
        return NEXT(pclose)(stream);

    fclose(stream); /* whether what was left to write could be written is not what the program ended with */
    return status;
}
