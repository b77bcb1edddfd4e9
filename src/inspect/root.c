/* SPDX-License-Identifier: MIT */
/*
 * root.c - what this process exposes to readers from outside: root.h says how it is found.
 *
 * Nothing is written for readers while the program runs: these are the structs that it works with, and a reader must expect them to be
 * inconsistent.
 */
#include "inspect/root.h"

#include <bide/version.h>

#include "core/several/awaitables.h"
#include "inspect/inspect.h"

#define SIZE(name, type) {name, 0, sizeof(type)}
#define AT(name, type, member) {name, offsetof(type, member), sizeof(((type *)0)->member)}
#define VALUE(name, value) {name, value, ROOT_VALUE}

#if defined(__x86_64__) && !defined(BIDE_SWITCH_UCONTEXT)
#define CONTEXT                                                                                    \
    AT("task.sp", struct bide_task, fiber.context.sp), AT("task.pc", struct bide_task, fiber.context.pc), \
        AT("task.fp", struct bide_task, fiber.context.bp),
#define RESUME NULL
#elif defined(__aarch64__) && !defined(BIDE_SWITCH_UCONTEXT)
#define CONTEXT AT("task.sp", struct bide_task, fiber.context.sp),
#define RESUME ((const void *)bide__switch_resume)
#else
#define CONTEXT /* ucontext_t is not ours to describe: no stacks of parked tasks */
#define RESUME NULL
#endif

