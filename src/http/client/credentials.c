/* SPDX-License-Identifier: MIT */
/*
 * credentials.c - whose user and password a request has: those of its URL, its own, the session's, those of .netrc (D15).
 *
 * They are copied: a session's live as long as it does, and are wiped with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/auth/netrc.h"
#include "http/client/client.h"
#include "http/field/headers.h"

/* ---- what the user gives ---- */

static int check(const char *function, const bide_auth *a)
{
    bool is_bearer = a->scheme == BIDE_AUTH_BEARER, may_have_colon = is_bearer || a->scheme == BIDE_AUTH_DIGEST;

    if (a->scheme < BIDE_AUTH_UNSAID || a->scheme > BIDE_AUTH_ANY)
        return bide_fail(-EINVAL, "%s: auth: there is no such scheme", function);
    if (a->scheme == BIDE_AUTH_UNSAID && (a->user || a->password))
        return bide_fail(-EINVAL, "%s: auth: BIDE_BASIC and the like say the scheme", function);
    if (is_bearer && (!a->user || !a->user[0] || !bide__header_value_ok(a->user, strlen(a->user))))
        return bide_fail(-EINVAL, "%s: auth: the token is none", function);
    if (a->user && !may_have_colon && strchr(a->user, ':'))
        return bide_fail(-EINVAL, "%s: auth: a colon in the user's name", function);
    if (!a->user && a->password)
        return bide_fail(-EINVAL, "%s: auth: a password without a user", function);
    return 0;
}

/* ---- .netrc ---- */

static int read_all(int fd, char *text, size_t cap, size_t *len)
{
    ssize_t n = 1;

    for (*len = 0; n > 0 && *len < cap; *len += n > 0 ? (size_t)n : 0) {
        n = read(fd, text + *len, cap - *len);
        if (n < 0 && errno != EINTR)
            return -errno;
        n = n < 0 ? 1 : n;
    }
    return 0;
}

/* As its ca_file, it is read when the session is made. */
static int read_netrc(struct netrc_text *n, const char *path)
{
    struct stat st = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int code = fd < 0 || fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
    if (code == 0 && !(n->text = bide__malloc(NETRC_FILE_MAX + 1)))
        code = BIDE_ENOMEM;
    if (code == 0)
        code = read_all(fd, n->text, NETRC_FILE_MAX + 1, &n->len);
    if (fd >= 0)
        close(fd);
    return code < 0 ? bide_fail(code, "bide_session_new: netrc %s: %s", path, bide_strerror(code)) : 0;
}

/* All of it, so that a mistake is found now. */
static int check_netrc(const struct netrc_text *n, const char *path)
{
    struct netrc_entry e;
    size_t at = 0;
    int found;

    while ((found = bide__netrc_next(n->text, n->len, &at, &e)) > 0)
        ;
    OPENSSL_cleanse(&e, sizeof e);
    if (found < 0)
        bide__error_prefix("bide_session_new: netrc %s: ", path);
    return found;
}

/* NULL: there is none, or no memory, which is on record. */
static const char *default_netrc(struct arena *arena)
{
    const char *path = getenv("NETRC"), *home = getenv("HOME");
    if (path || !home)
        return path;

    char *made = bide__arena_alloc(arena, strlen(home) + sizeof "/.netrc");
    return made ? (stpcpy(stpcpy(made, home), "/.netrc"), made) : NULL;
}

static int load_netrc(struct netrc_text *n, struct arena *arena, const char *given)
{
    bool is_default = strcmp(given, BIDE_DEFAULT_NETRC) == 0;
    const char *path = is_default ? default_netrc(arena) : given;
    if (!path)
        return getenv("HOME") ? BIDE_ENOMEM : 0;
    struct error_mark mark;
    bide__error_mark(&mark);
    int code = read_netrc(n, path);
    if (code == -ENOENT && is_default)
        code = 0;
    else if (code == 0)
        code = check_netrc(n, path);
    bide__error_end(&mark, code);
    return code;
}

/* ---- a session's ---- */

static int copy(char **out, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    *out = text ? bide__malloc(len + 1) : NULL;
    if (!text)
        return 0;
    if (!*out)
        return bide__fail_nomem("a password");
    memcpy(*out, text, len + 1);
    return 0;
}

