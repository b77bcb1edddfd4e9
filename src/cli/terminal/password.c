/* SPDX-License-Identifier: MIT */
/*
 * password.c - a password, asked for on the terminal that the program was started from, whatever its streams are.
 *
 * While it is typed the terminal does not echo.  A signal that would end or stop the program is held until the echo is back.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/terminal/text.h"

#define PASSWORD_MAX 1024

static const int held[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
enum { NHELD = sizeof held / sizeof held[0] };

static volatile sig_atomic_t came; /* the signal that did; 0: none */

static void note(int sig)
{
    came = sig;
}

struct holding {
    struct sigaction actions[NHELD];
    sigset_t mask;
};

/* They are blocked but in ppoll, so that none is missed between two calls. */
static void hold(struct holding *old)
{
    struct sigaction action = {.sa_handler = note};
    sigset_t blocked;

    came = 0;
    sigemptyset(&blocked);
    for (int i = 0; i < NHELD; i++)
        sigaddset(&blocked, held[i]);
    sigprocmask(SIG_BLOCK, &blocked, &old->mask);
    for (int i = 0; i < NHELD; i++)
        sigaction(held[i], &action, &old->actions[i]);
}

static void let_go(const struct holding *old)
{
    for (int i = 0; i < NHELD; i++)
        sigaction(held[i], &old->actions[i], NULL);
    sigprocmask(SIG_SETMASK, &old->mask, NULL);
    if (came)
        raise(came);
}

/* A line without its end: its length; -1: none came, or it is too long. */
static ssize_t read_line(int fd, char *line, const sigset_t *mask)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    for (ssize_t n = 0; n < PASSWORD_MAX;) {
        int found = ppoll(&ready, 1, NULL, mask);
        if (found < 0 && errno == EINTR && !came)
            continue;
        if (found < 0 || read(fd, line + n, 1) != 1)
            return -1;
        if (line[n] == '\n' || line[n] == '\r')
            return n;
        n++;
    }
    return -1;
}

static char *ask(int fd, const char *question)
{
    char line[PASSWORD_MAX];
    struct holding old;
    struct termios normal, silent;
    if (tcgetattr(fd, &normal) < 0)
        return NULL;

    silent = normal;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    hold(&old);
    ssize_t n = -1;
    if (tcsetattr(fd, TCSAFLUSH, &silent) == 0 && dprintf(fd, "%s", question) > 0)
        n = read_line(fd, line, &old.mask);
    tcsetattr(fd, TCSAFLUSH, &normal);
    dprintf(fd, "\n");
    let_go(&old);
    char *answer = n < 0 ? NULL : strndup(line, (size_t)n);
    explicit_bzero(line, sizeof line);
    return answer;
}

char *password_ask(const char *question)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return NULL;

    char *answer = ask(fd, question);
    close(fd);
    return answer;
}
