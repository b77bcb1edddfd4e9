/* SPDX-License-Identifier: MIT */
/*
 * shm.h - what a program and its workers share: lanes, a page of flags, large payloads, descriptors, and names of functions.
 *
 * Neither side is known here.  What the other side wrote may be nonsense: it is read once, and checked before it is used.
 *
 * generation.c lane.c segment.c arena.c pass.c spin.c registry.c
 */
#ifndef BIDE_POOL_SHM_H
#define BIDE_POOL_SHM_H

#include <stdatomic.h>
#include <sys/types.h>

#include <bide/pool.h>

#include "core/core.h"

/* ---- generation.c: is this still the process that we were made in? ---- */
uint64_t bide__fork_generation(void); /* another number after each fork, from the first call on */
extern _Atomic uint64_t bide__forks;  /* the same, for who has called it */
static inline bool bide__was_forked(uint64_t generation)
{
    return unlikely(generation != atomic_load_explicit(&bide__forks, memory_order_relaxed));
}

/* ---- lane.c: one direction of a conversation through shared memory, without a lock ---- */

enum record_kind {
    REC_PAD, /* the rest of the ring is empty: go on at its beginning */
    REC_CONFIG, REC_INIT, REC_FINI, REC_GO, REC_CALL,      /* calls */
    REC_CANCEL, REC_SPACE, REC_STOP,                       /* orders */
    REC_READY, REC_RESULT, REC_PROGRESS, REC_EMIT, REC_WANT, REC_BYE, /* answers */
    REC_KINDS
};

/* flags of a record */
#define IN_BLOCK 1   /* CALL: the argument is a struct block_ref */
#define HAS_OUT 2    /* CALL: the function has a second parameter */
#define BY_NAME 4    /* CALL: the payload begins with the function's name, `fn` bytes of it */
#define OUT_BLOCK 8  /* RESULT: the bytes lie in the block that was granted, `more` of them */
#define OUT_INPUT 16 /* RESULT: they are a part of the argument's block: struct block_ref */

struct record {
    uint64_t id;   /* of the job */
    uint64_t fn;   /* CALL: the function; RESULT: ns it took; PROGRESS: done; WANT: bytes; SPACE: offset; READY: pid */
    uint64_t more; /* CALL: size of the result; PROGRESS: total; SPACE, OUT_BLOCK: bytes */
    uint32_t len;  /* of the payload behind it */
    int32_t code;  /* RESULT, BYE: the outcome */
    uint16_t kind;
    uint8_t flags, shape, nfds, attempt;
    uint8_t pad_[2];
};

struct block_ref {
    uint64_t offset, len;
};

#define RECORD_PAYLOAD_MAX (16 << 10) /* larger ones go through the arena */

/* What both sides see of a lane (drawn in lane.c).  Each position has a single writer, and a cache line of its own. */
struct lane_shared {
    _Alignas(64) _Atomic uint64_t tail; /* written to here, by the producer */
    _Alignas(64) _Atomic uint64_t head; /* read up to here, by the consumer */
};

/* One end of it; what is not shared is never read from shared memory. */
struct lane {
    struct lane_shared *shared;
    char *bytes;
    uint32_t size;  /* a power of two */
    uint64_t mine;  /* my position */
    uint64_t other; /* the other side's, when last looked at */
};

void bide__lane_init(struct lane *l, struct lane_shared *shared, char *bytes, uint32_t size);
/* Append a record whose payload is in two parts; the peer does not see it yet.  False: no room. */
bool bide__lane_put(struct lane *l, const struct record *r, const void *a, size_t alen, const void *b, size_t blen);
/* Is there room for a record with this much payload? */
bool bide__lane_has_room(struct lane *l, size_t payload);
/* Has the consumer said that it has read what was never written? */
bool bide__lane_is_broken(const struct lane *l);
/* Let the peer see what was put. */
static inline void bide__lane_publish(struct lane *l)
{
    atomic_store(&l->shared->tail, l->mine); /* sequentially consistent: before a look at the peer's `sleeps` */
}
/* The next record: 1; 0: none; -EBADMSG: what is there is not a record. */
int bide__lane_peek(struct lane *l, struct record *r, const char **payload);
/* Done with what peek returned. */
void bide__lane_pop(struct lane *l, const struct record *r);
static inline bool bide__lane_is_empty(struct lane *l)
{
    return atomic_load(&l->shared->tail) == l->mine;
}

static inline void bide__pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* ---- spin.c: looking before sleeping ---- */

struct spin {
    int64_t ns;            /* how long it seems worth it */
    int64_t rest_until_ns; /* not before: others want the processor */
    unsigned skips, skips_left; /* short sleeps before the next full trial */
};
void bide__spin_init(struct spin *s);
/* Look for at most limit_ns (-1: no limit).  True: there_is. */
bool bide__spin(struct spin *s, bool (*there_is)(void *arg), void *arg, int64_t limit_ns);
/* After a sleep of so long. */
void bide__spin_slept(struct spin *s, int64_t ns);

/* ---- segment.c: what one worker and we share ---- */

struct worker_slot {
    _Atomic uint64_t task; /* address of the runner's task, in the worker */
    _Atomic uint64_t job;  /* what it runs; 0: nothing */
    _Atomic int64_t began_ns; /* since when */
};

