/* SPDX-License-Identifier: MIT */
/*
 * url_punycode.c - the encoding behind "xn--", RFC 3492: characters of a label to ASCII and back.
 *
 * The characters beyond ASCII are written as differences, each a number of variable length in base 36: how far to
 * walk, in order of characters and places, from the one inserted before.
 */
#include <string.h>

#include "http/url/url.h"

struct text {
    const char *at, *end;
};

static uint32_t adapt(uint32_t delta, uint32_t n, bool first)
{
    uint32_t k = 0;

    delta = first ? delta / 700 : delta / 2;
    for (delta += delta / n; delta > 455; k += 36)
        delta /= 35;
    return k + 36 * delta / (delta + 38);
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
    return k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
}

bool bide__label_insert(struct url_label *l, size_t at, uint32_t c)
{
    if (l->n == URL_LABEL_MAX)
        return false;
    memmove(&l->chars[at + 1], &l->chars[at], (l->n - at) * sizeof *l->chars);
    l->chars[at] = c;
    l->n++;
    return true;
}

/* One number of variable length; false: it is none. */
static bool read_delta(struct text *t, uint32_t bias, uint32_t *delta)
{
    uint32_t weight = 1;

    for (uint32_t k = 36; t->at < t->end; k += 36) {
        char c = *t->at++;
        uint32_t digit = c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a') : c >= '0' && c <= '9' ? (uint32_t)(c - '0') + 26 : 36;
        if (digit >= 36 || digit > (UINT32_MAX / 2 - *delta) / weight)
            return false;
        *delta += digit * weight;
        if (digit < threshold(k, bias))
            return true;
        weight *= 36 - threshold(k, bias);
        if (weight > UINT32_MAX / 64)
            return false;
    }
    return false;
}

bool bide__label_decode(struct url_label *out, const char *text, size_t len)
{
    struct text t = {text, text + len};
    struct url_label l = {.n = 0};
    uint32_t c = 128, bias = 72, i = 0;
    const char *dash = memrchr(t.at, '-', (size_t)(t.end - t.at));

    for (; dash && t.at < dash; t.at++)
        if (!bide__label_insert(&l, l.n, (unsigned char)*t.at))
            return false;
    t.at += dash != NULL;
    while (t.at < t.end) {
        uint32_t before = i;
        if (!read_delta(&t, bias, &i))
            return false;
        uint32_t n = (uint32_t)l.n + 1;
        bias = adapt(i - before, n, before == 0);
        c += i / n;
        i %= n;
        if (!bide__label_insert(&l, i++, c))
            return false;
    }
    for (size_t k = 0; k < l.n; k++)
        if (!bide__label_insert(out, out->n, l.chars[k]))
            return false;
    return true;
}

static void put_digit(struct url_out *out, uint32_t digit)
{
    bide__url_put(out, &"abcdefghijklmnopqrstuvwxyz0123456789"[digit], 1);
}

static void put_delta(struct url_out *out, uint32_t delta, uint32_t bias)
{
    for (uint32_t k = 36;; k += 36) {
        uint32_t t = threshold(k, bias);
        if (delta < t)
            break;
        put_digit(out, t + (delta - t) % (36 - t));
        delta = (delta - t) / (36 - t);
    }
    put_digit(out, delta);
}

size_t bide__label_put_ascii(struct url_out *out, const struct url_label *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++) {
        char c = (char)l->chars[i];
        if (l->chars[i] >= 128)
            continue;
        bide__url_put(out, &c, 1);
        n++;
    }
    return n;
}

uint32_t bide__label_next(const struct url_label *l, uint32_t c)
{
    uint32_t least = UINT32_MAX;

    for (size_t i = 0; i < l->n; i++)
        if (l->chars[i] >= c && l->chars[i] < least)
            least = l->chars[i];
    return least;
}

void bide__label_put_encoded(struct url_out *out, const struct url_label *l)
{
    bide__url_put(out, "xn--", 4);
    size_t basic = bide__label_put_ascii(out, l), done = basic;
    uint32_t c = 128, delta = 0, bias = 72;

    if (basic > 0)
        bide__url_put(out, "-", 1);
    while (done < l->n) {
        uint32_t next = bide__label_next(l, c);
        delta += (next - c) * (uint32_t)(done + 1);
        c = next;
        for (size_t i = 0; i < l->n; i++) {
            delta += l->chars[i] < c;
            if (l->chars[i] != c)
                continue;
            put_delta(out, delta, bias);
            bias = adapt(delta, (uint32_t)done + 1, done == basic);
            delta = 0;
            done++;
        }
        delta++;
        c++;
    }
}
