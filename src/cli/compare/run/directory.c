/* SPDX-License-Identifier: MIT */
/*
 * directory.c - a directory for the files of a run, which must not be left.
 *
 * We may be killed at any moment, so it is not ours to remove.  It belongs to a keeper: a process in a session of its
 * own, where no signal of the terminal finds it, which makes the directory, waits until the socket to us is closed, by
 * us or by our end, and removes it.
 */
#include "cli/compare/run/run.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES  500
#define NAP_MS 10

/* What the keeper says first. */
struct made {
    int error;
    char path[sizeof((struct compare *)NULL)->directory];
};

/* ---- the keeper ---- */

static const char *parent_directory(void)
{
    const char *parent = getenv("TMPDIR");

    return parent && *parent ? parent : "/tmp";
}

static struct made make_directory(void)
{
    struct made m = {0};
    int len = snprintf(m.path, sizeof m.path, "%s/bide-compare-XXXXXX", parent_directory());

    if (len >= (int)sizeof m.path)
        m.error = ENAMETOOLONG;
    else if (!mkdtemp(m.path))
        m.error = errno;
    return m;
}

static void remove_files(const char *path)
{
    DIR *d = opendir(path);
    if (!d)
        return;

    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

/* A run that dies with us may write one more file meanwhile. */
static void remove_directory(const char *path)
{
    for (int i = 0; i < TRIES; i++) {
        remove_files(path);
        if (rmdir(path) == 0 || (errno != ENOTEMPTY && errno != EEXIST))
            return;
        usleep(NAP_MS * 1000);
    }
}

static void keep(int fd)
{
    setsid();
    struct made m = make_directory();
    ssize_t n = send(fd, &m, sizeof m, MSG_NOSIGNAL);
    while (n > 0 || (n < 0 && errno == EINTR))
        n = read(fd, &(char){0}, 1);
    if (m.error == 0)
        remove_directory(m.path);
}

/* ---- the others ---- */

static int start_keeper(struct compare *c)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return errno;

    c->keeper = fork();
    if (c->keeper == 0) {
        close(pair[0]);
        keep(pair[1]);
        _exit(EXIT_OK);
    }
    int error = c->keeper < 0 ? errno : 0;
    close(pair[1]);
    if (error != 0)
        close(pair[0]);
    c->keeper_fd = pair[0];
    return error;
}

static void end_keeper(struct compare *c)
{
    close(c->keeper_fd);
    waitpid(c->keeper, NULL, 0);
}

static int make_kept(struct compare *c)
{
    struct made m;
    int error = start_keeper(c);
    if (error != 0)
        return error;

    if (recv(c->keeper_fd, &m, sizeof m, MSG_WAITALL) != sizeof m)
        m.error = EIO;
    if (m.error == 0)
        memcpy(c->directory, m.path, sizeof m.path);
    else
        end_keeper(c);
    return m.error;
}

int compare_directory_make(struct compare *c)
{
    int error = make_kept(c);
    if (error == 0)
        return EXIT_OK;
    compare_progress_erase(c->progress);
    say("a directory for the files, in %s: %s", parent_directory(), strerror(error));
    return EXIT_LOCAL;
}

void compare_directory_remove(struct compare *c)
{
    if (!c->directory[0])
        return;
    end_keeper(c);
    c->directory[0] = '\0';
}

void compare_directory_forget(struct compare *c)
{
    if (c->directory[0])
        close(c->keeper_fd);
}
