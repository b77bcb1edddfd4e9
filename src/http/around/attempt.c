/* SPDX-License-Identifier: MIT */
/*
 * attempt.c - one try as functions around it see and change it.
 *
 * A field that is set for a try has two parts: an empty one among the user's, which takes the place of all of that name, those of the
 * session too; and one among those that are added to a try, which goes wherever the try goes.
 */
#include "http/around/around.h"
#include "http/source/source.h"
#include "http/transport/transport.h"

static int check_phase(const bide_attempt *a, int phase, const char *function)
{
    if (bide__is_null(a, function, "the attempt"))
        return -EINVAL;
    if ((int)a->phase == phase)
        return 0;
    return bide_fail(BIDE_ESTATE, "%s: not %s a try", function, phase == ATTEMPT_BEFORE ? "before" : "after");
}

/* ---- looking ---- */

const char *bide_attempt_method(const bide_attempt *a)
{
    return bide__is_null(a, __func__, "the attempt") ? "" : a->q->head.method;
}

const char *bide_attempt_url(const bide_attempt *a)
{
    return bide__is_null(a, __func__, "the attempt") ? "" : a->q->head.url.href;
}

int bide_attempt_number(const bide_attempt *a)
{
    return bide__is_null(a, __func__, "the attempt") ? -EINVAL : a->number;
}

static bool is_dropped(const struct request_head *head, enum header_id id)
{
    return head->drop & HEADER_BIT(id);
}

static bool user_names(const struct request_head *head, const char *name, size_t len)
{
    for (const bide_pair *p = head->headers; p && p->name; p++)
        if (strncasecmp(p->name, name, len) == 0 && !p->name[len])
            return true;
    return false;
}

/* Of the session's, the i-th that is sent: it counts i down.  Its line is "Name: value" and a line end. */
static bool default_at(bide_attempt *a, size_t *i, bide_pair *out)
{
    const struct request_head *head = &a->q->head;
    const struct default_fields *fs = head->defaults;

    for (size_t k = 0; k < fs->n; k++) {
        const struct default_field *d = &fs->all[k];
        if (is_dropped(head, d->id) || user_names(head, d->name, d->name_len) || (*i)-- > 0)
            continue;
        const char *name = bide__arena_strndup(a->q->arena, d->name, d->name_len);
        const char *value = bide__arena_strndup(a->q->arena, fs->text + d->off + d->name_len + 2, d->len - d->name_len - 4);
        *out = (bide_pair){name, value};
        return name && value;
    }
    return false;
}

bool bide_attempt_header_at(bide_attempt *a, size_t i, bide_pair *out)
{
    if (bide__is_null(a, __func__, "the attempt") || bide__is_null(out, __func__, "the place for the field"))
        return false;
    const struct request_head *head = &a->q->head;

    for (const struct added_field *f = head->added; f; f = f->next)
        if (i-- == 0) {
            *out = (bide_pair){f->name, f->value};
            return true;
        }
    for (const bide_pair *p = head->headers; p && p->name; p++)
        if (p->value[0] && !is_dropped(head, bide__header_id(p->name, strlen(p->name))) && i-- == 0) {
            *out = *p;
            return true;
        }
    return default_at(a, &i, out);
}

const char *bide_attempt_header(bide_attempt *a, const char *name)
{
    bide_pair field;
    if (bide__is_null(name, __func__, "the name"))
        return NULL;
    for (size_t i = 0; bide_attempt_header_at(a, i, &field); i++)
        if (strcasecmp(field.name, name) == 0)
            return field.value;
    return NULL;
}

bide_bytes bide_attempt_body(const bide_attempt *a)
{
    if (bide__is_null(a, __func__, "the attempt"))
        return (bide_bytes){NULL, 0};
    return bide__body_bytes(a->q->head.body);
}

const bide_response *bide_attempt_response(const bide_attempt *a)
{
    if (bide__is_null(a, __func__, "the attempt"))
        return NULL;
    return a->outcome && a->outcome->code == 0 ? a->q->response : NULL;
}

int bide_attempt_error(const bide_attempt *a)
{
    if (bide__is_null(a, __func__, "the attempt"))
        return -EINVAL;
    return a->outcome ? a->outcome->code : 0;
}

/* ---- changing fields ---- */

static size_t count_pairs(const bide_pair *list)
{
    size_t n = 0;

    while (list && list[n].name)
        n++;
    return n;
}

/* Nothing of that name from the program is sent in this try. */
static int hide_field(bide_attempt *a, const char *name)
{
    struct request_head *head = &a->q->head;
    bide_pair *list = bide__arena_alloc(a->q->arena, (count_pairs(head->headers) + 2) * sizeof *list);
    enum header_id id = bide__header_id(name, strlen(name));
    size_t n = 0;
    if (!list)
        return BIDE_ENOMEM;

    for (const bide_pair *p = head->headers; p && p->name; p++)
        if (strcasecmp(p->name, name) != 0)
            list[n++] = *p;
    list[n++] = (bide_pair){name, ""};
    list[n] = (bide_pair){NULL, NULL};
    if (!a->is_changed) {
        a->headers = head->headers;
        a->user = head->user;
        a->is_changed = true;
    }
    head->headers = list;
    if (id != HEADER_OTHER) { /* one that may not travel is hidden now, and ours is for this try */
        a->undropped |= head->drop & HEADER_BIT(id);
        head->drop &= ~HEADER_BIT(id);
    }
    for (struct added_field **f = &head->added; *f;)
        if (strcasecmp((*f)->name, name) == 0)
            *f = (*f)->next;
        else
            f = &(*f)->next;
    return bide__user_fields_check(list, &head->user);
}

