/* SPDX-License-Identifier: MIT */
/*
 * auth.h - who asks: users and passwords for .auth of a session or a request.
 *
 * They are for the origin that is asked (scheme, host and port): where a redirect leads to another, they are not sent, also not
 * when a later one leads back; unless .location_trusted says so.  Nothing of them is in a message.
 */
#ifndef BIDE_AUTH_H
#define BIDE_AUTH_H

#ifdef __cplusplus
extern "C" {
#endif

enum bide_auth_scheme {
    BIDE_AUTH_UNSAID,
    BIDE_AUTH_NONE,
    BIDE_AUTH_BASIC,
    BIDE_AUTH_BEARER,
    BIDE_AUTH_DIGEST,
    BIDE_AUTH_ANY
};

/* What the macros below make; zero is the default. */
typedef struct bide_auth {
    enum bide_auth_scheme scheme;
    const char *user;     /* UTF-8; of Bearer: the token.  NULL: that of the URL or of .netrc, if there is one */
    const char *password; /* UTF-8; NULL: "" */
} bide_auth;

#ifdef __cplusplus
#define BIDE__AUTH(...) (bide_auth{__VA_ARGS__})
#else
#define BIDE__AUTH(...) ((bide_auth){__VA_ARGS__})
#endif

/*
 *     BIDE_BASIC(user, password)      RFC 7617: with every request, unasked; a secret for TLS alone
 *     BIDE_BEARER(token)              RFC 6750: the same of a token
 *     BIDE_DIGEST(user, password)     RFC 7616: when the server asks, then with every request: SHA-512-256, SHA-256 or MD5
 *     BIDE_ANY_AUTH(user, password)   what the server asks for: Digest, or, over TLS alone, Basic
 *     BIDE_NO_AUTH                    of a request: nothing, whatever the session has
 *
 * A request that is answered 401 is sent once more with the answer to the challenge, and again if that was stale; a body that
 * cannot be sent a second time makes that an error.  A user that is NULL leaves the choice of the scheme: it is that of the URL,
 * or of .netrc.
 */
#define BIDE_BASIC(user, password)    BIDE__AUTH(BIDE_AUTH_BASIC, (user), (password))
#define BIDE_BEARER(token)            BIDE__AUTH(BIDE_AUTH_BEARER, (token), 0)
#define BIDE_DIGEST(user, password)   BIDE__AUTH(BIDE_AUTH_DIGEST, (user), (password))
#define BIDE_ANY_AUTH(user, password) BIDE__AUTH(BIDE_AUTH_ANY, (user), (password))
#define BIDE_NO_AUTH                  BIDE__AUTH(BIDE_AUTH_NONE, 0, 0)

/*
 * For .netrc of a session: the file that the variable NETRC names, or .netrc in the home directory; if there is none, it is as
 * if it were empty.
 *
 * Example:   bide_session_new(.netrc = BIDE_DEFAULT_NETRC)
 */
#define BIDE_DEFAULT_NETRC "\001default"

#ifdef __cplusplus
}
#endif
#endif
