/* SPDX-License-Identifier: MIT */
/* test_names.c - file names: templates, names that bide makes, and whether they are different. */
#include <harness/harness.h>

#include "cli/cli.h"
#include "cli/list/urlset.h"
#include "cli/pattern/names.h"
#include "cli/pattern/nameset.h"
#include "cli/pattern/template.h"
#include "cli/pattern/unique.h"

/* The name of the k-th URL of a pattern. */
static const char *name_of(const char *template, const char *pattern, uint64_t k)
{
    static char out[1024];
    struct template t;
    struct template_binding b;
    struct glob g;
    struct text why = {0}, name = {0}, url = {0};
    uint64_t which[GLOB_MAX];

    EXPECT_EQ(glob_parse(&g, pattern, false, &why), EXIT_OK);
    if (template_parse(&t, template, true, &why) != EXIT_OK || template_bind(&t, &g, &b, &why) != EXIT_OK)
        FAIL("%s: %s", template, why.data);
    glob_pick(&g, k, which);
    glob_add_url(&g, which, &url);
    bide_auto bide_url *u = bide_url_parse(url.data);
    struct template_values v = {.glob = &g, .which = which, .binding = &b, .number = k};
    if (u) {
        v.host = bide_url_host(u);
        v.path = bide_url_path(u);
    }
    template_add_name(&t, &v, &name);
    snprintf(out, sizeof out, "%s", name.data);
    text_free(&name);
    text_free(&url);
    template_free(&t);
    glob_free(&g);
    return out;
}

static void refuses(const char *template, const char *pattern, const char *cause)
{
    struct template t;
    struct template_binding b;
    struct glob g = {0};
    struct text why = {0};

    if (pattern)
        EXPECT_EQ(glob_parse(&g, pattern, false, &why), EXIT_OK);
    int code = template_parse(&t, template, true, &why);
    if (code == EXIT_OK)
        code = template_bind(&t, pattern ? &g : NULL, &b, &why);
    if (code != EXIT_USAGE)
        FAIL("%s: was accepted", template);
    EXPECT_CONTAINS(why.data, cause);
    text_free(&why);
    template_free(&t);
    glob_free(&g);
}

UNIT(template_variables_are_filled_in)
{
    const char *p = "http://h.example:8080/[1-3]/a.{txt,html}?q=1";

    EXPECT_STR(name_of("{1}-{2}", p, 3), "2-html");
    EXPECT_STR(name_of("{2}{2}{1}", p, 0), "txttxt1");
    EXPECT_STR(name_of("{i} {n}", p, 5), "5 6");
    EXPECT_STR(name_of("{i:03}.{n:06}", p, 5), "005.000006");
    EXPECT_STR(name_of("{1:04}", p, 5), "0003");
    EXPECT_STR(name_of("{host}/{path}", p, 1), "h.example:8080/1/a.html");
    EXPECT_STR(name_of("{name}", p, 1), "a.html");
    EXPECT_STR(name_of("{page}", "http://h/[<page>7-9]", 1), "8");
    EXPECT_STR(name_of("{{1}}{{", p, 1), "{1}{");
    EXPECT_STR(name_of("plain", p, 1), "plain");
    EXPECT_STR(name_of("{1:01}", "http://h/[007-9]", 0), "007");
}

UNIT(template_path_that_ends_in_a_slash_is_an_index)
{
    EXPECT_STR(name_of("{path}", "http://h/", 0), "index.html");
    EXPECT_STR(name_of("{path}", "http://h", 0), "index.html");
    EXPECT_STR(name_of("{path}", "http://h/a/b/", 0), "a/b/index.html");
    EXPECT_STR(name_of("{path}", "http://h//a//b", 0), "a/b");
    EXPECT_STR(name_of("{path}", "http://h//", 0), "index.html");
    EXPECT_STR(name_of("{name}", "http://h/a/", 0), "index.html");
    EXPECT_STR(name_of("{path}", "http://h/../a/../../b?c/../..", 0), "b");
}

