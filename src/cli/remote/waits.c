/* SPDX-License-Identifier: MIT */
/*
 * waits.c - the function of each task of a picture, and what it waits for.
 *
 * Both are on its stack.  The stacks of many tasks are read at once, and then the tasks once more: one that has changed ran meanwhile, and
 * what was read of it is dropped.
 */
#include "cli/remote/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE    256
#define WAIT_BYTES 256 /* read at once of a wait, and of what follows it in its frame */
#define DOING_MAX  8   /* nested operations (struct doing) */
#define SCOPES_MAX 64  /* nested bide_timeout and bide_scope blocks */
#define STACK_MOST (UINT64_C(1) << 30) /* bytes of a stack */

/* What was read of one task. */
struct look {
    char *top, *task; /* struct task_top and struct stack; struct bide_task, once more */
    char wait[WAIT_BYTES];
    uint32_t wait_len;
    bool has_top, has_task;
};

/* ---- reading ---- */

/* A number, from the bytes read around the wait if it is there, else from memory. */
static bool get(const struct seen_task *t, const struct look *k, struct memory *m, uint64_t at, size_t size, uint64_t *out)
{
    *out = 0;
    if (size <= 8 && at >= t->wait && at - t->wait < k->wait_len && k->wait_len - (at - t->wait) >= size) {
        memcpy(out, k->wait + (at - t->wait), size); /* little-endian */
        return true;
    }
    return at != 0 && memory_number(m, at, size, out);
}

static uint64_t field(const struct picture *p, const struct seen_task *t, const struct look *k, struct memory *m, uint64_t object,
                      enum layout_member i)
{
    uint64_t value = 0;

    if (object != 0 && layout_has(&p->layout, i))
        get(t, k, m, object + p->layout.members[i].offset, p->layout.members[i].size > 8 ? 8 : p->layout.members[i].size, &value);
    return value;
}

static void add_edge(struct picture *p, struct seen_task *t, uint64_t future)
{
    uint32_t index = picture_find(p, future);
    if (index == UINT32_MAX || t->n == PICTURE_EDGES_MAX)
        return;
    if (p->nedges == p->edges_cap) {
        size_t cap = p->edges_cap ? p->edges_cap * 2 : 1024;
        uint32_t *edges = cap < UINT32_MAX ? realloc(p->edges, cap * sizeof *edges) : NULL;
        if (!edges) {
            p->no_memory = true;
            return;
        }
        p->edges = edges;
        p->edges_cap = cap;
    }
    if (t->n == 0)
        t->first = (uint32_t)p->nedges;
    p->edges[p->nedges++] = index;
    t->n++;
}

/* ---- what it waits for ---- */

static void take_future(struct picture *p, struct seen_task *t, struct memory *m, uint64_t future)
{
    const struct layout *l = &p->layout;
    uint64_t type = layout_fetch(l, m, future, M_FUTURE_TYPE), label_at = layout_fetch(l, m, type, M_TYPE_LABEL_AT), label = 0;

    t->waits = WAITS_FUTURE;
    t->total = 1;
    add_edge(p, t, future);
    if (t->n > 0) {
        t->waits = WAITS_TASKS;
        return;
    }
    t->text = picture_keep_at(p, m, layout_fetch(l, m, type, M_TYPE_NAME));
    if (label_at != 0 && memory_number(m, future + label_at, 8, &label))
        t->label = picture_keep_at(p, m, label);
}

/* An array of structs, each with a pointer to a future.  Tasks that have ended are not in the picture. */
static void take_array(struct picture *p, struct seen_task *t, struct memory *m, uint64_t array, uint64_t n, uint32_t stride, uint32_t at)
{
    t->total = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    for (uint64_t i = 0; stride != 0 && i < n && i < PICTURE_EDGES_MAX * 4 && t->n < PICTURE_EDGES_MAX; i++) {
        uint64_t future;
        if (!memory_number(m, array + i * stride + at, 8, &future))
            break;
        add_edge(p, t, future);
    }
}