static const struct root_member layout[] = {
    SIZE("loop", struct bide_loop),
    AT("loop.word", struct bide_loop, object.word),
    AT("loop.alive", struct bide_loop, alive),
    AT("loop.id", struct bide_loop, id),
    AT("loop.process", struct bide_loop, process),
    AT("loop.thread", struct bide_loop, thread),
    AT("loop.runner", struct bide_loop, runner),
    AT("loop.current", struct bide_loop, current),
    AT("loop.chunks", struct bide_loop, chunks),
    AT("loop.tasks", struct bide_loop, tasks),
    AT("loop.now_ns", struct bide_loop, now_ns),
    AT("loop.virtual", struct bide_loop, virtual_time),
    SIZE("chunk", struct task_chunk),
    AT("chunk.next", struct task_chunk, next),
    AT("chunk.tasks", struct task_chunk, tasks),
    SIZE("task", struct bide_task),
    AT("task.word", struct bide_task, future.object.word),
    AT("task.loop", struct bide_task, future.loop),
    AT("task.state", struct bide_task, future.state),
    AT("task.place", struct bide_task, ready.place),
    AT("task.stack", struct bide_task, fiber.stack),
    AT("task.wait", struct bide_task, wait),
    AT("task.scopes", struct bide_task, scopes),
    AT("task.awaited", struct bide_task, awaited),
    AT("task.timer", struct bide_task, timer),
    AT("task.must_cancel", struct bide_task, must_cancel),
    AT("task.started", struct bide_task, started),
    AT("task.stackless", struct bide_task, stackless),
    AT("task.all", struct bide_task, all),
    AT("task.extra", struct bide_task, extra),
    AT("task.id", struct bide_task, id),
    CONTEXT
    AT("lone.made_ns", struct lone_task, made_ns),
    AT("extra.name", struct task_extra, name),
    SIZE("top", struct task_top),
    AT("top.function", struct task_top, coroutine.name),
    AT("top.made_at", struct task_top, made_at),
    AT("top.doing", struct task_top, doing),
    AT("top.made_ns", struct task_top, made_ns),
    AT("doing.outer", struct doing, outer),
    AT("doing.what", struct doing, what),
    AT("doing.of", struct doing, of),
    AT("doing.code", struct doing, code),
    SIZE("stack", struct stack),
    AT("stack.low", struct stack, low),
    AT("stack.size", struct stack, size),
    SIZE("wait", struct wait),
    AT("wait.awaits", struct wait, awaits),
    AT("wait.group", struct wait, group),
    AT("wait.on", struct wait, on),
    AT("wait.kind", struct wait, kind),
    AT("wait.interrupted", struct wait, interrupted),
    VALUE("kind.group", WAIT_GROUP),
    VALUE("kind.completed", WAIT_COMPLETED),
    VALUE("kind.operation", WAIT_OPERATION),
    VALUE("kind.named", WAIT_NAMED),
    VALUE("kind.read", WAIT_READ),
    VALUE("kind.write", WAIT_WRITE),
    VALUE("kind.either", WAIT_EITHER),
    VALUE("kind.time", WAIT_TIME),
    VALUE("kind.thread", WAIT_THREAD),
    VALUE("kind.members", WAIT_MEMBERS),
    AT("choice.operation", struct operation_wait, operation),
    AT("choice.is_choice", struct operation_wait, is_choice),
    AT("operation.ops", bide_operation, ops),
    AT("operation.object", bide_operation, object),
    AT("ops.name", struct bide_operation_ops, name),
    AT("ops.fd_at", struct bide_operation_ops, fd_at),
    AT("ops.holder_at", struct bide_operation_ops, holder_at),
    AT("group.n", struct group, n),
    AT("group.started", struct group, started),
    AT("group.watches", struct group, watches),
    SIZE("watch", struct watch),
    AT("watch.future", struct watch, future),
    AT("next.list", struct next_wait, list),
    AT("list.n", struct bide_completed, n),
    AT("list.all", struct bide_completed, all[0]),
    SIZE("ended", struct ended),
    AT("ended.future", struct ended, future),
    AT("member.future", struct member, future),
    AT("future.type", struct bide_future, object.type),
    AT("future.state", struct bide_future, state),
    AT("future.is_task", struct bide_future, is_task),
    AT("type.name", struct object_type, name),
    AT("type.label_at", struct object_type, label_at),
    AT("timer.when_ms", struct timer, when_ms),
    AT("scope.when_ms", struct scope, timer.when_ms),
    AT("scope.armed", struct scope, timer.node.next),
    AT("scope.outer", struct scope, outer),
    AT("group.wait", struct group, wait),
    VALUE("kind.group_for", WAIT_GROUP_FOR),
    VALUE("kind.completed_for", WAIT_COMPLETED_FOR),
    AT("choice.all", struct choice, all),
    AT("choice.n", struct choice, n),
    SIZE("alternative", struct alternative),
    AT("alternative.what", struct alternative, what),
    AT("alternative.future", struct alternative, future),
    AT("alternative.timer", struct alternative, waiter.timer),
    AT("awaitable.kind", struct bide_awaitable, kind),
    AT("awaitable.operation", struct bide_awaitable, as.operation),
    VALUE("awaitable.is_operation", BIDE_AW_OPERATION),
    VALUE("awaitable.is_sleep", BIDE_AW_SLEEP),
};

const struct root bide__root = {
    .magic = ROOT_MAGIC,
    .version = ROOT_VERSION,
    .size = sizeof(struct root),
    .members = array_len(layout),
    .member_size = sizeof layout[0],
    .layout = layout,
    .loops = &bide__loops_alive,
    .process = &bide__process,
    .alone = &bide__no_recycling,
    .resume = RESUME,
    .release = BIDE_VERSION,
    .timeline = &bide__timeline,
};

/* The note, in the object file of the root: --gc-sections keeps notes, and everything that they refer to. */
_Static_assert(ROOT_NOTE_TYPE == 1 && sizeof ROOT_NOTE_NAME == 5, "as it stands here");
__asm__(".pushsection .note.bide, \"a\", %note\n\t"
        ".balign 4\n\t"
        ".4byte 5, 24, 1\n\t" /* lengths of name and contents, type */
        ".asciz \"bide\"\n\t"
        ".balign 4\n\t"
        ".4byte 1, 0\n\t"
        "0: .8byte bide__root - 0b\n\t"
        "1: .8byte bide__fiber_entry - 1b\n\t"
        ".popsection");