UNIT(template_bad_ones_are_refused)
{
    refuses("", NULL, "empty");
    refuses("{", NULL, "brace is missing");
    refuses("}", NULL, "is no variable");
    refuses("a{1", NULL, "brace is missing");
    refuses("{0}", "[1-2]", "is no variable");
    refuses("{17}", "[1-2]", "is no variable");
    refuses("{99999999999}", "[1-2]", "is no variable");
    refuses("{i:6}", NULL, "is no variable");
    refuses("{i:0}", NULL, "is no variable");
    refuses("{i:099}", NULL, "is no variable");
    refuses("{host:06}", NULL, "is no variable");
    refuses("{2}", "[1-2]", "a URL has only 1 glob");
    refuses("{1}", "http://h/", "a URL has none");
    refuses("{1}", NULL, "a list of URLs has none");
    refuses("{nam}", "[1-2]", "no glob is called <nam>");
    refuses("{1:04}", "{a,b}", "pads numbers");
}

UNIT(template_hashes_of_curl_are_values_of_globs)
{
    EXPECT_STR(name_of("f#1.bin", "http://a/[1-3]", 1), "f2.bin");
    EXPECT_STR(name_of("#2-#1/x", "http://{a,b}/[1-3]", 4), "2-b/x");
    EXPECT_STR(name_of("#1#2", "http://{a,b}/[01-03]", 4), "b02");
    EXPECT_STR(name_of("#<page>.#1", "http://a/[<page>7-9]", 0), "7.7");
    EXPECT_STR(name_of("##1-##<page>-#1", "http://a/[<page>7-9]", 0), "#1-#<page>-7");
    EXPECT_STR(name_of("# #0 #a #<> #<1> ## #", "http://a/[7-9]", 0), "# #0 #a #<> #<1> ## #");
    refuses("f#2", "http://a/[1-3]", "'f#2': #2, but a URL has only 1 glob; ## is a #");
    refuses("f#17", "http://a/[1-3]", "#17: a URL has 16 globs at most");
    refuses("f#18446744073709551617", "http://a/[1-3]", "a URL has 16 globs at most");
    refuses("f#<x>", "http://a/[1-3]", "no glob is called <x>");
    refuses("f#1", NULL, "#1 is the value of a glob, and a list of URLs has none");
    struct template t;
    struct text why = {0};
    EXPECT_EQ(template_parse(&t, "a#1/##2", false, &why), EXIT_OK);
    EXPECT_EQ(t.nparts, 1);
    EXPECT_EQ(t.parts[0].len, 7);
    EXPECT_EQ(t.root_len, 4);
    template_free(&t);
}

UNIT(template_root_is_what_stands_before_the_first_variable)
{
    static const struct {
        const char *template;
        size_t root;
    } cases[] = {{"{1}", 0}, {"a/{1}", 2}, {"a/b{1}/c", 2}, {"/{i}", 1}, {"../x/y-{i}", 5}, {"a/b", 2}, {"ab", 0}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct template t;
        struct text why = {0};
        EXPECT_EQ(template_parse(&t, cases[i].template, true, &why), EXIT_OK);
        EXPECT_EQ(t.root_len, cases[i].root);
        template_free(&t);
    }
}

UNIT(template_names_that_lead_out_are_seen)
{
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[255] = '\0';

    EXPECT_NULL(template_name_fault("a/b.c/..d/e..", 0));
    EXPECT_NULL(template_name_fault("../a", 3));
    EXPECT_NULL(template_name_fault(longest, 0));
    EXPECT_CONTAINS(template_name_fault("..", 0), "leads out");
    EXPECT_CONTAINS(template_name_fault("a/../b", 0), "leads out");
    EXPECT_CONTAINS(template_name_fault("a/.", 0), "the directory itself");
    EXPECT_CONTAINS(template_name_fault("a//b", 0), "empty");
    EXPECT_CONTAINS(template_name_fault("/b", 0), "empty");
    EXPECT_CONTAINS(template_name_fault("a/", 0), "missing");
    EXPECT_CONTAINS(template_name_fault("a/", 2), "missing");
    longest[255] = 'x';
    longest[256] = '\0';
    EXPECT_CONTAINS(template_name_fault(longest, 0), "255");
}

/* ---- are they all different? ---- */

