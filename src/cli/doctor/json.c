/* SPDX-License-Identifier: MIT */
/*
 * json.c - the report as JSON: every call of every library by name.
 */
#include "cli/doctor/doctor.h"

#include <jansson.h>
#include <string.h>

#include <bide/version.h>

static json_t *text_of(const char *text)
{
    char clean[PATH_BYTES];
    json_t *s = text ? json_string(say_clean(text, clean, sizeof clean)) : json_null();

    return s ? s : json_string("(not UTF-8)");
}

static json_t *names_of(const struct elf_set *s)
{
    json_t *names = json_array();

    for (size_t number = 0; number < CALLS_MAX; number++)
        if (elf_has(s, number))
            json_array_append_new(names, json_string(bide__call_at(number).name));
    return names;
}

/* {"stdio": ["fgets", "fread"]} */
static json_t *kinds_of(const struct elf_set *s)
{
    json_t *kinds = json_object();

    for (size_t number = 0; number < CALLS_MAX; number++) {
        struct call c = elf_has(s, number) ? bide__call_at(number) : (struct call){0};
        if (!c.name)
            continue;
        const char *kind = c.kind ? c.kind->name : "behind";
        if (!json_object_get(kinds, kind))
            json_object_set_new(kinds, kind, json_array());
        json_array_append_new(json_object_get(kinds, kind), json_string(c.name));
    }
    return kinds;
}

static json_t *library_of(const struct finding *f)
{
    const struct object *o = f->object;

    return json_pack("{s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:i, s:b}", "name", text_of(o->name), "path", text_of(o->path), "needed_by",
                     text_of(o->by ? o->by->path : NULL), "preloaded", o->is_preloaded, "late", o->is_late, "covered",
                     names_of(&f->covered), "blocks", kinds_of(&f->surely), "may_block", kinds_of(&f->perhaps), "system_calls",
                     (int)o->elf.system_calls, "dlopen", o->elf.opens_libraries);
}

static json_t *missing_of(const struct closure *p)
{
    json_t *missing = json_array();

    for (size_t i = 0; i < p->missing_count; i++)
        json_array_append_new(missing, json_pack("{s:o, s:o}", "name", text_of(p->missing[i].name), "needed_by",
                                                 text_of(p->missing[i].by->path)));
    return missing;
}

void doctor_json(const struct judgement *j, const struct closure *p, struct text *to)
{
    struct text why = {0};
    json_t *libraries = json_array();

    for (size_t i = 0; i < j->count; i++)
        json_array_append_new(libraries, library_of(&j->findings[i]));
    judge_describe(j, p, &why);
    json_t *document = json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:b, s:b, s:o, s:o, s:o}", "bide", BIDE_VERSION, "program",
                                 text_of(p->objects[0]->path), "verdict", judge_verdict_name(j->verdict), "why", text_string(&why), "unblock",
                                 judge_unblock_name(j->unblock), "unblock_path",
                                 text_of(j->unblock_object ? j->unblock_object->path : NULL), "uses_bide", j->uses_bide, "static",
                                 j->is_static, "libraries", libraries, "missing", missing_of(p), "bides_own_calls", names_of(&j->bides_own));
    text_add_json(to, document, JSON_INDENT(2));
    json_decref(document);
    text_add_char(to, '\n');
    text_free(&why);
}
