/* SPDX-License-Identifier: MIT */
/*
 * start.c - a thread that gets none of the program's signals, but for those that say what it has done itself.
 */
#include <signal.h>

#include "core/thread/offload.h"

int bide__quiet_thread(pthread_t *id, void *(*run)(void *arg), void *arg)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    sigset_t others, before;

    sigfillset(&others);
    for (size_t i = 0; i < array_len(own); i++)
        sigdelset(&others, own[i]);
    pthread_sigmask(SIG_SETMASK, &others, &before);
    int code = pthread_create(id, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}
