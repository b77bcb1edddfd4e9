/* SPDX-License-Identifier: MIT */
/*
 * play.h - the player of scripts: what its steps share.
 *
 *     play.c     reads the lines, plays each in a task, and ends; what is said
 *     waits.c    steps that wait for tasks, futures and time
 *     groups.c   those of task groups
 *     values.c   those of locks, events, conditions, semaphores, barriers and queues
 *     plain.c    those that do not wait
 */
#ifndef TESTS_DIFFERENTIAL_PLAY_H
#define TESTS_DIFFERENTIAL_PLAY_H

#include <stdbool.h>
#include <string.h>

#include <bide/group.h>

#include "core/core.h"

#define TASKS_MAX 32
#define FUTURES 4

extern bide_task *tasks[TASKS_MAX];
extern bide_future *futures[FUTURES];

struct step {
    char op[16];
    int number[4]; /* -1: none */
};

/* A line, as far as it was played. */
struct line {
    int self, value;
    char *save;
    bool passes_on, is_over;
};

static inline bool is(const char *op, const char *name)
{
    return strcmp(op, name) == 0;
}

const char *word_of(int r);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What a limit around the present block ends is cancelled, for asyncio. */
int as_asyncio(int r);
/* To the end of the line, or of a block. */
int steps(struct line *l);
/* A line, from its beginning. */
int play(int self);

/* A step that waits; *ran is false if it names a task that does not exist (yet). */
int waiting_step(struct line *l, const struct step *p, bool *ran);
int group(struct line *l, int limit);
bool step_of_group(int self, const char *op, int owner, int a);

void values_begin(void);
void values_settle(void); /* who waits for one goes on */
void values_end(void);
int value_step(int self, const char *op, int a, int b, bool *ran);
bool step_of_value(int self, const char *op, int a, int b);

/* False: the step is another one. */
bool plain_step(int self, const struct step *p, char *word);
void plain_end(int ntasks);

#endif
