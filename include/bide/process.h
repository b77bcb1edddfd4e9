/* SPDX-License-Identifier: MIT */
/*
 * process.h - other programs, run beside this one: their pipes as streams, their end as something to await.
 *
 * A large program starts one as quickly as a small one (no page table is copied), the loop goes on meanwhile, and no handler for
 * SIGCHLD is needed or set.  A process belongs to the loop that ran where it was made, as loop.h has it.
 *
 *     bide_auto bide_process *p = bide_process_run(BIDE_ARGS("git", "rev-parse", "HEAD"));     subprocess.run
 *     bide_process_output(p).data
 */
#ifndef BIDE_PROCESS_H
#define BIDE_PROCESS_H

#include <stdbool.h>

#include <bide/awaitable.h>
#include <bide/error.h>
#include <bide/object.h>
#include <bide/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bide_process bide_process;

/* A program and its arguments, in place: BIDE_ARGS("gcc", "-c", path) */
#ifdef __cplusplus
#define BIDE_ARGS(...) (std::initializer_list<const char *>{__VA_ARGS__, nullptr}.begin())
#else
#define BIDE_ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#endif

/* Where a standard descriptor of the process leads: BIDE_PIPE and the others below; zero: where ours does. */
enum bide_redirect_kind {
    BIDE_REDIRECT_INHERIT,
    BIDE_REDIRECT_PIPE,
    BIDE_REDIRECT_NULL,
    BIDE_REDIRECT_FD,
    BIDE_REDIRECT_PATH,
    BIDE_REDIRECT_APPEND,
    BIDE_REDIRECT_STDOUT
};

typedef struct bide_redirect {
    enum bide_redirect_kind kind;
    int fd;
    const char *path;
} bide_redirect;

#ifdef __cplusplus
#define BIDE__REDIRECT(...) (bide_redirect{__VA_ARGS__})
#else
#define BIDE__REDIRECT(...) ((bide_redirect){__VA_ARGS__})
#endif
#define BIDE_INHERIT BIDE__REDIRECT(BIDE_REDIRECT_INHERIT, 0, NULL)
#define BIDE_PIPE BIDE__REDIRECT(BIDE_REDIRECT_PIPE, 0, NULL)              /* a stream of ours: bide_process_stdin ... */
#define BIDE_NULL BIDE__REDIRECT(BIDE_REDIRECT_NULL, 0, NULL)              /* /dev/null */
#define BIDE_FD(n) BIDE__REDIRECT(BIDE_REDIRECT_FD, (n), NULL)             /* a descriptor of ours, which we keep */
#define BIDE_PATH(name) BIDE__REDIRECT(BIDE_REDIRECT_PATH, 0, (name))      /* a file; one to be written is made anew */
#define BIDE_APPEND(name) BIDE__REDIRECT(BIDE_REDIRECT_APPEND, 0, (name))  /* a file, behind what is in it */
#define BIDE_STDOUT BIDE__REDIRECT(BIDE_REDIRECT_STDOUT, 0, NULL)          /* stderr_to alone: as stdout, 2>&1 */

/* A descriptor of ours under a number of the process's: .fds = (bide_passed_fd[]){{.ours = s, .theirs = 3}}, .fds_len = 1 */
typedef struct bide_passed_fd {
    int ours, theirs;
} bide_passed_fd;

/* Which processes get a signal that is sent to the process. */
enum bide_process_group {
    BIDE_PROCESS_GROUP_DEFAULT, /* its own, unless it reads the terminal that is our standard input */
    BIDE_PROCESS_GROUP_OWN,     /* it leads a group: it and all that it starts gets the signals, and is ended with it */
    BIDE_PROCESS_GROUP_SHARED   /* it alone; Ctrl-C at our terminal reaches it as us */
};

