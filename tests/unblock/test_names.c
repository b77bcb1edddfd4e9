/* SPDX-License-Identifier: MIT */
/* test_names.c - names are looked up by libc in a thread, while other tasks run. */
#include <netdb.h>

#include "unblock.h"

static int resolve(const char *name, int *result)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;

    *result = getaddrinfo(name, "80", &hints, &found);
    if (*result == 0) {
        const struct sockaddr_in *a = (const void *)found->ai_addr;
        EXPECT_EQ(a->sin_port, htons(80));
        EXPECT_EQ(a->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
        freeaddrinfo(found);
    }
    return 0;
}

TEST(names_getaddrinfo_finds_what_libc_finds, .real_time = true)
{
    int results[2] = {-99, -99};

    EXPECT_EQ(bide_gather(bide_coro(resolve, "localhost", &results[0]), bide_coro(resolve, "127.0.0.1", &results[1])), 0);
    EXPECT_EQ(results[0], 0);
    EXPECT_EQ(results[1], 0);
    struct addrinfo *found;
    EXPECT_EQ(getaddrinfo(NULL, "no such service", NULL, &found), EAI_SERVICE);
}

TEST(names_getaddrinfo_of_a_cancelled_task_is_left_alone, .real_time = true)
{
    int result = 0;
    bide_auto bide_task *t = bide_create_task(bide_coro(resolve, "localhost", &result));

    EXPECT_EQ(bide_sleep_ms(0), 0);
    bide_task_cancel(t);
    EXPECT_EQ(bide_await(t), BIDE_ECANCELED);
    EXPECT_TRUE(result == EAI_SYSTEM || result == 0); /* 0: the lookup was faster than the cancellation */
}

TEST(names_getnameinfo_finds_a_name, .real_time = true)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char host[256] = "", port[32] = "";

    EXPECT_EQ(getnameinfo((struct sockaddr *)&a, sizeof a, host, sizeof host, port, sizeof port, NI_NUMERICSERV), 0);
    EXPECT_NE(host[0], '\0');
    EXPECT_STR(port, "80");
    EXPECT_EQ(getnameinfo((struct sockaddr *)&a, sizeof a, host, 2, NULL, 0, 0), EAI_OVERFLOW);
}

static int resolve_kept(const char *name, const struct hostent **kept)
{
    *kept = gethostbyname(name);
    EXPECT_NOT_NULL(*kept);
    in_addr_t first;
    memcpy(&first, (*kept)->h_addr_list[0], sizeof first);
    EXPECT_EQ(bide_sleep_ms(20), 0);
    EXPECT_EQ(memcmp(&first, (*kept)->h_addr_list[0], sizeof first), 0);
    return 0;
}

/* libc has one static result, which another task would overwrite during a wait. */
TEST(names_gethostbyname_has_an_answer_for_each_task, .real_time = true)
{
    const struct hostent *kept[2] = {NULL, NULL};

    EXPECT_EQ(bide_gather(bide_coro(resolve_kept, "127.0.0.1", &kept[0]), bide_coro(resolve_kept, "127.0.0.2", &kept[1])), 0);
    EXPECT_TRUE(kept[0] != kept[1]);
}

TEST(names_gethostbyname_r_fills_in_the_callers_memory, .real_time = true)
{
    struct hostent entry, *found = NULL;
    char memory[1024];
    int h = 0;
    in_addr_t loopback = htonl(INADDR_LOOPBACK);

    EXPECT_EQ(gethostbyname_r("localhost", &entry, memory, sizeof memory, &found, &h), 0);
    EXPECT_TRUE(found == &entry);
    EXPECT_EQ(entry.h_addrtype, AF_INET);
    EXPECT_MEM(entry.h_addr_list[0], &loopback, sizeof loopback);
    EXPECT_TRUE(entry.h_name >= memory && entry.h_name < memory + sizeof memory);
    EXPECT_EQ(gethostbyname_r("localhost", &entry, memory, 8, &found, &h), ERANGE);
    EXPECT_NULL(found);
    EXPECT_EQ(gethostbyname2_r("localhost", AF_INET, &entry, memory, sizeof memory, &found, &h), 0);
    EXPECT_EQ(gethostbyaddr_r(&loopback, sizeof loopback, AF_INET, &entry, memory, sizeof memory, &found, &h), 0);
    EXPECT_MEM(entry.h_addr_list[0], &loopback, sizeof loopback);
    EXPECT_NOT_NULL(gethostbyaddr(&loopback, sizeof loopback, AF_INET));
    EXPECT_NOT_NULL(gethostbyname2("127.0.0.1", AF_INET));
}
