/* SPDX-License-Identifier: MIT */
/* io.h - all of the room that other rooms may use: descriptors on the loop, connections, TLS, names, files, signals. */
#ifndef BIDE_IO_H
#define BIDE_IO_H

#include <bide/file.h>
#include <bide/signal.h>

#include "io/addr.h"
#include "io/connect.h"
#include "io/poll.h"
#include "io/stream.h"
#include "io/tls.h"

#endif