/* Proven, for patterns divided by spaces; "-" is a list. */
static bool proven(const char *template, const char *patterns)
{
    char copy[512];
    struct glob g[8];
    struct template_binding b[8];
    struct template t;
    struct text why = {0};
    struct unique_sources s = {.globs = g, .bindings = b};

    snprintf(copy, sizeof copy, "%s", patterns);
    EXPECT_EQ(template_parse(&t, template, true, &why), EXIT_OK);
    for (char *p = strtok(copy, " "); p; p = strtok(NULL, " ")) {
        if (strcmp(p, "-") == 0) {
            s.has_list = true;
            continue;
        }
        EXPECT_EQ(glob_parse(&g[s.n], p, false, &why), EXIT_OK);
        EXPECT_EQ(template_bind(&t, &g[s.n], &b[s.n], &why), EXIT_OK);
        s.count += g[s.n++].count;
    }
    bool result = unique_is_proven(&t, &s);
    for (size_t i = 0; i < s.n; i++)
        glob_free(&g[i]);
    template_free(&t);
    return result;
}

UNIT(unique_proves_what_can_be_read_back)
{
    EXPECT_TRUE(proven("test/{1}.json", "http://h/[1-1000000]"));
    EXPECT_TRUE(proven("{1}-{2}", "http://h/[1-100]/[1-100]"));
    EXPECT_TRUE(proven("{1}{2}", "http://h/[001-100]/[1-100]"));
    EXPECT_TRUE(proven("{2}{1}", "http://h/[001-100]/[1-100]"));
    EXPECT_TRUE(proven("{1}{2}", "http://h/[1-100]/[a-z]"));
    EXPECT_TRUE(proven("x{1}{2}y{3}", "http://h/{ab,cd}/{e,ff}/[1-3]"));
    EXPECT_TRUE(proven("{1}.{2}", "http://h/{a,b.c}/{d,e}"));
    EXPECT_TRUE(proven("{1}", "http://h/[1-9]/[5-5]"));
    EXPECT_TRUE(proven("{i}", "http://h/[1-9]/{a,a}"));
    EXPECT_TRUE(proven("{host}/{i}", "http://h/[1-9] http://h/[1-9]"));
    EXPECT_TRUE(proven("{path}.{n}", "http://h/[1-9] -"));
    EXPECT_TRUE(proven("{i:03}{1}", "http://h/[1-9]"));
}

UNIT(unique_does_not_prove_what_is_not_so)
{
    EXPECT_FALSE(proven("{1}{2}", "http://h/[1-100]/[1-100]"));
    EXPECT_FALSE(proven("{1}", "http://h/[1-9]/[1-9]"));
    EXPECT_FALSE(proven("{1}", "http://h/{a,b,a}"));
    EXPECT_FALSE(proven("{1}", "http://h/[1-9] http://h/[1-9]"));
    EXPECT_FALSE(proven("{1}{i}", "http://h/[1-20]"));
    EXPECT_FALSE(proven("{i:01}{1}", "http://h/[1-20]"));
    EXPECT_FALSE(proven("{i:03}{name}", "http://h/[1-2] -"));
    EXPECT_FALSE(proven("{name}", "http://h/[1-9]"));
    EXPECT_FALSE(proven("{1}x{2}", "http://h/{a,ax}/{b,xb}"));
    EXPECT_FALSE(proven("{1}.{2}", "http://h/{a,b.c}/{d,c.e}"));
}

/* Where it says "proven", all names are different: every template over these variables, compared one by one. */
UNIT(unique_agrees_with_looking_at_all_names)
{
    static const char *const parts[] = {"{1}", "{2}", "{i}", "-", "1", "{1:02}", "a"};
    static const char *const patterns[] = {"http://h/[1-12]/[1-12]", "http://h/[01-12]/{a,1a,1}", "http://h/{1,11}/{1,11,-1}"};
    unsigned proofs = 0;

    for (unsigned n = 0; n < 7 * 7 * 7 * 7 * 3; n++) {
        char template[64] = "";
        const char *pattern = patterns[n % 3];
        bool pads_text = false;
        for (unsigned k = 0, d = n / 3; k < 4; k++, d /= 7) {
            strcat(template, parts[d % 7]);
            pads_text |= d % 7 == 5 && n % 3 == 2;
        }
        if (pads_text || !proven(template, pattern))
            continue;
        proofs++;
        struct nameset s;
        nameset_init(&s, 1000);
        uint64_t total = n % 3 == 0 ? 144 : n % 3 == 1 ? 36 : 6;
        for (uint64_t k = 0; k < total; k++) {
            const char *name = name_of(template, pattern, k);
            if (nameset_add(&s, name, strlen(name)) != NAMESET_NEW)
                FAIL("%s of %s: %s twice", template, pattern, name);
        }
        nameset_free(&s);
    }
    EXPECT_LT(500, proofs);
}

