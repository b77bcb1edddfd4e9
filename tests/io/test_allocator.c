/* SPDX-License-Identifier: MIT */
/* test_allocator.c - a heap of the program's own, given to c-ares as docs/guide/allocator.md shows: all comes back to it. */
#include <ares.h>

#include "base/base.h"
#include "dns_stub.h"
#include "harness/allocator.h"

static struct counting_heap of_ares = {.limit = SIZE_MAX};

static void *ares_take(size_t size)
{
    return counting_malloc(size ? size : 1, &of_ares);
}

static void ares_give(void *p)
{
    if (p)
        counting_free(p, &of_ares);
}

static void *ares_resize(void *old, size_t size)
{
    return old ? counting_realloc(old, size, &of_ares) : ares_take(size);
}

static int connect_by_name(void)
{
    struct stub s;
    stub_start(&s, (struct stub_record[]){{.name = "a.test", .type = TYPE_A, .addrs = "127.0.0.1"}, {0}});
    bide_auto bide_listener *l = bide_listen("127.0.0.1", 0);
    bide_auto bide_stream *stream = bide_connect("a.test", bide_listener_port(l), .timeout_ms = 5000);
    int code = stream ? (int)s.queries[0] : bide_error_code();

    stub_stop(&s);
    return code;
}

UNIT(allocator_of_the_program_serves_c_ares_too)
{
    EXPECT_EQ(ares_library_init_mem(ARES_LIB_INIT_ALL, ares_take, ares_give, ares_resize), ARES_SUCCESS);
    struct counting_heap heap = {.limit = SIZE_MAX};
    EXPECT_ERR(counting_heap_use(&heap), 0);

    EXPECT_EQ(bide_run(bide_coro(connect_by_name)), 1);
    EXPECT_LT(5, of_ares.calls);
    EXPECT_EQ(of_ares.live, 0);
    EXPECT_EQ(heap.live, 0);
    ares_library_cleanup();
}
