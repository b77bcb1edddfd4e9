/* SPDX-License-Identifier: MIT */
/*
 * killer.c - a process that kills workers at moments that nobody has chosen: also while the program hands jobs over, takes
 * results in, or deals with the death before.
 *
 * It sends signals through descriptors of processes, and looks who the parent is after it has one: so a number that was
 * given to another process meanwhile harms nobody.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "kills.h"

/* ---- who ---- */

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    int parent = -1;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *end = strrchr(text, ')'); /* the name may contain anything */
    if (!end || sscanf(end, ") %*c %d", &parent) != 1)
        return -1;
    return parent;
}

bool is_child_of(pid_t pid, pid_t parent)
{
    return parent_of(pid) == parent;
}

int children_of(pid_t parent, pid_t *out, int max)
{
    int n = 0;
    DIR *dir = opendir("/proc");

    for (struct dirent *e; dir && n < max && (e = readdir(dir));)
        if (atoi(e->d_name) > 0 && is_child_of(atoi(e->d_name), parent))
            out[n++] = atoi(e->d_name);
    if (dir)
        closedir(dir);
    return n;
}

/* A worker that has written its number down; now and then any child there is: also one that is being born. */
static pid_t choose(struct chance *c, pid_t parent)
{
    pid_t all[256];
    if (kills_chance(c, 8) > 0)
        return kills_ledger->workers[kills_chance(c, 8)];

    int n = children_of(parent, all, 256);
    pid_t pid = n > 0 ? all[kills_chance(c, (uint32_t)n)] : 0;
    return pid == getpid() || pid == kills_ledger->zygote ? 0 : pid;
}

/* ---- how ---- */

static void pause_us(uint32_t us)
{
    struct timespec t = {.tv_nsec = (long)us * 1000};
    nanosleep(&t, NULL);
}

static int send_signal(int pidfd, int signal)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/* A sanitizer catches what it can, and takes long to tell of it. */
static int choose_signal(struct chance *c)
{
    const int others[] = {SIGSEGV, SIGABRT, SIGTERM, SIGBUS};

    return BIDE_SANITIZED || kills_chance(c, 5) > 0 ? SIGKILL : others[kills_chance(c, array_len(others))];
}

static bool kill_one(struct chance *c, pid_t pid, pid_t parent)
{
    int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    bool ok = pidfd >= 0 && is_child_of(pid, parent);

    if (ok) {
        kills_ledger->may_die[(uint32_t)pid % PIDS] = 1;
        if (kills_chance(c, 10) == 0 && send_signal(pidfd, SIGSTOP) == 0)
            pause_us(1000 + kills_chance(c, 8000));
        ok = send_signal(pidfd, choose_signal(c)) == 0;
        send_signal(pidfd, SIGCONT);
    }
    if (pidfd >= 0)
        close(pidfd);
    return ok;
}

static void work(struct chance *c, pid_t parent)
{
    struct ledger *l = kills_ledger;

    while (!l->go)
        pause_us(500);
    while (l->kills < l->wanted && !l->stop) {
        bool zygote = l->zygote > 0 && kills_chance(c, 60) == 0;
        if (kill_one(c, zygote ? l->zygote : choose(c, parent), parent)) {
            l->kills++;
            l->zygotes_killed += zygote;
        }
        if (kills_chance(c, 3) > 0)
            pause_us(kills_chance(c, kills_chance(c, 20) == 0 ? 30000 : 3000));
    }
}

pid_t killer_start(uint32_t seed, int wanted)
{
    pid_t parent = getpid();
    struct chance c = {seed};

    kills_ledger->wanted = wanted;
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    work(&c, parent);
    _exit(0);
}
