/* SPDX-License-Identifier: MIT */
/*
 * wall.c - waiting for a time of the wall clock, which may be set meanwhile.
 *
 * The loop's timers are of the monotonic clock.  A timerfd of CLOCK_REALTIME expires by the wall clock, and reports when that was set.
 */
#include <sys/timerfd.h>
#include <unistd.h>

#include <bide/interval.h>

#include "io/poll/poll.h"

#define MS_MAX (INT64_C(1) << 52) /* beyond that the kernel counts no more */

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int arm(int fd, int64_t unix_ms)
{
    int64_t ms = unix_ms < MS_MAX ? unix_ms : MS_MAX;
    struct itimerspec when = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}};

    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) < 0 ? -errno : 0;
}

/* Each event, and each time that the clock was set (ECANCELED), is a reason to look. */
static int wait_until(struct fd *f, int64_t unix_ms)
{
    uint64_t count;
    int code = 0;

    while (code == 0 && wall_ms() < unix_ms) {
        f->readable = false;
        code = arm(f->fd, unix_ms);
        if (code < 0)
            return bide_fail(code, "bide_sleep_until_wall: %s", bide_strerror(code));
        code = bide__fd_wait_readable(f);
        if (code == 0 && read(f->fd, &count, sizeof count) < 0 && errno != ECANCELED && errno != EAGAIN && errno != EINTR)
            return bide_fail(-errno, "bide_sleep_until_wall: %s", bide_strerror(-errno));
    }
    return code;
}

int bide_sleep_until_wall(int64_t unix_ms)
{
    struct fd f;
    if (!bide__task_required(__func__))
        return bide_error_code();
    if (wall_ms() >= unix_ms)
        return bide_sleep_ms(0);

    int fd = bide__fd_above_standard(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    if (fd < 0)
        return bide_fail(-errno, "bide_sleep_until_wall: %s", bide_strerror(-errno));
    int code = bide__fd_open(&f, fd);
    if (code < 0) {
        close(fd);
        return code;
    }
    struct doing doing = {.what = "bide_sleep_until_wall"};
    bide__doing_begin(&doing);
    code = wait_until(&f, unix_ms);
    bide__doing_end(&doing);
    bide__fd_close(&f);
    return code;
}
