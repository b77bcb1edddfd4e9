/* SPDX-License-Identifier: MIT */
/*
 * cplusplus_job.h - the macros of job.h for C++17, which includes it itself.  See cplusplus.h.
 */
#ifndef BIDE_CPLUSPLUS_JOB_H
#define BIDE_CPLUSPLUS_JOB_H
#ifdef __cplusplus

#include <bide/cplusplus.h>
#include <bide/job.h>

extern "C++" {

template <class bide__T> inline constexpr bool bide__is_text = std::is_same_v<std::remove_const_t<bide__T>, char>;

template <class bide__F> inline bide_job bide__begin_job(const char *name, bide__F *f, enum bide_job_shape shape)
{
    bide_job job = {};
    job.fn = reinterpret_cast<void (*)(void)>(f);
    job.name = name;
    job.shape = shape;
    return job;
}

template <class bide__A, class bide__F>
inline bide_job bide__job_of(const char *name, bide__F *f, const void *in, std::size_t in_len)
{
    bide_job job = bide__begin_job(name, f, bide__is_text<bide__A> ? BIDE_JOB_TEXT : BIDE_JOB_FIXED);
    job.in = in;
    job.in_len = in_len;
    return job;
}

template <class bide__O> inline bide_job bide__with_out(bide_job job, bide__O *out)
{
    static_assert(!std::is_same_v<bide__O, char>, "a result of type char has no size: the function calls bide_worker_reply");
    job.has_out = true;
    job.out = out;
    job.out_len = sizeof(bide__O);
    return job;
}

inline bide_job bide__make_job(const char *name, int (*f)())
{
    return bide__begin_job(name, f, BIDE_JOB_NONE);
}

template <class bide__P, class bide__A> inline bide_job bide__make_job(const char *name, int (*f)(bide__P), bide__A *in)
{
    static_assert(std::is_convertible_v<bide__A *, bide__P>, "bide_job: the function takes another type of argument");
    return bide__job_of<bide__A>(name, f, in, sizeof(bide__A));
}

template <class bide__P, class bide__Q, class bide__A, class bide__O>
inline bide_job bide__make_job(const char *name, int (*f)(bide__P, bide__Q), bide__A *in, bide__O *out)
{
    static_assert(std::is_convertible_v<bide__A *, bide__P>, "bide_job: the function takes another type of argument");
    static_assert(std::is_convertible_v<bide__O *, bide__Q>, "bide_job: the function has another type of result");
    return bide__with_out(bide__job_of<bide__A>(name, f, in, sizeof(bide__A)), out);
}
#undef bide_job
#define bide_job(...) bide__make_job(BIDE__NAME_OF_FIRST(__VA_ARGS__, 0), __VA_ARGS__)

/* An array of texts is one of pointers; of structs, their own. */
template <class bide__A>
using bide__element = std::conditional_t<std::is_pointer_v<bide__A>, std::remove_pointer_t<bide__A>, bide__A>;

template <class bide__P, class bide__A> inline bide_job bide__make_jobs(const char *name, int (*f)(bide__P), bide__A *in)
{
    static_assert(!std::is_pointer_v<bide__A> || bide__is_text<bide__element<bide__A>>, "bide_jobs: an array of texts or of structs");
    static_assert(std::is_convertible_v<bide__element<bide__A> *, bide__P>, "bide_jobs: the function takes another type of argument");
    return bide__job_of<bide__element<bide__A>>(name, f, in, sizeof(bide__A));
}

template <class bide__P, class bide__Q, class bide__A, class bide__O>
inline bide_job bide__make_jobs(const char *name, int (*f)(bide__P, bide__Q), bide__A *in, bide__O *out)
{
    static_assert(!std::is_pointer_v<bide__A> || bide__is_text<bide__element<bide__A>>, "bide_jobs: an array of texts or of structs");
    static_assert(std::is_convertible_v<bide__element<bide__A> *, bide__P>, "bide_jobs: the function takes another type of argument");
    static_assert(std::is_convertible_v<bide__O *, bide__Q>, "bide_jobs: the function has another type of result");
    return bide__with_out(bide__job_of<bide__element<bide__A>>(name, f, in, sizeof(bide__A)), out);
}
#undef bide_jobs
#define bide_jobs(...) bide__make_jobs(BIDE__NAME_OF_FIRST(__VA_ARGS__, 0), __VA_ARGS__)

inline bide_job bide__make_job_bytes(const char *name, int (*f)(bide_bytes), bide_bytes in)
{
    bide_job job = bide__begin_job(name, f, BIDE_JOB_BYTES);
    job.in = in.data;
    job.in_len = in.len;
    return job;
}
#undef bide_job_bytes
#define bide_job_bytes(f, bytes) bide__make_job_bytes(#f, f, bytes)

/* ---- functions by name ---- */

template <class bide__T> inline constexpr enum bide_job_shape bide__shape_of =
    std::is_void_v<bide__T>                                                            ? BIDE_JOB_NONE
    : std::is_same_v<bide__T, bide_bytes>                                              ? BIDE_JOB_BYTES
    : std::is_pointer_v<bide__T> && bide__is_text<std::remove_pointer_t<bide__T>>            ? BIDE_JOB_TEXT
                                                                                 : BIDE_JOB_FIXED;

template <class bide__T> constexpr std::size_t bide__length_of()
{
    if constexpr (std::is_pointer_v<bide__T>)
        return sizeof(std::remove_pointer_t<bide__T>);
    else
        return 1; /* none, or bytes: of any length */
}

template <class bide__In, class bide__Out = void> inline void bide__register_typed(bide_pool_named *named)
{
    named->takes_known = true;
    named->shape = bide__shape_of<bide__In>;
    named->in_len = bide__length_of<bide__In>();
    if constexpr (!std::is_void_v<bide__Out>) {
        named->has_out = true;
        named->out_len = bide__length_of<bide__Out>();
    }
}

#undef BIDE__TASK
#define BIDE__TASK(f, type_of_f, typed)                                             \
    __attribute__((constructor(1000))) static void bide__register_##f(void)         \
    {                                                                               \
        static bide_pool_named named = {};                                          \
        type_of_f const own = f;                                                    \
        named.name = #f;                                                            \
        named.fn = reinterpret_cast<void (*)(void)>(own);                           \
        typed;                                                                      \
        bide_pool_register(&named);                                                \
    }                                                                               \
    typedef int bide__registered_##f
#undef BIDE__TASK_1
#undef BIDE__TASK_2
#undef BIDE__TASK_3
#define BIDE__TASK_1(f) BIDE__TASK(f, auto *, (void)own)
#define BIDE__TASK_2(f, in) BIDE__TASK(f, bide__function<int(in)>, bide__register_typed<in>(&named))
#define BIDE__TASK_3(f, in, out) BIDE__TASK(f, bide__function<int(in BIDE__COMMA out)>, (bide__register_typed<in, out>(&named)))
#define BIDE__COMMA ,
template <class bide__F> using bide__function = bide__F *;

} /* extern "C++" */

#endif
#endif
