/* SPDX-License-Identifier: MIT */
/*
 * proxy.c - one worker, seen from outside: it is made, with all that it must know in its lane; started; freed.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool/proxy/proxy.h"

static bool put_job(struct proxy *x, uint16_t kind, const bide_job *job)
{
    struct record r = {.kind = kind, .shape = (uint8_t)job->shape, .fn = (uint64_t)(uintptr_t)job->fn};
    char name[NAME_ROOM] = "";
    size_t name_len = 0;
    if (!job->fn)
        return true;

    if (x->pool->args.kind == BIDE_POOL_EXEC) { /* registered: bide__pool_check_fn saw to it */
        name_len = bide__name_for_record(name, bide__named_by_fn(job->fn)->name);
        r.fn = name_len;
        r.flags = BY_NAME;
    }
    return bide__lane_put(&x->segment.calls, &r, name, name_len, job->in, job->in_len);
}

static int write_config(struct proxy *x)
{
    const bide_pool_args *a = &x->pool->args;
    struct worker_config c = {.concurrency = a->concurrency, .index = x->index, .stack_size = a->stack_size};
    struct lane *l = &x->segment.calls;
    bool ok = bide__lane_put(l, &(struct record){.kind = REC_CONFIG}, &c, sizeof c, NULL, 0) && put_job(x, REC_INIT, &a->init) &&
              put_job(x, REC_FINI, &a->fini) && bide__lane_put(l, &(struct record){.kind = REC_GO}, NULL, 0, NULL, 0);
    if (!ok)
        return bide_fail(-E2BIG, "the arguments of init and fini do not fit into ring_bytes");
    bide__lane_publish(l);
    return 0;
}

static int start(struct proxy *x, struct birth *b)
{
    int pidfd = -1, code = 0;

    switch (b->kind) {
    case BIDE_POOL_THREAD:
        code = bide__thread_start(b, &x->thread);
        x->has_thread = code == 0;
        return code;
    case BIDE_POOL_PROCESS:
        code = bide__zygote_start(b, &x->birth);
        if (code == 0)
            bide__timer_arm(x->pool->loop, &x->deadline, BIRTH_MAX_MS);
        return code;
    case BIDE_POOL_FORK:
        code = bide__fork_start(b, &pidfd);
        break;
    case BIDE_POOL_EXEC:
        code = bide__exec_start(b, x->pool->args.program, &pidfd);
        break;
    }
    return code < 0 ? code : bide__proxy_got_process(x, code, pidfd);
}

static int cpu_for(const bide_pool *p, int index)
{
    const struct local_pool *l = bide__local(p);

    return l->ncpus > 0 ? l->cpus[index % l->ncpus] : -1;
}

/* The program's standard input, if workers shall read it and there is one. */
static int input_for(const bide_pool *p)
{
    return p->args.inherit_stdin && fcntl(STDIN_FILENO, F_GETFD) >= 0 ? STDIN_FILENO : -1;
}

static int give_birth(struct proxy *x)
{
    bide_pool *p = x->pool;
    struct local_pool *l = bide__local(p);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0 || bide__fds_above_standard(pair) < 0)
        return bide_fail(-errno, "a socket to a worker: %s", bide_strerror(-errno));

    int code = bide__fd_open(&x->ctl, pair[0]);
    if (code < 0) {
        close(pair[0]);
        close(pair[1]);
        return code;
    }
    struct birth b = {.segment = &x->segment, .memory = x->segment.memory, .arena = p->arena.memory, .ctl = pair[1],
                      .bell = x->bell, .our_bell = l->bell.fd, .ring_bytes = (uint32_t)p->args.ring_bytes,
                      .concurrency = p->args.concurrency, .index = x->index, .kind = p->args.kind,
                      .cpu = cpu_for(p, x->index), .input = input_for(p), .outer_workers = l->nslots};
    code = bide__watch_open(&x->ctl_watch, &x->ctl, bide__proxy_ctl_readable);
    if (code == 0)
        code = start(x, &b);
    if (!x->has_thread)
        close(pair[1]);
    return code;
}

struct proxy *bide__proxy_new(bide_pool *p, int index)
{
    struct proxy *x = bide__calloc(1, sizeof *x);
    if (!x) {
        bide__fail_nomem("a worker");
        return NULL;
    }
    x->pool = p;
    x->index = index;
    x->bell = x->ctl.fd = x->pidfd.fd = x->segment.memory = -1;
    x->started_ns = x->idle_since_ns = bide__clock_ns();
    bide__timer_init(&x->deadline, bide__proxy_deadline_passed);
    bide__list_init(&x->replaced);
    bide__list_init(&x->sent);
    bide__list_init(&x->begun);
    bide__list_append(&bide__local(p)->proxies, &x->node);
    bide__pool_await_outside(p);
    return x;
}

struct proxy *bide__proxy_start(bide_pool *p, int index)
{
    struct proxy *x = bide__proxy_new(p, index);
    if (!x)
        return NULL;

    int code = bide__segment_create(&x->segment, (uint32_t)p->args.ring_bytes, p->args.concurrency,
                                    p->args.kind != BIDE_POOL_THREAD);
    if (code == 0 && (x->bell = bide__fd_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))) < 0)
        code = bide_fail(-errno, "a bell for a worker: %s", bide_strerror(-errno));
    if (code == 0)
        code = write_config(x);
    if (code == 0)
        code = give_birth(x);
    if (code < 0) {
        bide__proxy_kill(x);
        bide__proxy_free(x);
        return NULL;
    }
    bide__local(p)->nspawned++;
    return x;
}

void bide__proxy_free(struct proxy *x)
{
    bide__list_remove(&x->node);
    bide__list_remove(&x->replaced);
    bide__timer_disarm(x->pool->loop, &x->deadline);
    if (bide__fd_is_open(&x->pidfd)) {
        bide__watch_close(&x->pidfd_watch, &x->pidfd);
        bide__fd_close(&x->pidfd);
    }
    if (bide__fd_is_open(&x->ctl)) {
        bide__watch_close(&x->ctl_watch, &x->ctl);
        bide__fd_close(&x->ctl);
    }
    if (x->bell >= 0)
        close(x->bell);
    bide__segment_close(&x->segment);
    bide__free(x->orders);
    bide__free(x);
}
