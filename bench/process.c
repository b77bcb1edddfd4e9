/* SPDX-License-Identifier: MIT */
/*
 * process.c - what it costs a large program to run /bin/true and to wait for its end.
 *
 *     bench-process bide|posix|fork [PROCESSES [MIB]]      2,000 processes, in a program with 4,096 MiB of touched memory
 *
 * bide: bide_process_spawn and bide_process_wait.  posix: posix_spawn and waitid, blocking.  fork: fork and execv.
 * The processor time is that of the program and of its children.
 */
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bide/bide.h>

#include "bench.h"

static long processes;
static const char *const program[] = {"/bin/true", NULL};

extern char **environ;

static double cpu_of(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void begin(struct bench *b)
{
    b->cpu = cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN);
    b->wall = bench_seconds(CLOCK_MONOTONIC);
}

static void end(const struct bench *b)
{
    double wall = bench_seconds(CLOCK_MONOTONIC) - b->wall;
    bench_report(processes, wall, cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN) - b->cpu, bench_peak_rss_kb());
}

static int by_bide(void)
{
    struct bench b;

    begin(&b);
    for (long i = 0; i < processes; i++) {
        bide_auto bide_process *p = BIDE_TRY_PTR(bide_process_spawn(program, .check = true));
        BIDE_TRY(bide_process_wait(p));
    }
    end(&b);
    return 0;
}

static pid_t spawn_it(void)
{
    pid_t pid;
    return posix_spawn(&pid, program[0], NULL, NULL, (char **)(uintptr_t)program, environ) == 0 ? pid : -1;
}

static pid_t fork_it(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execv(program[0], (char **)(uintptr_t)program);
        _exit(127);
    }
    return pid;
}

static int by_hand(pid_t (*start)(void))
{
    struct bench b;
    int status;

    begin(&b);
    for (long i = 0; i < processes; i++)
        if (waitpid(start(), &status, 0) < 0 || status != 0)
            return 1;
    end(&b);
    return 0;
}

/* Small pages, as a heap has them: those are what a fork copies entries for. */
static int fill_memory(long mib)
{
    size_t size = (size_t)mib << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return -1;

    madvise(memory, size, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < size; at += 4096)
        memory[at] = 1;
    return 0;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "bide";

    processes = bench_arg(argc, argv, 2, 2000);
    if (fill_memory(bench_arg(argc, argv, 3, 4096)) < 0) {
        perror("bench-process");
        return 1;
    }
    if (strcmp(how, "bide") == 0)
        return bide_main(bide_coro(by_bide));
    return by_hand(strcmp(how, "fork") == 0 ? fork_it : spawn_it);
}
