/* SPDX-License-Identifier: MIT */
/*
 * calls.c - the table of calls that wait and are not covered, and looking up a name.
 *
 * Covered names are compared exactly, because only exactly that name is interposed.  Names in the table have no prefixes and suffixes of
 * compilers and headers (__isoc99_, _chk, _unlocked, 64).
 */
#include "coverage/coverage.h"

#include <stdio.h>
#include <string.h>

static const struct call_kind programs = {"programs", "wait for a child process; bide_process_run suspends only its task", true};
static const struct call_kind names = {"names", "ask a name server; bide_getaddrinfo suspends only its task", true};
static const struct call_kind users = {"users", "read files, or ask a server, depending on /etc/nsswitch.conf", false};
static const struct call_kind reading = {"stdio", "block inside libc if the FILE is a pipe, a terminal or a socket, not if it is a regular file", false};
static const struct call_kind writing = {"output", "block inside libc if the FILE is a pipe or a terminal, and is full", false};
static const struct call_kind queues = {"queues", "wait for messages or semaphores; call them by bide_to_thread", true};
static const struct call_kind transfer = {"transfer", "copy from one descriptor to another, and block if one is a pipe or a socket that is not ready", false};
static const struct call_kind locks = {"locks", "wait if the lock is held; a deadlock if the holder is another task of the same thread", false};
static const struct call_kind threads = {"threads", "wait for another thread; call them by bide_to_thread", true};
static const struct call_kind signals = {"signals", "wait for a signal; bide_signals_wait suspends only its task", true};
static const struct call_kind pending = {"pending", "take a signal, and wait if none is pending", false};
static const struct call_kind alarms = {"alarms", "send a signal, which does not end the wait of a task; bide_timeout does", false};
static const struct call_kind disk = {"disk", "wait for the disk; use bide_to_thread or bide_open", false};
static const struct call_kind number = {"syscall", "make a system call by number; which one is unknown", false};
static const struct call_kind vforks = {"vfork", "stop the thread until the child has executed another program", false};
static const struct call_kind spaces = {"dlmopen", "load libraries with a libc of their own, where nothing is covered", true};
static const struct call_kind alias = {"alias", "are internal names of libc for calls that are covered under another name", true};

const struct call_kind bide__own_system_calls = {"own", "system calls in its own code, without libc", false};

