/* SPDX-License-Identifier: MIT */
/*
 * coroutine.h - calls that have not happened yet: bide_coro.
 *
 * A coroutine is a value: a function and up to six argument words.  Nothing is allocated and nothing has run.  It can
 * be awaited in place, made a task, handed to gather, or dropped.  Its function is an ordinary C function that
 * returns int: 0 or more is the result, negative an error.
 *
 * Limits: six arguments, each an integer, enum or pointer (floating point and structs by pointer); a bool parameter
 * needs a real bool.  A wrong count or type is a compile error, and so is a result that is not int.
 */
#ifndef BIDE_COROUTINE_H
#define BIDE_COROUTINE_H

#include <bide/awaitable.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- preprocessor helpers: count, join, apply to each ---- */

#define BIDE__CAT_(a, b) a##b
#define BIDE__CAT(a, b) BIDE__CAT_(a, b)
/* The number of arguments: 1 to 8, or to 32; MANY up to 64. */
#define BIDE__NARG_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, _18, _19, _20, _21, \
                    _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32, _33, _34, _35, _36, _37, _38, _39, _40,  \
                    _41, _42, _43, _44, _45, _46, _47, _48, _49, _50, _51, _52, _53, _54, _55, _56, _57, _58, _59,  \
                    _60, _61, _62, _63, _64, n, ...)                                                                \
    n