/*
 *     program                                                   worker
 *       calls.mine  ---- tail -->  |  calls  |  <-- head ----  takes a call when a runner is free
 *       orders.mine ---- tail -->  |  orders |  <-- head ----  obeys at once: cancel, stop, a block was granted
 *       drains      ---- head -->  | answers |  <-- tail ----  answers.mine
 *       we_sleep, current, slots: read        flags: each side sets its own, the other clears it when it rings
 *
 * Who is about to sleep says so, then looks at the lanes; who has written publishes, then looks at that flag.  All of it
 * is sequentially consistent, so one of the two sees the other, and no bell is missed; an exchange clears the flag, so
 * one is rung and no more.
 */
struct segment_shared {
    struct lane_shared calls, orders, answers;
    _Alignas(64) _Atomic uint32_t worker_sleeps; /* in the kernel, or about to: ring its bell */
    _Atomic uint32_t worker_idle;                /* it sleeps, or looks for work before it does */
    _Atomic uint32_t ring_when_idle;             /* jobs wait for it: before it sleeps, it rings our bell once */
    _Atomic uint32_t may_spin;                   /* there is a processor to spare for looking instead of sleeping */
    _Alignas(64) _Atomic uint32_t we_sleep;      /* likewise for us */
    _Atomic uint32_t stuck;                      /* the worker waits for room in `answers` */
    _Atomic uint32_t orders_wait;                /* we wait for room in `orders` */
    _Atomic uint32_t gone;                       /* a thread: it touches nothing here any more */
    _Alignas(64) _Atomic uintptr_t current;      /* the worker's task that ran last, see bide_loop.mirror */
    _Atomic uint64_t awake_ns;                   /* time not spent asleep */
    _Atomic int64_t awake_since_ns;              /* 0: it sleeps */
    struct worker_slot slots[];
};

struct segment {
    int memory; /* memfd; -1: ordinary memory, for threads */
    struct segment_shared *shared;
    size_t bytes;
    struct lane calls, orders, answers;
};

#define ORDERS_BYTES (16u << 10)

int bide__segment_create(struct segment *s, uint32_t ring_bytes, int concurrency, bool with_memfd);
int bide__segment_attach(struct segment *s, int memory, uint32_t ring_bytes, int concurrency);
/* The other end of ours, in the same process. */
void bide__segment_share(struct segment *s, const struct segment *ours, uint32_t ring_bytes, int concurrency);
void bide__segment_close(struct segment *s);

/* ---- arena.c: large payloads, in memory that all workers see.  We alone say what belongs to whom ---- */

#define BLOCK_SHIFT_MIN 14
#define BLOCK_CLASSES 19 /* 16 KiB to 4 GiB */
#define PAYLOAD_MAX ((uint64_t)2 << 30)
#define ARENA_BYTES ((uint64_t)64 << 30) /* of addresses; memory only for what is used */

struct block {
    struct list_node node; /* among the free ones of its class */
    uint64_t offset, len;
    unsigned class_;
    enum block_owner {
        BLOCK_FREE,
        BLOCK_JOBS,     /* a copied argument, or a result */
        BLOCK_USERS,    /* of bide_pool_buffer, not submitted yet */
        BLOCK_SUBMITTED /* was the user's: the job has it now */
    } owner;
};

struct pool_arena {
    int memory; /* memfd */
    uint64_t generation; /* of the process that opened it */
    char *base; /* NULL: not mapped yet */
    uint64_t bytes, used; /* of the file; handed out so far */
    uint64_t warm;        /* bytes in free blocks that keep their memory */
    struct list_node free[BLOCK_CLASSES];
    struct block **blocks; /* all, in order of their offset */
    size_t nblocks, cap;
};

int bide__pool_arena_open(struct pool_arena *a);
void bide__pool_arena_close(struct pool_arena *a);
struct block *bide__block_get(struct pool_arena *a, uint64_t len); /* NULL: an error on record */
void bide__block_put(struct pool_arena *a, struct block *b);
struct block *bide__block_at(const struct pool_arena *a, const void *p); /* the one that begins there, also a free one */
static inline char *bide__block_data(const struct pool_arena *a, const struct block *b)
{
    return a->base + b->offset;
}

/* ---- pass.c: descriptors through a socket ---- */

#define JOB_FDS_MAX 8
struct fd_message {
    uint64_t id;
    int32_t code; /* from the zygote: the new process, or an error */
    uint32_t n;
    int32_t words[6]; /* to the zygote: what else a worker is born with */
};
int bide__fds_send(int socket, const struct fd_message *m, const int *fds, unsigned n);
/* 0, or an error: -EAGAIN, BIDE_EEOF.  m->n descriptors are owned. */
/* -EMFILE: the message is there, but no room in our table for its descriptors, which are gone. */
int bide__fds_receive(int socket, struct fd_message *m, int *fds, unsigned max, bool wait);
bool bide__peer_is_gone(int socket); /* has closed its end */
bool bide__wait_readable(int fd, int64_t ms); /* where there is no loop to wait with; false: it is not, after so long */

/* ---- registry.c ---- */

#define NAME_MAX_BYTES 240
#define NAME_ROOM 256
/* As it stands in a record: padded with zeros.  Returns the length, at most NAME_ROOM. */
size_t bide__name_for_record(char *to, const char *name);
const bide_pool_named *bide__named_by_name(const char *name, size_t len);
const bide_pool_named *bide__named_by_fn(void (*fn)(void));
int bide__named_find(void (*fn)(void), const char *called, const char **name); /* 0, or an error on record */
int bide__named_check(void); /* -EEXIST on record: two of one name */
/* Was the call made for this function, as far as its parameters are known?  Else BIDE_EFUNCTION on record. */
struct named_call {
    enum bide_job_shape shape;
    bool has_out;
    size_t in_len, out_len;
};
int bide__named_fits(const bide_pool_named *n, const struct named_call *call);

#endif
