/* SPDX-License-Identifier: MIT */
/*
 * layout.h - how the other one's library has laid out its structs, and where its loops are: inspect/root.h, read and checked.
 *
 * What it has not, has the size 0.
 */
#ifndef BIDE_CLI_REMOTE_LAYOUT_H
#define BIDE_CLI_REMOTE_LAYOUT_H

#include "cli/remote/memory.h"

/* Our name, its name, and the most bytes that it may have; 8: a number or a pointer. */
#define LAYOUT_MEMBERS(F)                                                                                              \
    F(LOOP, "loop", 1 << 20) F(LOOP_WORD, "loop.word", 8) F(LOOP_ALIVE, "loop.alive", 16) F(LOOP_ID, "loop.id", 8)       \
    F(LOOP_PROCESS, "loop.process", 8) F(LOOP_THREAD, "loop.thread", 8) F(LOOP_RUNNER, "loop.runner", 8)                \
    F(LOOP_CURRENT, "loop.current", 8) F(LOOP_CHUNKS, "loop.chunks", 8) F(LOOP_TASKS, "loop.tasks", 16)                 \
    F(LOOP_NOW, "loop.now_ns", 8) F(LOOP_VIRTUAL, "loop.virtual", 8)                                                    \
    F(CHUNK, "chunk", 1 << 22) F(CHUNK_NEXT, "chunk.next", 8) F(CHUNK_TASKS, "chunk.tasks", 1 << 22)                    \
    F(TASK, "task", 8192) F(TASK_WORD, "task.word", 8) F(TASK_LOOP, "task.loop", 8) F(TASK_STATE, "task.state", 8)      \
    F(TASK_PLACE, "task.place", 8) F(TASK_STACK, "task.stack", 8) F(TASK_WAIT, "task.wait", 8)                          \
    F(TASK_SCOPES, "task.scopes", 8) F(TASK_AWAITED, "task.awaited", 8) F(TASK_TIMER, "task.timer", 4096)               \
    F(TASK_MUST_CANCEL, "task.must_cancel", 8) F(TASK_STARTED, "task.started", 8)                                       \
    F(TASK_STACKLESS, "task.stackless", 8) F(TASK_ALL, "task.all", 16) F(TASK_EXTRA, "task.extra", 8)                   \
    F(TASK_ID, "task.id", 8) F(TASK_SP, "task.sp", 8) F(TASK_PC, "task.pc", 8) F(TASK_FP, "task.fp", 8)                 \
    F(LONE_MADE, "lone.made_ns", 8) F(EXTRA_NAME, "extra.name", 8)                                                      \
    F(TOP, "top", 8192) F(TOP_FUNCTION, "top.function", 8) F(TOP_MADE_AT, "top.made_at", 8) F(TOP_MADE, "top.made_ns", 8)                             \
    F(TOP_DOING, "top.doing", 8) F(DOING_OUTER, "doing.outer", 8) F(DOING_WHAT, "doing.what", 8)                        \
    F(DOING_OF, "doing.of", 8) F(DOING_CODE, "doing.code", 8) F(STACK, "stack", 4096) F(STACK_LOW, "stack.low", 8) F(STACK_SIZE, "stack.size", 8)      \
    F(WAIT, "wait", 4096) F(WAIT_AWAITS, "wait.awaits", 8) F(WAIT_GROUP, "wait.group", 8) F(WAIT_ON, "wait.on", 8)      \
    F(WAIT_KIND, "wait.kind", 8) F(WAIT_INTERRUPTED, "wait.interrupted", 8)                                             \
    F(KIND_GROUP, "kind.group", 0) F(KIND_COMPLETED, "kind.completed", 0) F(KIND_OPERATION, "kind.operation", 0)        \
    F(KIND_NAMED, "kind.named", 0) F(KIND_READ, "kind.read", 0) F(KIND_WRITE, "kind.write", 0)                          \
    F(KIND_EITHER, "kind.either", 0) F(KIND_TIME, "kind.time", 0) F(KIND_THREAD, "kind.thread", 0)                      \
    F(KIND_MEMBERS, "kind.members", 0)                                                                                  \
    F(CHOICE_OPERATION, "choice.operation", 8) F(CHOICE_IS_CHOICE, "choice.is_choice", 8)                               \
    F(OPERATION_OPS, "operation.ops", 8) F(OPERATION_OBJECT, "operation.object", 8) F(OPS_NAME, "ops.name", 8)          \
    F(OPS_FD_AT, "ops.fd_at", 8) F(OPS_HOLDER_AT, "ops.holder_at", 8)                                            \
    F(GROUP_N, "group.n", 8) F(GROUP_STARTED, "group.started", 8)                                                       \
    F(GROUP_WATCHES, "group.watches", 8) F(WATCH, "watch", 4096) F(WATCH_FUTURE, "watch.future", 8)                     \
    F(NEXT_LIST, "next.list", 8) F(LIST_N, "list.n", 8) F(LIST_ALL, "list.all", 4096) F(ENDED, "ended", 4096)           \
    F(ENDED_FUTURE, "ended.future", 8) F(MEMBER_FUTURE, "member.future", 8) F(FUTURE_TYPE, "future.type", 8)            \
    F(FUTURE_STATE, "future.state", 8) F(FUTURE_IS_TASK, "future.is_task", 8) F(TYPE_NAME, "type.name", 8)              \
    F(TYPE_LABEL_AT, "type.label_at", 8) F(TIMER_WHEN, "timer.when_ms", 8) F(SCOPE_WHEN, "scope.when_ms", 8)            \
    F(SCOPE_ARMED, "scope.armed", 8) F(SCOPE_OUTER, "scope.outer", 8)                                         \
    F(GROUP_WAIT, "group.wait", 4096) F(KIND_GROUP_FOR, "kind.group_for", 0)                                            \
    F(KIND_COMPLETED_FOR, "kind.completed_for", 0) F(CHOICE_ALL, "choice.all", 8) F(CHOICE_N, "choice.n", 8)            \
    F(ALTERNATIVE, "alternative", 4096) F(ALTERNATIVE_WHAT, "alternative.what", 8)                                      \
    F(ALTERNATIVE_FUTURE, "alternative.future", 8) F(ALTERNATIVE_TIMER, "alternative.timer", 4096)                      \
    F(AWAITABLE_KIND, "awaitable.kind", 8) F(AWAITABLE_OPERATION, "awaitable.operation", 4096)                          \
    F(IS_OPERATION, "awaitable.is_operation", 0) F(IS_SLEEP, "awaitable.is_sleep", 0)

