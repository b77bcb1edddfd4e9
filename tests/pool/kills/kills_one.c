/* SPDX-License-Identifier: MIT */
/*
 * kills_one.c - one job of the load: what sort it is, what the program does to it, and what may become of it.
 *
 * That is known from how it was submitted: a job that nobody cancelled is not cancelled, one without a deadline is not late,
 * one that is not idempotent runs once at most, and a result is right to the last byte.
 */
#include <signal.h>
#include <sys/mman.h>

#include "kills.h"

/* ---- a job, and what is expected of it ---- */

/* A number for one more job, which may run so often. */
uint32_t kills_number(struct load *load, int most_runs)
{
    uint32_t n = load->next_number++;
    if (n >= NUMBERS)
        FAIL("more than %u jobs", NUMBERS);
    load->most_runs[n] = (uint8_t)most_runs;
    return n;
}

int kills_runs(uint32_t n)
{
    return kills_ledger ? kills_ledger->runs[n] : 1;
}

static void heard_of_progress(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    struct ticket *t = arg;
    struct order o;

    (void)f;
    if (part.len == 0) { /* a new attempt begins at 1 again */
        if (total != (uint64_t)t->order.parts || (done != (uint64_t)t->parts + 1 && !(done == 1 && t->idempotent)))
            FAIL("job %u: %llu of %llu after %d", t->order.number, (unsigned long long)done, (unsigned long long)total, t->parts);
        t->parts = (int)done;
        return;
    }
    memcpy(&o, part.data, sizeof o);
    if (part.len != sizeof o || o.number != t->order.number || o.parts != t->parts)
        FAIL("job %u: a part of job %u, %d in place of %d", t->order.number, o.number, o.parts, t->parts);
}

static bide_pool_call_args call_of(const struct ticket *t, struct chance *c)
{
    return (bide_pool_call_args){.size = sizeof(bide_pool_call_args), .idempotent = t->idempotent, .key = kills_chance(c, 3) == 0 ? 1 + kills_chance(c, 5) : 0,
                                 .timeout_ms = t->has_deadline ? 1 + (int)kills_chance(c, 6) : 0};
}

static bide_bytes bytes_for(struct ticket *t, char *to)
{
    memcpy(to, &t->order.number, sizeof t->order.number);
    for (size_t i = sizeof t->order.number; i < t->len; i++)
        to[i] = byte_of(t->order.number, i);
    return (bide_bytes){to, t->len};
}

static bide_future *submit_bytes(struct ticket *t, bide_pool_call_args call)
{
    char *to = t->sort == IN_PLACE ? bide_pool_buffer(t->load->pool, t->len) : malloc(t->len);
    if (!to)
        FAIL("%zu bytes: %s", t->len, bide_error_text());

    if (t->sort == IN_PLACE)
        call.job = bide_job_bytes(kills_in_place, bytes_for(t, to));
    else
        call.job = bide_job_bytes(kills_bytes, bytes_for(t, to));
    bide_future *f = bide_pool_submit_with(t->load->pool, &call);
    if (t->sort != IN_PLACE)
        free(to);
    return f;
}

static bide_future *submit_fd(struct ticket *t, bide_pool_call_args call)
{
    int fd = memfd_create("kills", MFD_CLOEXEC);
    if (fd < 0 || pwrite(fd, &t->order.number, sizeof t->order.number, 0) != sizeof t->order.number)
        FAIL("memfd_create: %s", strerror(errno));

    call.job = bide_job(kills_fds, &t->order);
    call.fds = &fd;
    call.nfds = 1;
    bide_future *f = bide_pool_submit_with(t->load->pool, &call);
    close(fd);
    return f;
}

static bide_job job_of(struct ticket *t)
{
    switch (t->sort) {
    case SLEEPER:
        return bide_job(kills_sleeper, &t->order);
    case TYPED:
        return bide_job(kills_typed, &t->order, &t->reply);
    case TALKER:
        return bide_job(kills_talker, &t->order);
    case STUBBORN:
        return bide_job(kills_stubborn, &t->order);
    case SUICIDE:
        return bide_job(kills_suicide, &t->order);
    default:
        return bide_job(kills_plain, &t->order);
    }
}