static void take_group(struct picture *p, struct seen_task *t, const struct look *k, struct memory *m, uint64_t group)
{
    const struct layout *l = &p->layout;
    uint64_t n = field(p, t, k, m, group, M_GROUP_STARTED);

    t->waits = WAITS_TASKS;
    take_array(p, t, m, field(p, t, k, m, group, M_GROUP_WATCHES), n, l->members[M_WATCH].size, l->members[M_WATCH_FUTURE].offset);
}

static void take_completed(struct picture *p, struct seen_task *t, const struct look *k, struct memory *m)
{
    const struct layout *l = &p->layout;
    uint64_t list = field(p, t, k, m, t->wait, M_NEXT_LIST), n = layout_fetch(l, m, list, M_LIST_N);

    t->waits = WAITS_NEXT;
    take_array(p, t, m, list + l->members[M_LIST_ALL].offset, n, l->members[M_ENDED].size, l->members[M_ENDED_FUTURE].offset);
}

static void take_members(struct picture *p, struct seen_task *t, struct memory *m, uint64_t head)
{
    uint64_t node = 0;

    t->waits = WAITS_TASKS;
    memory_number(m, head, 8, &node);
    for (unsigned i = 0; node != 0 && node != head && i < PICTURE_EDGES_MAX * 4; i++, t->total++) {
        add_edge(p, t, layout_fetch(&p->layout, m, node, M_MEMBER_FUTURE));
        if (!memory_number(m, node, 8, &node))
            break;
    }
}

static bool is_kind(const struct picture *p, uint64_t kind, enum layout_member i)
{
    return layout_has(&p->layout, i) && p->layout.members[i].offset == kind;
}

/* Times of a clock; 0: none. */
static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static bool operation_fd(const struct picture *p, struct memory *m, uint64_t operation, uint64_t *fd)
{
    const struct layout *l = &p->layout;
    uint64_t at = layout_fetch(l, m, layout_fetch(l, m, operation, M_OPERATION_OPS), M_OPS_FD_AT);
    uint64_t object = layout_fetch(l, m, operation, M_OPERATION_OBJECT);

    return at != 0 && memory_number(m, (object ? object : operation) + at, 4, fd) && *fd <= INT32_MAX;
}

/* One that ends by itself. */
static void take_end(const struct picture *p, struct seen_task *t, const struct look *k, struct memory *m, uint64_t timer)
{
    t->limit_ms = earlier(t->limit_ms, (int64_t)field(p, t, k, m, timer, M_TIMER_WHEN));
}

/* ---- a choice ---- */

#define CHOICES_SHOWN 4
#define CHOICES_MAX   256

/* "bide_queue_get", "bide_fd_wait fd 7", "task #9", "a future", "a timer": one alternative. */
static void name_alternative(struct picture *p, struct seen_task *t, struct memory *m, uint64_t at, char *out, size_t size)
{
    const struct layout *l = &p->layout;
    uint64_t what = layout_fetch(l, m, at, M_ALTERNATIVE_WHAT), kind = layout_fetch(l, m, what, M_AWAITABLE_KIND), fd;
    uint64_t future = layout_fetch(l, m, at, M_ALTERNATIVE_FUTURE), operation = what + l->members[M_AWAITABLE_OPERATION].offset;
    uint32_t task = picture_find(p, future);

    if (what != 0 && is_kind(p, kind, M_IS_OPERATION)) {
        int n = snprintf(out, size, "%s", picture_text(p, picture_keep_at(p, m, layout_fetch(l, m, layout_fetch(l, m, operation, M_OPERATION_OPS), M_OPS_NAME))));
        if (operation_fd(p, m, operation, &fd) && (size_t)n < size)
            snprintf(out + n, size - (size_t)n, " fd %d", (int)fd);
    } else if (what != 0 && is_kind(p, kind, M_IS_SLEEP)) {
        t->due_ms = earlier(t->due_ms, (int64_t)layout_fetch(l, m, at + l->members[M_ALTERNATIVE_TIMER].offset, M_TIMER_WHEN));
        snprintf(out, size, "a timer");
    } else if (task != UINT32_MAX) {
        add_edge(p, t, future);
        snprintf(out, size, "task #%" PRIu64, p->tasks[task].id);
    } else {
        snprintf(out, size, "a future");
    }
}