/* ---- a set of names ---- */

UNIT(nameset_finds_what_was_given_before)
{
    struct nameset s;
    char name[32];

    nameset_init(&s, 100000);
    for (int i = 0; i < 5000; i++)
        EXPECT_EQ(nameset_add(&s, name, (size_t)sprintf(name, "n%d", i)), NAMESET_NEW);
    for (int i = 0; i < 5000; i++)
        EXPECT_EQ(nameset_add(&s, name, (size_t)sprintf(name, "n%d", i)), NAMESET_THERE);
    nameset_free(&s);
}

UNIT(nameset_full_keeps_what_it_has_and_the_latest)
{
    struct nameset s;

    nameset_init(&s, 2);
    EXPECT_EQ(nameset_add(&s, "a", 1), NAMESET_NEW);
    EXPECT_EQ(nameset_add(&s, "b", 1), NAMESET_NEW);
    EXPECT_EQ(nameset_add(&s, "c", 1), NAMESET_FULL);
    EXPECT_EQ(nameset_add(&s, "c", 1), NAMESET_THERE);
    EXPECT_EQ(nameset_add(&s, "a", 1), NAMESET_THERE);
    for (int i = 0; i < 100000; i++)
        nameset_add(&s, (const char *)&i, sizeof i);
    EXPECT_EQ(nameset_add(&s, "c", 1), NAMESET_FULL);
    EXPECT_EQ(nameset_add(&s, "a", 1), NAMESET_THERE);
    nameset_free(&s);
}

/* ---- names that bide makes ---- */

static const char *made(const char *text, const char *mime)
{
    static char out[2][2048];
    static int turn;
    struct text t = {0};
    bide_auto bide_url *url = bide_url_parse(text);

    EXPECT_NOT_NULL(url);
    names_add(url, names_extension(mime), &t);
    turn = !turn;
    snprintf(out[turn], sizeof out[turn], "%s", t.data);
    text_free(&t);
    return out[turn];
}

UNIT(names_show_host_path_and_query)
{
    EXPECT_STR(made("http://a.example/", NULL), "a.example+80/index.html");
    EXPECT_STR(made("https://a.example/", NULL), "a.example/index.html");
    EXPECT_STR(made("https://a.example/b/", "text/plain"), "a.example/b/index.html");
    EXPECT_STR(made("http://a.example:8080/b/c.php?x=1", "text/html"), "a.example+8080/b/c.php@x=1.php");
    EXPECT_STR(made("https://a.example:443/c.tar.gz", NULL), "a.example/c.tar.gz");
    EXPECT_STR(made("https://a.example/api?aid=7", "application/json; charset=utf-8"), "a.example/api@aid=7.json");
    EXPECT_STR(made("https://a.example/api", "application/x-unknown"), "a.example/api@.bin");
    EXPECT_STR(made("https://a.example/?q", NULL), "a.example/index@q.html");
    EXPECT_STR(made("https://me:secret@a.example/x#fragment", NULL), "a.example/x@.bin");
}

UNIT(names_of_files_and_directories_are_different)
{
    static const char *const urls[] = {
        "http://h/docs", "http://h/docs/intro", "http://h/docs/", "http://h/docs.html", "http://h/docs.html/intro", "http://h/docs?x=1",
        "http://h/docs.html?x=1", "http://h/docs?", "http://h/docs/index.html", "http://h/docs/index", "http://h/docs/?q",
        "http://h/docs/index?q", "http://h/docs/index.html?q", "https://h/docs", "https://h:80/docs", "http://h+80/docs",
        "http://h/docs@", "http://h/docs@.html", "http://h/docs.html@/intro", "http://h//docs", "http://h/docs.html@", NULL,
    };

    for (int i = 0; urls[i]; i++)
        for (int k = 0; urls[k]; k++) {
            const char *a = made(urls[i], "text/html"), *b = made(urls[k], "text/html");
            bool is_below = strncmp(a, b, strlen(a)) == 0 && b[strlen(a)] == '/';
            if (i != k && (strcmp(a, b) == 0 || is_below))
                FAIL("%s: %s, %s: %s", urls[i], a, urls[k], b);
        }
    EXPECT_STR(made("https://h/docs", "text/html"), "h/docs@.html");
    EXPECT_STR(made("https://h/docs/intro", "text/html"), "h/docs/intro@.html");
    EXPECT_STR(made("https://h/docs.html/intro.js", NULL), "h/docs.html@/intro.js");
}

