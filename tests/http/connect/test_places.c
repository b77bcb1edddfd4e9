/* SPDX-License-Identifier: MIT */
/*
 * test_places.c - connections that carry several exchanges at a time: who gets a place on which, and who waits.
 *
 * The protocol is a fake one with three places; the connections are wires, and the time is virtual.
 */
#include "wire.h"

/* ---- a protocol with three places ---- */

static int fake_open(struct conn *c)
{
    c->max_exchanges = 3;
    return 0;
}

static const struct protocol fake = {.open = fake_open};

static int fake_refuses(struct conn *c)
{
    (void)c;
    return bide_fail(BIDE_EHTTP, "not spoken here");
}

static void connector_start(struct connector *k, int limit_per_host, struct wire *all, int n)
{
    *k = (struct connector){.limit = 8, .limit_per_host = limit_per_host, .keepalive_ms = 1000, .buffer_max = 1 << 20};
    EXPECT_EQ(bide__connector_init(k), 0);
    k->loop = bide__loop_here;
    k->protocol = &fake;
    wires_plant_in(k, all, n);
}

static const struct origin a = {.host = "a", .host_len = 1, .port = 80};

/* ---- those who use it ---- */

struct user {
    struct connector *connector;
    int hold_ms;      /* how long an exchange takes */
    bool ends;        /* and afterwards the connection is not used again */
    bool fresh;
    struct conn *got;
    int64_t at_ms;    /* when it got its place */
    int code;
};

static int64_t now_ms(void)
{
    return bide__loop_here->now_ns / NS_PER_MS;
}

static int use(struct user *u)
{
    struct deadline d = {.limits = {.total_ms = 60000, .connect_ms = 1000, .read_ms = 1000}};
    bide__deadline_begin(&d, bide__loop_here);
    struct conn *c = bide__connector_take(u->connector, &a, &d, u->fresh);
    if (!c)
        return u->code = bide_error_code();

    u->got = c;
    u->at_ms = now_ms();
    int code = bide_sleep_ms(u->hold_ms);
    if (u->ends)
        bide__connector_close(c);
    else
        bide__connector_give(c, INT64_MAX);
    return code;
}

static void use_at_once(struct user *users, int n)
{
    bide_task *tasks[8];

    for (int i = 0; i < n; i++)
        tasks[i] = bide_create_task(bide_coro(use, &users[i]));
    for (int i = 0; i < n; i++) {
        EXPECT_EQ(bide_await(tasks[i]), users[i].code);
        bide_release(tasks[i]);
    }
}

#define SILENT {.dial_ms = 5, .room = SIZE_MAX}

/* ---- what they get ---- */

