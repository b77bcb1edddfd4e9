/* SPDX-License-Identifier: MIT */
/*
 * cplusplus.h - the macros of the other headers for C++17; they include it themselves.
 *
 * The words are those of C: bide_coro(f, 1), bide_gather(a, b), bide_session_new(.limit = 8).  Options stand in the
 * order of their struct, as C++20 requires.  Three things differ: bide_retain and bide_take return the type that they
 * were given, and BIDE_PAIRS lives as long as the call that it is an argument of.
 *
 * An exception must not leave a coroutine, a callback or a handler.  A task may wait inside a catch block.
 */
#ifndef BIDE_CPLUSPLUS_H
#define BIDE_CPLUSPLUS_H
#ifdef __cplusplus

#include <cstddef>
#include <initializer_list>
#include <type_traits>

#include <bide/coroutine.h>

extern "C++" {

/* ---- objects ---- */

template <class bide__T> inline bide__T *bide__retain(bide__T *object)
{
    return static_cast<bide__T *>((bide_retain)(object));
}
#undef bide_retain
#define bide_retain(object) bide__retain(object)

template <class bide__T> inline bide__T *bide__take_out(bide__T *&variable)
{
    bide__T *object = variable;
    variable = nullptr;
    return object;
}
#undef bide_take
#define bide_take(variable) bide__take_out(variable)

#undef BIDE_PAIRS
#define BIDE_PAIRS(...) (std::initializer_list<bide_pair>{__VA_ARGS__, {nullptr, nullptr}}.begin())

/* ---- coroutines ---- */

/* An argument as a machine word. */
template <class bide__T> inline uintptr_t bide__word(bide__T value)
{
    static_assert(std::is_integral_v<bide__T> || std::is_enum_v<bide__T> || std::is_pointer_v<bide__T>,
                  "bide_coro: pass floating point, structs and references by pointer");
    if constexpr (std::is_pointer_v<bide__T>)
        return reinterpret_cast<uintptr_t>(value);
    else
        return static_cast<uintptr_t>(value);
}

/* The arguments are converted to what the function takes, as in a call. */
template <class... bide__P, class... bide__A>
BIDE_MUST_USE inline bide_coroutine bide__make_coroutine(const char *name, int (*f)(bide__P...), bide__A... args)
{
    static_assert(sizeof...(bide__P) <= 6, "bide_coro: more than six arguments: put them into a struct, and pass its address");
    static_assert(sizeof...(bide__P) == sizeof...(bide__A), "bide_coro: not as many arguments as the function takes");
    static_assert(!(std::is_floating_point_v<bide__A> || ...), "bide_coro: pass floating point by pointer");
    const uintptr_t words[] = {bide__word<bide__P>(args)..., 0};
    bide_coroutine c = {};
    c.fn = reinterpret_cast<void (*)(void)>(f);
    c.name = name;
    c.argc = sizeof...(bide__P);
    for (std::size_t i = 0; i < sizeof...(bide__P); i++)
        c.argv[i] = words[i];
    return c;
}
#define BIDE__NAME_OF_FIRST(f, ...) #f
#undef bide_coro
#define bide_coro(...) bide__make_coroutine(BIDE__NAME_OF_FIRST(__VA_ARGS__, 0), __VA_ARGS__)

/* ---- awaitables ---- */

inline bide_awaitable bide__aw(bide_coroutine c) { return bide__aw_coroutine(c); }
inline bide_awaitable bide__aw(bide_task *t) { return bide__aw_task(t); }
inline bide_awaitable bide__aw(bide_future *f) { return bide__aw_future(f); }
inline bide_awaitable bide__aw(bide_generator *g) { return bide__aw_generator(g); }
inline bide_awaitable bide__aw(bide_awaitable_object *o) { return bide__aw_object(o); }
inline bide_awaitable bide__aw(bide_awaitable a) { return a; }
#undef BIDE_AW
#define BIDE_AW(x) bide__aw(x)

inline bide_list bide__list(bide_task *const *tasks) { return bide__list_of_tasks(tasks); }
inline bide_list bide__list(bide_future *const *futures) { return bide__list_of_futures(futures); }
inline bide_list bide__list(const bide_awaitable *awaitables) { return bide__list_of_awaitables(awaitables); }
#undef BIDE_LIST
#define BIDE_LIST(array) bide__list(array)

/* They live until the end of the call whose arguments they are. */
template <std::size_t n> struct bide__array {
    bide_awaitable all[n];
    const bide_awaitable *begin() const { return all; }
};
template <class... bide__A> inline bide__array<sizeof...(bide__A)> bide__awaitables(bide__A... a)
{
    static_assert(sizeof...(bide__A) <= 32, "more than 32 awaitables in place: put them into an array, for bide_gather_n");
    return {{bide__aw(a)...}};
}
#undef BIDE__REFUSE
#define BIDE__REFUSE(why) 0
#undef BIDE__AWAITABLES
#define BIDE__AWAITABLES(...) bide__awaitables(__VA_ARGS__).begin(), BIDE__CAT(BIDE__COUNT_, BIDE__NARG_32(__VA_ARGS__))

} /* extern "C++" */

#endif
#endif
