/* SPDX-License-Identifier: MIT */
/* bide.h - all of bide: async/await for C. */
#ifndef BIDE_BIDE_H
#define BIDE_BIDE_H

#include <bide/version.h>
#include <bide/object.h>
#include <bide/allocator.h>
#include <bide/error.h>
#include <bide/text.h>
#include <bide/backoff.h>
#include <bide/histogram.h>
#include <bide/awaitable.h>
#include <bide/coroutine.h>
#include <bide/future.h>
#include <bide/several.h>
#include <bide/select.h>
#include <bide/timeout.h>
#include <bide/scope.h>
#include <bide/task.h>
#include <bide/group.h>
#include <bide/context.h>
#include <bide/loop.h>
#include <bide/debug.h>
#include <bide/embed.h>
#include <bide/descriptor.h>
#include <bide/address.h>
#include <bide/datagram.h>
#include <bide/sync.h>
#include <bide/queue.h>
#include <bide/channel.h>
#include <bide/broadcast.h>
#include <bide/file.h>
#include <bide/signal.h>
#include <bide/process.h>
#include <bide/path.h>
#include <bide/watch.h>
#include <bide/limiter.h>
#include <bide/interval.h>
#include <bide/extend.h>
#include <bide/stream.h>
#include <bide/transfer.h>
#include <bide/socket.h>
#include <bide/listener.h>
#include <bide/tls.h>
#include <bide/url.h>
#include <bide/date.h>
#include <bide/http.h>
#include <bide/json.h>
#include <bide/server.h>
#include <bide/pool.h>
#include <bide/testing.h>

#endif
