/* SPDX-License-Identifier: MIT */
/*
 * births.c - who was born of which request: notes in memory that the program and its zygotes share.
 *
 * The zygote begins a note, and the kernel writes the worker's pid into it before the worker runs.  The latest notes are
 * kept, by their number.  Workers have no part in it.
 */
#include <sys/mman.h>

#include "pool/spawn/spawn.h"

#define BIRTHS_KEPT 1024

static struct birth_note {
    _Atomic uint64_t number; /* of the birth */
    int pid;                 /* 0 or less: nobody was born */
} *notes;

int bide__births_make(void)
{
    if (notes)
        return 0;
    void *p = mmap(NULL, BIRTHS_KEPT * sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return bide_fail(-errno, "memory for the pool's helper process: %s", bide_strerror(-errno));
    notes = p;
    return 0;
}

void bide__births_forget(void)
{
    if (notes)
        munmap(notes, BIRTHS_KEPT * sizeof *notes);
    notes = NULL;
}

int *bide__births_begin(uint64_t number)
{
    struct birth_note *note = &notes[number % BIRTHS_KEPT];

    note->pid = 0; /* before the number: who finds that sees nobody, or the new worker, never an older one */
    atomic_store(&note->number, number);
    return &note->pid;
}

/* The kernel writes the pid while the zygote clones: one store of an int, which is seen whole. */
pid_t bide__births_made(uint64_t number)
{
    const struct birth_note *note = notes ? &notes[number % BIRTHS_KEPT] : NULL;
    pid_t pid = note && number > 0 && atomic_load(&note->number) == number ? __atomic_load_n(&note->pid, __ATOMIC_ACQUIRE) : 0;

    return pid > 0 ? pid : 0;
}