int bide_attempt_set_header(bide_attempt *a, const char *name, const char *value)
{
    static const char function[] = "bide_attempt_set_header";
    BIDE_TRY(check_phase(a, ATTEMPT_BEFORE, function));
    if (bide__is_null(name, function, "the name"))
        return -EINVAL;
    const bide_pair pair[] = {{name, value ? value : ""}, {NULL, NULL}};
    struct user_fields ignored;
    if (bide__header_name_ok(name, strlen(name)) && bide__header_id(name, strlen(name)) == HEADER_HOST)
        return bide_fail(-EINVAL, "%s: Host is that of the URL", function);
    BIDE_TRY(bide__user_fields_check(pair, &ignored));

    struct arena *arena = a->q->arena;
    struct added_field *field = bide__arena_alloc(arena, sizeof *field);
    const char *kept = bide__arena_strndup(arena, name, strlen(name)), *text = bide__arena_strndup(arena, pair->value, strlen(pair->value));
    if (!field || !kept || !text)
        return BIDE_ENOMEM;
    BIDE_TRY(hide_field(a, kept));
    *field = (struct added_field){.name = kept, .value = text, .next = a->q->head.added};
    if (text[0])
        a->q->head.added = field;
    return 0;
}

/* ---- changing the rest ---- */

int bide_attempt_set_url(bide_attempt *a, const char *text)
{
    static const char function[] = "bide_attempt_set_url";
    char quoted[80];
    struct url u;
    BIDE_TRY(check_phase(a, ATTEMPT_BEFORE, function));
    if (bide__is_null(text, function, "the URL"))
        return -EINVAL;
    size_t len = strlen(text), cap = len <= BIDE_URL_MAX ? bide__url_bound(len, NULL) : 1;
    char *storage = bide__arena_alloc(a->q->arena, cap);
    if (!storage)
        return BIDE_ENOMEM;

    int code = bide__url_parse(&u, text, len, storage, cap);
    if (code == 0 && u.scheme != URL_HTTP && u.scheme != URL_HTTPS)
        code = URL_ESCHEME;
    bide__url_quote(quoted, text, len);
    if (code < 0)
        return bide_fail(BIDE_EURL, "%s: %s: %s", function, quoted, bide__url_strerror(code));
    if (u.username.len + u.password.len > 0)
        return bide_fail(BIDE_EURL, "%s: %s: user and password are for .auth", function, quoted);
    a->q->head.url = u;
    a->q->head.for_server = false;
    return 0;
}

int bide_attempt_set_method(bide_attempt *a, const char *method)
{
    static const char function[] = "bide_attempt_set_method";
    BIDE_TRY(check_phase(a, ATTEMPT_BEFORE, function));
    if (bide__is_null(method, function, "the method"))
        return -EINVAL;
    size_t len = strlen(method);
    if (len > 64 || !bide__header_name_ok(method, len) || strcmp(method, "CONNECT") == 0)
        return bide_fail(-EINVAL, "%s: not a method of a request", function);
    const char *copy = bide__arena_strndup(a->q->arena, method, len);
    if (!copy)
        return BIDE_ENOMEM;

    a->q->head.method = copy;
    a->q->head.method_len = len;
    return 0;
}

int bide_attempt_set_body(bide_attempt *a, bide_bytes body, const char *type)
{
    static const char function[] = "bide_attempt_set_body";
    BIDE_TRY(check_phase(a, ATTEMPT_BEFORE, function));
    if (!body.data && body.len > 0)
        return bide_fail(-EINVAL, "%s: %zu bytes at NULL", function, body.len);
    if (type && !bide__header_value_ok(type, strlen(type)))
        return bide_fail(-EINVAL, "%s: the Content-Type is no value of a header", function);
    struct arena *arena = a->q->arena;
    struct bytes_source *source = bide__arena_alloc(arena, sizeof *source);
    const char *copy = bide__arena_strndup(arena, body.len > 0 ? body.data : "", body.len);
    const char *kept = type ? bide__arena_strndup(arena, type, strlen(type)) : NULL;
    if (!source || !copy || (type && !kept))
        return BIDE_ENOMEM;

    bide__bytes_source_init(source, (bide_bytes){copy, body.len});
    a->q->head.body = body.data ? &source->source : NULL;
    a->q->head.content_type = kept;
    a->q->head.content_encoding = NULL;
    return 0;
}

int bide_attempt_answer_with(bide_attempt *a, const bide_answer *answer)
{
    static const char function[] = "bide_attempt_answer";
    BIDE_TRY(check_phase(a, ATTEMPT_BEFORE, function));
    if (a->q->canned)
        return bide_fail(BIDE_ESTATE, "%s: it is answered already", function);
    a->q->canned = bide__canned_new(a->q->arena, answer, function);
    return a->q->canned ? 0 : bide_error_code();
}

/* ---- once more ---- */

int bide_attempt_again(bide_attempt *a, int64_t wait_ms)
{
    static const char function[] = "bide_attempt_again";
    BIDE_TRY(check_phase(a, ATTEMPT_AFTER, function));
    BIDE_TRY(bide__check_time(function, "wait_ms", wait_ms, true));
    if (a->one->again >= a->one->how.again_max)
        return bide_fail(BIDE_ELIMIT, "%s: it was asked again %d times already, and no more is allowed (.again_max)", function,
                         a->one->again);
    if (bide__deadline_is_total(a->deadline))
        return bide_fail(BIDE_ETIMEDOUT, "%s: there is no time left", function);
    if (!bide__body_source_may_be_sent(a->q->head.body))
        return bide_fail(BIDE_ESTATE, "%s: the body cannot be sent a second time", function);

    a->one->again++;
    a->wants_again = true;
    a->q->wait_ms = bide__deadline_remaining_ms(a->deadline, wait_ms);
    return 0;
}
