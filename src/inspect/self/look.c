/* SPDX-License-Identifier: MIT */
/*
 * look.c - copies of memory for a report, made by the kernel, and lines of text without stdio.
 */
#include <sys/uio.h>
#include <unistd.h>

#include "inspect/self/self.h"

#define LOOPS_MAX 64

/* ---- lines, without stdio ---- */

void bide__report_put(struct report *r, const char *text)
{
    while (*text && r->len < sizeof r->line - 1)
        r->line[r->len++] = *text++;
}

void bide__report_put_number(struct report *r, uint64_t n)
{
    char digits[24], *d = digits + sizeof digits - 1;

    *d = '\0';
    do
        *--d = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    bide__report_put(r, d);
}

void bide__report_end_line(struct report *r)
{
    r->line[r->len++] = '\n';
    if (r->to)
        fwrite(r->line, 1, r->len, r->to);
    else
        while (write(STDERR_FILENO, r->line, r->len) < 0 && errno == EINTR)
            ;
    r->len = 0;
}

/* ---- looking, without trust ---- */

bool bide__report_look(const void *at, void *copy, size_t len)
{
    struct iovec to = {copy, len}, from = {(void *)(uintptr_t)at, len};
    if (at == NULL)
        return false;
    ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    if (n < 0 && (errno == ENOSYS || errno == EPERM)) /* an emulator, a seccomp filter: then it has to be believed */
        memcpy(copy, at, n = (ssize_t)len);
    return n == (ssize_t)len;
}

void bide__report_put_text(struct report *r, const char *at)
{
    char c;

    for (int i = 0; i < 60 && bide__report_look(at + i, &c, 1) && c != '\0'; i++)
        bide__report_put(r, c >= ' ' && c <= '~' ? (char[]){c, '\0'} : "?");
}

bool bide__report_see(struct seen *s, const bide_task *at)
{
    s->at = at;
    s->has_top = s->has_wait = false;
    if (!bide__report_look(at, &s->task, sizeof s->task) || s->task.future.object.word != OBJECT_LIVE)
        return false;
    s->has_top = !s->task.stackless && s->task.fiber.stack && bide__report_look(bide__task_top(&s->task), &s->top, sizeof s->top);
    s->has_wait = !s->task.stackless && bide__report_look(s->task.wait, &s->wait, sizeof s->wait);
    return true;
}

static bool see_loop(struct seen_loop *s, const bide_loop *at)
{
    return bide__report_look(&at->alive, &s->alive, sizeof s->alive) && bide__report_look(&at->process, &s->process, sizeof s->process) &&
           bide__report_look(&at->id, &s->id, sizeof s->id) && bide__report_look((const void *)&at->runner, &s->runner, sizeof s->runner) &&
           bide__report_look(&at->current, &s->current, sizeof s->current);
}

const bide_loop *bide__report_next_loop(struct seen_loop *s)
{
    while (s->seen++ < LOOPS_MAX && s->alive.next && s->alive.next != &bide__loops_alive) {
        const bide_loop *at = container_of(s->alive.next, bide_loop, alive);
        if (!see_loop(s, at))
            return NULL;
        if (s->process == bide__process)
            return at;
    }
    return NULL;
}

const bide_task *bide__report_next_task(const bide_loop *loop, const struct list_node *node)
{
    struct list_node copy;

    return bide__report_look(node, &copy, sizeof copy) && copy.next && copy.next != &loop->tasks ? container_of(copy.next, bide_task, all) : NULL;
}
