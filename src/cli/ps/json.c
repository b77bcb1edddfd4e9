/* SPDX-License-Identifier: MIT */
/*
 * json.c - what was seen as JSON: {"v": 1, "processes": [{"pid", "tasks": [{"id", "state", "waits", ...}]}]}
 */
#include <inttypes.h>

#include "cli/ps/ps.h"
#include "cli/save/jsonl.h"

static const char *kind_of(const struct seen_task *t)
{
    static const char *const kinds[] = {
        [WAITS_UNKNOWN] = "unknown", [WAITS_FUTURE] = "future", [WAITS_TASKS] = "tasks", [WAITS_NEXT] = "next",
        [WAITS_CHOICE] = "choice", [WAITS_OPERATION] = "operation", [WAITS_NAMED] = "named", [WAITS_READ] = "read", [WAITS_WRITE] = "write",
        [WAITS_EITHER] = "read-or-write", [WAITS_TIME] = "timer", [WAITS_THREAD] = "thread"};

    return t->state != SEEN_WAITING || t->moved ? NULL : kinds[t->waits];
}

static void add_seconds(struct text *to, const char *name, int64_t ms)
{
    if (ms >= 0)
        text_format(to, ",\"%s\":%.3f", name, (double)ms / 1000);
}

static void add_ids(const struct picture *p, const struct seen_task *t, struct text *to)
{
    text_add_string(to, ",\"awaits\":[");
    for (uint32_t i = 0; i < t->n; i++)
        text_format(to, "%s%" PRIu64, i > 0 ? "," : "", p->tasks[p->edges[t->first + i]].id);
    text_add_char(to, ']');
}

static void add_stack(struct target *target, uint32_t kind, struct text *to)
{
    const struct stack_kind *k = &target->stacks.kinds[kind];

    text_add_string(to, ",\"stack\":[");
    for (uint32_t i = 0; i < k->n; i++) {
        text_add_string(to, i > 0 ? "," : "");
        jsonl_add_text(to, stacks_name(&target->stacks, k->frames[i]));
    }
    text_add_char(to, ']');
}

/* "doing": "GET", "of": "https://a.example/" */
static void add_doing(struct target *target, const struct seen_task *t, struct text *to)
{
    char room[PICTURE_TEXT_MAX * 2];
    if (!t->doing)
        return;
    const char *of = task_doing_of(target, t, room, sizeof room);

    jsonl_add_member(to, "doing", picture_text(&target->picture, t->doing));
    if (*of)
        jsonl_add_member(to, "of", of);
}

/* "fd": 7, "peer": "tcp 127.0.0.1:80" */
static void add_descriptor(struct target *target, const struct seen_task *t, struct text *scratch, struct text *to)
{
    text_format(to, ",\"fd\":%d", t->fd);
    text_clear(scratch);
    peers_add(&target->peers, target->pid, t->fd, scratch);
    if (scratch->len <= 3)
        return;
    scratch->data[scratch->len - 1] = '\0'; /* of " (tcp 127.0.0.1:80)" */
    jsonl_add_member(to, "peer", scratch->data + 2);
}

static void add_task(struct target *target, size_t index, bool with_stacks, struct text *scratch, struct text *to)
{
    const struct picture *p = &target->picture;
    const struct seen_task *t = &p->tasks[index];

    text_format(to, "{\"id\":%" PRIu64, t->id);
    text_clear(scratch);
    task_add_name(p, t, scratch);
    jsonl_add_member(to, "name", text_string(scratch));
    jsonl_add_member(to, "function", t->function ? picture_text(p, t->function) : NULL);
    text_format(to, ",\"loop\":%" PRIu64, p->loops[t->loop].id);
    jsonl_add_member(to, "state", task_state(t));
    add_seconds(to, "age", task_age_ms(target, t));
    jsonl_add_member(to, "waits", kind_of(t));
    text_clear(scratch);
    task_add_wait(target, t, scratch);
    jsonl_add_member(to, "text", scratch->len > 0 ? text_string(scratch) : NULL);
    add_doing(target, t, to);
    if (t->state == SEEN_WAITING && t->fd >= 0)
        add_descriptor(target, t, scratch, to);
    if (t->waits == WAITS_TIME || (t->waits == WAITS_CHOICE && t->due_ms != 0))
        add_seconds(to, "left", task_ms_until(target, t, t->due_ms));
    if (t->limit_ms)
        add_seconds(to, "timeout", task_ms_until(target, t, t->limit_ms));
    if (t->holder)
        text_format(to, ",\"holder\":%" PRIu64, t->holder);
    add_ids(p, t, to);
    if (with_stacks && target->stacks.of[index] != NO_STACK)
        add_stack(target, target->stacks.of[index], to);
    text_add_char(to, '}');
}

static void add_target(struct target *t, const struct targets *ts, bool with_stacks, struct text *to)
{
    const struct picture *p = &t->picture;
    struct text scratch = {0};

    text_format(to, "{\"pid\":%d", t->pid);
    jsonl_add_member(to, "name", t->name);
    jsonl_add_member(to, "release", p->layout.release);
    if (t->parent >= 0)
        text_format(to, ",\"worker_of\":%d", ts->all[t->parent]->pid);
    text_format(to, ",\"complete\":%s,\"loops\":%zu,\"tasks\":[", p->is_cut ? "false" : "true", p->nloops);
    for (size_t i = 0; i < p->ntasks; i++) {
        text_add_string(to, i > 0 ? ",\n" : "\n");
        add_task(t, i, with_stacks, &scratch, to);
    }
    text_add_string(to, "]}");
    to->no_memory |= scratch.no_memory;
    text_free(&scratch);
}

void show_json(const struct targets *ts, bool with_stacks, struct text *to)
{
    text_add_string(to, "{\"v\":1,\"processes\":[");
    for (size_t i = 0; i < ts->n; i++) {
        text_add_string(to, i > 0 ? ",\n" : "");
        add_target(ts->all[i], ts, with_stacks, to);
    }
    text_add_string(to, "]}\n");
}
