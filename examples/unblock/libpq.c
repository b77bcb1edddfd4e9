/* SPDX-License-Identifier: MIT */
/*
 * libpq.c - twenty slow PostgreSQL queries at the same time, and one that runs into a timeout.
 *
 *     unblock_libpq [CONNECTION]          cc libpq.c $(pkg-config --cflags --libs bide bide-unblock libpq)
 *
 * CONNECTION is libpq's: "host=127.0.0.1 user=me dbname=postgres".
 */
#include <bide/bide.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

enum { TASKS = 20 };

static int query(const char *connection, const char *sql, char *answer, size_t size)
{
    PGconn *c = PQconnectdb(connection);
    PGresult *r = PQexec(c, sql); /* fails as well if there is no connection */
    int code = 0;

    if (PQresultStatus(r) == PGRES_TUPLES_OK)
        snprintf(answer, size, "%s", PQgetvalue(r, 0, 0));
    else
        code = bide_fail(BIDE_ECLOSED, "%s: %.*s", sql, (int)strcspn(PQerrorMessage(c), "\n"), PQerrorMessage(c));
    PQclear(r);
    PQfinish(c);
    return code;
}

static int app(const char *connection)
{
    static char answers[TASKS][16], late[16];
    bide_awaitable all[TASKS];
    int right = 0;

    for (int i = 0; i < TASKS; i++)
        all[i] = BIDE_AW(bide_coro(query, connection, "select 6 * 7 from pg_sleep(0.2)", answers[i], sizeof answers[i]));
    BIDE_TRY(bide_gather_n(all, TASKS));
    for (int i = 0; i < TASKS; i++)
        right += strcmp(answers[i], "42") == 0;
    printf("%d right answers\n", right);

    bide_timeout(300)
        BIDE_IGNORE(query(connection, "select 1 from pg_sleep(60)", late, sizeof late));
    printf("the slow one: %s\n", bide_timeout_expired() ? "cancelled after 300 ms" : "answered");
    return 0;
}

int main(int argc, char **argv)
{
    return bide_main(bide_coro(app, argc > 1 ? argv[1] : "dbname=postgres"));
}