static enum sort choose_sort(struct chance *c)
{
    uint32_t n = kills_chance(c, 100);

    return n < 3 ? SUICIDE : n < 4 ? STUBBORN : (enum sort)kills_chance(c, STUBBORN);
}

void kills_choose(struct ticket *t, struct load *load, struct chance *c)
{
    const int ends[] = {SIGSEGV, SIGABRT, -SUICIDE_STATUS, -SUICIDE_STATUS};
    uint32_t fate = kills_chance(c, 12);

    *t = (struct ticket){.load = load, .sort = choose_sort(c), .idempotent = kills_chance(c, 2)};
    t->fate = fate < 8 ? IS_AWAITED : (enum fate)(fate - 8 + 1);
    if (t->fate == IS_DETACHED && t->sort == TALKER)
        t->fate = IS_AWAITED; /* the task that receives its parts must be there */
    t->has_deadline = t->sort == STUBBORN || (t->sort == SLEEPER && kills_chance(c, 4) == 0);
    t->len = 4 + (kills_chance(c, 2) ? kills_chance(c, 200) : kills_chance(c, 150000));
    t->order = (struct order){.number = kills_number(load, t->idempotent ? 1 + RETRIES : 1), .ms = (int)kills_chance(c, 3),
                              .parts = 1 + (int)kills_chance(c, 12)};
    if (t->sort == STUBBORN)
        t->order.ms = 2000;
    t->order.how = t->sort == SUICIDE ? ends[kills_chance(c, BIDE_SANITIZED ? 1 : 4)] : t->has_deadline;
    if (t->sort == SUICIDE && BIDE_SANITIZED)
        t->order.how = -SUICIDE_STATUS;
}

void kills_submit(struct ticket *t, struct chance *c)
{
    bide_pool_call_args call = call_of(t, c);

    if (t->sort == BYTES || t->sort == IN_PLACE) {
        t->future = submit_bytes(t, call);
    } else if (t->sort == WITH_FDS) {
        t->future = submit_fd(t, call);
    } else {
        call.job = job_of(t);
        call.on_progress = t->sort == TALKER ? heard_of_progress : NULL;
        call.arg = t;
        t->future = bide_pool_submit_with(t->load->pool, &call);
    }
    if (!t->future)
        FAIL("job %u: submit: %s", t->order.number, bide_error_text());
}

/* ---- what came of it ---- */

static void check_fd(struct ticket *t)
{
    uint32_t back = 0;
    int fd = bide_pool_take_fd(t->future, 0);

    if (fd < 0 || pread(fd, &back, sizeof back, 0) != sizeof back || back != t->order.number + 1)
        FAIL("job %u: descriptor %d, in it %u", t->order.number, fd, back);
    close(fd);
}

static void check_bytes(struct ticket *t)
{
    bide_bytes b = bide_pool_result(t->future);
    const char *data = b.data;
    uint32_t base = t->order.number + (t->sort == BYTES);

    if (b.len != t->len)
        FAIL("job %u: %zu bytes came back, not %zu", t->order.number, b.len, t->len);
    for (size_t i = t->sort == BYTES ? 0 : sizeof base; i < b.len; i++)
        if (data[i] != byte_of(base, i))
            FAIL("job %u: byte %zu of %zu is %d, not %d", t->order.number, i, b.len, data[i], byte_of(base, i));
}

static void check_reply(const struct ticket *t)
{
    const struct reply *r = &t->reply;
    bool same = true;

    for (size_t i = 0; i < sizeof r->same; i++)
        same = same && r->same[i] == (char)(t->order.number & 0x7f);
    if (r->number != t->order.number || r->value != value_of(r->number) || !same || r->attempt < 1 ||
        r->attempt > (t->idempotent ? 1 + RETRIES : 1))
        FAIL("job %u: the reply of job %u, attempt %d", t->order.number, r->number, r->attempt);
}

