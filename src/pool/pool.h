/* SPDX-License-Identifier: MIT */
/*
 * pool.h - the room's header: lanes in shared memory, workers as seen from outside and from inside, the queue.
 *
 * In reading order.  Between both sides: lane.c (records in a ring), segment.c (what one worker shares with us),
 * arena.c (large payloads), pass.c (descriptors).  Births: image.c (which functions exist there), registry.c (functions
 * by name), zygote.c, child.c, start.c, prepare.c, limits.c.  Inside a worker: worker.c, answers.c,
 * lanes.c, runner.c, reply.c, call.c, api.c.  Outside: poll.c
 * (when the lanes are looked at), orders.c, birth.c, proxy.c, assigned.c, events.c, results.c (one worker), cause.c,
 * death.c, dispatch.c (the queue), slots.c, resize.c, check.c (of arguments), table.c, argument.c, job.c, deadline.c, submit.c, map.c, imap.c, upkeep.c (limits and watching), open.c, close.c, stats.c.
 */
#ifndef BIDE_POOL_POOL_H
#define BIDE_POOL_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <bide/pool.h>

#include "core/core.h"
#include "io/io.h"

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
    /* to the worker */
    REC_CONFIG,
    REC_INIT,
    REC_FINI,
    REC_GO,
    REC_CALL,
    REC_CANCEL,
    REC_SPACE,
    REC_STOP,
    /* to us */
    REC_READY,
    REC_RESULT,
    REC_PROGRESS,
    REC_EMIT,
    REC_WANT,
    REC_BYE,
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

/* What both sides see of a lane. */
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
/* What we make is never 0, 1 or 2, also where those are closed: workers get others there.  -1: errno says why. */
int bide__fd_above_standard(int fd);
int bide__fds_above_standard(int pair[2]); /* both closed on failure */
bool bide__wait_readable(int fd, int64_t ms); /* where there is no loop to wait with; false: it is not, after so long */

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

/* ---- limits.c ---- */

int bide__cpus_usable(void); /* affinity and quota */
int bide__cpu_quota(const char *cgroup_dir); /* rounded up; 0: none */
long bide__oom_kills(const char *cgroup_dir); /* -1: not known */
bool bide__own_cgroup(const char *controller, char *out, size_t cap); /* its folder */
bool bide__has_threads(void);

/* ---- zygote.c and start.c: births ---- */

/* What a worker is born with. */
struct birth {
    struct segment *segment; /* THREAD: ours */
    int memory, arena, ctl, bell, our_bell; /* descriptors, the worker's own */
    uint32_t ring_bytes;
    int concurrency, index;
    enum bide_pool_kind kind;
    int input;        /* the program's standard input, if the worker shall have it; else -1 */
    char *arena_base; /* THREAD */
    int cpu;          /* -1: any */
    int outer_workers;
};

#ifndef P_PIDFD
#define P_PIDFD 3 /* waitid(); newer than some headers */
#endif

#define BIRTH_MAX_MS 5000 /* from one birth to the next: a fork takes 0.3 ms, of the largest zygote a second */
#define BIRTH_FDS 5 /* and one more: the input */

int bide__zygote_prepare(void);
void bide__zygote_image(struct image *to); /* what the workers that it makes will have */
int bide__life_pipe(void); /* its reading end, or an error */
/* Ask the zygote for a worker; its process comes as a message on our end of ctl.  Never waits. */
int bide__zygote_start(const struct birth *b, uint64_t *number);
pid_t bide__zygote_made(uint64_t number);
pid_t bide__zygote_pid(void);
void bide__zygote_kill(void); /* the next birth makes another one */
int bide__zygote_renew(void); /* another one, with what was loaded meanwhile */
void bide__zygote_disown(void); /* in a new process: it is the parent's */

/* ---- child.c: what a new process is made with, and does first ---- */
void bide__give_no_input(void); /* as if standard input were empty */
/* In a new process: forget what was our parent's. */
void bide__become_worker(int *keep, unsigned nkeep, int life, bool parent_is_main_thread);
void bide__die_with(int life);
pid_t bide__raw_fork(int *note, bool as_sibling);

