/* SPDX-License-Identifier: MIT */
/*
 * export.c - the records of a timeline as events of the Chrome trace format.
 *
 *     a step, a call in a thread    "X", on the row of its thread
 *     a task, a request, a job      "b" and "e", in a row of its own; what a task waits for is another one inside
 *     who woke whom                 an arrow, "s" and "f"
 *
 * The oldest records may have been overwritten, and a recording may stop at any time: a span whose begin is missing begins with its track,
 * one without an end ends with the file ("unfinished").  So each begin event has an end event.
 */
#include <bide/error.h>
#include <sys/mman.h>

#include "inspect/timeline/export.h"

#define DEPTH_MAX 64 /* of slices in slices */

struct slice {
    uint64_t begin_ns, id;
    uint16_t function, name;
};

struct exporter {
    struct json json;
    struct timeline_source *source;
    struct track_copy track;
    struct rows rows;
    struct slice open[DEPTH_MAX];
    unsigned depth, too_deep;
    uint64_t first_ns, flows, overwritten;
    bool has_event;
};

static const struct {
    const char *category, *word, *value;
} spans[] = {
    [SPAN_TASK] = {"task", "Task-", "result"},
    [SPAN_REQUEST] = {"request", "request ", "status"},
    [SPAN_EXCHANGE] = {"exchange", "exchange ", "status"},
    [SPAN_JOB] = {"job", "job ", "result"},
};

/* ---- parts of an event ---- */

static unsigned kind_of(const uint64_t *slot)
{
    return slot[0] & 0xff;
}

static unsigned aux_of(const uint64_t *slot)
{
    return slot[0] >> 8 & 0xff;
}

static uint16_t name_of(const uint64_t *slot)
{
    return (uint16_t)(slot[0] >> 16);
}

static void put_name(struct exporter *e, uint16_t number)
{
    const struct timeline_source *s = e->source;
    uint32_t at = number > 0 && number <= s->nnames ? atomic_load_explicit(&s->at[number], memory_order_relaxed) : UINT32_MAX;

    if (at >= s->names_len)
        return;
    size_t most = s->names_len - at < TIMELINE_NAME_SHOWN ? s->names_len - at : TIMELINE_NAME_SHOWN;
    bide__json_bytes(&e->json, s->names + at, strnlen(s->names + at, most));
}

static void put_text(struct exporter *e, const struct row *r)
{
    char text[SLOT_TEXT * TEXT_SLOTS_MAX];
    size_t len = 0;

    for (size_t i = r->text - 1; i < e->track.n && len < (size_t)r->texts * SLOT_TEXT; i++, len += SLOT_TEXT) {
        if (kind_of(e->track.slots + i * SLOT_WORDS) != TL_TEXT)
            break;
        memcpy(text + len, e->track.slots + i * SLOT_WORDS + 1, SLOT_TEXT);
    }
    bide__json_bytes(&e->json, text, strnlen(text, len));
}

/* "Task-12 (fetch)", "crawler (#12)", "GET http://a.example/". */
static void put_row_name(struct exporter *e, const struct row *r)
{
    enum timeline_span span = (enum timeline_span)(r->span - 1);

    if (r->text)
        put_text(e, r);
    else if (r->name)
        put_name(e, r->name);
    else
        bide__json_raw(&e->json, spans[span].word);
    if (r->text || r->name) {
        if (span != SPAN_TASK)
            return;
        bide__json_raw(&e->json, " (#");
        bide__json_uint(&e->json, r->id);
        bide__json_raw(&e->json, ")");
        return;
    }
    bide__json_uint(&e->json, span == SPAN_TASK ? r->id : r->id & UINT32_MAX);
    if (r->function) {
        bide__json_raw(&e->json, " (");
        put_name(e, r->function);
        bide__json_raw(&e->json, ")");
    }
}