static void check_result(struct ticket *t, int code)
{
    if (t->sort == SUICIDE)
        FAIL("job %u has survived its death: %d", t->order.number, code);
    if (code != value_of(t->order.number))
        FAIL("job %u: its result is %d, not %d", t->order.number, code, value_of(t->order.number));
    if (kills_runs(t->order.number) < 1)
        FAIL("job %u has a result, and never ran", t->order.number);
    if (t->sort == BYTES || t->sort == IN_PLACE)
        check_bytes(t);
    else if (t->sort == TYPED)
        check_reply(t);
    else if (t->sort == WITH_FDS)
        check_fd(t);
    else if (t->sort == TALKER && t->parts != t->order.parts)
        FAIL("job %u: %d of %d parts came", t->order.number, t->parts, t->order.parts);
}

/* How did its worker die, and whose fault is it said to be? */
static void check_death(const struct ticket *t, int code, const bide_pool_failure *why, const char *text)
{
    uint32_t n = t->order.number;
    int most = t->idempotent ? 1 + RETRIES : 1;

    if (!why || why->code != code || why->pid <= 0)
        FAIL("job %u: no record of %s", n, text);
    if (why->status_unknown || (why->signal > 0) == (why->exit_code >= 0))
        FAIL("job %u: signal %d, status %d: %s", n, why->signal, why->exit_code, text);
    if (strstr(text, "nonsense") || (kills_ledger && !kills_ledger->may_die[(uint32_t)why->pid % PIDS]))
        FAIL("job %u: nobody has killed worker %d: %s", n, why->pid, text);
    if (why->attempt > most || (why->attempt < most && !t->has_deadline)) /* who is late already is not tried again */
        FAIL("job %u: given up at attempt %d: %s", n, why->attempt, text);
    if (code == BIDE_EWORKER && why->culprit)
        FAIL("job %u: it killed its worker, and yet was lost to %s: %s", n, why->culprit, text);
    if (why->culprit && strncmp(why->culprit, "kills_", 6) != 0)
        FAIL("job %u: the culprit is %s", n, why->culprit);
    if (why->exit_code == SUICIDE_STATUS && strcmp(code == BIDE_EWORKER ? why->job : why->culprit ? why->culprit : "", "kills_suicide") != 0)
        FAIL("job %u: only kills_suicide exits like that: %s", n, text);
}

void kills_count_code(struct load *load, int code)
{
    load->settled++;
    load->done += code >= 0;
    load->culprits += code == BIDE_EWORKER;
    load->lost += code == BIDE_EWORKERLOST;
    load->late += code == BIDE_ETIMEDOUT;
    load->cancelled += code == BIDE_ECANCELED;
}

void kills_check(struct ticket *t, int code)
{
    bool was_cancelled = t->fate == IS_CANCELLED || t->fate == IS_CANCELLED_LATER;

    kills_count_code(t->load, code);
    if (code >= 0)
        check_result(t, code);
    else if (code == BIDE_EWORKER || code == BIDE_EWORKERLOST)
        check_death(t, code, bide_pool_failure_of(t->future), bide_error_text());
    else if (!(code == BIDE_ETIMEDOUT && t->has_deadline) && !(code == BIDE_ECANCELED && was_cancelled))
        FAIL("job %u, of sort %d, ended with %d: %s", t->order.number, t->sort, code, bide_error_text());
    bide_error_clear();
}

/* ---- what is done to it ---- */

/* If no worker has it, none will. */
void kills_cancel(struct ticket *t)
{
    struct job *j = bide__job_of(t->future);
    bool queued = !j->proxy && !bide__job_is_settled(j);

    if (bide_future_cancel(t->future) && queued)
        t->load->most_runs[t->order.number] = (uint8_t)kills_runs(t->order.number);
}

void kills_treat(struct ticket *t)
{
    if (t->fate == IS_CANCELLED)
        kills_cancel(t);
    if (t->fate == IS_DETACHED)
        bide_pool_detach(t->future);
    if (t->fate == IS_DROPPED)
        bide_release(t->future);
    if (t->fate == IS_DETACHED || t->fate == IS_DROPPED)
        t->future = NULL;
}