/* ---- start.c: the other births ---- */
/* pid and pidfd, or an error */
int bide__fork_start(const struct birth *b, int *pidfd);
int bide__exec_start(const struct birth *b, const char *program, int *pidfd);
void bide__exec_serve_if_asked(void);
bool bide__exec_was_asked(void);
int bide__thread_start(const struct birth *b, pthread_t *thread);

/* ---- worker.c, answers.c, lanes.c: the inside ---- */

struct worker;
struct runner;

/* Be a worker until REC_STOP.  Returns the exit status. */
int bide__worker_main(const struct birth *b);
void bide__worker_say_gone(const struct birth *b); /* a thread's last act: now its end can be waited for, which takes no time */

struct worker_config {
    int32_t concurrency, index, processes;
    uint64_t stack_size;
};

struct worker {
    struct birth birth;
    struct worker_config config;
    struct segment segment;
    bide_loop *loop;
    pid_t pid;
    uint64_t generation; /* of forks: a job may fork, and its child is no worker */
    struct fd ctl, bell;
    struct watch_fd ctl_watch;
    char *arena;
    void *state;
    struct list_node idle;  /* runners without a job: their clauses */
    struct list_node room;  /* who waits for room in `answers` */
    struct list_node senders; /* who waits to send descriptors */
    struct list_node ended; /* the body, until all runners have */
    struct runner *runners; /* all, a list */
    int nrunners, nbusy;
    struct stored_job {
        struct record record;
        char *payload;
    } init, fini;
    const struct poller_ops *inner;
    int64_t polled_ns; /* when the kernel was asked last */
    unsigned skipped;
    struct spin spin;
    uint64_t *cancelled; /* ids of calls that are still in the lane */
    size_t ncancelled, cancelled_cap;
    bool must_poll, stopping, open, waking, said_bye, sending;
    bool lost; /* a job has ended our thread */
    /* The running task has ended our thread: it ends itself, and the worker.  Does not return; here, because call.c, which
     * finds that out, is called by those who do it (worker.c). */
    void (*thread_ended)(struct worker *w);
};

extern _Thread_local struct worker *bide__worker_here;

void bide__worker_ring(struct worker *w); /* the parent's bell, if it sleeps */
bool bide__worker_has_room(struct worker *w, size_t len); /* for an answer; if not, the program knows that we wait */
/* Put an answer; suspends while there is no room, whatever is cancelled meanwhile. */
void bide__worker_answer(struct worker *w, const struct record *r, const void *data, size_t len);
/* The same for what may go unsaid: a cancellation point, and now and then a turn of the loop.  0, or an error on record. */
int bide__worker_tell(struct worker *w, const struct record *r, const void *data, size_t len);
bool bide__worker_is_late(const struct worker *w); /* its loop should turn */
/* The memory we share, or the loop, is broken: a process ends, and is replaced. */
void bide__worker_give_up(const struct worker *w);
char *bide__worker_arena(struct worker *w); /* NULL: an error on record */
extern const struct poller_ops bide__worker_poller_ops;

/* ---- call.c ---- */
int bide__call_job(void (*fn)(void), enum bide_job_shape shape, const char *arg, size_t len, void *out);

/* ---- runner.c: a coroutine that runs one job after another ---- */

struct runner {
    struct runner *next;
    struct worker *worker;
    bide_task *task;
    int slot;
    struct record call; /* kind 0: none */
    char *in;           /* its payload, copied */
    size_t in_cap;
    const char *arg;    /* the argument itself */
    size_t arg_len;
    char *reply;
    size_t reply_len, reply_cap;
    char *granted; /* a block for the reply */
    size_t granted_len, granted_used;
    const char *echoed; /* the reply is a part of the argument's block */
    size_t echoed_len;
    int grant_code;
    struct list_node grant; /* the runner, while it waits for a block */
    int fds[JOB_FDS_MAX], nfds, out_fds[JOB_FDS_MAX], nout_fds;
    int64_t began_ns;
    bool cancelled, has_block, waits_for_grant;
};

/* Have a runner take the next call, if one is free or may be made. */
bool bide__runner_wake(struct worker *w);
struct runner *bide__runner_here(void); /* of the job whose coroutine calls; NULL: none */
int bide__runner_main(struct runner *r);
void bide__runner_lost(struct runner *r); /* its job has ended the worker's thread */
/* Call the function of a record.  0 or more, or an error on record. */
int bide__call_record(const struct record *rec, const char *name_and_arg, const char *arg, size_t len, void *out);
void bide__runner_cancel(struct worker *w, uint64_t id); /* it runs, or lies in the lane still, or is over */
struct runner *bide__runner_by_id(struct worker *w, uint64_t id); /* who runs that job; NULL: nobody */

