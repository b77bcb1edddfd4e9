/* SPDX-License-Identifier: MIT */
/*
 * error.h - the record of the newest failure: one for each task, one for each thread outside of tasks.  Included by base.h.
 */
#ifndef BIDE_BASE_ERROR_H
#define BIDE_BASE_ERROR_H

#define ERROR_TEXT_MAX 232
#define ERROR_TRACE_MAX 8
#define ERROR_URL_MAX 256

struct error_record {
    struct error_mark *mark; /* the innermost */
    int code;                /* 0: none, and then nothing else means anything */
    int system;
    unsigned ntrace;
    uint16_t http_status;
    uint8_t phase; /* enum bide_error_phase */
    bool reused, retry_safe, interrupted;
    uint64_t bytes_sent, bytes_received;
    char text[ERROR_TEXT_MAX];
    struct bide_error_place trace[ERROR_TRACE_MAX];
    char url[ERROR_URL_MAX]; /* "": none */
};

static inline void bide__error_init(struct error_record *e)
{
    e->mark = NULL;
    e->code = 0;
}

/* The record of what runs now; NULL: the thread's own.  Set by the loop at each switch. */
extern _Thread_local struct error_record *bide__error_current_record __attribute__((tls_model("initial-exec")));
/* Make `e` the record of what runs now; NULL: the thread's own.  Returns the one before. */
struct error_record *bide__error_switch(struct error_record *e);
extern _Thread_local struct error_record bide__error_of_thread __attribute__((tls_model("initial-exec")));
static inline struct error_record *bide__error_current(void)
{
    return likely(bide__error_current_record != NULL) ? bide__error_current_record : &bide__error_of_thread;
}

/*
 * Around what may fail without making the call fail (cleanup, an attempt that has a second): afterwards the record is
 * as it was.  Marks nest, and the task may wait in between.  Nothing is copied unless there is a failure.
 *
 *     struct error_mark mark;
 *     bide__error_mark(&mark);
 *     attempt();
 *     bide__error_restore(&mark);
 *
 * bide__error_end is for a call that may have met failures on its way: with a negative result the record stays as it is.
 */
struct error_mark {
    struct error_record *record;
    struct error_mark *outer;
    bool is_changed;
    int code;                   /* if it is changed: that of what was on record, */
    struct error_record *saved; /* and the rest; NULL: there was nothing, or no memory to keep it */
};
/* Inline, because every release has a mark, and most find nothing changed. */
static inline void bide__error_mark(struct error_mark *m)
{
    struct error_record *e = bide__error_current();

    m->record = e;
    m->outer = e->mark;
    m->is_changed = false;
    e->mark = m;
}
void bide__error_restore_changed(struct error_mark *m);
static inline void bide__error_restore(struct error_mark *m)
{
    if (unlikely(m->is_changed))
        bide__error_restore_changed(m);
    else
        m->record->mark = m->outer;
}
never_indirect void bide__error_end(struct error_mark *m, ptrdiff_t result);

/* Put an error that was made elsewhere (in a task, a thread) on record here.  Nothing if `from` holds none. */
void bide__error_adopt(const struct error_record *from);
/* As bide_fail, without a place: a trace begins where the program's own code sees the error. */
int bide__fail(int code, const char *format, ...) BIDE_PRINTF(2, 3);
#undef bide_fail
#define bide_fail(...) bide__negative(bide__fail(__VA_ARGS__))
/* The same with a short text as it is: no formatting, and little stack, for what happens to thousands at once. */
int bide__fail_plain(int code, const char *text);
/* A bare `return -EIO` of that function: nobody put it on record. */
int bide__fail_bare(int code, const char *function);
/* What a function of the user's returned; an error that is not on record is put there. */
static inline int bide__on_record(int code, const char *function)
{
    return likely(code >= 0 || bide__error_current()->code == code) ? code : bide__fail_bare(code, function);
}
/* The error on record came of this one below it: -ECONNRESET; 0, or a code of ours: no errno is known.  Returns its code. */
int bide__error_below(int code);
/* Out of memory, on record. */
int bide__fail_nomem(const char *what);
/* Put a word in front of the current error: "GET http://x/: " + what is there. */
void bide__error_prefix(const char *format, ...) BIDE_PRINTF(1, 2);

#endif