static void begin_event(struct exporter *e, const char *phase, const char *category, int32_t thread, uint64_t ns)
{
    struct json *j = &e->json;

    bide__json_raw(j, e->has_event ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
    e->has_event = true;
    bide__json_raw(j, phase);
    bide__json_raw(j, "\",\"cat\":\"");
    bide__json_raw(j, category);
    bide__json_raw(j, "\",\"pid\":");
    bide__json_int(j, e->source->process);
    bide__json_raw(j, ",\"tid\":");
    bide__json_int(j, thread);
    bide__json_raw(j, ",\"ts\":");
    bide__json_us(j, ns);
    bide__json_raw(j, ",\"name\":\"");
}

/* After the name. */
static void put_span_id(struct exporter *e, const struct row *r)
{
    bide__json_raw(&e->json, "\",\"id2\":{\"local\":\"0x");
    bide__json_hex(&e->json, r->id);
    bide__json_raw(&e->json, "\"}");
}

/* ---- spans ---- */

static void begin_span(struct exporter *e, struct row *r, uint64_t ns)
{
    struct json *j = &e->json;
    enum timeline_span span = (enum timeline_span)(r->span - 1);

    r->is_open = true;
    r->is_parked = false;
    begin_event(e, "b", spans[span].category, e->track.thread, ns);
    put_row_name(e, r);
    put_span_id(e, r);
    bide__json_raw(j, ",\"args\":{");
    if (span == SPAN_TASK && r->function) {
        bide__json_raw(j, "\"function\":\"");
        put_name(e, r->function);
        bide__json_raw(j, r->value ? "\"," : "\"");
    }
    if (span == SPAN_TASK && r->value) {
        bide__json_raw(j, "\"created by task\":");
        bide__json_uint(j, r->value);
    }
    bide__json_raw(j, "}}");
}

static void put_result(struct exporter *e, const struct row *r, int64_t value)
{
    struct json *j = &e->json;
    enum timeline_span span = (enum timeline_span)(r->span - 1);

    bide__json_raw(j, ",\"args\":{\"");
    bide__json_raw(j, value < 0 ? "error" : spans[span].value);
    bide__json_raw(j, "\":");
    if (value < 0) {
        bide__json_raw(j, "\"");
        bide__json_raw(j, bide_strerror(value < INT32_MIN ? INT32_MIN : (int)value));
        bide__json_raw(j, "\"}}");
    } else {
        bide__json_int(j, value);
        bide__json_raw(j, "}}");
    }
}

static void end_wait(struct exporter *e, struct row *r, uint64_t ns);

/* value: NULL: it is unfinished when the file ends. */
static void end_span(struct exporter *e, struct row *r, uint64_t ns, const int64_t *value)
{
    end_wait(e, r, ns);
    r->is_open = false;
    begin_event(e, "e", spans[r->span - 1].category, e->track.thread, ns);
    put_row_name(e, r);
    put_span_id(e, r);
    if (value)
        put_result(e, r, *value);
    else
        bide__json_raw(&e->json, ",\"args\":{\"unfinished\":true}}");
}

/* One without a begin was there before the first record. */
static struct row *open_row(struct exporter *e, enum timeline_span span, uint64_t id, uint16_t function, uint16_t name)
{
    struct row *r = bide__row(&e->rows, span, id);
    if (!r || r->is_open)
        return r;

    *r = (struct row){.id = id, .span = (uint8_t)(span + 1), .function = function, .name = name,
                      .waker = r->waker, .waker_ns = r->waker_ns};
    begin_span(e, r, e->first_ns);
    return r;
}

/* ---- what a task waits for ---- */

static void put_wait_name(struct exporter *e, const struct row *r)
{
    static const char *const words[] = {
        [WAITS_OTHERWISE] = "waits",         [WAITS_READY] = "ready",          [WAITS_ENDED] = "",
        [WAITS_TASK] = "awaits Task-",       [WAITS_FUTURE] = "awaits a future", [WAITS_SEVERAL] = "awaits several",
        [WAITS_OPERATION] = "",              [WAITS_TIME] = "sleeps",          [WAITS_READABLE] = "reads fd ",
        [WAITS_WRITABLE] = "writes fd ",     [WAITS_EITHER] = "waits for fd ", [WAITS_THREAD] = "in a thread: ",
        [WAITS_NAMED] = "waits for ",
    };

    bide__json_raw(&e->json, words[r->wait]);
    if (r->wait == WAITS_TASK || (r->wait >= WAITS_READABLE && r->wait <= WAITS_EITHER))
        bide__json_uint(&e->json, r->value);
    else if (r->awaited)
        put_name(e, r->awaited);
}

static void begin_wait(struct exporter *e, struct row *r, const uint64_t *slot)
{
    r->wait = aux_of(slot) < TIMELINE_WAITS ? (uint8_t)aux_of(slot) : WAITS_OTHERWISE;
    r->value = slot[3];
    r->awaited = name_of(slot);
    r->is_parked = true;
    begin_event(e, "b", "task", e->track.thread, slot[1]);
    put_wait_name(e, r);
    put_span_id(e, r);
    bide__json_raw(&e->json, "}");
}

static void end_wait(struct exporter *e, struct row *r, uint64_t ns)
{
    if (!r->is_parked)
        return;
    r->is_parked = false;
    begin_event(e, "e", "task", e->track.thread, ns);
    put_wait_name(e, r);
    put_span_id(e, r);
    bide__json_raw(&e->json, "}");
}

/* ---- arrows ---- */

static void put_flow(struct exporter *e, const char *phase, int32_t thread, uint64_t ns)
{
    begin_event(e, phase, "wake", thread, ns);
    bide__json_raw(&e->json, "wakes\",\"id\":\"0x");
    bide__json_hex(&e->json, (uint64_t)(uint32_t)e->source->process << 32 | (e->flows & UINT32_MAX));
    bide__json_raw(&e->json, "\",\"bp\":\"e\"}");
}

static void put_arrow(struct exporter *e, int32_t from, uint64_t from_ns, uint64_t to_ns)
{
    e->flows++;
    put_flow(e, "s", from, from_ns);
    put_flow(e, "f", e->track.thread, to_ns);
}

/* ---- slices ---- */

static void begin_slice(struct exporter *e, const uint64_t *slot)
{
    if (e->depth == DEPTH_MAX)
        e->too_deep++;
    else
        e->open[e->depth++] = (struct slice){slot[1], slot[2], name_of(slot), (uint16_t)(slot[0] >> 32)};
}

/*
 * A nanosecond shorter than it was, and one more for each around it: readers add "ts" and "dur" as floating-point numbers, and take a slice
 * that ends where the next one begins, or the one around it ends, for one that overlaps (speedscope leaves it open to the end).
 */
static uint64_t shown_duration(const struct exporter *e, const struct slice *s, uint64_t ns)
{
    uint64_t taken = ns > s->begin_ns ? ns - s->begin_ns : 0, less = 1 + (uint64_t)e->depth;

    return taken > less ? taken - less : 0;
}

/* Returns: false: there was no begin. */
static bool end_slice(struct exporter *e, uint64_t ns, const char *category, bool is_unfinished)
{
    struct json *j = &e->json;
    if (e->too_deep > 0) {
        e->too_deep--;
        return true;
    }
    if (e->depth == 0)
        return false;

    const struct slice *s = &e->open[--e->depth];
    begin_event(e, "X", category, e->track.thread, s->begin_ns);
    if (s->name)
        put_name(e, s->name);
    else if (s->function)
        put_name(e, s->function);
    else
        bide__json_raw(j, "a callback");
    bide__json_raw(j, "\",\"dur\":");
    bide__json_us(j, shown_duration(e, s, ns));
    if (s->id) {
        bide__json_raw(j, ",\"args\":{\"task\":");
        bide__json_uint(j, s->id);
        if (s->name && s->function) {
            bide__json_raw(j, ",\"function\":\"");
            put_name(e, s->function);
            bide__json_raw(j, "\"");
        }
        bide__json_raw(j, is_unfinished ? ",\"unfinished\":true}}" : "}}");
    } else {
        bide__json_raw(j, is_unfinished ? ",\"args\":{\"unfinished\":true}}" : "}");
    }
    return true;
}

/* ---- a record ---- */

static void see_step(struct exporter *e, const uint64_t *slot)
{
    struct row *r = slot[2] ? open_row(e, SPAN_TASK, slot[2], name_of(slot), (uint16_t)(slot[0] >> 32)) : NULL;

    begin_slice(e, slot);
    if (!r)
        return;
    end_wait(e, r, slot[1]);
    if (r->waker_ns && r->waker_ns <= slot[1])
        put_arrow(e, (int32_t)r->waker, r->waker_ns - 1, slot[1]);
    r->waker_ns = 0;
}

static void see_step_end(struct exporter *e, const uint64_t *slot)
{
    bool had_begin = end_slice(e, slot[1], slot[2] ? "task" : "callback", false);
    struct row *r = slot[2] ? bide__row(&e->rows, SPAN_TASK, slot[2]) : NULL;

    if (had_begin && r && r->is_open && !r->is_parked && aux_of(slot) != WAITS_ENDED)
        begin_wait(e, r, slot);
}

static void see_call(struct exporter *e, const uint64_t *slot)
{
    struct slice s = {slot[1], 0, name_of(slot), 0};

    if (slot[3] && slot[3] <= slot[1])
        put_arrow(e, (int32_t)(slot[0] >> 32), slot[3], slot[1]);
    if (e->depth == DEPTH_MAX)
        e->too_deep++;
    else
        e->open[e->depth++] = s;
}

static void see_begin(struct exporter *e, const uint64_t *slot, size_t at)
{
    unsigned span = aux_of(slot) >> 4, texts = aux_of(slot) & 15;
    struct row *r = span < TIMELINE_SPANS ? bide__row(&e->rows, (enum timeline_span)span, slot[2]) : NULL;
    if (!r)
        return;

    if (r->is_open)
        end_span(e, r, slot[1], NULL);
    *r = (struct row){.id = slot[2], .span = (uint8_t)(span + 1), .function = name_of(slot), .value = slot[3],
                      .text = texts ? (uint32_t)at + 2 : 0, .texts = (uint8_t)(texts < TEXT_SLOTS_MAX ? texts : TEXT_SLOTS_MAX)};
    begin_span(e, r, slot[1]);
}

static void see_note(struct exporter *e, const uint64_t *slot)
{
    static const char *const words[] = {[SPAN_TASK] = "", [SPAN_REQUEST] = "status ", [SPAN_EXCHANGE] = "status ",
                                        [SPAN_JOB] = "sent to worker "};
    unsigned span = aux_of(slot) >> 4;
    struct row *r = span < TIMELINE_SPANS ? open_row(e, (enum timeline_span)span, slot[2], 0, 0) : NULL;
    if (!r)
        return;

    begin_event(e, "n", spans[span].category, e->track.thread, slot[1]);
    bide__json_raw(&e->json, words[span]);
    bide__json_int(&e->json, (int64_t)slot[3]);
    put_span_id(e, r);
    bide__json_raw(&e->json, "}");
}

static void see_end(struct exporter *e, const uint64_t *slot)
{
    unsigned span = aux_of(slot) >> 4;
    struct row *r = span < TIMELINE_SPANS ? open_row(e, (enum timeline_span)span, slot[2], 0, 0) : NULL;
    int64_t value = (int64_t)slot[3];

    if (r)
        end_span(e, r, slot[1], &value);
}

static void see_woken(struct exporter *e, const uint64_t *slot)
{
    struct row *r = bide__row(&e->rows, SPAN_TASK, slot[2]);
    if (!r)
        return;

    r->waker_ns = slot[1];
    r->waker = (uint32_t)(slot[0] >> 32);
}

static void see(struct exporter *e, const uint64_t *slot, size_t at)
{
    switch (kind_of(slot)) {
    case TL_STEP:
        see_step(e, slot);
        break;
    case TL_STEP_END:
        see_step_end(e, slot);
        break;
    case TL_CALL:
        see_call(e, slot);
        break;
    case TL_CALL_END:
        end_slice(e, slot[1], "call", false);
        break;
    case TL_BEGIN:
        see_begin(e, slot, at);
        break;
    case TL_NOTE:
        see_note(e, slot);
        break;
    case TL_END:
        see_end(e, slot);
        break;
    case TL_WOKEN:
        see_woken(e, slot);
        break;
    default: /* text, which belongs to the record before; or an unknown kind */
        break;
    }
}

/* ---- a track ---- */

static void put_thread_name(struct exporter *e)
{
    begin_event(e, "M", "__metadata", e->track.thread, 0);
    bide__json_raw(&e->json, "thread_name\",\"args\":{\"name\":\"");
    bide__json_bytes(&e->json, e->track.name, strnlen(e->track.name, sizeof e->track.name));
    bide__json_raw(&e->json, "\"}}");
}

static void put_lost(struct exporter *e)
{
    e->overwritten += e->track.lost;
    if (e->track.lost == 0)
        return;
    begin_event(e, "i", "timeline", e->track.thread, e->first_ns);
    bide__json_uint(&e->json, e->track.lost);
    bide__json_raw(&e->json, " older entries were overwritten (BIDE_TRACE_SIZE)\",\"s\":\"t\"}");
}

static bool has_time(const uint64_t *slot)
{
    return kind_of(slot) != TL_TEXT && kind_of(slot) != 0 && kind_of(slot) < TL_KINDS;
}

static uint64_t first_time(const struct track_copy *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (has_time(t->slots + i * SLOT_WORDS))
            return t->slots[i * SLOT_WORDS + 1];
    return 0;
}

static uint64_t last_time(const struct track_copy *t)
{
    for (size_t i = t->n; i > 0; i--)
        if (has_time(t->slots + (i - 1) * SLOT_WORDS))
            return t->slots[(i - 1) * SLOT_WORDS + 1];
    return 0;
}

/* Spans and slices that are unfinished when the file ends. */
static void end_all(struct exporter *e)
{
    uint64_t last = last_time(&e->track), ns = e->source->now_ns > last ? e->source->now_ns : last;

    e->too_deep = 0;
    while (e->depth > 0)
        end_slice(e, ns, e->open[e->depth - 1].id ? "task" : "callback", true);
    for (size_t i = 0; i < e->rows.cap; i++)
        if (e->rows.all[i].is_open)
            end_span(e, &e->rows.all[i], ns, NULL);
}

static int export_track(struct exporter *e)
{
    int code = bide__rows_open(&e->rows, e->track.n);
    if (code < 0)
        return code;

    e->first_ns = first_time(&e->track);
    put_thread_name(e);
    put_lost(e);
    for (size_t i = 0; i < e->track.n && e->json.error == 0; i++)
        see(e, e->track.slots + i * SLOT_WORDS, i);
    end_all(e);
    bide__rows_close(&e->rows);
    return e->json.error;
}

bool bide__track_copy_reserve(struct track_copy *c, size_t slots)
{
    size_t size = SLOT_WORDS * sizeof(uint64_t);
    if (slots <= c->cap)
        return true;
    if (c->slots)
        munmap(c->slots, c->cap * size);

    c->slots = mmap(NULL, slots * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    c->cap = c->slots == MAP_FAILED ? 0 : slots;
    if (c->cap == 0)
        c->slots = NULL;
    return c->slots;
}

/*
 * The writer may be writing at `head`, which is the slot of the oldest record; and its stores may become visible before that of head, so
 * `spare` more slots are dropped.
 */
void bide__track_copy_trim(struct track_copy *c, uint64_t first, uint64_t base, uint64_t head, uint64_t size)
{
    const uint64_t spare = 64;
    uint64_t safe = head >= size ? head + spare - size : 0, skip = safe > first ? safe - first : 0;

    skip = skip < c->n ? skip : c->n;
    while (skip > 0 && skip < c->n && kind_of(c->slots + skip * SLOT_WORDS) == TL_TEXT)
        skip++; /* text of a record that is dropped */
    memmove(c->slots, c->slots + skip * SLOT_WORDS, (c->n - skip) * SLOT_WORDS * sizeof(uint64_t));
    c->n -= skip;
    c->lost = first + skip - base;
}

/* ---- the file ---- */

static void put_head(struct exporter *e)
{
    bide__json_raw(&e->json, "{\"traceEvents\":[");
    begin_event(e, "M", "__metadata", e->source->process, 0);
    bide__json_raw(&e->json, "process_name\",\"args\":{\"name\":\"");
    bide__json_bytes(&e->json, e->source->program, strnlen(e->source->program, sizeof e->source->program));
    bide__json_raw(&e->json, "\"}}");
}

static void put_tail(struct exporter *e)
{
    struct json *j = &e->json;

    bide__json_raw(j, "\n],\n\"displayTimeUnit\":\"ns\",\n\"otherData\":{\"clock\":\"CLOCK_MONOTONIC\",\"overwritten entries\":");
    bide__json_uint(j, e->overwritten);
    bide__json_raw(j, ",\"threads left out\":");
    bide__json_uint(j, e->source->lost_threads);
    bide__json_raw(j, "}}\n");
    bide__json_flush(j);
}

int bide__timeline_export(struct timeline_source *s, int fd)
{
    size_t bytes = sizeof(struct exporter) + JSON_BUFFER;
    struct exporter *e = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (e == MAP_FAILED)
        return -ENOMEM;

    e->source = s;
    e->json = (struct json){.fd = fd, .buffer = (char *)(e + 1)};
    put_head(e);
    int code = 0;
    for (unsigned i = 0; i < s->ntracks && code == 0; i++)
        if (s->take(s, i, &e->track))
            code = export_track(e);
    put_tail(e);
    if (code == 0)
        code = e->json.error;
    if (e->track.slots)
        munmap(e->track.slots, e->track.cap * SLOT_WORDS * sizeof(uint64_t));
    munmap(e, bytes);
    return code;
}