/* "bide_queue_get, task #9 and 3 more" */
static void take_choice(struct picture *p, struct seen_task *t, const struct look *k, struct memory *m)
{
    const struct layout *l = &p->layout;
    uint64_t all = field(p, t, k, m, t->wait, M_CHOICE_ALL), n = field(p, t, k, m, t->wait, M_CHOICE_N);
    char text[PICTURE_TEXT_MAX] = "", one[PICTURE_TEXT_MAX];
    size_t len = 0;

    t->waits = WAITS_CHOICE;
    t->total = n < UINT16_MAX ? (uint32_t)n : UINT16_MAX;
    for (uint32_t i = 0; i < t->total && i < CHOICES_MAX; i++) {
        name_alternative(p, t, m, all + (uint64_t)i * l->members[M_ALTERNATIVE].size, one, sizeof one);
        if (i < CHOICES_SHOWN && len < sizeof text)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? ", " : "", one);
    }
    if (t->total > CHOICES_SHOWN && len < sizeof text)
        snprintf(text + len, sizeof text - len, " and %u more", t->total - CHOICES_SHOWN);
    t->text = picture_keep(p, text);
}

static void take_operation(struct picture *p, struct seen_task *t, const struct look *k, struct memory *m)
{
    const struct layout *l = &p->layout;
    uint64_t operation = field(p, t, k, m, t->wait, M_CHOICE_OPERATION), ops = layout_fetch(l, m, operation, M_OPERATION_OPS);
    uint64_t at = layout_fetch(l, m, ops, M_OPS_HOLDER_AT), object = layout_fetch(l, m, operation, M_OPERATION_OBJECT);
    uint64_t fd;

    t->waits = WAITS_OPERATION;
    t->is_choice = field(p, t, k, m, t->wait, M_CHOICE_IS_CHOICE) != 0;
    if (t->is_choice && layout_has(l, M_CHOICE_ALL) && layout_has(l, M_ALTERNATIVE)) {
        take_choice(p, t, k, m);
        return;
    }
    t->text = picture_keep_at(p, m, layout_fetch(l, m, ops, M_OPS_NAME));
    if (operation_fd(p, m, operation, &fd))
        t->fd = (int)fd;
    if (at != 0 && object != 0)
        memory_number(m, object + at, 8, &t->holder);
    uint32_t index = t->holder ? picture_find_id(p, t->holder) : UINT32_MAX;
    if (index != UINT32_MAX && !t->is_choice)
        add_edge(p, t, p->tasks[index].address);
}

static void take_kind(struct picture *p, struct seen_task *t, const struct look *k, struct memory *m, uint64_t kind, uint64_t on)
{
    uint64_t number = 0;

    if (is_kind(p, kind, M_KIND_READ) || is_kind(p, kind, M_KIND_WRITE) || is_kind(p, kind, M_KIND_EITHER)) {
        t->waits = is_kind(p, kind, M_KIND_READ) ? WAITS_READ : is_kind(p, kind, M_KIND_WRITE) ? WAITS_WRITE : WAITS_EITHER;
        t->fd = get(t, k, m, on, 4, &number) && number <= INT32_MAX ? (int)number : -1;
    } else if (is_kind(p, kind, M_KIND_TIME)) {
        t->waits = WAITS_TIME;
        t->due_ms = (int64_t)field(p, t, k, m, on, M_TIMER_WHEN);
    } else if (is_kind(p, kind, M_KIND_NAMED) || is_kind(p, kind, M_KIND_THREAD)) {
        t->waits = is_kind(p, kind, M_KIND_NAMED) ? WAITS_NAMED : WAITS_THREAD;
        t->text = picture_keep_at(p, m, on);
    } else if (is_kind(p, kind, M_KIND_MEMBERS)) {
        take_members(p, t, m, on);
    } else if (is_kind(p, kind, M_KIND_COMPLETED) || is_kind(p, kind, M_KIND_COMPLETED_FOR)) {
        take_completed(p, t, k, m);
    } else if ((is_kind(p, kind, M_KIND_GROUP) || is_kind(p, kind, M_KIND_GROUP_FOR)) && layout_has(&p->layout, M_GROUP_WAIT)) {
        take_group(p, t, k, m, t->wait - p->layout.members[M_GROUP_WAIT].offset);
    } else if (is_kind(p, kind, M_KIND_OPERATION)) {
        take_operation(p, t, k, m);
    }
    if (is_kind(p, kind, M_KIND_COMPLETED_FOR) || is_kind(p, kind, M_KIND_GROUP_FOR))
        take_end(p, t, k, m, on);
}

