/* SPDX-License-Identifier: MIT */
/*
 * outcome.c - kinds of failure: the closed list that the summary and the records speak of.
 */
#include "cli/fetch/report/outcome.h"

const char *fail_name(enum fail fail)
{
    static const char *const names[] = {
        [FAIL_NONE] = "none",         [FAIL_URL] = "url",           [FAIL_DNS] = "dns",
        [FAIL_CONNECT] = "connect",   [FAIL_TLS] = "tls",           [FAIL_TIMEOUT] = "timeout",
        [FAIL_RESET] = "reset",       [FAIL_PROTOCOL] = "protocol", [FAIL_TOO_LARGE] = "too_large",
        [FAIL_REDIRECT] = "redirect", [FAIL_HTTP_4XX] = "http_4xx", [FAIL_HTTP_5XX] = "http_5xx",
        [FAIL_HTTP] = "http",         [FAIL_CLASH] = "name",        [FAIL_IO] = "io",
        [FAIL_CANCELLED] = "cancelled", [FAIL_REPEATED] = "repeated",
    };

    return names[fail];
}

enum fail fail_of_error(int code)
{
    switch (code) {
    case BIDE_EURL:
    case -EINVAL:
        return FAIL_URL;
    case BIDE_ENAME:
    case BIDE_EDNS:
        return FAIL_DNS;
    case BIDE_ETLS:
    case BIDE_ECERT:
        return FAIL_TLS;
    case BIDE_ETIMEDOUT:
        return FAIL_TIMEOUT;
    case BIDE_EDISCONNECTED:
    case BIDE_ETRUNCATED:
    case BIDE_EEOF:
    case -ECONNRESET:
    case -ECONNABORTED:
    case -EPIPE:
        return FAIL_RESET;
    case BIDE_EHTTP:
        return FAIL_PROTOCOL;
    case BIDE_ETOOBIG:
        return FAIL_TOO_LARGE;
    case BIDE_EREDIRECT:
        return FAIL_REDIRECT;
    case BIDE_ECANCELED:
        return FAIL_CANCELLED;
    case BIDE_ENOMEM:
        return FAIL_IO;
    default:
        return FAIL_CONNECT;
    }
}

bool fail_is_status(enum fail fail)
{
    return fail == FAIL_HTTP_4XX || fail == FAIL_HTTP_5XX || fail == FAIL_HTTP;
}

enum fail fail_of_status(int status)
{
    if ((status >= 200 && status <= 299) || status == 304)
        return FAIL_NONE;
    return status >= 500 ? FAIL_HTTP_5XX : status >= 400 ? FAIL_HTTP_4XX : FAIL_HTTP;
}