UNIT(names_with_a_version_have_no_extension)
{
    EXPECT_STR(made("https://h/v1.2/users", "application/json"), "h/v1.2/users@.json");
    EXPECT_STR(made("https://h/api/1.0", "application/json"), "h/api/1.0@.json");
    EXPECT_STR(made("https://h/jquery/3.6.0/jquery.js", NULL), "h/jquery/3.6.0/jquery.js");
    EXPECT_STR(made("https://h/a.mp3", NULL), "h/a.mp3");
}

UNIT(names_with_a_hash_do_not_depend_on_the_password)
{
    EXPECT_STR(made("https://a:b@h/x~y", NULL), made("https://h/x~y", NULL));
    EXPECT_STR(made("https://a:b@h/x~y?@", NULL), made("https://h/x~y?@", NULL));
    EXPECT_TRUE(strcmp(made("https://h/x~y@z", NULL), made("https://h/w~y@z", NULL)) != 0);
}

UNIT(names_are_fit_for_any_file_system)
{
    EXPECT_STR(made("https://h/a:b*c|d", NULL), "h/a%3Ab%2Ac%7Cd@.bin");
    EXPECT_STR(made("https://h/.htaccess", NULL), "h/%2Ehtaccess@.bin");
    EXPECT_STR(made("https://h/-rf", NULL), "h/%2Drf@.bin");
    EXPECT_STR(made("https://h/con.txt", NULL), "h/%63on.txt");
    EXPECT_STR(made("https://h/Lpt1/x.y", NULL), "h/%4Cpt1/x.y");
    EXPECT_STR(made("https://h/console/x.y", NULL), "h/console/x.y");
    EXPECT_STR(made("https://h/a./b.c", NULL), "h/a%2E/b.c");
    EXPECT_STR(made("https://h/a?b/c?d", NULL), "h/a@b%2Fc%3Fd.bin");
    EXPECT_STR(made("http://[::1]:80/x.y", NULL), "%3A%3A1+80/x.y");
}

UNIT(names_that_are_long_are_cut_to_what_file_systems_take)
{
    char url[1024], longest[256];
    const char *name;

    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (int len = 100; len <= 250; len++) { /* a long segment with a long query and an extension */
        snprintf(url, sizeof url, "http://h/%.*s.abcdefgh?%.*s", len, longest, len, longest);
        name = made(url, NULL) + 5;
        EXPECT_LE(strlen(name), NAMES_COMPONENT_MAX);
        EXPECT_STR(name + strlen(name) - 9, ".abcdefgh");
        snprintf(url, sizeof url, "http://h/%.*s.abcdefgh?%.*sb", len, longest, len - 1, longest);
        EXPECT_TRUE(strcmp(name, made(url, NULL) + 5) != 0);
    }
}

UNIT(names_that_could_be_mistaken_have_a_hash)
{
    EXPECT_TRUE(strcmp(made("http://h/a%3Ab", NULL), made("http://h/a:b", NULL)) != 0);
    EXPECT_TRUE(strcmp(made("http://h/a@b", NULL), made("http://h/a?b", NULL)) != 0);
    EXPECT_TRUE(strcmp(made("http://h/a//b", NULL), made("http://h/a/b", NULL)) != 0);
    EXPECT_CONTAINS(made("https://h/a//b", NULL), "h/a/b@~");
    EXPECT_STR(made("https://h/a#?", NULL), "h/a@.bin");
    EXPECT_CONTAINS(made("https://h/a?", NULL), "h/a@~"); /* an empty query is a query */
    EXPECT_CONTAINS(made("https://h/?#b", NULL), "h/index~");
}