TEST(places_three_requests_share_a_connection_and_a_fourth_waits)
{
    struct wire w = SILENT;
    struct connector k;
    connector_start(&k, 1, &w, 1);
    int64_t t = now_ms();
    struct user users[4] = {{&k, 100}, {&k, 30}, {&k, 100}, {&k, 10}};

    use_at_once(users, 4);
    EXPECT_EQ(k.connections, 1);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(users[i].code, 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(users[i].at_ms - t, 5); /* as soon as it is open */
    EXPECT_EQ(users[3].at_ms - t, 35);    /* when the second has given its place back */
    EXPECT_EQ(k.open, 1);
    EXPECT_EQ(k.nidle, 1);
    EXPECT_EQ(k.nwaiting, 0);
    bide__connector_free(&k);
}

TEST(places_a_fourth_request_opens_a_connection_if_it_may)
{
    struct wire w[2] = {SILENT, SILENT};
    struct connector k;
    connector_start(&k, 2, w, 2);
    struct user first = {&k, 100}, more[3] = {{&k, 50}, {&k, 50}, {&k, 50}};

    bide_task *t = bide_create_task(bide_coro(use, &first));
    EXPECT_EQ(bide_sleep_ms(10), 0); /* it is open */
    use_at_once(more, 3);
    EXPECT_EQ(bide_await(t), 0);
    bide_release(t);
    EXPECT_EQ(k.connections, 2);
    EXPECT_TRUE(more[0].got == first.got && more[1].got == first.got);
    EXPECT_TRUE(more[2].got != first.got);
    EXPECT_EQ(k.nidle, 2);
    bide__connector_free(&k);
}

TEST(places_of_an_idle_connection_are_taken_again)
{
    struct wire w = SILENT;
    struct connector k;
    connector_start(&k, 1, &w, 1);
    struct user first = {&k, 10}, more[4] = {{&k, 10}, {&k, 10}, {&k, 10}, {&k, 10}};

    use_at_once(&first, 1);
    EXPECT_EQ(k.nidle, 1);
    use_at_once(more, 4);
    EXPECT_EQ(k.connections, 1);
    EXPECT_EQ(more[2].at_ms, more[0].at_ms);
    EXPECT_EQ(more[3].at_ms, more[0].at_ms + 10);
    bide__connector_free(&k);
}

TEST(places_on_a_connection_that_is_ending_are_not_given_and_the_last_one_closes_it)
{
    struct wire w[2] = {SILENT, SILENT};
    struct connector k;
    connector_start(&k, 1, w, 2);
    struct user users[4] = {{&k, 10, .ends = true}, {&k, 40}, {&k, 60}, {&k, 10}};

    int64_t t = now_ms();
    use_at_once(users, 4);
    EXPECT_EQ(k.connections, 2);
    EXPECT_EQ(users[3].at_ms - t, 5 + 60 + 5); /* the slot is free when the last of three has left */
    EXPECT_TRUE(w[0].closed);
    EXPECT_EQ(k.open, 1);
    EXPECT_EQ(k.nidle, 1);
    bide__connector_free(&k);
}

TEST(places_a_fresh_connection_is_another_one_unless_the_limit_is_reached)
{
    struct wire w[2] = {SILENT, SILENT};
    struct connector k;
    connector_start(&k, 2, w, 2);
    struct user first = {&k, 50}, other = {&k, 50, .fresh = true}, third = {&k, 10, .fresh = true};

    bide_task *t[3];
    t[0] = bide_create_task(bide_coro(use, &first));
    EXPECT_EQ(bide_sleep_ms(10), 0);
    t[1] = bide_create_task(bide_coro(use, &other));
    EXPECT_EQ(bide_sleep_ms(10), 0);
    t[2] = bide_create_task(bide_coro(use, &third));
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(bide_await(t[i]), 0);
        bide_release(t[i]);
    }
    EXPECT_TRUE(other.got != first.got);
    EXPECT_TRUE(third.got == first.got || third.got == other.got);
    EXPECT_EQ(k.connections, 2);
    bide__connector_free(&k);
}

TEST(places_that_more_are_of_go_to_those_who_wait)
{
    struct wire w = SILENT;
    struct connector k;
    connector_start(&k, 1, &w, 1);
    struct user users[5] = {{&k, 100}, {&k, 100}, {&k, 100}, {&k, 10}, {&k, 10}};

    bide_task *t[5];
    for (int i = 0; i < 5; i++)
        t[i] = bide_create_task(bide_coro(use, &users[i]));
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_EQ(k.nwaiting, 2);
    users[0].got->max_exchanges = 5; /* the peer allows more */
    bide__conn_offer_places(users[0].got);
    EXPECT_EQ(k.nwaiting, 0);
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(bide_await(t[i]), 0);
        bide_release(t[i]);
    }
    EXPECT_EQ(k.connections, 1);
    bide__connector_free(&k);
}

TEST(places_a_cancelled_request_gives_back_what_it_was_given)
{
    struct wire w = SILENT;
    struct connector k;
    connector_start(&k, 1, &w, 1);
    struct user users[5] = {{&k, 30}, {&k, 100}, {&k, 100}, {&k, 10}, {&k, 10}};

    bide_task *t[5];
    for (int i = 0; i < 5; i++)
        t[i] = bide_create_task(bide_coro(use, &users[i]));
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_TRUE(bide_task_cancel(t[3])); /* it waits; the place that the first gives back is for the fifth */
    EXPECT_ERR(bide_await(t[3]), BIDE_ECANCELED);
    EXPECT_EQ(bide_sleep_ms(16), 0);
    EXPECT_TRUE(users[4].got == users[0].got);
    for (int i = 0; i < 5; i++) {
        if (i != 3)
            EXPECT_EQ(bide_await(t[i]), 0);
        bide_release(t[i]);
    }
    EXPECT_EQ(k.nidle, 1);
    EXPECT_EQ(k.open, 1);
    bide__connector_free(&k);
}

TEST(places_a_connection_whose_protocol_refuses_it_is_no_connection)
{
    static const struct protocol refuses = {.open = fake_refuses};
    struct wire w = SILENT;
    struct connector k;
    connector_start(&k, 1, &w, 1);
    k.protocol = &refuses;
    struct user u = {&k, 10};

    use_at_once(&u, 1);
    EXPECT_ERR(u.code, BIDE_EHTTP);
    EXPECT_TRUE(w.closed);
    EXPECT_EQ(k.open, 0);
    bide__connector_free(&k);
}
