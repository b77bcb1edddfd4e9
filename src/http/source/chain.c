/* SPDX-License-Identifier: MIT */
/*
 * chain.c - several sources one behind the other, as one: text, a file, text, a file, text.
 *
 * Each is held to its own length, so that one that is too long does not make up for another.
 */
#include "http/source/source.h"

static struct chain_source *chain_of(struct body_source *b)
{
    return container_of(b, struct chain_source, source);
}

/* This one is over. */
static void go_on(struct chain_source *c)
{
    struct segment *s = &c->all[c->at++];

    if (s->file)
        bide__file_source_rest(s->file);
}

static bool has_length(const struct segment *s)
{
    return s->source->length != BODY_LENGTH_UNKNOWN;
}

static int wrong_length(const struct segment *s, const char *what)
{
    return bide_fail(-EINVAL, "part %s of the body to send is %s than its %llu bytes", s->name ? s->name : "", what,
                     (unsigned long long)s->source->length);
}

/* Of the present segment.  0: it is over. */
static ssize_t segment_next(struct segment *s, const char **data)
{
    if (has_length(s) && s->left == 0)
        return 0;

    s->source->has_begun = true;
    ssize_t n = s->source->ops->next(s->source, data);
    if (n < 0 || !has_length(s))
        return n;
    if (n == 0)
        return wrong_length(s, "shorter");
    if ((uint64_t)n > s->left)
        return wrong_length(s, "longer");
    s->left -= (uint64_t)n;
    return n;
}

static ssize_t chain_next(struct body_source *b, const char **data)
{
    struct chain_source *c = chain_of(b);
    ssize_t n = 0;

    while (n == 0 && c->at < c->n) {
        n = segment_next(&c->all[c->at], data);
        if (n == 0)
            go_on(c);
    }
    return n;
}

static ssize_t chain_in_file(struct body_source *b, struct file_part *out)
{
    struct chain_source *c = chain_of(b);

    while (c->at < c->n && has_length(&c->all[c->at]) && c->all[c->at].left == 0)
        go_on(c);
    if (c->at == c->n || !c->all[c->at].source->ops->in_file)
        return 0;
    c->all[c->at].source->has_begun = true;
    return c->all[c->at].source->ops->in_file(c->all[c->at].source, out);
}

static void chain_skip(struct body_source *b, size_t n)
{
    struct chain_source *c = chain_of(b);
    struct segment *s = &c->all[c->at];

    s->left -= has_length(s) ? n : 0;
    s->source->ops->skip(s->source, n);
}

static int chain_rewind(struct body_source *b)
{
    struct chain_source *c = chain_of(b);

    for (size_t i = 0; i < c->n; i++) {
        struct body_source *s = c->all[i].source;
        int code = s->has_begun ? s->ops->rewind(s) : 0;
        if (code < 0)
            return code;
        c->all[i].left = s->length;
    }
    c->at = 0;
    return 0;
}

static void chain_close(struct body_source *b)
{
    struct chain_source *c = chain_of(b);

    for (size_t i = 0; i < c->n; i++)
        bide__body_source_close(c->all[i].source);
}

static const struct body_source_ops again_ops = {
    .next = chain_next, .rewind = chain_rewind, .in_file = chain_in_file, .skip = chain_skip, .close = chain_close};
static const struct body_source_ops once_ops = {
    .next = chain_next, .in_file = chain_in_file, .skip = chain_skip, .close = chain_close};

void bide__chain_source_init(struct chain_source *c)
{
    bool again = true, is_here = true;
    uint64_t length = 0;

    for (size_t i = 0; i < c->n; i++) {
        const struct body_source *s = c->all[i].source;
        again = again && s->ops->rewind;
        is_here = is_here && s->is_here;
        c->all[i].left = s->length;
        bool is_known = length != BODY_LENGTH_UNKNOWN && s->length < BODY_LENGTH_UNKNOWN - length;
        length = is_known ? length + s->length : BODY_LENGTH_UNKNOWN;
    }
    c->at = 0;
    c->source = (struct body_source){.ops = again ? &again_ops : &once_ops, .length = length, .is_here = is_here};
}