UNIT(names_of_hosts_that_are_cut_do_not_end_in_a_point)
{
    char text[256] = "http://";

    for (int i = 0; i < 54; i++) /* each becomes three bytes; the point is the last byte that is kept */
        strcat(text, "\"");
    strcat(text, "12345.example/");
    EXPECT_CONTAINS(made(text, NULL), "%2212345+80/index");
}

/* "root/" and this, shortened. */
static const char *shortened(const char *name)
{
    static char out[2][2000];
    static int turn;
    struct text t = {0};

    text_add_string(&t, "root/");
    text_add_string(&t, name);
    names_shorten(&t, 5);
    snprintf(out[++turn % 2], sizeof out[0], "%s", t.data);
    text_free(&t);
    return out[turn % 2];
}

UNIT(names_of_templates_are_shortened_where_file_systems_have_no_longer_ones)
{
    char a[301], b[700], utf8[500] = "";
    memset(a, 'a', 300);
    a[300] = '\0';

    EXPECT_STR(shortened("short.html"), "root/short.html");
    EXPECT_EQ(strlen(shortened(a + 45)), 5 + 255);
    EXPECT_EQ(strlen(shortened(a + 44)), 5 + 200);
    EXPECT_EQ(strcspn(shortened(a), "~"), 5 + 183);
    EXPECT_TRUE(strcmp(shortened(a), shortened(a + 1)) != 0); /* though they begin alike */
    EXPECT_STR(shortened(a), shortened(a));

    snprintf(b, sizeof b, "x/%s/%s.json", a, a);
    const char *both = shortened(b);
    EXPECT_EQ(strlen(both), strlen("root/x/") + 200 + 1 + 200);
    EXPECT_STR(both + strlen(both) - 5, ".json");
    EXPECT_NULL(template_name_fault(both, 5));

    for (int i = 0; i < 200; i++)
        strcat(utf8, "\xc3\xbc");
    const char *cut = shortened(utf8);
    EXPECT_TRUE(strchr(cut, '~') > cut && (strchr(cut, '~')[-1] & 0xff) == 0xbc && (strchr(cut, '~') - cut - 5) % 2 == 0);
}

UNIT(names_that_are_long_are_cut)
{
    char a[3000] = "http://h/", b[3000];

    memset(a + 9, 'x', 1000);
    snprintf(b, sizeof b, "%sy", a);
    EXPECT_TRUE(strcmp(made(a, NULL), made(b, NULL)) != 0);
    EXPECT_LE(strlen(made(a, "text/html")), 2 + NAMES_COMPONENT_MAX);
    snprintf(a, sizeof a, "http://h/p?");
    memset(a + 11, 'q', 1000);
    snprintf(b, sizeof b, "%sy", a);
    EXPECT_TRUE(strcmp(made(a, NULL), made(b, NULL)) != 0);
    EXPECT_LE(strlen(made(a, NULL)), 2 + NAMES_COMPONENT_MAX);
    memset(a + 11, '*', 1000);
    EXPECT_LE(strlen(made(a, NULL)), 2 + NAMES_COMPONENT_MAX);
    memcpy(a, "http://h/d/", 11);
    memset(a + 10, '|', 1000);
    EXPECT_LE(strlen(made(a, NULL)), 4 + NAMES_COMPONENT_MAX);
}

/* ---- urlset.c, siphash.c ---- */

UNIT(siphash_is_that_of_its_authors)
{
    const struct siphash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

    EXPECT_EQ(siphash(key, "", 0), 0xabac0158050fc4dcu);
    EXPECT_EQ(siphash((struct siphash_key){0, 0}, "https://a.example/b", 19), 0x62d0ae0fee51f6d9u); /* hash() of Python 3.11 with PYTHONHASHSEED=0 */
}

