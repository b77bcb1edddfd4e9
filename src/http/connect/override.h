/* SPDX-License-Identifier: MIT */
/* override.h - other places to connect to than those that a URL names. */
#ifndef BIDE_HTTP_OVERRIDE_H
#define BIDE_HTTP_OVERRIDE_H

/* "HOST:PORT:ADDR:PORT": connect there instead. */
struct connect_override {
    const char *host; /* NULL: any */
    int port;         /* 0: any */
    const char *addr; /* NULL: as it was */
    int addr_port;    /* 0: as it was */
};

/* "HOST:PORT:ADDRESS,ADDRESS": nobody is asked for these addresses. */
struct address_override {
    const char *host;
    int port; /* 0: any */
    const char *addresses;
};

#endif