/* ---- reply.c: the result of a job ---- */
char *bide__reply_extend(struct runner *r, size_t n); /* room behind what is there; suspends; NULL: an error on record */
bide_bytes bide__reply_so_far(const struct runner *r);
void bide__reply_send(struct runner *r, struct record *result); /* empties its slot, and sends */
/* The story of an error as bytes: text, NUL, trace, NUL.  Returns the length. */
size_t bide__story_write(int code, char *out, size_t cap);

/* ---- the outside ---- */

enum proxy_state {
    STARTING,
    READY,
    ENDING /* it takes no more jobs, and goes when it has done those it has */
};

struct job {
    bide_future future; /* first: a job is a future */
    bide_pool *pool;    /* a share */
    struct proxy *proxy;   /* who has it; NULL: queued, or over */
    struct list_node node; /* in a queue, or the proxy's sent or begun */
    struct list_node all;  /* pool->jobs, until it is over */
    uint64_t id;
    void (*fn)(void);
    const char *name;    /* as the caller wrote it, for messages */
    const char *sent_as; /* EXEC, and over Redis: as it is registered */
    enum bide_job_shape shape;
    enum job_stage {
        JOB_QUEUED,
        JOB_SENT,  /* in its worker's lane, as far as we know */
        JOB_BEGUN, /* in its worker's hands */
        JOB_OVER
    } stage;
    bool has_out, idempotent, expired;
    bool keeps_result; /* a struct result as well, in `reply`: the caller's `out` may serve many jobs */
    char *in; /* small, a heap block, or the data of in_block */
    size_t in_len;
    struct block *in_block;
    void *out; /* the caller's; NULL: it went away */
    void *shown_out; /* imap: the caller's, written when the item is shown */
    size_t out_len;
    char *reply; /* the heap's, or part of reply_block, or `small` */
    size_t reply_len;
    struct block *reply_block, *old_block;
    uint64_t end; /* of its record in the lane */
    int attempt, slot; /* slot: -1 any */
    int64_t timeout_ms, submitted_ns, sent_ns;
    struct timer timer;
    int fds[JOB_FDS_MAX], nfds, out_fds[JOB_FDS_MAX], nout_fds;
    bide_pool_progress *on_progress;
    void *progress_arg;
    struct clause on_settled; /* fires when the user cancels the future */
    struct ready settled;
    void (*on_done)(struct job *j, void *arg); /* map, imap: called once, when it is settled */
    void *done_arg;
    size_t index;
    struct list_node group;
    struct job_failure *failure;
    char history[64]; /* how earlier attempts ended */
    struct job_in_redis {
        uint64_t ms, seq; /* of its entry */
        enum { REDIS_NEW, REDIS_SENT, REDIS_ADDED, REDIS_GONE, REDIS_ANSWERED } state;
    } redis;
    char small[64];
};

struct job_failure {
    bide_pool_failure public_;
    char trace[];
};

struct proxy {
    bide_pool *pool;
    struct list_node node;
    struct list_node replaced; /* in the leaving ones of its slot */
    int index;
    enum proxy_state state;
    struct segment segment;
    pid_t pid;
    pthread_t thread;
    bool has_thread, said_ready, said_bye, corrupt, was_killed, is_successor, dirty, stall_reported;
    bool has_ended;  /* its process, or its thread: noted when it is found out, acted on in the pool's next turn */
    int birth_code;  /* likewise: an error, if there is no process */
    bool answer_due; /* the zygote's answer about its birth was not waited for: it comes yet */
    int bell; /* the worker's eventfd */
    struct fd ctl, pidfd;
    struct watch_fd ctl_watch, pidfd_watch;
    struct timer deadline; /* of its birth, and of its exit after "bye" */
    struct list_node sent;  /* handed over, not begun as far as we know */
    struct list_node begun;
    unsigned nsent, nbegun;
    struct record *orders; /* those that found no room in the lane */
    size_t orders_at, norders, orders_cap; /* they are orders[orders_at] to [norders - 1]; both 0: there are none */
    uint64_t birth; /* PROCESS: what the zygote was asked for */
    uint64_t given, done;
    int64_t started_ns, idle_since_ns;
    int64_t run_ewma_ns, cpu_ewma_ns; /* 0: not known */
    uint64_t counted_done, counted_awake_ns;
    uint64_t killer; /* the job for which we killed it: its id, as it may be over and gone before the worker is; 0: none */
    int bye_code;
    char bye_text[ERROR_TEXT_MAX];
};

