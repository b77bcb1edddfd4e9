/* SPDX-License-Identifier: MIT */
/* kills_jobs.c - the jobs of the kill tests, as they run in the workers. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "kills.h"

struct ledger *kills_ledger;

void kills_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && ftruncate(fd, sizeof(struct ledger)) == 0;
    void *p = ok ? mmap(NULL, sizeof(struct ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

    if (fd >= 0)
        close(fd);
    kills_ledger = p == MAP_FAILED ? NULL : p;
}

int kills_init(const char *path)
{
    struct rlimit no_core = {0, 0};

    setrlimit(RLIMIT_CORE, &no_core);
    if (!kills_ledger)
        kills_map(path);
    if (!kills_ledger)
        return bide_fail(-errno, "the ledger: %s", strerror(errno));
    kills_ledger->workers[bide_worker_index() % INDEXES] = getpid();
    return 0;
}

static void count(uint32_t number)
{
    if (kills_ledger)
        kills_ledger->runs[number % NUMBERS]++;
}

/* From now on nobody is surprised when this worker dies. */
static void may_die(void)
{
    if (kills_ledger)
        kills_ledger->may_die[(uint32_t)getpid() % PIDS] = 1;
}

int kills_plain(const struct order *o)
{
    count(o->number);
    return value_of(o->number);
}

int kills_sleeper(const struct order *o)
{
    count(o->number);
    if (o->how)
        may_die(); /* it has a deadline: should the machine stand still for long, the worker goes with it */
    BIDE_TRY(bide_sleep_ms(o->ms));
    BIDE_TRY(bide_sleep_ms(o->ms));
    return value_of(o->number);
}

int kills_typed(const struct order *o, struct reply *r)
{
    count(o->number);
    *r = (struct reply){.number = o->number, .attempt = bide_worker_attempt(), .value = value_of(o->number)};
    memset(r->same, (int)(o->number & 0x7f), sizeof r->same);
    if (o->ms)
        BIDE_TRY(bide_sleep_ms(o->ms));
    return value_of(o->number);
}

static int first_word(bide_bytes in, uint32_t *number)
{
    if (in.len < sizeof *number)
        return bide_fail(-EBADMSG, "%zu bytes", in.len);
    memcpy(number, in.data, sizeof *number);
    count(*number);
    for (size_t i = sizeof *number; i < in.len; i++)
        if (((const char *)in.data)[i] != byte_of(*number, i))
            return bide_fail(-EBADMSG, "job %u: byte %zu of its argument is another", *number, i);
    return value_of(*number);
}

int kills_bytes(bide_bytes in)
{
    uint32_t number;
    int value = first_word(in, &number);
    BIDE_TRY(value);
    char *to = bide_worker_reserve(in.len);
    if (!to)
        return bide_raise();

    for (size_t i = 0; i < in.len; i++)
        to[i] = byte_of(number + 1, i);
    return value;
}

int kills_in_place(bide_bytes in)
{
    uint32_t number;
    int value = first_word(in, &number);
    BIDE_TRY(value);

    BIDE_TRY(bide_worker_reply(in.data, in.len));
    return value;
}

int kills_fds(const struct order *o)
{
    uint32_t there = 0, back = o->number + 1;
    count(o->number);
    if (pread(bide_worker_fd(0), &there, sizeof there, 0) != sizeof there || there != o->number)
        return bide_fail(-EBADMSG, "job %u: its descriptor is that of %u", o->number, there);
    int fd = memfd_create("kills", MFD_CLOEXEC);
    if (fd < 0 || pwrite(fd, &back, sizeof back, 0) != sizeof back)
        return bide_fail(-errno, "memfd_create");
    int code = bide_worker_reply_fd(fd);
    close(fd);
    return code < 0 ? code : value_of(o->number);
}

int kills_talker(const struct order *o)
{
    count(o->number);
    for (int i = 1; i <= o->parts; i++) {
        struct order part = {.number = o->number, .parts = i};
        BIDE_TRY(bide_worker_progress((uint64_t)i, (uint64_t)o->parts));
        BIDE_TRY(bide_worker_emit(&part, sizeof part));
        if (i % 4 == 0)
            BIDE_TRY(bide_sleep_ms(0));
    }
    return value_of(o->number);
}

int kills_stubborn(const struct order *o)
{
    count(o->number);
    may_die();
    job_block(&o->ms);
    return value_of(o->number);
}

int kills_suicide(const struct order *o)
{
    count(o->number);
    may_die();
    if (o->ms)
        BIDE_TRY(bide_sleep_ms(o->ms));
    return job_die(&o->how);
}

BIDE_POOL_TASK(kills_init);
BIDE_POOL_TASK(kills_plain);
BIDE_POOL_TASK(kills_sleeper);
BIDE_POOL_TASK(kills_typed);
BIDE_POOL_TASK(kills_bytes);
BIDE_POOL_TASK(kills_in_place);
BIDE_POOL_TASK(kills_fds);
BIDE_POOL_TASK(kills_talker);
BIDE_POOL_TASK(kills_stubborn);
BIDE_POOL_TASK(kills_suicide);