static void take_wait(struct picture *p, struct seen_task *t, const struct look *k, struct memory *m)
{
    uint64_t awaits = field(p, t, k, m, t->wait, M_WAIT_AWAITS), group = field(p, t, k, m, t->wait, M_WAIT_GROUP);

    if (awaits != 0)
        take_future(p, t, m, awaits);
    else if (group != 0)
        take_group(p, t, k, m, group);
    else
        take_kind(p, t, k, m, field(p, t, k, m, t->wait, M_WAIT_KIND), field(p, t, k, m, t->wait, M_WAIT_ON));
}

/* One that has no stack waits for a future, or for its own timer. */
static void take_stackless(struct picture *p, struct seen_task *t, const struct look *k, struct memory *m)
{
    uint64_t awaited = layout_take(&p->layout, k->task, M_TASK_AWAITED);

    if (awaited != 0) {
        take_future(p, t, m, awaited);
    } else {
        t->waits = WAITS_TIME;
        t->due_ms = (int64_t)layout_fetch(&p->layout, m, t->address + p->layout.members[M_TASK_TIMER].offset, M_TIMER_WHEN);
    }
}

/* ---- the task ---- */

/* The timeout that expires first, of the blocks around it. */
static void take_limit(const struct picture *p, struct seen_task *t, const struct look *k, struct memory *m)
{
    uint64_t scope = layout_take(&p->layout, k->task, M_TASK_SCOPES);

    for (int i = 0; scope != 0 && i < SCOPES_MAX; i++) {
        int64_t when = (int64_t)field(p, t, k, m, scope, M_SCOPE_WHEN);
        uint64_t armed = field(p, t, k, m, scope, M_SCOPE_ARMED);
        bool is_armed = armed != 0 && armed != scope; /* an idle node points to itself; the timer begins the scope */
        if (is_armed && (t->limit_ms == 0 || when < t->limit_ms))
            t->limit_ms = when;
        scope = field(p, t, k, m, scope, M_SCOPE_OUTER);
    }
}

static void take_doing(struct picture *p, struct seen_task *t, const struct look *k, struct memory *m, uint64_t doing)
{
    for (int i = 0; doing != 0 && i < DOING_MAX && t->doing == 0; i++) {
        t->doing = picture_keep_at(p, m, field(p, t, k, m, doing, M_DOING_WHAT));
        t->doing_of = t->doing ? picture_keep_at(p, m, field(p, t, k, m, doing, M_DOING_OF)) : 0;
        t->doing_code = t->doing && !t->doing_of ? field(p, t, k, m, doing, M_DOING_CODE) : 0;
        doing = field(p, t, k, m, doing, M_DOING_OUTER);
    }
}

static void take_top(struct picture *p, struct seen_task *t, const struct look *k, struct memory *m)
{
    const struct layout *l = &p->layout;
    const char *record = k->top + l->members[M_TOP].size;
    uint64_t low = layout_take(l, record, M_STACK_LOW);

    t->function = picture_keep_at(p, m, layout_take(l, k->top, M_TOP_FUNCTION));
    if (layout_has(l, M_TOP_MADE) && (t->made_ns == 0 || p->loops[t->loop].is_virtual)) /* else it is known exactly */
        t->made_ns = (int64_t)layout_take(l, k->top, M_TOP_MADE);
    if (low < t->stack && t->stack - low < STACK_MOST) {
        t->low = low;
        t->top = t->stack - l->members[M_TOP].size;
    }
    if (t->state != SEEN_NEW)
        take_doing(p, t, k, m, layout_take(l, k->top, M_TOP_DOING));
}