struct slot {
    struct proxy *proxy; /* who takes jobs here; NULL: nobody yet, or no more */
    struct proxy *coming;
    struct list_node pinned;
    struct list_node leaving; /* those that it replaced, while they have jobs */
};

#define HISTOGRAM_BUCKETS 512
struct histogram {
    uint64_t total;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};
void bide__histogram_add(struct histogram *h, int64_t ns);
uint64_t bide__histogram_percentile(const struct histogram *h, double p);

enum pool_state { POOL_OPENING, POOL_OPEN, POOL_CLOSING, POOL_ENDING, POOL_CLOSED, POOL_FAILED };

#define DEATHS_KEPT 64

struct bide_pool {
    struct object object;
    bide_loop *loop;
    uint64_t generation; /* of forks: is this still the process that opened it? */
    const struct pool_backend *backend; /* who runs its jobs; NULL: not chosen yet */
    void *own;           /* the backend's; NULL: not there yet */
    bide_pool_args args; /* with the defaults filled in */
    enum pool_state state;
    int fail_code; /* FAILED */
    char fail_text[ERROR_TEXT_MAX];
    struct list_node jobs; /* that are not over */
    size_t pending, pending_bytes; /* how many, and of what size */
    struct job **table; /* by the low half of the id, minus 1 */
    uint32_t *generations, *free_ids;
    uint32_t table_cap, nfree;
    struct list_node room;    /* who waits to submit */
    struct list_node changed; /* who waits for workers or for the end of jobs */
    struct pool_arena arena;
    struct list_node in_loop; /* attach.c */
    bool awaits_outside; /* the backend does, beside its jobs */
    bool outside;        /* counted in loop->outside */
    bool has_place;      /* in the loop's queue, for `leaving` */
    bool was_released;   /* by a callback: it goes as soon as the loop calls `leaving` */
    struct ready leaving;
    bide_pool_counts counts;
    uint64_t done, failed, cancelled, retried, moved;
    struct histogram wait, run;
    bide_pool_stats *published; /* in a memfd that others may look at */
    int published_fd;
    int64_t published_ns;
};

/* ---- the backend: where jobs go ---- */

struct pool_backend {
    /* Attach the pool, and be ready for jobs.  Suspends.  After a failure of a pool that was attached comes end, too. */
    int (*open)(bide_pool *p);
    /* Can this call be made?  0, or an error on record. */
    int (*check)(bide_pool *p, const bide_pool_call_args *args);
    /* It was checked, and is in the table.  slot: the worker that shall run it, -1: any. */
    void (*submit)(struct job *j, const bide_pool_call_args *args, int slot);
    /* Its future is settled.  False: nobody has it, so it is over at once; else it is over when its worker says so. */
    bool (*cancel)(struct job *j);
    /* It is over. */
    void (*forget)(struct job *j);
    /* No more jobs will come.  Suspends, but not forever; at_once: without the grace. */
    void (*end)(bide_pool *p, bool at_once);
    /* The same behind the loop's back: suspends nothing; the jobs fail (bide__pool_fail_jobs). */
    void (*abandon)(bide_pool *p);
    /* In a forked child: close descriptors, no more; NULL: there are none. */
    void (*disown)(bide_pool *p);
    void (*free)(bide_pool *p);
    int (*resize)(bide_pool *p, int workers);
    /* Of workers that are ours; else all NULL, and no_workers says where they are. */
    int (*size)(const bide_pool *p);
    int (*pid)(const bide_pool *p, int worker);
    void (*stats)(const bide_pool *p, bide_pool_stats *out);
    const char *no_workers;
    bool has_tasks; /* it has tasks of its own, which a task must wait for */
};

extern const struct pool_backend bide__local_backend, bide__redis_backend;

/* ---- local.c: the backend whose workers are ours ---- */

