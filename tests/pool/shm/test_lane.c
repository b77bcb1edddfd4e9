/* SPDX-License-Identifier: MIT */
/* test_lane.c - the ring between two sides: order, the end of the ring, full, nonsense; and two threads at once. */
#include <pthread.h>

#include "pool_test.h"

#define SIZE 4096

static struct {
    struct lane_shared shared;
    _Alignas(8) char bytes[1 << 16];
} memory;

static struct lane producer(uint32_t size)
{
    struct lane l;
    bide__lane_init(&l, &memory.shared, memory.bytes, size);
    return l;
}

UNIT(lane_records_come_out_as_they_went_in)
{
    struct lane in = producer(SIZE), out = producer(SIZE);
    struct record r;
    const char *payload;

    for (uint64_t i = 0; i < 1000; i++) { /* many times around, at every offset */
        char text[200];
        size_t len = i * 13 % sizeof text;
        memset(text, (int)('a' + i % 26), sizeof text);
        EXPECT_TRUE(bide__lane_put(&in, &(struct record){.kind = REC_CALL, .id = i}, text, len / 2, text, len - len / 2));
        EXPECT_EQ(bide__lane_peek(&out, &r, &payload), 0); /* not published */
        bide__lane_publish(&in);
        EXPECT_EQ(bide__lane_peek(&out, &r, &payload), 1);
        EXPECT_EQ(r.id, i);
        EXPECT_EQ(r.len, len);
        EXPECT_MEM(payload, text, len);
        bide__lane_pop(&out, &r);
    }
}

UNIT(lane_full_takes_no_more_until_something_left)
{
    struct lane in = producer(SIZE), out = producer(SIZE);
    struct record r;
    const char *payload;
    char bytes[100] = "";
    unsigned n = 0;

    while (bide__lane_put(&in, &(struct record){.kind = REC_CALL}, bytes, sizeof bytes, NULL, 0))
        n++;
    EXPECT_LE(SIZE / (sizeof(struct record) + 104) - 1, n);
    bide__lane_publish(&in);
    EXPECT_EQ(bide__lane_peek(&out, &r, &payload), 1);
    EXPECT_FALSE(bide__lane_put(&in, &(struct record){.kind = REC_CALL}, bytes, sizeof bytes, NULL, 0));
    bide__lane_pop(&out, &r);
    bide__lane_peek(&out, &r, &payload);
    bide__lane_pop(&out, &r);
    EXPECT_TRUE(bide__lane_put(&in, &(struct record){.kind = REC_CALL}, bytes, sizeof bytes, NULL, 0));
}

/* A peer that wrote nonsense is found out, never followed. */
UNIT(lane_nonsense_is_refused)
{
    struct record bad[] = {{.kind = REC_KINDS}, {.kind = REC_CALL, .len = SIZE}, {.kind = REC_CALL, .len = UINT32_MAX}, {.kind = 999}};
    struct record r;
    const char *payload;

    for (size_t i = 0; i < array_len(bad); i++) {
        memset(&memory, 0, sizeof memory);
        struct lane out = producer(SIZE);
        memcpy(memory.bytes, &bad[i], sizeof bad[i]);
        atomic_store(&memory.shared.tail, 64);
        EXPECT_ERR(bide__lane_peek(&out, &r, &payload), -EBADMSG);
    }
    const uint64_t tails[] = {SIZE + 8, 3, UINT64_MAX, 8};
    for (size_t i = 0; i < array_len(tails); i++) {
        memset(&memory, 0, sizeof memory);
        struct lane out = producer(SIZE);
        atomic_store(&memory.shared.tail, tails[i]);
        EXPECT_ERR(bide__lane_peek(&out, &r, &payload), -EBADMSG);
    }
}

UNIT(lane_random_bytes_never_lead_outside)
{
    unsigned seed = 7;
    struct record r;
    const char *payload;

    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < 256; i += 4) {
            seed = seed * 1664525 + 1013904223;
            unsigned v = seed >> 8 & (round & 1 ? 0xff : 0xffffff);
            memcpy(memory.bytes + i, &v, 4);
        }
        struct lane out = producer(256);
        atomic_store(&memory.shared.tail, (seed >> 4 & 31) * 8);
        while (bide__lane_peek(&out, &r, &payload) == 1) {
            EXPECT_LE((size_t)(payload - memory.bytes) + r.len, 256);
            bide__lane_pop(&out, &r);
        }
    }
}

/* Padding from end to end is no record's, and could go on without an end. */
UNIT(lane_ring_of_padding_is_broken)
{
    struct lane in = producer(SIZE), out = in;
    struct record r;
    const char *payload;

    memcpy(in.bytes, &(struct record){.kind = REC_PAD}, sizeof r);
    in.mine += SIZE;
    bide__lane_publish(&in);
    EXPECT_ERR(bide__lane_peek(&out, &r, &payload), -EBADMSG);
}

#define ROUNDS 200000

static void *produce(void *arg)
{
    struct lane in = producer(SIZE);
    (void)arg;

    for (uint64_t i = 0; i < ROUNDS;) {
        uint64_t copies[4] = {i, i, i, i};
        if (bide__lane_put(&in, &(struct record){.kind = REC_CALL, .id = i}, copies, 8 * (i % 5), NULL, 0))
            i++;
        bide__lane_publish(&in);
    }
    return NULL;
}

/* Clean under ThreadSanitizer: every access to the bytes is ordered by head and tail. */
UNIT(lane_two_threads_lose_nothing, .seconds = 30)
{
    struct lane out = producer(SIZE);
    struct record r;
    const char *payload;
    pthread_t thread;

    EXPECT_EQ(pthread_create(&thread, NULL, produce, NULL), 0);
    for (uint64_t i = 0; i < ROUNDS;) {
        int found = bide__lane_peek(&out, &r, &payload);
        EXPECT_LE(0, found);
        if (found == 0)
            continue;
        EXPECT_EQ(r.id, i);
        EXPECT_EQ(r.len, 8 * (i % 5));
        for (uint64_t k = 0; k < i % 5; k++)
            EXPECT_MEM(payload + 8 * k, &i, 8);
        bide__lane_pop(&out, &r);
        i++;
    }
    pthread_join(thread, NULL);
}
