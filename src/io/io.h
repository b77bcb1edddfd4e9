/* SPDX-License-Identifier: MIT */
/* io.h - all of the room that other rooms may use: descriptors on the loop, connections, TLS, names, files, signals. */
#ifndef BIDE_IO_H
#define BIDE_IO_H

#include <bide/file.h>
#include <bide/signal.h>

#include "io/stream/addr.h"
#include "io/listen/listener.h"
#include "io/net/connect.h"
#include "io/poll/poll.h"
#include "io/stream/stream.h"
#include "io/tls/tls.h"

#endif
