/* SPDX-License-Identifier: MIT */
/*
 * zygote_main.c - the zygote itself: it reads requests, clones, and says who was born.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pool/spawn/spawn.h"

static pid_t make_worker(const struct fd_message *m)
{
    if (m->n != BIRTH_FDS && m->n != BIRTH_FDS + 1)
        return -EINVAL;
    return bide__raw_fork(bide__births_begin(m->id), true);
}

static _Noreturn void be_worker(const struct fd_message *m, const int *fds, int life, bool by_main_thread)
{
    struct birth b = {.memory = fds[0], .arena = fds[1], .ctl = fds[2], .bell = fds[3], .our_bell = fds[4],
                      .ring_bytes = (uint32_t)m->words[0], .concurrency = m->words[1], .index = m->words[2],
                      .cpu = m->words[3], .outer_workers = m->words[4], .kind = BIDE_POOL_PROCESS};
    if (m->n > BIRTH_FDS) {
        dup2(fds[BIRTH_FDS], STDIN_FILENO);
        close(fds[BIRTH_FDS]);
    }
    bide__births_forget();
    if (by_main_thread)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    bide__die_with(life);
    int status = bide__worker_main(&b);
    fflush(stdout);
    _exit(status);
}

_Noreturn void bide__zygote_main(int socket, int life, bool by_main_thread)
{
    int fds[BIRTH_FDS + 1];
    struct fd_message m;

    prctl(PR_SET_NAME, "bide-zygote");
    while (bide__fds_receive(socket, &m, fds, BIRTH_FDS + 1, true) == 0) {
        pid_t pid = make_worker(&m);
        if (pid == 0) {
            close(socket);
            be_worker(&m, fds, life, by_main_thread);
        }
        bide__fds_send(fds[2], &(struct fd_message){.code = pid}, NULL, 0);
        for (unsigned i = 0; i < m.n; i++)
            close(fds[i]);
    }
    _exit(0);
}
