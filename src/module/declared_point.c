/*
 * declared_point: hook points that modules add.
 */
#include <ctype.h>
#include <strings.h>
#include "base/mem.h"
#include "module/set.h"

enum { POINT_NAME_MAX = 64 };

static bool is_name(const char *name)
{
    size_t size = 0;
    for (; name && name[size]; size++)
        if (!isalnum((unsigned char)name[size]) && name[size] != '_')
            return false;
    return size > 0 && size <= POINT_NAME_MAX;
}

static bool is_taken(const struct module_set *set, const char *name)
{
    if (core_point_find(name) < HOOK_POINTS)
        return true;
    for (size_t i = 0; i < set->point_count; i++)
        if (strcasecmp(set->points[i]->row.name, name) == 0)
            return true;
    return false;
}

struct imp_point *imp_point_declare(struct imp_module *module, const struct imp_point_row *given)
{
    struct module_set *set = module->set;
    struct imp_point_row row;
    const char *fault = NULL;
    if (!module_copy_struct(&row, sizeof row, given)) {
        module_misregistered(module, "imp_point_declare: the point's size is not set");
        return NULL;
    }
    if (!module->in_setup)
        fault = "only setup may declare points";
    else if (!is_name(row.name))
        fault = "its name is none: up to 64 letters, digits and '_'";
    else if (is_taken(set, row.name))
        fault = "there is one of that name";
    if (fault) {
        module_misregistered(module, "imp_point_declare: \"%s\": %s", row.name ? row.name : "", fault);
        return NULL;
    }
    struct imp_point *point = mem_new(struct imp_point);
    point->row = (struct point_row){
        .name = mem_dup(row.name),
        .owner = module->label,
        .thread = "its caller's thread",
        .flags = row.flags & IMP_POINT_MAY_REFUSE ? POINT_MAY_REFUSE : 0,
        .help = mem_dup(row.help ? row.help : ""),
    };
    point->chain.row = &point->row;
    point->module = module;
    set->points = mem_resize(set->points, (set->point_count + 1) * sizeof(struct imp_point *));
    set->points[set->point_count++] = point;
    return point;
}

bool imp_point_is_hooked(const struct imp_point *point)
{
    return point->chain.count > 0;
}

static void fill_refusal(struct imp_refusal *refusal, const struct imp_call *call)
{
    struct imp_refusal full = {.size = refusal->size};
    if (call->reply && call->reply->code) {
        full.code = call->reply->code;
        memcpy(full.enhanced, call->reply->enhanced, sizeof full.enhanced);
        memcpy(full.text, call->reply->text, sizeof full.text);
        full.module = call->refused_by;
    }
    memcpy(refusal, &full, refusal->size < sizeof full ? refusal->size : sizeof full);
}

enum imp_verdict imp_point_call(struct imp_point *point, const struct imp_point_call *given)
{
    struct imp_point_call what;
    if (!module_copy_struct(&what, sizeof what, given))
        module_name_misuse(point->module, "imp_point_call: the struct has no size; nothing is passed");
    struct imp_call call = {
        .session = what.session,
        .message = what.message,
        .recipient = what.recipient,
        .argument = what.argument,
        .set = point->module->set,
        .chain = &point->chain,
    };
    enum hook_outcome outcome = point->chain.count ? hook_chain_continue(&call) : HOOK_PASS;
    if (what.refusal)
        fill_refusal(what.refusal, &call);
    free(call.reply);
    return outcome == HOOK_REFUSED || call.decided ? IMP_DONE : IMP_CONT;
}
