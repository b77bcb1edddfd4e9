/* SPDX-License-Identifier: MIT */
/*
 * client.h - a client library that blocks, called in a hundred coroutines of one thread.
 *
 * Each file beside this one is a program: it says how its library is used (struct client), and client.c what must hold of that
 * with libbide-unblock.  run.py starts the server, and the program with the server's address.
 */
#ifndef TESTS_UNBLOCK_CLIENTS_CLIENT_H
#define TESTS_UNBLOCK_CLIENTS_CLIENT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/bide.h>

struct client {
    /* A connection, or what stands for one; NULL after complain(). */
    void *(*open)(int i);
    /* The server answers after so many seconds.  0: the answer was right; -1 after complain(). */
    int (*ask)(void *connection, int i, double seconds);
    void (*close)(void *connection);
};

extern const struct client client;
extern const char *address; /* where the server is, in the library's own words */

/* Why a call failed, or what was wrong with its answer: shown if that was not to be. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
