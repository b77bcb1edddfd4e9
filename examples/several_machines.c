/* SPDX-License-Identifier: MIT */
/*
 * several_machines.c - count the primes below a million, wherever there are processors.
 *
 *     bide worker redis://10.0.0.5/0/primes -- several_machines host      on as many machines as you like
 *     several_machines redis://10.0.0.5/0/primes                          on one of them, or on another
 *
 * Both are this program: a job goes by the name of its function, and its argument as bytes.
 */
#include <stdio.h>
#include <string.h>

#include <bide/bide.h>

#define BELOW 1000000
#define PIECES 100

struct range {
    int from, to;
};

static int is_prime(int n)
{
    for (int d = 2; d * d <= n; d++)
        if (n % d == 0)
            return 0;
    return n >= 2;
}

/* The job.  It bears being done twice: that is what "at least once" asks for. */
static int count_primes(const struct range *r)
{
    int n = 0;

    for (int i = r->from; i < r->to; i++)
        n += is_prime(i);
    return n;
}
BIDE_POOL_TASK(count_primes, const struct range *);

/* A worker host: whatever of our jobs the queue holds runs in a pool of this machine. */
static int host(void)
{
    bide_auto bide_pool *pool = bide_pool_new(.concurrency = 1);
    if (!pool)
        return bide_raise();
    return bide_pool_serve(NULL, NULL, .pool = pool); /* NULL: the URL and name given to `bide worker` */
}

static void tell(const bide_pool_event *e, void *arg)
{
    (void)arg;
    fprintf(stderr, "%s\n", e->text);
}

/* The other side: an ordinary pool, but for .redis. */
static int count(const char *url)
{
    struct range pieces[PIECES];
    int counts[PIECES], sum = 0;
    bide_auto bide_pool *pool = bide_pool_new(.redis = url, .on_event = tell);
    if (!pool)
        return bide_raise();

    for (int i = 0; i < PIECES; i++)
        pieces[i] = (struct range){BELOW / PIECES * i, BELOW / PIECES * (i + 1)};
    BIDE_TRY(bide_pool_map(pool, bide_jobs(count_primes, pieces), PIECES, .codes = counts));
    for (int i = 0; i < PIECES; i++)
        sum += counts[i];
    printf("%d primes below %d\n", sum, BELOW);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: several_machines host | URL\n");
        return 2;
    }
    if (bide_pool_prepare() < 0) {
        bide_error_print(stderr);
        return 1;
    }
    if (strcmp(argv[1], "host") == 0)
        return bide_main(bide_coro(host));
    return bide_main(bide_coro(count, argv[1]));
}