struct local_pool {
    bide_pool *pool;
    struct list_node in_poll; /* poll.c */
    struct list_node proxies; /* all workers that are not gone, in or out of a slot */
    struct slot *slots;
    int nslots;
    struct list_node queue; /* jobs that any worker may have */
    struct fd bell; /* ours: an eventfd */
    struct image image; /* PROCESS, FORK: what the workers have */
    void (*checked_fn)(void); /* the last function that was found to be there */
    const char *checked_name; /* EXEC: as it is registered */
    int *cpus, ncpus;
    char *init_in, *fini_in; /* copies of their arguments */
    char *program; /* a copy */
    uint64_t most_given; /* to one worker: max_jobs, or without an end */
    int64_t deaths[DEATHS_KEPT]; /* when, the latest ones */
    uint64_t ndeaths, nspawned, rung;
    long oom_kills;
    struct timer upkeep, retry;
    int64_t retry_ms;
    uint64_t births_failed; /* of workers that were to replace nobody */
    int birth_code;         /* of the last of them */
    int usable_cpus;
    bool may_spin; /* fewer workers have jobs than there are processors */
};
static inline struct local_pool *bide__local(const bide_pool *p)
{
    return p->own;
}
struct local_pool *bide__local_new(bide_pool *p); /* without workers; NULL: an error on record */
void bide__local_turn(bide_pool *p); /* turn.c */

/* ---- end.c ---- */
void bide__local_end(bide_pool *p, bool at_once);
void bide__local_abandon(bide_pool *p);
void bide__local_disown(bide_pool *p);
void bide__local_free(bide_pool *p);

/* ---- attach.c: the pools of a loop ---- */
int bide__pool_attach(bide_pool *p);
void bide__pool_detach(bide_pool *p);
void bide__pool_note_outside(bide_pool *p); /* after what decides it has changed */
void bide__pool_await_outside(bide_pool *p); /* the backend awaits something, until it says otherwise */
void bide__pool_abandon(bide_pool *p); /* kill all, without the loop */
void bide__pool_disown(bide_pool *p);  /* in a forked child */

/* ---- poll.c: when the lanes are looked at ---- */
int bide__local_poll_attach(bide_pool *p);
void bide__local_poll_detach(bide_pool *p);

/* ---- orders.c: what the program says to a worker; nothing waits ---- */
void bide__proxy_order(struct proxy *x, uint16_t kind, uint64_t id, uint64_t fn, uint64_t more, int code);
void bide__proxy_flush_orders(struct proxy *x); /* those that found no room */
void bide__proxy_flush(struct proxy *x);        /* publish, ring */
void bide__proxy_stop(struct proxy *x);         /* when its jobs are done */
void bide__proxy_kill(struct proxy *x);
void bide__proxy_send_kill(struct proxy *x);
int bide__proxy_reject(struct proxy *x); /* it wrote what cannot be: it is killed.  -EBADMSG */

/* ---- birth.c ---- */
int bide__proxy_got_process(struct proxy *x, pid_t pid, int pidfd); /* pidfd -1: not opened yet */
bool bide__proxy_adopt(struct proxy *x); /* it was born, though the zygote has not said so */
void bide__proxy_limit_its_end(struct proxy *x); /* if it has not exited grace_ms after its "bye", it is killed */
void bide__proxy_deadline_passed(struct timer *t);
void bide__proxy_ctl_readable(struct ready *r);

/* ---- proxy.c: one worker, seen from outside ---- */
struct proxy *bide__proxy_new(bide_pool *p, int index);   /* without a process; NULL: an error on record */
struct proxy *bide__proxy_start(bide_pool *p, int index); /* likewise */
void bide__proxy_free(struct proxy *x);

/* ---- table.c: the jobs that a pool has ---- */
int bide__table_add(struct job *j); /* 0, or BIDE_ENOMEM on record */
void bide__table_remove(struct job *j);
struct job *bide__job_by_id(bide_pool *p, uint64_t id);
static inline bool bide__table_is_full(const bide_pool *p)
{
    return p->pending >= p->args.max_pending || p->pending_bytes >= p->args.max_pending_bytes;
}
/* If there is room, wake one that waits for it: it looks again, and passes the rest on. */
static inline void bide__table_pass_room(bide_pool *p)
{
    if (unlikely(!bide__list_is_empty(&p->room)) && !bide__table_is_full(p))
        bide__wake_one(p->loop, &p->room);
}

