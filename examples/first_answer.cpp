/* SPDX-License-Identifier: MIT */
/*
 * first_answer.cpp - the words of bide in C++: who answers first?
 *
 *     c++ -std=c++20 first_answer.cpp $(pkg-config --cflags --libs bide) && ./a.out
 */
#include <cstdio>
#include <string>

#include <bide/bide.h>

static int ask(std::string *answer, const char *who, int ms)
{
    BIDE_TRY(bide_sleep_ms(ms));
    *answer = std::string(who) + " answered";
    return ms;
}

/* It blocks, so it runs in a thread. */
static int look_it_up(std::string *answer)
{
    *answer = "the book answered";
    return 0;
}

/* Each as it comes: coroutines, and a call for a thread, in one list. */
static int each_in_turn()
{
    std::string near, far, book;
    std::string *answers[] = {&far, &near, &book};
    bide_auto bide_completed *c = BIDE_TRY_PTR(bide_as_completed(BIDE_AWAITABLES(
        bide_coro(ask, &far, "the far one", 60), bide_coro(ask, &near, "the near one", 30),
        bide_to_thread_awaitable(bide_coro(look_it_up, &book)))));
    std::size_t i = 0;

    while (BIDE_TRY(bide_completed_next(c, &i)) > 0)
        std::printf("%s\n", answers[i]->c_str());
    return 0;
}

/* The first one counts: the other is cancelled, and has ended when the call returns. */
static int first()
{
    std::string near, far;
    bool done[2];

    BIDE_TRY(bide_wait(BIDE_AWAITABLES(bide_coro(ask, &far, "the far one", 60), bide_coro(ask, &near, "the near one", 30)),
                       .until = BIDE_FIRST_COMPLETED, .done = done));
    std::printf("first: %s\n", (done[0] ? far : near).c_str());
    return 0;
}

static int app()
{
    BIDE_TRY(each_in_turn());
    return first();
}

int main()
{
    return bide_main(bide_coro(app));
}
