/* SPDX-License-Identifier: MIT */
/*
 * spawn.h - births of workers: by the zygote, a fork, the program started anew, a thread; and what there is for them here.
 *
 *                  ZYGOTE   a request with descriptors --> zygote --clone--.
 *     struct birth   FORK     a clone of the program as it is ---------------|--> child.c: forgets what was
 *     (worker.h)     EXEC     a clone that starts the program anew ----------'    its parent's     |
 *                    THREAD   pthread_create ----------------------------------------------------> bide__worker_main
 *
 * All but the thread are children of the program itself, and end with it: the life pipe.
 *
 * image.c limits.c child.c births.c zygote_main.c zygote.c fork_exec_thread.c prepare.c
 */
#ifndef BIDE_POOL_SPAWN_H
#define BIDE_POOL_SPAWN_H

#include <pthread.h>

#include "pool/worker/worker.h"

/* ---- image.c: is this function in the workers, too? ---- */

#define IMAGE_OBJECTS_MAX 512
struct image {
    unsigned n;
    struct image_object {
        uintptr_t from, to; /* executable */
    } objects[IMAGE_OBJECTS_MAX];
};
void bide__image_take(struct image *im);
/* 0, or BIDE_EFUNCTION on record that names function and object. */
int bide__image_check(const struct image *im, void (*fn)(void), const char *name);

/* ---- limits.c ---- */

int bide__cpus_usable(void); /* affinity and quota */
int bide__cpu_quota(const char *cgroup_dir); /* rounded up; 0: none */
long bide__oom_kills(const char *cgroup_dir); /* -1: not known */
bool bide__own_cgroup(const char *controller, char *out, size_t cap); /* its folder */
bool bide__has_threads(void);

/* ---- zygote.c: the process that workers are born of ---- */

#ifndef P_PIDFD
#define P_PIDFD 3 /* waitid(); newer than some headers */
#endif

#define BIRTH_FDS 5 /* and one more: the input */

int bide__zygote_prepare(void);
void bide__zygote_image(struct image *to); /* what the workers that it makes will have */
int bide__life_pipe(void); /* its reading end, or an error */
/* Ask the zygote for a worker; its process comes as a message on our end of ctl.  Never waits. */
int bide__zygote_start(const struct birth *b, uint64_t *number);
/* Who was born of this request?  Also of a zygote that died before it could say so.  0: nobody, or not known any more. */
pid_t bide__zygote_made(uint64_t number);
pid_t bide__zygote_pid(void);
void bide__zygote_kill(void); /* the next birth makes another one */
int bide__zygote_renew(void); /* another one, with what was loaded meanwhile */
void bide__zygote_disown(void); /* in a new process: it is the parent's */

/* ---- zygote_main.c: the zygote itself ---- */

/* Until nobody holds the other end of the socket. */
_Noreturn void bide__zygote_main(int socket, int life, bool by_main_thread);

/* ---- births.c: notes of births, which the program and its zygotes share ---- */

int bide__births_make(void);                /* unless they are there; 0, or an error on record */
void bide__births_forget(void);             /* in this process */
int *bide__births_begin(uint64_t number);   /* where the pid is to be written */
pid_t bide__births_made(uint64_t number);   /* as bide__zygote_made */

/* ---- child.c: what a new process is made with, and does first ---- */
void bide__give_no_input(void); /* as if standard input were empty */
/* In a new process: forget what was our parent's. */
void bide__become_worker(int *keep, unsigned nkeep, int life, bool parent_is_main_thread);
void bide__die_with(int life);
pid_t bide__raw_fork(int *note, bool as_sibling);

/* ---- fork_exec_thread.c: the other births ---- */
/* pid and pidfd, or an error */
int bide__fork_start(const struct birth *b, int *pidfd);
int bide__exec_start(const struct birth *b, const char *program, int *pidfd);
void bide__exec_serve_if_asked(void);
bool bide__exec_was_asked(void);
int bide__thread_start(const struct birth *b, pthread_t *thread);

#endif