/* What bide_process_spawn and bide_process_run take; zero means the default. */
typedef struct bide_process_args {
    size_t size; /* of this struct; set by the macro */
    const char *const *args; /* BIDE_ARGS("gcc", "-c", path); may be NULL with .shell */
    struct bide_use_named_options *guard_;
    const char *program;     /* the file that is run; default: the first of args.  Without a slash it is looked up in PATH */
    const char *shell;       /* a command line for /bin/sh, in place of args.  Never build it from untrusted input */
    bide_redirect stdin_from, stdout_to, stderr_to; /* default: ours.  bide_process_run: stdout_to is BIDE_PIPE */
    const bide_pair *env;    /* set in its environment, beside ours: BIDE_PAIRS({"LANG", "C"}, {"HOME", NULL}); NULL: unset */
    bool clear_env;          /* .env alone, without ours */
    const char *directory;   /* it runs there; .program and args are seen from there, redirections from here */
    const bide_passed_fd *fds; /* descriptors that it has besides the three; all others are closed in it */
    size_t fds_len;          /* at most 1024 */
    int64_t timeout_ms;      /* it is ended after this time, and our ends of its pipes are closed; default: never; BIDE_FOREVER */
    int64_t grace_ms;        /* from SIGTERM to SIGKILL, when it is ended; default 5 s */
    enum bide_process_group group;
    int umask;               /* 0: ours; BIDE_NONE: 0 */
    bool new_session;        /* setsid: a group, and no terminal */
    bool terminal;           /* a new session with a pseudo-terminal of its own, in place of what is not redirected */
    bool check;              /* a status other than 0 is BIDE_EEXIT for those who wait */
    size_t max_output;       /* bytes that are collected of stdout, and of stderr; default 64 MiB */
    bide_bytes input;        /* bide_process_run alone: written to its standard input */
    unsigned uid, gid;       /* run as these, without supplementary groups; 0: as us */
    int rows, columns;       /* of .terminal; default 24 and 80 */
} bide_process_args;

/*
 * Start a program.  Its signal mask is empty, what we handle has its default, and so have SIGPIPE and SIGCHLD.
 *
 * Suspends:  until it runs; a cancellation point before it begins, not after.  In a callback it blocks until then
 * Returns:   the process, or NULL
 * Errors:    -ENOENT, -EACCES and the like, the text names the program, or the file or directory; -EMFILE: waits for a
 *            descriptor for a while first; -EAGAIN: too many processes; BIDE_ENOMEM; BIDE_ENOLOOP; -EINVAL
 * Owns:      the options are borrowed for the call.  The result is owned; releasing it while it runs ends it: SIGTERM, then after
 *            .grace_ms SIGKILL, and waits for that, in a task (elsewhere the loop sees to it, and at the latest its closing)
 * Example:   bide_auto bide_process *p = bide_process_spawn(BIDE_ARGS("sort"), .stdin_from = BIDE_PIPE, .stdout_to = BIDE_PIPE);
 */
#define bide_process_spawn(...) BIDE__CALL(bide_process_spawn_with(BIDE__ARGS(bide_process_args, .args = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_process *bide_process_spawn_with(const bide_process_args *args);

/*
 * Our ends of its pipes, or NULL where there is none.  Close its standard input with bide_stream_shutdown.
 *
 * Owns:      borrowed from the process
 * Example:   BIDE_TRY(bide_write(bide_process_stdin(p), "b\na\n", 4));
 */
BIDE_API bide_stream *bide_process_stdin(const bide_process *p);
BIDE_API bide_stream *bide_process_stdout(const bide_process *p);
BIDE_API bide_stream *bide_process_stderr(const bide_process *p);

/*
 * Our end of its pseudo-terminal (.terminal), or NULL.  It echoes, and makes CR LF of LF, unless that is switched off (tcsetattr);
 * Ctrl-C for the process is the byte 3, the end of its input is the byte 4.  Its end is the end of the last process that has it.
 *
 * Owns:      borrowed from the process
 */
BIDE_API bide_stream *bide_process_terminal(const bide_process *p);

/*
 * Its window has another size now: the process gets SIGWINCH.
 *
 * Returns:   0
 * Errors:    BIDE_ESTATE: it has no terminal; -EINVAL
 */
BIDE_API BIDE_MUST_USE int bide_process_resize(bide_process *p, int rows, int columns);