static bool is_same(const struct picture *p, const struct seen_task *t, const struct look *k)
{
    const struct layout *l = &p->layout;

    return k->has_task && layout_take(l, k->task, M_TASK_ID) == t->id && layout_take(l, k->task, M_TASK_STATE) == 0 &&
           (t->is_stackless || (layout_take(l, k->task, M_TASK_WAIT) == t->wait && layout_take(l, k->task, M_TASK_SP) == t->sp));
}

static void take(struct picture *p, struct seen_task *t, struct look *k, struct memory *m)
{
    if (k->has_top)
        take_top(p, t, k, m);
    t->is_unread = t->top == 0 && !t->is_stackless;
    t->moved = t->state != SEEN_RUNNING && !is_same(p, t, k);
    if (t->moved || t->state != SEEN_WAITING)
        return;

    if (t->is_stackless) { /* it has no blocks: something else lies there */
        take_stackless(p, t, k, m);
        return;
    }
    take_limit(p, t, k, m);
    if (t->wait >= t->low && t->wait < t->top && k->wait_len > 0)
        take_wait(p, t, k, m);
}

/* ---- many ---- */

/* Two pieces for each: the top of its stack, with the record above it, and its wait.  Then the tasks. */
static void look(struct picture *p, struct memory *m, struct look *looks, size_t first, size_t n)
{
    const struct layout *l = &p->layout;
    struct piece pieces[AT_ONCE * 2];
    uint32_t top = l->members[M_TOP].size;

    for (size_t i = 0; i < n; i++) {
        const struct seen_task *t = &p->tasks[first + i];
        bool has_stack = !t->is_stackless && t->stack > top && top != 0 && layout_has(l, M_STACK);
        uint64_t room = has_stack && t->wait < t->stack ? t->stack - t->wait : 0;
        looks[i].wait_len = t->wait != 0 && room < STACK_MOST ? (uint32_t)(room < WAIT_BYTES ? room : WAIT_BYTES) : 0;
        pieces[2 * i] = (struct piece){.at = t->stack - top, .to = looks[i].top, .len = has_stack ? top + l->members[M_STACK].size : 0};
        pieces[2 * i + 1] = (struct piece){.at = t->wait, .to = looks[i].wait, .len = looks[i].wait_len};
    }
    m->read(m, pieces, 2 * n);
    for (size_t i = 0; i < n; i++) {
        looks[i].has_top = pieces[2 * i].came && pieces[2 * i].len > 0;
        looks[i].wait_len = pieces[2 * i + 1].came ? looks[i].wait_len : 0;
        pieces[i] = (struct piece){.at = p->tasks[first + i].address, .to = looks[i].task, .len = l->members[M_TASK].size};
    }
    m->read(m, pieces, n);
    for (size_t i = 0; i < n; i++)
        looks[i].has_task = pieces[i].came;
}

void picture_waits(struct picture *p, struct memory *m)
{
    size_t top = p->layout.members[M_TOP].size + p->layout.members[M_STACK].size, each = top + p->layout.members[M_TASK].size;
    struct look *looks = calloc(AT_ONCE, sizeof *looks);
    char *room = calloc(AT_ONCE, each);
    p->no_memory = !looks || !room;

    for (size_t i = 0; i < AT_ONCE && !p->no_memory; i++) {
        looks[i].top = room + i * each;
        looks[i].task = looks[i].top + top;
    }
    for (size_t first = 0; first < p->ntasks && !p->no_memory; first += AT_ONCE) {
        size_t n = p->ntasks - first < AT_ONCE ? p->ntasks - first : AT_ONCE;
        look(p, m, looks, first, n);
        for (size_t i = 0; i < n; i++)
            take(p, &p->tasks[first + i], &looks[i], m);
    }
    free(looks);
    free(room);
}
