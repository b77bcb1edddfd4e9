/* SPDX-License-Identifier: MIT */
/*
 * preloaded.c - a run with libbide-unblock: calls of libc can be replaced only before a program begins.
 *
 *     the process of the run --exec--> `bide compare` again, with LD_PRELOAD and two descriptors in the environment:
 *                                        the memory that it shares with us; the plan, URLs and all
 *
 * What starting the program again has cost is taken off the run, for all others begin as a fork of it.
 */
#include "cli/compare/run/run.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/version.h>

#define LIBRARY  "libbide-unblock.so.0"
#define VARIABLE "BIDE_COMPARE_RUN"
#define PLAN_MAX (256 << 20)

/* What the program that is started again has to know; behind it the URLs, each with its NUL. */
struct plan {
    int n, at_once;
    int64_t timeout_ms;
    uint64_t work_steps;
};

/* ---- the library ---- */

/* Beside libbide, where both are installed; or as they lie in a build folder.  AddressSanitizer has to come first in its programs. */
bool compare_find_unblock(char *path, size_t cap)
{
    static const char *const places[] = {"", "unblock/"};
    Dl_info info;
    void *symbol = dlsym(RTLD_DEFAULT, "bide_version");
    const char *slash = symbol && dladdr(symbol, &info) && info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;

    if (dlsym(RTLD_DEFAULT, "__asan_describe_address"))
        return false;
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        int n = snprintf(path, cap, "%.*s%s" LIBRARY, (int)(slash + 1 - info.dli_fname), info.dli_fname, places[i]);
        if (n > 0 && (size_t)n < cap && access(path, R_OK) == 0)
            return true;
    }
    return false;
}

/* Do calls of libc go there?  The loader says only on stderr that it could not load what LD_PRELOAD names. */
static bool is_loaded(void)
{
    Dl_info info;
    void *symbol = dlsym(RTLD_DEFAULT, "usleep");

    return symbol && dladdr(symbol, &info) && info.dli_fname && strstr(info.dli_fname, "bide-unblock");
}

/* ---- before ---- */

static int write_plan(const struct compare *c)
{
    struct plan p = {.n = c->n, .at_once = c->at_once, .timeout_ms = c->options->timeout_ms, .work_steps = c->work_steps};
    int fd = memfd_create("plan", 0);
    FILE *f = fd >= 0 ? fdopen(dup(fd), "w") : NULL;
    if (!f)
        return bide_fail(-errno, "memory for the URLs: %s", strerror(errno));

    fwrite(&p, sizeof p, 1, f);
    for (int i = 0; i < c->n; i++)
        fwrite(c->urls[i], strlen(c->urls[i]) + 1, 1, f);
    return fclose(f) == 0 ? fd : bide_fail(-errno, "memory for the URLs: %s", strerror(errno));
}

int compare_start_preloaded(struct compare *c)
{
    char library[4096], descriptors[32];
    if (!compare_find_unblock(library, sizeof library))
        return bide_fail(-ENOENT, "%s is not there any more", LIBRARY);
    int plan = write_plan(c), shared = dup(c->shared_fd);
    BIDE_TRY(plan);

    const char *before = getenv("LD_PRELOAD");
    struct text preload = {0};
    text_format(&preload, "%s%s%s", library, before && *before ? ":" : "", before ? before : "");
    snprintf(descriptors, sizeof descriptors, "%d,%d", shared, plan);
    if (shared < 0 || preload.no_memory || setenv("LD_PRELOAD", preload.data, 1) < 0 || setenv(VARIABLE, descriptors, 1) < 0)
        return bide_fail(BIDE_ENOMEM, "no memory to start the program again");
    execl("/proc/self/exe", "bide", "compare", (char *)NULL);
    return bide_fail(-errno, "starting the program again: %s", strerror(errno));
}

/* ---- after ---- */

static int64_t cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static bool read_plan(struct compare *c, struct compare_options *o, int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size <= (off_t)sizeof(struct plan) || st.st_size > PLAN_MAX)
        return false;
    char *text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text == MAP_FAILED)
        return false;

    const struct plan *p = (const struct plan *)(void *)text;
    const char *at = text + sizeof *p, *end = text + st.st_size;
    c->n = p->n;
    c->at_once = p->at_once;
    c->work_steps = p->work_steps;
    o->timeout_ms = p->timeout_ms;
    c->urls = p->n > 0 ? calloc((size_t)p->n, sizeof *c->urls) : NULL;
    c->answers = p->n > 0 ? calloc((size_t)p->n, sizeof *c->answers) : NULL;
    for (int i = 0; c->urls && i < c->n; i++) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        if (!nul)
            return false;
        c->urls[i] = (char *)(uintptr_t)at;
        at = nul + 1;
    }
    return c->urls && c->answers && c->at_once > 0;
}

bool compare_is_preloaded(void)
{
    return getenv(VARIABLE) != NULL;
}

static void run_here(struct compare *c)
{
    struct compare_shared *s = c->shared;

    if (!is_loaded()) {
        snprintf(s->error, sizeof s->error, "%s could not be loaded", LIBRARY);
        s->failed = (uint64_t)c->n;
        s->has_ended = true;
    }
    for (const struct compare_mode *m = compare_modes; m->name && !s->has_ended; m++)
        if (m->needs_unblock)
            compare_run_mode(c, m);
}

/* What becomes of the run is in the memory that is shared. */
int compare_run_preloaded(void)
{
    static struct compare_options o; /* for as long as the process */
    static struct compare c = {.options = &o, .is_preloaded = true};
    int shared = -1, plan = -1;
    struct stat st;
    const char *descriptors = getenv(VARIABLE);

    if (!descriptors || sscanf(descriptors, "%d,%d", &shared, &plan) != 2 || fstat(shared, &st) < 0 ||
        st.st_size < (off_t)sizeof *c.shared || !read_plan(&c, &o, plan)) {
        say(VARIABLE " is for `bide compare` itself");
        return EXIT_USAGE;
    }
    void *memory = mmap(NULL, sizeof *c.shared, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    if (memory == MAP_FAILED)
        return EXIT_LOCAL;
    c.shared = memory;
    close(shared);
    close(plan);
    unsetenv(VARIABLE);
    c.shared->own_cpu_us = cpu_us();
    run_here(&c);
    return EXIT_OK;
}
