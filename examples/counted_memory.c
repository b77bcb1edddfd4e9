/* SPDX-License-Identifier: MIT */
/*
 * counted_memory.c - a heap of the program's own: how much memory do requests take, and is all of it given back?
 *
 *     counted_memory http://127.0.0.1:8080/ 100
 *
 * The size of each piece stands in front of it.  A pool would have further processes, each with counts of its own.
 */
#include <bide/bide.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct heap {
    atomic_size_t pieces, bytes, most_bytes;
};

union piece {
    size_t size;
    max_align_t align; /* what follows is aligned as malloc's */
};

static void *count(struct heap *h, union piece *p, size_t size)
{
    if (!p)
        return NULL;

    size_t now = atomic_fetch_add(&h->bytes, size) + size, most = atomic_load(&h->most_bytes);
    while (now > most && !atomic_compare_exchange_weak(&h->most_bytes, &most, now))
        continue;
    atomic_fetch_add(&h->pieces, 1);
    p->size = size;
    return p + 1;
}

static void *take(size_t size, void *user)
{
    return count(user, malloc(sizeof(union piece) + size), size);
}

static void give(void *at, void *user)
{
    struct heap *h = user;
    union piece *p = (union piece *)at - 1;

    atomic_fetch_sub(&h->bytes, p->size);
    atomic_fetch_sub(&h->pieces, 1);
    free(p);
}

static void *resize(void *old, size_t size, void *user)
{
    size_t old_size = ((union piece *)old - 1)->size;
    void *at = take(size, user);
    if (!at)
        return NULL;

    memcpy(at, old, old_size < size ? old_size : size);
    give(old, user);
    return at;
}

static int size_of(bide_session *s, const char *url, size_t *out)
{
    bide_auto bide_response *r = bide_get(s, url);
    bide_bytes body = bide_body(r);
    if (!body.data)
        return bide_raise();

    *out += body.len;
    return 0;
}

static int app(const char *url, int n)
{
    size_t bytes = 0;
    bide_auto bide_session *s = bide_session_new();

    for (int i = 0; i < n; i++)
        BIDE_TRY(bide_await(bide_coro(size_of, s, url, &bytes)));
    printf("%d requests, %zu bytes\n", n, bytes);
    return 0;
}

int main(int argc, char **argv)
{
    static struct heap heap;
    if (argc != 3) {
        fprintf(stderr, "usage: counted_memory URL N\n");
        return 2;
    }
    if (bide_set_allocator(.malloc = take, .realloc = resize, .free = give, .user = &heap) < 0) {
        bide_error_print(stderr);
        return 1;
    }

    int code = bide_main(bide_coro(app, argv[1], atoi(argv[2])));
    printf("at most %zu bytes at once, %zu in %zu pieces left\n", heap.most_bytes, heap.bytes, heap.pieces);
    return code;
}
