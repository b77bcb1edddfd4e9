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

template <class T> inline constexpr bool bide__is_text = std::is_same_v<std::remove_const_t<T>, char>;

template <class F> inline bide_job bide__begin_job(const char *name, F *f, enum bide_job_shape shape)
{
    bide_job job = {};
    job.fn = reinterpret_cast<void (*)(void)>(f);
    job.name = name;
    job.shape = shape;
    return job;
}

template <class A, class F> inline bide_job bide__job_of(const char *name, F *f, const void *in, std::size_t in_len)
{
    bide_job job = bide__begin_job(name, f, bide__is_text<A> ? BIDE_JOB_TEXT : BIDE_JOB_FIXED);
    job.in = in;
    job.in_len = in_len;
    return job;
}

template <class O> inline bide_job bide__with_out(bide_job job, O *out)
{
    static_assert(!std::is_same_v<O, char>, "a result of type char has no size: the function calls bide_worker_reply");
    job.has_out = true;
    job.out = out;
    job.out_len = sizeof(O);
    return job;
}

inline bide_job bide__make_job(const char *name, int (*f)())
{
    return bide__begin_job(name, f, BIDE_JOB_NONE);
}

template <class P, class A> inline bide_job bide__make_job(const char *name, int (*f)(P), A *in)
{
    static_assert(std::is_convertible_v<A *, P>, "bide_job: the function takes another type of argument");
    return bide__job_of<A>(name, f, in, sizeof(A));
}

template <class P, class Q, class A, class O> inline bide_job bide__make_job(const char *name, int (*f)(P, Q), A *in, O *out)
{
    static_assert(std::is_convertible_v<A *, P>, "bide_job: the function takes another type of argument");
    static_assert(std::is_convertible_v<O *, Q>, "bide_job: the function has another type of result");
    return bide__with_out(bide__job_of<A>(name, f, in, sizeof(A)), out);
}
#undef bide_job
#define bide_job(...) bide__make_job(BIDE__NAME_OF_FIRST(__VA_ARGS__, 0), __VA_ARGS__)

/* An array of texts is one of pointers; of structs, their own. */
template <class A> using bide__element = std::conditional_t<std::is_pointer_v<A>, std::remove_pointer_t<A>, A>;

template <class P, class A> inline bide_job bide__make_jobs(const char *name, int (*f)(P), A *in)
{
    static_assert(!std::is_pointer_v<A> || bide__is_text<bide__element<A>>, "bide_jobs: an array of texts or of structs");
    static_assert(std::is_convertible_v<bide__element<A> *, P>, "bide_jobs: the function takes another type of argument");
    return bide__job_of<bide__element<A>>(name, f, in, sizeof(A));
}

template <class P, class Q, class A, class O> inline bide_job bide__make_jobs(const char *name, int (*f)(P, Q), A *in, O *out)
{
    static_assert(!std::is_pointer_v<A> || bide__is_text<bide__element<A>>, "bide_jobs: an array of texts or of structs");
    static_assert(std::is_convertible_v<bide__element<A> *, P>, "bide_jobs: the function takes another type of argument");
    static_assert(std::is_convertible_v<O *, Q>, "bide_jobs: the function has another type of result");
    return bide__with_out(bide__job_of<bide__element<A>>(name, f, in, sizeof(A)), out);
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

template <class T> inline constexpr enum bide_job_shape bide__shape_of =
    std::is_void_v<T>                                                            ? BIDE_JOB_NONE
    : std::is_same_v<T, bide_bytes>                                              ? BIDE_JOB_BYTES
    : std::is_pointer_v<T> && bide__is_text<std::remove_pointer_t<T>>            ? BIDE_JOB_TEXT
                                                                                 : BIDE_JOB_FIXED;

template <class T> constexpr std::size_t bide__length_of()
{
    if constexpr (std::is_pointer_v<T>)
        return sizeof(std::remove_pointer_t<T>);
    else
        return 1; /* none, or bytes: of any length */
}

template <class In, class Out = void> inline void bide__register_typed(bide_pool_named *named)
{
    named->takes_known = true;
    named->shape = bide__shape_of<In>;
    named->in_len = bide__length_of<In>();
    if constexpr (!std::is_void_v<Out>) {
        named->has_out = true;
        named->out_len = bide__length_of<Out>();
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
template <class F> using bide__function = F *;

} /* extern "C++" */

#endif
#endif
