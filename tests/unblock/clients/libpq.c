/* SPDX-License-Identifier: MIT */
/* libpq.c - libpq, of PostgreSQL: pg_sleep; ADDRESS is a connection string. */
#include <libpq-fe.h>

#include "client.h"

static void *open_pg(int i)
{
    PGconn *c = PQconnectdb(address);

    (void)i;
    if (PQstatus(c) != CONNECTION_OK) {
        complain("connecting: %s", PQerrorMessage(c));
        PQfinish(c);
        return NULL;
    }
    return c;
}

static int query(void *c, int i, double seconds)
{
    char wait[32], number[16];
    const char *values[] = {wait, number};
    snprintf(wait, sizeof wait, "%g", seconds);
    snprintf(number, sizeof number, "%d", i);

    PGresult *r = PQexecParams(c, "select pg_sleep($1::float8), $2::int", 2, NULL, values, NULL, NULL, 0);
    int code = 0;
    if (PQresultStatus(r) != PGRES_TUPLES_OK) {
        complain("%s", PQerrorMessage(c));
        code = -1;
    } else if (strcmp(PQgetvalue(r, 0, 1), number) != 0) {
        complain("got %s, not %s", PQgetvalue(r, 0, 1), number);
        code = -1;
    }
    PQclear(r);
    return code;
}

static void close_pg(void *c)
{
    PQfinish(c);
}

const struct client client = {open_pg, query, close_pg};
