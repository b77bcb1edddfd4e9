/* SPDX-License-Identifier: MIT */
/*
 * script.c - the steps of a scripted peer: what they wait for, their times, what they send.
 *
 * Invariant: a step uses up what the program has sent in the order it was sent.  `pending` holds what no step has used yet, and
 * while a step waits for bytes it uses all that can be used, so the window is full only while none is waited for.
 */
#include <stdio.h>
#include <string.h>

#include "io/testing/script.h"

#define RECEIVED_MAX ((size_t)1 << 20)
#define SHOWN_MAX 32
#define NO_DESCRIPTOR (1 << 20) /* open, as far as struct fd is concerned, and none of this process */

static void fire(struct timer *t)
{
    struct script *s = container_of(t, struct script, timer);

    s->has_waited = true;
    bide__script_go_on(s);
}

struct script *bide__script_new(bide_test_peer *peer)
{
    struct script *s = bide__calloc(1, sizeof *s);
    if (!s) {
        bide__fail_nomem("a scripted peer");
        return NULL;
    }
    s->peer = bide_retain(peer);
    s->filter.ops = &bide__script_ops;
    s->ends = (struct fd){.fd = NO_DESCRIPTOR, .writable = true, .loop = bide_retain(peer->loop)};
    bide__list_init(&s->ends.readers);
    bide__list_init(&s->ends.writers);
    bide__timer_init(&s->timer, fire);
    bide__buf_init(&s->pending, peer->window);
    bide__buf_init(&s->received, RECEIVED_MAX + 1);
    bide__buf_init(&s->to_program, SIZE_MAX / 4);
    bide__list_append(&peer->scripts, &s->node);
    peer->nscripts++;
    return s;
}

void bide__script_free(struct script *s)
{
    bide__list_remove(&s->node);
    bide__buf_free(&s->pending);
    bide__buf_free(&s->received);
    bide__buf_free(&s->to_program);
    bide__free(s);
}

/* ---- what comes from the program ---- */

/* The first bytes of it as C would write them. */
static void show(char out[80], const char *data, size_t len)
{
    bide__escaped(out, data, len < SHOWN_MAX ? len : SHOWN_MAX);
}

static void break_off(struct script *s, const char *want, size_t want_len, const char *got, size_t len)
{
    char wanted[80], came[80];
    show(wanted, want, want_len);
    show(came, got, len);

    snprintf(s->failure, sizeof s->failure, "step %zu: expected %s%s%s, but \"%s\" came", s->at + 1, want_len ? "\"" : "",
             want_len ? wanted : "the end", want_len ? "\"" : "", came);
    s->error = -ECONNRESET;
}

/* Use up what matches; true: all of it has come. */
static bool use_expected(struct script *s, const bide_bytes *want)
{
    const char *rest = (const char *)want->data + s->matched;
    size_t have = bide__buf_len(&s->pending), left = want->len - s->matched, n = have < left ? have : left;

    if (n > 0 && memcmp(bide__buf_head(&s->pending), rest, n) != 0) {
        break_off(s, rest, left, bide__buf_head(&s->pending), have);
        return false;
    }
    bide__buf_consume(&s->pending, n);
    s->matched += n;
    return s->matched == want->len;
}

/* Use up all in which the text cannot begin; true: it was there. */
static bool use_until(struct script *s, const char *text)
{
    size_t len = strlen(text), have = bide__buf_len(&s->pending);
    const char *head = bide__buf_head(&s->pending), *at = have >= len ? memmem(head, have, text, len) : NULL;

    if (at)
        bide__buf_consume(&s->pending, (size_t)(at - head) + len);
    else if (have >= len)
        bide__buf_consume(&s->pending, have - len + 1);
    return at != NULL;
}

/* True: the program has said that it sends no more. */
static bool use_end(struct script *s)
{
    size_t have = bide__buf_len(&s->pending);

    if (have > 0)
        break_off(s, "", 0, bide__buf_head(&s->pending), have);
    return have == 0 && s->is_shut;
}

static bool has_come(struct script *s, const bide_test_step *step)
{
    if (step->expect_data.len > 0)
        return use_expected(s, &step->expect_data);
    if (step->expect_end)
        return use_end(s);
    return !step->until || use_until(s, step->until);
}

/* ---- what it does ---- */

/* True: the time of this step is over. */
static bool has_waited(struct script *s, const bide_test_step *step)
{
    bool is_open = bide__fd_is_open(&s->ends);

    if (step->after_ms > 0 && !s->has_waited && is_open && !bide__timer_is_armed(&s->timer))
        bide__timer_arm(s->ends.loop, &s->timer, step->after_ms);
    return step->after_ms <= 0 || s->has_waited;
}

static void act(struct script *s, const bide_test_step *step)
{
    struct error_mark mark;
    bide__error_mark(&mark);

    if (step->send_data.len > 0 && bide__buf_append(&s->to_program, step->send_data.data, step->send_data.len) < 0)
        s->error = BIDE_ENOMEM;
    bide__error_restore(&mark);
    if (step->error)
        s->error = step->error;
    s->ended |= step->end;
}

void bide__script_go_on(struct script *s)
{
    while (!bide__script_is_over(s)) {
        const bide_test_step *step = &s->peer->steps[s->at];
        if (!s->has_come && !(s->has_come = has_come(s, step)))
            break;
        if (!has_waited(s, step))
            break;
        act(s, step);
        s->at++;
        s->matched = 0;
        s->has_come = s->has_waited = false;
    }
    bide__script_wake(s);
}

/* Bytes beyond RECEIVED_MAX are taken, but not kept.  A script that is over keeps one byte, for bide_test_peer_check to report. */
size_t bide__script_take(struct script *s, const char *data, size_t len)
{
    size_t room = s->peer->window - bide__buf_len(&s->pending), kept = RECEIVED_MAX - bide__buf_len(&s->received);
    size_t n = len < room ? len : room;
    if (bide__script_is_over(s))
        n = len;
    if (n == 0)
        return 0;

    if (bide__buf_append(&s->received, data, n < kept ? n : kept) < 0)
        return 0;
    if (!bide__script_is_over(s))
        return bide__buf_append(&s->pending, data, n) < 0 ? 0 : n;
    if (bide__buf_len(&s->pending) == 0 && bide__buf_append(&s->pending, data, 1) < 0)
        return 0;
    return n;
}