#define LAYOUT_NAME(ours, theirs, most) M_##ours,
enum layout_member { LAYOUT_MEMBERS(LAYOUT_NAME) M_COUNT };
#undef LAYOUT_NAME

struct layout {
    uint64_t loops;      /* address of the list head */
    uint32_t process;    /* loop.process of its own loops; those inherited by fork() have another value */
    bool is_alone;       /* tasks are allocated one by one, not in chunks (debug mode, sanitizers) */
    uint64_t timeline;   /* its struct timeline (base/timeline/timeline.h); 0: none */
    uint64_t resume;     /* pc of each suspended context; 0: it is stored in the context */
    uint32_t version;
    char release[17];    /* of the library */
    struct {
        uint32_t offset, size;
    } members[M_COUNT];
};

enum layout_found {
    LAYOUT_FOUND,
    LAYOUT_NONE,    /* there is no note of ours */
    LAYOUT_UNREADY, /* there is one, but no root at its address: the program is just starting, or the note is not bide's */
    LAYOUT_UNKNOWN, /* the version is unknown: layout.version */
    LAYOUT_BROKEN,  /* it is inconsistent */
};

/* headers: addresses at which ELF files begin.  Takes the first layout that has loops, or else the first one. */
enum layout_found layout_find(struct layout *l, struct memory *m, const uint64_t *headers, size_t n);

static inline bool layout_has(const struct layout *l, enum layout_member i)
{
    return l->members[i].size != 0;
}

/* A member of a struct that was copied; 0: there is none. */
uint64_t layout_take(const struct layout *l, const void *copy, enum layout_member i);
/* The same from an object in the other memory. */
uint64_t layout_fetch(const struct layout *l, struct memory *m, uint64_t object, enum layout_member i);

#endif
