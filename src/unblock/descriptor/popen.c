/* SPDX-License-Identifier: MIT */
/*
 * popen.c - popen and pclose, in a task: a stream whose reads and writes wait as the task does.
 *
 * stdio reads a pipe inside libc, where nobody comes between.  So the stream is one with functions of ours (fopencookie), and fileno()
 * knows its descriptor.  Such streams are in a list, by which pclose() finds the child.
 */
#include <spawn.h>

#include "unblock/unblock.h"

extern char **environ;

struct program {
    struct program *next;
    FILE *stream;
    pid_t pid;
    int fd;
};

static struct program *programs;
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

/* What a full pipe does not take is waited for, whatever BIDE_UNBLOCK says: nobody logs to it. */
static ssize_t program_write(void *cookie, const char *data, size_t len)
{
    const struct program *p = cookie;
    bide_task *t = bide__unblock_task();
    if (!t)
        return NEXT(write)(p->fd, data, len);
    struct blocked b = BLOCKED(t, p->fd, BIDE_WRITABLE);
    struct iovec iov = {(void *)(uintptr_t)data, len};
    ssize_t n = bide__unblock_write_pipe(&b, &iov, 1);

    return n < 0 ? 0 : n; /* as fopencookie has it */
}

/* By fclose() without pclose(), too: then the child is nobody's, as with libc's. */
static int program_close(void *cookie)
{
    struct program *p = cookie;
    int result = close(p->fd);

    lock_list();
    struct program **at = &programs;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    unlock_list();
    free(p);
    return result;
}

/* The program of a stream: a copy; false: it is none of ours. */
static bool find(const FILE *stream, struct program *found)
{
    lock_list();
    const struct program *p = programs;
    while (p && p->stream != stream)
        p = p->next;
    if (p)
        *found = *p;
    unlock_list();
    return p != NULL;
}

int fileno(FILE *stream)
{
    struct program p;

    return likely(!__atomic_load_n(&programs, __ATOMIC_RELAXED)) || !find(stream, &p) ? NEXT(fileno)(stream) : p.fd;
}

/* ---- popen ---- */

/* Its standard input or output is the other end, and of other such streams it gets none: all are closed by an exec. */
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

/* The pipe is there; the other end is closed here in any case. */
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

FILE *popen(const char *command, const char *mode)
{
    bool reads = mode && mode[0] == 'r', is_known = reads || (mode && mode[0] == 'w');
    int fds[2];
    if (likely(!bide__unblock_task()) || !is_known)
        return NEXT(popen)(command, mode);
    if (pipe2(fds, O_CLOEXEC) < 0)
        return NULL;

    return open_program(command, fds[!reads], fds[reads], reads);
}

int pclose(FILE *stream)
{
    struct program p;
    int status = -1;
    if (!find(stream, &p))
        return NEXT(pclose)(stream);

    fclose(stream);
    pid_t ended;
    do
        ended = waitpid(p.pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    return ended < 0 ? -1 : status;
}