static const struct call table[] = {
    {"system", &programs}, {"popen", &programs}, {"pclose", &programs}, {"wait", &programs}, {"wait3", &programs},
    {"wait4", &programs}, {"waitid", &programs}, {"waitpid", &programs}, {"wordexp", &programs},

    {"getaddrinfo", &names}, {"getnameinfo", &names}, {"gethostbyname", &names}, {"gethostbyname2", &names},
    {"gethostbyaddr", &names}, {"gethostbyname_r", &names}, {"gethostbyname2_r", &names}, {"gethostbyaddr_r", &names},
    {"gai_suspend", &names}, {"res_query", &names}, {"res_search", &names}, {"res_querydomain", &names}, {"res_send", &names},
    {"res_nquery", &names}, {"res_nsearch", &names}, {"res_nquerydomain", &names}, {"res_nsend", &names},

    {"getpwnam", &users}, {"getpwuid", &users}, {"getpwnam_r", &users}, {"getpwuid_r", &users}, {"getgrnam", &users},
    {"getgrgid", &users}, {"getgrnam_r", &users}, {"getgrgid_r", &users}, {"getgrouplist", &users}, {"initgroups", &users},
    {"getservbyname", &users}, {"getservbyname_r", &users}, {"getservbyport", &users}, {"getservbyport_r", &users},

    {"fgets", &reading}, {"fgetc", &reading}, {"getc", &reading}, {"getchar", &reading}, {"gets", &reading}, {"getw", &reading},
    {"getline", &reading}, {"getdelim", &reading}, {"fread", &reading}, {"scanf", &reading}, {"fscanf", &reading},
    {"vscanf", &reading}, {"vfscanf", &reading}, {"fgetws", &reading}, {"fgetwc", &reading}, {"getwc", &reading},
    {"getwchar", &reading}, {"wscanf", &reading}, {"fwscanf", &reading}, {"vwscanf", &reading}, {"vfwscanf", &reading},
    {"uflow", &reading}, {"underflow", &reading},

    {"fwrite", &writing}, {"fputs", &writing}, {"fputc", &writing}, {"putc", &writing}, {"putchar", &writing}, {"puts", &writing},
    {"printf", &writing}, {"fprintf", &writing}, {"vprintf", &writing}, {"vfprintf", &writing}, {"dprintf", &writing},
    {"vdprintf", &writing}, {"fflush", &writing}, {"perror", &writing}, {"fputws", &writing}, {"fputwc", &writing},
    {"putwc", &writing}, {"wprintf", &writing}, {"fwprintf", &writing}, {"syslog", &writing}, {"vsyslog", &writing},

    {"msgrcv", &queues}, {"msgsnd", &queues}, {"mq_receive", &queues}, {"mq_send", &queues}, {"mq_timedreceive", &queues},
    {"mq_timedsend", &queues}, {"semop", &queues}, {"semtimedop", &queues}, {"tcdrain", &queues},
    {"sendfile", &transfer}, {"splice", &transfer}, {"tee", &transfer}, {"vmsplice", &transfer},

    {"pthread_mutex_lock", &locks}, {"pthread_mutex_timedlock", &locks}, {"pthread_mutex_clocklock", &locks},
    {"pthread_rwlock_rdlock", &locks}, {"pthread_rwlock_wrlock", &locks}, {"pthread_rwlock_timedrdlock", &locks},
    {"pthread_rwlock_timedwrlock", &locks}, {"pthread_rwlock_clockrdlock", &locks}, {"pthread_rwlock_clockwrlock", &locks},
    {"pthread_spin_lock", &locks}, {"pthread_once", &locks}, {"call_once", &locks}, {"mtx_lock", &locks},
    {"mtx_timedlock", &locks}, {"flock", &locks}, {"lockf", &locks}, {"cxa_guard_acquire", &locks},

    {"pthread_cond_wait", &threads}, {"pthread_cond_timedwait", &threads}, {"pthread_cond_clockwait", &threads},
    {"pthread_join", &threads}, {"pthread_timedjoin_np", &threads}, {"pthread_clockjoin_np", &threads},
    {"pthread_barrier_wait", &threads}, {"sem_wait", &threads}, {"sem_timedwait", &threads}, {"sem_clockwait", &threads},
    {"cnd_wait", &threads}, {"cnd_timedwait", &threads}, {"thrd_join", &threads}, {"thrd_sleep", &threads},
    {"aio_suspend", &threads}, {"lio_listio", &threads},

    {"pause", &signals}, {"sigsuspend", &signals}, {"sigpause", &signals},
    {"sigwait", &pending}, {"sigwaitinfo", &pending}, {"sigtimedwait", &pending},
    {"alarm", &alarms}, {"ualarm", &alarms}, {"setitimer", &alarms},
    {"fsync", &disk}, {"fdatasync", &disk}, {"sync", &disk}, {"syncfs", &disk}, {"pread", &disk}, {"pwrite", &disk},
    {"preadv", &disk}, {"pwritev", &disk}, {"copy_file_range", &disk},
    {"syscall", &number}, {"vfork", &vforks}, {"dlmopen", &spaces},
};
#define TABLE_COUNT (sizeof table / sizeof table[0])

size_t bide__call_count(void)
{
    return 2 * bide__covered_count + TABLE_COUNT;
}

struct call bide__call_at(size_t i)
{
    if (i < bide__covered_count)
        return (struct call){bide__covered[i], NULL};
    if (i < bide__covered_count + TABLE_COUNT)
        return table[i - bide__covered_count];
    return (struct call){bide__covered[i - bide__covered_count - TABLE_COUNT], &alias};
}

static size_t find_covered(const char *name)
{
    size_t low = 0, high = bide__covered_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, bide__covered[middle]);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return CALLS_MAX;
}

static const char *without_prefix(const char *name)
{
    static const char *const prefixes[] = {"_IO_", "__isoc99_", "__isoc23_", "__libc_", "__"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return name + strlen(prefixes[i]);
    return name;
}

static void cut_suffix(char *name, const char *suffix)
{
    size_t len = strlen(name), n = strlen(suffix);

    if (len > n && strcmp(name + len - n, suffix) == 0)
        name[len - n] = '\0';
}

size_t bide__call_find(const char *name)
{
    char plain[40];
    size_t covered = find_covered(name);
    if (covered < CALLS_MAX) { /* __read is read, by another name that is covered as well */
        size_t usual = strncmp(name, "__", 2) == 0 ? find_covered(name + 2) : CALLS_MAX;
        return usual < CALLS_MAX ? usual : covered;
    }

    int len = snprintf(plain, sizeof plain, "%s", without_prefix(name));
    if (len < 0 || (size_t)len >= sizeof plain)
        return CALLS_MAX;
    cut_suffix(plain, "_chk");
    cut_suffix(plain, "_unlocked");
    cut_suffix(plain, "64");
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (strcmp(plain, table[i].name) == 0)
            return bide__covered_count + i;
    covered = name[0] == '_' ? find_covered(plain) : CALLS_MAX;
    return covered < CALLS_MAX ? bide__covered_count + TABLE_COUNT + covered : CALLS_MAX;
}