/*
 * Wait for its end.  Several tasks may; afterwards it answers at once.  Read what it writes meanwhile, or use
 * bide_process_communicate: a process whose pipe is full waits for its reader.
 *
 * Suspends:  until it has ended; a cancellation point, and it runs on then
 * Returns:   its exit status, 0 to 255; ended by a signal: 256 and the signal's number
 * Errors:    BIDE_EEXIT: a status other than 0, with .check; BIDE_ETIMEDOUT: .timeout_ms was over, or an outer limit;
 *            -ECHILD: it has ended, but its status was taken by a wait() of the program, or lost because SIGCHLD is ignored
 *            (before Linux 6.15); BIDE_ECANCELED; BIDE_ECLOSED if it was released meanwhile
 * Example:   int status = bide_process_wait(p);
 */
BIDE_API BIDE_MUST_USE int bide_process_wait(bide_process *p);
/* The same to be awaited or chosen among: bide_select(NULL, bide_process_awaitable(p), bide_sleep_awaitable(100)) */
BIDE_API BIDE_MUST_USE bide_awaitable bide_process_awaitable(bide_process *p);

/*
 * Write its input and close it, collect what it writes, all at the same time, and wait for its end.  What it does not read is
 * dropped.
 *
 * Suspends:  until both pipes and the process have ended; a cancellation point
 * Returns:   as bide_process_wait
 * Errors:    those of it; BIDE_ELIMIT beyond .max_output, and it runs on; BIDE_ESTATE: there is input, and its standard input is no
 *            pipe; those of bide_read and bide_write
 * Owns:      input is borrowed for the call; *out and *err (each may be NULL) are borrowed from the process, with a NUL behind
 * Example:   BIDE_TRY(bide_process_communicate(p, (bide_bytes){"b\na\n", 4}, &out, NULL));
 */
BIDE_API BIDE_MUST_USE int bide_process_communicate(bide_process *p, bide_bytes input, bide_bytes *out, bide_bytes *err);

/*
 * Start a program, give it .input, collect its output and wait for its end: subprocess.run.
 *
 * Suspends:  until it has ended; a cancellation point, which ends it
 * Returns:   the process, which has ended; or NULL
 * Errors:    those of bide_process_spawn, and all but the status of bide_process_communicate
 * Owns:      the result is owned
 * Example:   bide_auto bide_process *p = bide_process_run(BIDE_ARGS("git", "status"), .check = true);
 */
#define bide_process_run(...) BIDE__CALL(bide_process_run_with(BIDE__ARGS(bide_process_args, .args = __VA_ARGS__)))
BIDE_API BIDE_MUST_USE bide_process *bide_process_run_with(const bide_process_args *args);

/* What bide_process_communicate and bide_process_run have collected, with a NUL behind; borrowed from the process. */
BIDE_API bide_bytes bide_process_output(const bide_process *p);
BIDE_API bide_bytes bide_process_error_output(const bide_process *p);

/* Its process id, also when it has ended; -EINVAL for NULL. */
BIDE_API int bide_process_pid(const bide_process *p);

/*
 * How it ended.  bide_process_exit_signal is the number of the signal that ended it; to send one: bide_process_send_signal.
 *
 * Returns:   its exit status, -1 if a signal ended it or that is not known; the signal, 0 if none did
 * Errors:    BIDE_ESTATE while it runs
 * Example:   if (bide_process_exit_signal(p) == SIGSEGV) ...
 */
BIDE_API int bide_process_exit_code(const bide_process *p);
BIDE_API int bide_process_exit_signal(const bide_process *p);

/*
 * Send it a signal; its group, if it leads one.  bide_process_terminate: SIGTERM now, SIGKILL after .grace_ms.
 *
 * Returns:   0
 * Errors:    -ESRCH: it has ended; -EPERM; -EINVAL
 * Example:   BIDE_TRY(bide_process_send_signal(p, SIGHUP));
 */
BIDE_API BIDE_MUST_USE int bide_process_send_signal(bide_process *p, int signal);
BIDE_API BIDE_MUST_USE int bide_process_terminate(bide_process *p);

#ifdef __cplusplus
}
#include <bide/cplusplus.h>
#endif
#endif
