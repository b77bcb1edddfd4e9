/* SPDX-License-Identifier: MIT */
/* user.c - a body in pieces that a function of the user's gives: called in the task whose request it is, so it may wait. */
#include "http/source/source.h"

static ssize_t user_next(struct body_source *source, const char **data)
{
    struct user_source *u = container_of(source, struct user_source, source);
    *data = NULL;
    ssize_t n = u->next(data, u->arg);

    if (n > 0 && !*data)
        return bide_fail(-EINVAL, "the body to send: its function gave %zd bytes, and no place where they are", n);
    if (n < 0 && bide_error_code() != n)
        return bide_fail((int)n, "the body to send: its function returned %zd (%s)", n, bide_strerror((int)n));
    return n;
}

static int user_rewind(struct body_source *source)
{
    struct user_source *u = container_of(source, struct user_source, source);
    int code = u->rewind(u->arg);

    if (code < 0 && bide_error_code() != code)
        return bide_fail(code, "the body to send cannot be sent again: rewind returned %d (%s)", code, bide_strerror(code));
    return code < 0 ? code : 0;
}

static const struct body_source_ops once_ops = {.next = user_next};
static const struct body_source_ops again_ops = {.next = user_next, .rewind = user_rewind};

/* ---- as the options have it ---- */

static int check_source(const bide_body_source *from)
{
    BIDE_TRY(bide__check_named(from->guard_, "bide_body_from"));
    BIDE_TRY(bide__check_named(from->fd_guard_, "bide_body_from_fd"));
    BIDE_TRY(bide__check_number("bide_body_from", "offset", from->offset, 0));
    BIDE_TRY(bide__check_number("bide_body_from", "length", from->length, 0));
    if (!from->from_fd && !from->next)
        return bide_fail(-EINVAL, "bide_body_from: the function is NULL");
    if (!from->from_fd && from->offset)
        return bide_fail(-EINVAL, "bide_body_from: offset is for files");
    return 0;
}

int bide__source_take(bide_body_source *to, const bide_body_source *options)
{
    BIDE_TRY(bide__options_take(to, sizeof *to, options, "bide_body_from"));
    return check_source(to);
}

void bide__user_source_init(struct user_source *u, const bide_body_source *from)
{
    *u = (struct user_source){.source.ops = from->rewind ? &again_ops : &once_ops,
                              .source.length = from->length ? (uint64_t)from->length : BODY_LENGTH_UNKNOWN,
                              .next = from->next,
                              .rewind = from->rewind,
                              .arg = from->arg};
}