UNIT(urlset_keeps_results_up_to_its_ceiling)
{
    struct urlset s;

    urlset_init(&s, 5000, true);
    for (uint64_t i = 1; i <= 6000; i++) {
        char text[32];
        size_t len = (size_t)snprintf(text, sizeof text, "http://h/%u", (unsigned)i);
        uint64_t key = urlset_key(&s, text, len);
        EXPECT_TRUE(urlset_find(&s, key) == NULL);
        struct urlset_entry *e = urlset_add(&s, key);
        EXPECT_EQ(e != NULL, i <= 5000);
        if (e) {
            e->first = i;
            memset(urlset_digest(&s, e), (int)(i & 255), 32);
        }
    }
    for (uint64_t i = 1; i <= 6000; i++) {
        char text[32];
        size_t len = (size_t)snprintf(text, sizeof text, "http://h/%u", (unsigned)i);
        const struct urlset_entry *e = urlset_find(&s, urlset_key(&s, text, len));
        EXPECT_EQ(e ? e->first : 0, i <= 5000 ? i : 0);
        EXPECT_TRUE(!e || urlset_digest(&s, e)[31] == (i & 255));
    }
    urlset_free(&s);
}

UNIT(urlset_takes_for_plain_only_what_parsing_leaves_as_it_is)
{
    static const char *const plain[] = {"http://a.example/", "https://a.example:8443/b.c/d.e?f=%2e&g/../h", "http://127.0.0.1:80800/x",
                                        "http://127.0.0.1:8080/x/%E4%BD#frag", "http://h/a..b/c.?.#?", NULL};
    static const char *const other[] = {"HTTP://a/", "http://A/", "http://a", "http://a?b", "http://a:80/", "https://a:443/", "http://a:080/",
                                        "http://a/../b", "http://a/./b", "http://a/.b", "http://a/%2e/b", "http://a/b c", "http://127.1/",
                                        "http://0x7f.1/", "http://127.0.0.01/", "http://256.1.1.1/", "http://me@a/", "http://me:81@a/",
                                        "ftp://a/", "http:///a", "http://a./x", "http://a/\\b", "http://a/?'", "http://[::1]/", "http://\xc3\xa4/", "", NULL};

    for (int i = 0; plain[i]; i++) {
        size_t len = urlset_plain_length(plain[i]);
        bide_auto bide_url *url = bide_url_parse(plain[i]);
        if (url)
            EXPECT_TRUE(strncmp(bide_url_href(url), plain[i], len) == 0);
        EXPECT_EQ(len, i == 2 ? 0 : strcspn(plain[i], "#"));
    }
    for (int i = 0; other[i]; i++)
        if (urlset_plain_length(other[i]) != 0)
            FAIL("%s", other[i]);
}

UNIT(nameset_knows_the_owner_of_a_name)
{
    struct nameset s;

    nameset_init(&s, 4);
    EXPECT_EQ(nameset_claim(&s, "a", 1, 7), NAMESET_NEW);
    EXPECT_EQ(nameset_claim(&s, "a", 1, 7), NAMESET_OWN);
    EXPECT_EQ(nameset_claim(&s, "a", 1, 8), NAMESET_THERE);
    EXPECT_EQ(nameset_claim(&s, "b", 1, 8), NAMESET_NEW);
    EXPECT_EQ(nameset_claim(&s, "c", 1, 8), NAMESET_FULL);
    nameset_free(&s);
}

static bool urls_differ(const char *pattern)
{
    struct glob g;
    struct text why = {0};

    EXPECT_EQ(glob_parse(&g, pattern, false, &why), EXIT_OK);
    bool differ = unique_urls_are_proven(&g);
    glob_free(&g);
    return differ;
}

UNIT(unique_urls_are_those_that_no_server_sees_as_one)
{
    static const char *const differ[] = {"http://h/[1-9]", "http://h/a?n=[1-2000]&m=[a-z]", "http://h:80/[1-3]/{a,b}.html", NULL};
    static const char *const may_not[] = {"http://h/#[1-9]", "http://h/[1-9]/../x", "http://[1-2]/", "http://h[1-2]/", "http://h/{a,a}",
                                          "http://h/{A,%41}", "http://h/{,a}./x", "http://h/[1-11][1-11]", "http://h/{a,b/../a}",
                                          "http://h/./[1-2]", "http://h?[1-2]", NULL};

    for (int i = 0; differ[i]; i++)
        if (!urls_differ(differ[i]))
            FAIL("%s", differ[i]);
    for (int i = 0; may_not[i]; i++)
        if (urls_differ(may_not[i]))
            FAIL("%s", may_not[i]);
}