/* ---- assigned.c: the jobs that it has ---- */
static inline unsigned bide__proxy_load(const struct proxy *x)
{
    return x->nsent + x->nbegun;
}
static inline bool bide__proxy_is_used_up(const struct proxy *x)
{
    return x->given >= bide__local(x->pool)->most_given;
}
void bide__proxy_assign(struct proxy *x, struct job *j);
void bide__proxy_unassign(struct job *j); /* from the worker that has it, if any */
void bide__proxy_note_begun(struct proxy *x);
struct job *bide__proxy_begun_job(struct proxy *x, uint64_t id); /* NULL: it has not begun it */
static inline struct job *bide__proxy_job(struct proxy *x, uint64_t id) /* NULL: it has it not */
{
    struct job *j = bide__job_by_id(x->pool, id);

    return j && j->proxy == x ? j : NULL;
}

/* ---- events.c, results.c: what came from it ---- */
void bide__proxy_drain(struct proxy *x);
void bide__proxy_refuse(struct proxy *x); /* read what it says, without a thought; wishes are refused */
int bide__proxy_on_result(struct proxy *x, const struct record *r, const char *payload);
/* Weight of a new sample: an eighth. */
static inline void bide__ewma_add(int64_t *ewma, int64_t sample)
{
    if (sample < 1)
        sample = 1;
    *ewma = *ewma == 0 ? sample : *ewma + (sample - *ewma) / 8;
}

/* ---- cause.c: why it ended ---- */
struct death {
    struct proxy *x;
    struct job *culprit; /* the job that is responsible; NULL: not known */
    int signal, exit_code;
    bool unknown, core, oom, lost_thread;
    char how[160]; /* "was killed by signal 11 (Segmentation fault)" */
};

void bide__death_find_cause(struct death *d);
struct job *bide__death_culprit(struct proxy *x); /* NULL: not known */

/* ---- death.c: both free it ---- */
void bide__proxy_died(struct proxy *x);
void bide__proxy_not_born(struct proxy *x);
void bide__pool_fail(bide_pool *p, int code, const char *format, ...) BIDE_PRINTF(3, 4);

/* ---- report.c ---- */
void bide__pool_event(bide_pool *p, const bide_pool_event *e);
extern _Thread_local unsigned bide__pool_callbacks; /* how deep we are in on_event and on_progress, of any pool */

/* ---- dispatch.c: the queue ---- */
void bide__pool_enqueue(bide_pool *p, struct job *j, bool first);
void bide__pool_dispatch(bide_pool *p);
bool bide__pool_could_dispatch(bide_pool *p); /* queued jobs, and a worker that has asked for more */
struct list_node *bide__pool_queue_of(bide_pool *p, const struct job *j);

/* ---- argument.c: what a job is given ---- */
/* shared: other jobs get the same argument */
int bide__job_take_argument(struct job *j, const bide_pool_call_args *args, bool shared);
/* There is a job: a buffer is no longer the caller's. */
static inline void bide__job_keep_argument(struct job *j)
{
    if (j->in_block && j->in_block->owner == BLOCK_USERS)
        j->in_block->owner = BLOCK_SUBMITTED;
}
void bide__job_leave_buffer(struct job *j);  /* there is none: it is the caller's still */
void bide__job_free_argument(struct job *j);
void bide__close_fds_slow(int *fds, int *n);
static inline void bide__close_fds(int *fds, int *n)
{
    if (unlikely(*n > 0))
        bide__close_fds_slow(fds, n);
}

/* ---- deadline.c ---- */
void bide__job_expire(struct timer *t);

