/* SPDX-License-Identifier: MIT */
/*
 * spin.c - look a little longer before sleeping, as long as that has been worth it lately.
 *
 * To wake a sleeping processor takes 30 us on a virtual machine, ten times what a small job takes.  So a side that
 * waits for the other first looks for a while, if there is a processor to spare: the waiter, and the workers that have
 * jobs, are no more than the processors that this program may use.
 *
 * How long is learned from what happens.  After a look in vain it is half as long.  After a sleep so short that looking
 * would have saved it, also with the other side's own waking in it, it is as long as possible again; but each such
 * trial that fails doubles the number of short sleeps before the next.  And a thread that is preempted while looking
 * learns that others want the processor: then nobody looks for a while that is long beside the time lost.
 */
#include "pool/shm/shm.h"

#define LOOK_MAX_NS 50000
#define LOOK_MIN_NS 500
#define SHORT_SLEEP_NS 100000
#define LOOKS_PER_CLOCK 16
#define PREEMPTED_NS 100000 /* between two readings of the clock that are less than 2 us apart */
#define REST 64             /* times what was lost */
#define MAX_SKIPS 1023

void bide__spin_init(struct spin *s)
{
    *s = (struct spin){.ns = LOOK_MAX_NS};
}

static bool found(struct spin *s)
{
    s->ns = LOOK_MAX_NS;
    s->skips /= 2;
    return true;
}

static void in_vain(struct spin *s)
{
    if (s->ns == LOOK_MAX_NS) {
        s->skips = s->skips < MAX_SKIPS ? 2 * s->skips + 1 : MAX_SKIPS;
        s->skips_left = s->skips;
    }
    s->ns = s->ns / 2 > LOOK_MIN_NS ? s->ns / 2 : LOOK_MIN_NS;
}

bool bide__spin(struct spin *s, bool (*there_is)(void *arg), void *arg, int64_t limit_ns)
{
    int64_t start = bide__clock_ns(), last = start, ns = limit_ns >= 0 && limit_ns < s->ns ? limit_ns : s->ns;
    if (start < s->rest_until_ns)
        return false;

    do {
        for (int i = 0; i < LOOKS_PER_CLOCK; i++) {
            if (there_is(arg))
                return found(s);
            bide__pause();
        }
        int64_t now = bide__clock_ns();
        if (now - last > PREEMPTED_NS)
            s->rest_until_ns = now + REST * (now - last);
        last = now;
    } while (last >= s->rest_until_ns && last - start <= ns);
    if (ns == s->ns) /* else it was the next timer's turn, and says nothing */
        in_vain(s);
    return false;
}

void bide__spin_slept(struct spin *s, int64_t ns)
{
    if (ns < SHORT_SLEEP_NS && s->skips_left == 0)
        s->ns = LOOK_MAX_NS;
    else if (ns < SHORT_SLEEP_NS)
        s->skips_left--;
}