int bide__session_set_credentials(bide_session *s, const bide_session_args *args)
{
    struct credentials *c = &s->credentials;
    bool has_field = s->defaults.seen & HEADER_BIT(HEADER_AUTHORIZATION);
    int code = check("bide_session_new", &args->auth);

    if (code == 0 && has_field && args->auth.scheme > BIDE_AUTH_NONE)
        code = bide_fail(-EINVAL, "bide_session_new: auth, and a header Authorization");
    if (code == 0)
        code = copy(&c->user, args->auth.user);
    if (code == 0)
        code = copy(&c->password, args->auth.password);
    if (code == 0 && args->netrc)
        code = load_netrc(&c->netrc, &s->strings, args->netrc);
    c->auth = (bide_auth){args->auth.scheme, c->user, c->password};
    c->is_any = c->auth.scheme != BIDE_AUTH_UNSAID || c->netrc.text;
    s->args.auth = (bide_auth){.scheme = BIDE_AUTH_UNSAID}; /* the caller's texts, which may go */
    s->args.netrc = NULL;
    return code;
}

static void wipe(char *text, size_t len)
{
    if (text)
        OPENSSL_cleanse(text, len);
    bide__free(text);
}

void bide__session_free_credentials(bide_session *s)
{
    struct credentials *c = &s->credentials;

    wipe(c->user, c->user ? strlen(c->user) : 0);
    wipe(c->password, c->password ? strlen(c->password) : 0);
    wipe(c->netrc.text, c->netrc.len);
    bide__auth_spaces_free(&c->spaces);
}

/* ---- a request's ---- */

/* 1: found; 0: it has none of this host. */
static int ask_netrc(const struct netrc_text *n, struct arena *arena, const struct url *u, bide_auth *out)
{
    struct netrc_entry e;
    const char *name = bide__url_part(u, u->hostname);
    bool has_brackets = name[0] == '[';
    const char *host = bide__arena_strndup(arena, name + has_brackets, u->hostname.len - 2u * has_brackets);
    int found = host ? bide__netrc_find(n->text, n->len, host, &e) : BIDE_ENOMEM;
    if (found <= 0)
        return found;

    if (e.user[0] || e.password[0])
        *out = (bide_auth){.user = bide__arena_strndup(arena, e.user, strlen(e.user)),
                           .password = bide__arena_strndup(arena, e.password, strlen(e.password))};
    else
        found = 0;
    OPENSSL_cleanse(&e, sizeof e);
    return found > 0 && (!out->user || !out->password) ? BIDE_ENOMEM : found;
}

/* Fill in what out lacks. */
static int choose(const struct request *q, const struct credentials *c, const bide_auth *of_url, const bide_auth *own, struct auth *out)
{
    const bide_auth *said = own->scheme != BIDE_AUTH_UNSAID ? own : &c->auth;

    out->is_of_url = of_url->user;
    out->is_of_request = of_url->user || own->scheme != BIDE_AUTH_UNSAID;
    if (of_url->user && own->user)
        return bide_fail(-EINVAL, "user and password in the URL, and auth");
    bool is_said = !of_url->user && (said->scheme == BIDE_AUTH_NONE || said->user);
    out->who = is_said ? *said : *of_url;
    if (!is_said && !of_url->user && c->netrc.text)
        BIDE_TRY(ask_netrc(&c->netrc, q->arena, &q->head.url, &out->who));
    if (out->who.scheme == BIDE_AUTH_UNSAID && out->who.user)
        out->who.scheme = said->user || said->scheme <= BIDE_AUTH_NONE ? BIDE_AUTH_BASIC : said->scheme;
    out->who.password = out->who.password ? out->who.password : "";
    return 0;
}

int bide__request_find_auth(struct request *q, const bide_auth *of_url, const bide_auth *own, struct auth **out)
{
    struct credentials *c = &q->response->session->credentials;
    struct auth *p = bide__arena_alloc(q->arena, sizeof *p);
    if (!p)
        return BIDE_ENOMEM;

    *p = (struct auth){.policy.ops = &bide__auth_ops, .spaces = &c->spaces};
    int code = check("bide_request", own);
    if (code == 0)
        code = choose(q, c, of_url, own, p);
    *out = p->who.user ? p : NULL;
    return code;
}
