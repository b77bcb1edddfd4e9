/* SPDX-License-Identifier: MIT */
/* http.h - all of the HTTP client: sessions, requests, responses, cookies, and hosts that are asked over TLS alone. */
#ifndef BIDE_HTTP_H
#define BIDE_HTTP_H

#include <bide/around.h>
#include <bide/auth.h>
#include <bide/blocking.h>
#include <bide/body.h>
#include <bide/cookie.h>
#include <bide/dns.h>
#include <bide/har.h>
#include <bide/hsts.h>
#include <bide/request.h>
#include <bide/response.h>
#include <bide/retry.h>
#include <bide/save.h>
#include <bide/session.h>
#include <bide/trace.h>
#include <bide/transport.h>
#include <bide/upload.h>

#endif