/* ---- job.c: a future with a call in it ---- */
/* shared: other jobs get the same argument */
struct job *bide__job_new(bide_pool *p, const bide_pool_call_args *args, bool shared);
struct job *bide__job_of(bide_future *f);
void bide__job_succeed(struct job *j, int result);
void bide__job_fail(struct job *j, int code, const char *text); /* settles; not yet over */
void bide__job_over(struct job *j); /* it will not come back: forget it */
void bide__pool_fail_queued(bide_pool *p, const char *why); /* those that no worker has */
void bide__pool_fail_jobs(bide_pool *p); /* all: the pool was closed */
void bide__job_count_cancelled(struct job *j); /* by the user */
/* Makes j->failure, for more to be said there; NULL: no memory.  pid: of its worker, or 0. */
bide_pool_failure *bide__job_explain(struct job *j, int code, int pid, const char *trace);
/* The bytes of the result, copied into the job.  0, or BIDE_ENOMEM. */
int bide__job_keep_reply(struct job *j, const char *data, size_t len);
/* A struct result of a job that succeeds: to where its caller wants it.  Else the job has failed, and that is returned. */
int bide__job_fill_out(struct job *j, const char *data, size_t len);
static inline bool bide__job_is_settled(const struct job *j)
{
    return j->future.state != PENDING;
}

/* ---- check.c: 0, or an error on record that begins with the function's name ---- */
/* We are the child of a fork. */
static inline bool bide__pool_is_parents(const bide_pool *p)
{
    return bide__was_forked(p->generation);
}
int bide__pool_check_reader(const bide_pool *p, const char *function); /* for who only looks, also when no loop runs */
int bide__pool_check_owner(const bide_pool *p, const char *function);  /* in its loop */
int bide__pool_check_slow(const bide_pool *p, const char *function);
/* In its loop, and it is open. */
static inline int bide__pool_check(const bide_pool *p, const char *function)
{
    bool good = p && p->loop == bide__loop_here && p->state < POOL_CLOSING && !bide__pool_is_parents(p);

    return likely(good) ? 0 : bide__pool_check_slow(p, function);
}
int bide__job_check_reader(const bide_future *f, const char *function);
/* The same for functions that return nothing: false, and a sentence on standard error. */
bool bide__pool_allows_slow(const bide_pool *p, const char *function);
static inline bool bide__pool_allows(const bide_pool *p, const char *function)
{
    return likely(p && p->loop == bide__loop_here && !bide__pool_is_parents(p)) || bide__pool_allows_slow(p, function);
}
bool bide__job_allows(const bide_future *f, const char *function);
int bide__job_check_spec_slow(const bide_job *job);
static inline int bide__job_check_spec(const bide_job *job)
{
    return likely(job->fn && job->in && (unsigned)job->shape <= BIDE_JOB_BYTES) ? 0 : bide__job_check_spec_slow(job);
}
int bide__check_count(const char *function, const char *name, size_t n);
int bide__check_time(const char *function, const char *name, int64_t ms, bool may_be_forever);

/* ---- submit.c ---- */
struct job *bide__pool_submit(bide_pool *p, const bide_pool_call_args *args, int slot); /* slot -1: any */

/* ---- open.c, upkeep.c, close.c, stats.c ---- */
static inline bool bide__is_time(int64_t ms)
{
    return ms >= 0 && ms <= INT64_MAX / 1000000; /* in nanoseconds it must be a number still */
}
#define WORKERS_MAX 1024
int bide__pool_take_options(bide_pool_args *to, const bide_pool_args *from); /* checked, the defaults filled in */
bide_pool *bide__pool_new(void); /* without options and workers; NULL: an error on record */
/* ---- slots.c ---- */
int bide__pool_add_slots(bide_pool *p, int n); /* so that there are n */
void bide__pool_fill_slots(bide_pool *p);
void bide__pool_retry_later(bide_pool *p);
int bide__pool_start_worker(bide_pool *p, int index);
void bide__slot_take_over(struct proxy *x); /* it is ready */
void bide__pool_recycle(struct proxy *x, const char *why);
void bide__pool_adjust(bide_pool *p); /* after jobs were handed out: more workers, or others */

/* ---- resize.c; both suspend ---- */
int bide__pool_start_missing(bide_pool *p);
int bide__pool_wait_ready(bide_pool *p);
int bide__pool_resize(bide_pool *p, int workers);

void bide__pool_upkeep_arm(bide_pool *p);
void bide__pool_upkeep(struct timer *t);
void bide__pool_retry(struct timer *t);
void bide__pool_release(void *object);
void bide__pool_leave(struct ready *r);
void bide__pool_destroy(void *object);
int bide__stats_open(bide_pool *p);
void bide__stats_publish(bide_pool *p);
void bide__stats_close(bide_pool *p);

#endif