#define BIDE__NARG(...)                                                                                                \
    BIDE__NARG_(__VA_ARGS__, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, \
                MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY,  \
                MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY,  \
                MANY, MANY, MANY, MANY, MANY, MANY, MANY, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define BIDE__NARG_32(...)                                                                                             \
    BIDE__NARG_(__VA_ARGS__, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, \
                MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY,  \
                32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7,   \
                6, 5, 4, 3, 2, 1, 0)
/* A value 0 that is a compile error, whose text is `why`. */
#define BIDE__REFUSE(why)               \
    (0 * sizeof(struct {                \
         _Static_assert(0, why);        \
         char c_;                       \
     }))
#define BIDE__MAP_1(m, a) m(a)
#define BIDE__MAP_2(m, a, ...) m(a), BIDE__MAP_1(m, __VA_ARGS__)
#define BIDE__MAP_3(m, a, ...) m(a), BIDE__MAP_2(m, __VA_ARGS__)
#define BIDE__MAP_4(m, a, ...) m(a), BIDE__MAP_3(m, __VA_ARGS__)
#define BIDE__MAP_5(m, a, ...) m(a), BIDE__MAP_4(m, __VA_ARGS__)
#define BIDE__MAP_6(m, a, ...) m(a), BIDE__MAP_5(m, __VA_ARGS__)
#define BIDE__MAP_7(m, a, ...) m(a), BIDE__MAP_6(m, __VA_ARGS__)
#define BIDE__MAP_8(m, a, ...) m(a), BIDE__MAP_7(m, __VA_ARGS__)
#define BIDE__MAP_9(m, a, ...) m(a), BIDE__MAP_8(m, __VA_ARGS__)
#define BIDE__MAP_10(m, a, ...) m(a), BIDE__MAP_9(m, __VA_ARGS__)
#define BIDE__MAP_11(m, a, ...) m(a), BIDE__MAP_10(m, __VA_ARGS__)
#define BIDE__MAP_12(m, a, ...) m(a), BIDE__MAP_11(m, __VA_ARGS__)
#define BIDE__MAP_13(m, a, ...) m(a), BIDE__MAP_12(m, __VA_ARGS__)
#define BIDE__MAP_14(m, a, ...) m(a), BIDE__MAP_13(m, __VA_ARGS__)
#define BIDE__MAP_15(m, a, ...) m(a), BIDE__MAP_14(m, __VA_ARGS__)
#define BIDE__MAP_16(m, a, ...) m(a), BIDE__MAP_15(m, __VA_ARGS__)
#define BIDE__MAP_17(m, a, ...) m(a), BIDE__MAP_16(m, __VA_ARGS__)
#define BIDE__MAP_18(m, a, ...) m(a), BIDE__MAP_17(m, __VA_ARGS__)
#define BIDE__MAP_19(m, a, ...) m(a), BIDE__MAP_18(m, __VA_ARGS__)
#define BIDE__MAP_20(m, a, ...) m(a), BIDE__MAP_19(m, __VA_ARGS__)
#define BIDE__MAP_21(m, a, ...) m(a), BIDE__MAP_20(m, __VA_ARGS__)
#define BIDE__MAP_22(m, a, ...) m(a), BIDE__MAP_21(m, __VA_ARGS__)
#define BIDE__MAP_23(m, a, ...) m(a), BIDE__MAP_22(m, __VA_ARGS__)
#define BIDE__MAP_24(m, a, ...) m(a), BIDE__MAP_23(m, __VA_ARGS__)
#define BIDE__MAP_25(m, a, ...) m(a), BIDE__MAP_24(m, __VA_ARGS__)
#define BIDE__MAP_26(m, a, ...) m(a), BIDE__MAP_25(m, __VA_ARGS__)
#define BIDE__MAP_27(m, a, ...) m(a), BIDE__MAP_26(m, __VA_ARGS__)
#define BIDE__MAP_28(m, a, ...) m(a), BIDE__MAP_27(m, __VA_ARGS__)
#define BIDE__MAP_29(m, a, ...) m(a), BIDE__MAP_28(m, __VA_ARGS__)
#define BIDE__MAP_30(m, a, ...) m(a), BIDE__MAP_29(m, __VA_ARGS__)
#define BIDE__MAP_31(m, a, ...) m(a), BIDE__MAP_30(m, __VA_ARGS__)
#define BIDE__MAP_32(m, a, ...) m(a), BIDE__MAP_31(m, __VA_ARGS__)
#define BIDE__MAP(m, ...) BIDE__CAT(BIDE__MAP_, BIDE__NARG_32(__VA_ARGS__))(m, __VA_ARGS__)

/* Awaitables in place, as an array and its length: at most 32. */
#define BIDE__MAP_MANY(m, ...) bide_sleep_awaitable(0)
#define BIDE__COUNT_1 1
#define BIDE__COUNT_2 2
#define BIDE__COUNT_3 3
#define BIDE__COUNT_4 4
#define BIDE__COUNT_5 5
#define BIDE__COUNT_6 6
#define BIDE__COUNT_7 7
#define BIDE__COUNT_8 8
#define BIDE__COUNT_9 9
#define BIDE__COUNT_10 10
#define BIDE__COUNT_11 11
#define BIDE__COUNT_12 12
#define BIDE__COUNT_13 13
#define BIDE__COUNT_14 14
#define BIDE__COUNT_15 15
#define BIDE__COUNT_16 16
#define BIDE__COUNT_17 17
#define BIDE__COUNT_18 18
#define BIDE__COUNT_19 19
#define BIDE__COUNT_20 20
#define BIDE__COUNT_21 21
#define BIDE__COUNT_22 22
#define BIDE__COUNT_23 23
#define BIDE__COUNT_24 24
#define BIDE__COUNT_25 25
#define BIDE__COUNT_26 26
#define BIDE__COUNT_27 27
#define BIDE__COUNT_28 28
#define BIDE__COUNT_29 29
#define BIDE__COUNT_30 30
#define BIDE__COUNT_31 31
#define BIDE__COUNT_32 32
#define BIDE__COUNT_MANY BIDE__REFUSE("more than 32 awaitables in place: put them into an array, for bide_gather_n")
#define BIDE__AWAITABLES(...) \
    ((bide_awaitable[]){BIDE__MAP(BIDE_AW, __VA_ARGS__)}), BIDE__CAT(BIDE__COUNT_, BIDE__NARG_32(__VA_ARGS__))

/* The same for a function that takes an array and a length: bide_wait(BIDE_AWAITABLES(t, bide_coro(f, 1)), .timeout_ms = 100) */
#define BIDE_AWAITABLES(...) BIDE__AWAITABLES(__VA_ARGS__)

/* An argument as a machine word; a floating-point one does not compile. */
#define BIDE__WORD(a)                                                               \
    ((uintptr_t)(a) +                                                               \
     0 * sizeof(struct {                                                            \
         _Static_assert(_Generic((a), float: 0, double: 0, long double: 0, default: 1), \
                        "bide_coro: pass floating point by pointer");               \
         char c_;                                                                   \
     }))
/*
 * The call inside _Generic is never evaluated: it checks the arguments and that the result is int.  A wrong type of an
 * argument is an error here whatever the program's own flags are; gcc before 14 and clang before 15 would only warn.
 */
#define BIDE__CHECKED_CALL(call)                                             \
    __extension__({                                                          \
        _Pragma("GCC diagnostic push")                                       \
        _Pragma("GCC diagnostic error \"-Wint-conversion\"")                 \
        _Pragma("GCC diagnostic error \"-Wincompatible-pointer-types\"")     \
        __typeof__(call) *bide__result = NULL;                               \
        _Pragma("GCC diagnostic pop")                                        \
        *bide__result;                                                       \
    })
#define BIDE__CORO(f, call, n, ...)                                          \
    bide__coro((bide_coroutine){.fn = (void (*)(void))(f),                   \
                                .name = #f,                                  \
                                .argc = _Generic(BIDE__CHECKED_CALL(call), int: (n)), \
                                .argv = {__VA_ARGS__}})
#define BIDE__CORO_1(f) BIDE__CORO(f, (f)(), 0, 0)
#define BIDE__CORO_2(f, a) BIDE__CORO(f, (f)(a), 1, BIDE__WORD(a))
#define BIDE__CORO_3(f, a, b) BIDE__CORO(f, (f)(a, b), 2, BIDE__WORD(a), BIDE__WORD(b))
#define BIDE__CORO_4(f, a, b, c) \
    BIDE__CORO(f, (f)(a, b, c), 3, BIDE__WORD(a), BIDE__WORD(b), BIDE__WORD(c))
#define BIDE__CORO_5(f, a, b, c, d) \
    BIDE__CORO(f, (f)(a, b, c, d), 4, BIDE__WORD(a), BIDE__WORD(b), BIDE__WORD(c), BIDE__WORD(d))
#define BIDE__CORO_6(f, a, b, c, d, e)                                                        \
    BIDE__CORO(f, (f)(a, b, c, d, e), 5, BIDE__WORD(a), BIDE__WORD(b), BIDE__WORD(c),         \
               BIDE__WORD(d), BIDE__WORD(e))
#define BIDE__CORO_7(f, a, b, c, d, e, g)                                                     \
    BIDE__CORO(f, (f)(a, b, c, d, e, g), 6, BIDE__WORD(a), BIDE__WORD(b), BIDE__WORD(c),      \
               BIDE__WORD(d), BIDE__WORD(e), BIDE__WORD(g))
#define BIDE__TOO_MANY_WORDS BIDE__REFUSE("bide_coro: more than six arguments: put them into a struct, and pass its address")
#define BIDE__CORO_8(f, ...) ((bide_coroutine){.argc = (unsigned)BIDE__TOO_MANY_WORDS})
#define BIDE__CORO_MANY(f, ...) ((bide_coroutine){.argc = (unsigned)BIDE__TOO_MANY_WORDS})

/* A coroutine that nobody awaits never runs: the compiler says so. */
static inline __attribute__((always_inline)) BIDE_MUST_USE bide_coroutine bide__coro(bide_coroutine c)
{
    return c;
}

/*
 * A call that has not happened yet.
 *
 * Returns:   a bide_coroutine by value
 * Owns:      nothing: pointers among the arguments must live until the coroutine has run
 * Example:   bide_coro(size, session, "https://a.example", &bytes)
 */
#define bide_coro(...) BIDE__CAT(BIDE__CORO_, BIDE__NARG(__VA_ARGS__))(__VA_ARGS__)

/*
 * Called when C++ code that includes this header is loaded, perhaps while a loop runs: from then on an exception that is
 * being handled stays with its task, even if the task waits inside a catch block.
 */
BIDE_API void bide_cplusplus_is_here(void);
#if defined(__cpp_exceptions)
__attribute__((constructor)) static void bide__cxx_say_it_is_here(void)
{
    bide_cplusplus_is_here();
}
#endif

#ifdef __cplusplus
}
#include <bide/cplusplus.h>
#endif
#endif
