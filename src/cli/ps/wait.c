/* SPDX-License-Identifier: MIT */
/*
 * wait.c - one task in words: its name, its state, what it waits for.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/ps/ps.h"

#define TASKS_SHOWN 4
#define NS_PER_MS   1000000

void task_add_name(const struct picture *p, const struct seen_task *t, struct text *to)
{
    const char *name = picture_text(p, t->name);

    if (*name && strncmp(name, "Task-", 5) != 0)
        text_format(to, "%s (#%" PRIu64 ")", name, t->id);
    else
        text_format(to, "Task-%" PRIu64, t->id);
}

const char *task_state(const struct seen_task *t)
{
    static const char *const states[] = {
        [SEEN_NEW] = "new", [SEEN_READY] = "ready", [SEEN_WAITING] = "waiting", [SEEN_RUNNING] = "running"};

    return states[t->state];
}

static int64_t now_ms(const struct target *target, const struct seen_task *t)
{
    const struct seen_loop *loop = &target->picture.loops[t->loop];

    return (loop->is_virtual || target->pid == 0 ? (int64_t)loop->now_ns : target->now_ns) / NS_PER_MS;
}

int64_t task_ms_until(const struct target *target, const struct seen_task *t, int64_t due_ms)
{
    int64_t now = now_ms(target, t);

    return due_ms > now ? (int64_t)((uint64_t)due_ms - (uint64_t)now) : 0;
}

int64_t task_age_ms(const struct target *target, const struct seen_task *t)
{
    const struct seen_loop *loop = &target->picture.loops[t->loop];
    int64_t now = loop->is_virtual || target->pid == 0 ? (int64_t)loop->now_ns : target->now_ns;

    return t->made_ns > 0 && t->made_ns <= now ? (now - t->made_ns) / NS_PER_MS : -1;
}

/* "2.00 s"; in days if it would overflow in microseconds. */
static void add_time(struct text *to, int64_t ms)
{
    if (ms < INT64_C(1000) * 1000 * 1000)
        text_add_time(to, ms * 1000);
    else
        text_format(to, "%" PRId64 " days", ms / 86400000);
}

/* "task one (#2)", or "5 tasks: #2, #3, #4, #5, ..." */
static void add_tasks(const struct picture *p, const struct seen_task *t, struct text *to)
{
    if (t->n == 1 && t->total <= 1) {
        text_add_string(to, "task ");
        task_add_name(p, &p->tasks[p->edges[t->first]], to);
        return;
    }
    text_format(to, "%s%u task%s", t->waits == WAITS_NEXT ? "the next of " : "", t->n, t->n == 1 ? "" : "s");
    for (uint32_t i = 0; i < t->n && i < TASKS_SHOWN; i++)
        text_format(to, "%s#%" PRIu64, i == 0 ? ": " : ", ", p->tasks[p->edges[t->first + i]].id);
    if (t->n > TASKS_SHOWN)
        text_add_string(to, ", ...");
    if (t->total > t->n)
        text_format(to, "; %u more, or ended", t->total - t->n);
}

static void add_future(const struct picture *p, const struct seen_task *t, struct text *to)
{
    const char *type = picture_text(p, t->text), *label = picture_text(p, t->label);

    if (strcmp(type, "job") == 0)
        text_add_string(to, "a job in a worker");
    else
        text_format(to, "a %s", *type ? type : "future");
    if (*label)
        text_format(to, ": %s", label);
}

static void add_operation(struct target *target, const struct seen_task *t, struct text *to)
{
    const struct picture *p = &target->picture;
    uint32_t holder = picture_find_id(p, t->holder);

    text_add_string(to, picture_text(p, t->text));
    if (t->fd >= 0) {
        text_format(to, " fd %d", t->fd);
        peers_add(&target->peers, target->pid, t->fd, to);
    }
    if (t->is_choice)
        text_add_string(to, ", or another of a bide_select");
    if (t->holder == 0)
        return;
    text_add_string(to, ", held by ");
    if (holder != UINT32_MAX)
        task_add_name(p, &p->tasks[holder], to);
    else
        text_format(to, "Task-%" PRIu64 ", which has ended", t->holder);
}

static void add_descriptor(struct target *target, const struct seen_task *t, struct text *to)
{
    text_format(to, "%s fd %d", t->waits == WAITS_READ ? "to read" : t->waits == WAITS_WRITE ? "to write" : "to read or write", t->fd);
    peers_add(&target->peers, target->pid, t->fd, to);
}

static void add_what(struct target *target, const struct seen_task *t, struct text *to)
{
    const struct picture *p = &target->picture;
    const char *text = picture_text(p, t->text);

    switch ((enum seen_wait)t->waits) {
    case WAITS_UNKNOWN:
        text_add_string(to, !t->is_unread ? "something without a name" : target->pid > 0 ? "(its stack cannot be read)" : "(its stack is not in the core file)");
        break;
    case WAITS_FUTURE: add_future(p, t, to); break;
    case WAITS_TASKS:
    case WAITS_NEXT: add_tasks(p, t, to); break;
    case WAITS_CHOICE:
        text_format(to, "%s%s", t->total > 1 ? "one of " : "", text);
        if (t->due_ms == 0)
            break;
        text_add_string(to, "; ");
        add_time(to, task_ms_until(target, t, t->due_ms));
        text_add_string(to, " left");
        break;
    case WAITS_OPERATION: add_operation(target, t, to); break;
    case WAITS_NAMED: text_add_string(to, *text ? text : "something without a name"); break;
    case WAITS_READ:
    case WAITS_WRITE:
    case WAITS_EITHER: add_descriptor(target, t, to); break;
    case WAITS_TIME:
        text_add_string(to, "a timer, ");
        add_time(to, task_ms_until(target, t, t->due_ms));
        text_add_string(to, " left");
        break;
    case WAITS_THREAD: text_format(to, "a call in a thread%s%s", *text ? ": " : "", text); break;
    }
}

const char *task_doing_of(struct target *target, const struct seen_task *t, char *room, size_t size)
{
    const char *of = picture_text(&target->picture, t->doing_of);

    if (t->doing_code == 0)
        return secrets_shown_url(of, room, size);
    target_open_stacks(target);
    return target->stacks.dwfl ? stacks_name(&target->stacks, t->doing_code) : "";
}

static void add_doing(struct target *target, const struct seen_task *t, struct text *to)
{
    char room[PICTURE_TEXT_MAX * 2];
    const char *of = task_doing_of(target, t, room, sizeof room);

    text_format(to, "%s%s%s", picture_text(&target->picture, t->doing), *of ? " " : "", of);
}

void task_add_wait(struct target *target, const struct seen_task *t, struct text *to)
{
    if (t->doing)
        add_doing(target, t, to);
    if (t->state != SEEN_WAITING)
        return;
    if (t->doing)
        text_add_string(to, ": ");
    if (t->moved) {
        text_add_string(to, "(changed while it was read)");
        return;
    }
    add_what(target, t, to);
    if (t->limit_ms != 0) {
        text_add_string(to, "; timeout in ");
        add_time(to, task_ms_until(target, t, t->limit_ms));
    }
    if (t->is_cancelled)
        text_add_string(to, "; cancelled");
}
