/* SPDX-License-Identifier: MIT */
/*
 * descriptor.c - descriptors that are never 0, 1 or 2, also in a program where those are closed.
 *
 * What such a program opens next would take the place of its standard input; and a worker gets others there.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/base.h"

int bide__fd_above_standard(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;

    int up = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), kept = errno;
    close(fd);
    errno = kept;
    return up;
}

int bide__fds_above_standard(int pair[2])
{
    for (int i = 0; i < 2; i++) {
        pair[i] = bide__fd_above_standard(pair[i]);
        if (pair[i] < 0) {
            close(pair[1 - i]);
            return -1;
        }
    }
    return 0;
}
