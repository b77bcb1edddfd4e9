/* SPDX-License-Identifier: MIT */
/*
 * switch_state.c - state that C++ and the sanitizers keep for each thread, but that belongs to a stack.
 *
 *   C++                 the exceptions that are being handled.  A task that waits inside a catch block keeps its own; else
 *                       the next task would rethrow it, or end it.
 *   AddressSanitizer    the bounds of the stack, and its fake stack.
 *   ThreadSanitizer     the fiber.
 *
 * It is the loop that carries them, before and after each switch, so that a task parks without knowing of it.  A loop in a
 * process without such runtimes does nothing of the kind, at no cost: loop->plain_run says so.
 *
 * The sanitizers are here when the program starts, found by weak symbols: one library serves programs built with and without
 * them.  (In a library that is itself built with one, sanitize.c does this in the switch.)  The C++ runtime may also come
 * later, with a library that the program loads: every loop looks when it begins to run, and C++ code that includes a header
 * of bide reports itself when it is loaded (bide_cplusplus_is_here).
 */
#include "core/turn/switch_state.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>

#include "core/stack/sanitize.h"

typedef struct cxx_globals *get_globals(void);

extern struct cxx_globals *__cxa_get_globals(void) __attribute__((weak));

static struct {
    pthread_mutex_t lock;
    unsigned long long loaded; /* how many objects had been loaded when we looked last, + 1 */
    atomic_uint n;             /* of what follows */
    get_globals *get[CXX_RUNTIMES_MAX];
} cxx = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- finding the runtime of C++ ---- */

static int read_loaded(struct dl_phdr_info *info, size_t size, void *out)
{
    (void)size;
    *(unsigned long long *)out = info->dlpi_adds + 1;
    return 1; /* every object has the same count */
}

static void add_runtime(get_globals *get)
{
    unsigned n = atomic_load_explicit(&cxx.n, memory_order_relaxed);
    for (unsigned i = 0; i < n; i++)
        if (cxx.get[i] == get)
            return;
    if (!get || n == CXX_RUNTIMES_MAX)
        return;
    cxx.get[n] = get; /* under the lock; n is released behind it, and acquired by who reads the table without the lock */
    atomic_store_explicit(&cxx.n, n + 1, memory_order_release);
}

/* A library that was loaded for one plugin alone is in nobody's scope: ask for it by name.  The handle keeps it here. */
static void add_library(const char *name)
{
    void *library = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
    if (library)
        add_runtime((get_globals *)dlsym(library, "__cxa_get_globals"));
}

static void find_cxx(void)
{
    unsigned long long loaded = 0;

    pthread_mutex_lock(&cxx.lock);
    dl_iterate_phdr(read_loaded, &loaded);
    if (loaded != cxx.loaded) {
        cxx.loaded = loaded;
        add_runtime(__cxa_get_globals);
        add_library("libstdc++.so.6");
        add_library("libc++abi.so.1");
    }
    pthread_mutex_unlock(&cxx.lock);
}

/* ---- sanitizers ---- */

#if BIDE_SANITIZED

static bool sanitizer_is_here(void)
{
    return false; /* sanitize.c does this in the switch itself */
}

static void sanitizer_enter(struct switch_outer *outer, struct switch_state *s, const void *low, size_t size)
{
    (void)outer, (void)s, (void)low, (void)size;
}

static void sanitizer_leave(const struct switch_outer *outer, struct switch_state *s, bool done)
{
    (void)outer, (void)s, (void)done;
}

#else

extern void __sanitizer_start_switch_fiber(void **fake, const void *low, size_t size) __attribute__((weak));
extern void __sanitizer_finish_switch_fiber(void *fake, const void **low, size_t *size) __attribute__((weak));
extern void *__tsan_get_current_fiber(void) __attribute__((weak));
extern void *__tsan_create_fiber(unsigned flags) __attribute__((weak));
extern void __tsan_destroy_fiber(void *fiber) __attribute__((weak));
extern void __tsan_switch_to_fiber(void *fiber, unsigned flags) __attribute__((weak));

static bool sanitizer_is_here(void)
{
    return __sanitizer_start_switch_fiber != NULL || __tsan_switch_to_fiber != NULL;
}

/* Both halves of a switch at once, on the loop's side of it: no instrumented code runs between here and there. */
static void sanitizer_enter(struct switch_outer *outer, struct switch_state *s, const void *low, size_t size)
{
    if (__sanitizer_start_switch_fiber) {
        __sanitizer_start_switch_fiber(&outer->state.fake_stack, low, size);
        __sanitizer_finish_switch_fiber(s->fake_stack, &outer->low, &outer->size);
    }
    if (__tsan_switch_to_fiber) {
        outer->state.tsan_fiber = __tsan_get_current_fiber();
        if (!s->tsan_fiber)
            s->tsan_fiber = __tsan_create_fiber(0);
        __tsan_switch_to_fiber(s->tsan_fiber, 0);
    }
}

static void sanitizer_leave(const struct switch_outer *outer, struct switch_state *s, bool done)
{
    if (__sanitizer_start_switch_fiber) {
        __sanitizer_start_switch_fiber(done ? NULL : &s->fake_stack, outer->low, outer->size);
        __sanitizer_finish_switch_fiber(outer->state.fake_stack, NULL, NULL);
    }
    if (__tsan_switch_to_fiber) {
        __tsan_switch_to_fiber(outer->state.tsan_fiber, 0);
        if (done)
            __tsan_destroy_fiber(s->tsan_fiber);
    }
}

#endif

/* ---- what tasks call ---- */

/* Move the thread's state of the runtimes from number `first` on to s. */
static void take_from(unsigned first, struct switch_state *s)
{
    unsigned n = atomic_load_explicit(&cxx.n, memory_order_acquire);

    for (unsigned i = first; i < n; i++) {
        struct cxx_globals *here = cxx.get[i]();
        s->cxx[i] = *here;
        *here = (struct cxx_globals){0};
    }
}

/* Relaxed: it asks whether there are any.  Who uses the table acquires n itself. */
bool bide__switch_state_wanted(void)
{
    find_cxx();
    return atomic_load_explicit(&cxx.n, memory_order_relaxed) > 0 || sanitizer_is_here();
}

void bide__switch_state_enter(struct switch_outer *outer, struct switch_state *s, const void *low, size_t size)
{
    unsigned n = atomic_load_explicit(&cxx.n, memory_order_acquire);

    for (unsigned i = 0; i < n; i++) {
        struct cxx_globals *here = cxx.get[i]();
        outer->state.cxx[i] = *here;
        *here = s->cxx[i];
    }
    outer->cxx_count = n;
    sanitizer_enter(outer, s, low, size);
}

void bide__switch_state_leave(const struct switch_outer *outer, struct switch_state *s, bool done)
{
    sanitizer_leave(outer, s, done);
    for (unsigned i = 0; i < outer->cxx_count; i++) {
        struct cxx_globals *here = cxx.get[i]();
        s->cxx[i] = *here;
        *here = outer->state.cxx[i];
    }
    if (atomic_load_explicit(&cxx.n, memory_order_relaxed) > outer->cxx_count)
        take_from(outer->cxx_count, s); /* loaded by the task that ran */
}

void bide__switch_state_take(struct switch_state *s)
{
    take_from(0, s);
}
