/*
 * dns: connects libunbound to the loop.
 *
 * libunbound resolves in a thread of its own and signals answers through a pipe. ub_process then calls the
 * callbacks on the loop's thread.
 */
#include "dns/dns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unbound.h>
#include <unistd.h>
#include "base/list.h"
#include "base/mem.h"
#include "log/paniclog.h"

enum {
    RECORD_LIMIT = 256,   /* maximum records used from one answer */
    LOOKUP_LIMIT = 10000, /* maximum lookups in progress */
    RCODE_SERVFAIL = 2,
};

struct resolver {
    uv_poll_t poll;
    bool poll_open;
    struct loop *loop;
    struct resolver_settings settings;
    size_t lookup_count;
    struct ub_ctx *context; /* NULL before the first lookup, or if it cannot be opened */
    struct list lookups;    /* lookups in progress */
};

struct lookup {
    struct list_node node; /* in resolver->lookups */
    struct resolver *resolver;
    dns_done_fn *done;
    void *closure;
    bool owns_closure; /* the closure is freed with the lookup */
    unsigned type;
    int id; /* libunbound's id of the lookup */
};

/* ---- the context ------------------------------------------------------------------------------------- */

/*
 * Uses the "nameserver" lines of a resolv.conf. "10.0.0.1@5353" names a port, which ub_ctx_resolvconf does
 * not support. The other lines of resolv.conf(5) concern names that are not fully qualified, which mail does
 * not use.
 */
static int use_name_servers(struct ub_ctx *context, const char *path)
{
    char line[256];
    int error = UB_READFILE;
    struct stat facts;
    if (stat(path, &facts) < 0 || !S_ISREG(facts.st_mode)) /* a device or a pipe may never end */
        return error;
    FILE *file = fopen(path, "re");
    if (!file)
        return error;
    while (fgets(line, sizeof line, file)) {
        static const struct slice keyword = SLICE_LITERAL("nameserver");
        char *at = line + strspn(line, " \t");
        size_t gap = slice_starts_nocase(slice_text(at), keyword) ? strspn(at + keyword.size, " \t") : 0;
        if (gap == 0)
            continue;
        char *address = at + keyword.size + gap;
        address[strcspn(address, " \t\r\n")] = '\0';
        error = ub_ctx_set_fwd(context, address);
        if (error)
            break;
    }
    fclose(file);
    return error;
}

/* libunbound reads the file at the first lookup, so this checks whether it can be read. */
static int use_trust_anchor(struct ub_ctx *context, const char *path)
{
    if (access(path, R_OK) < 0)
        return UB_READFILE;
    return ub_ctx_add_ta_file(context, path);
}

/* Returns NULL with `*why` set on failure. */
static struct ub_ctx *open_context(const struct resolver_settings *settings, const char **why)
{
    const char *resolv_conf = settings->resolv_conf;
    struct ub_ctx *context = ub_ctx_create();
    *why = "no memory";
    if (!context)
        return NULL;
    int error = resolv_conf ? use_name_servers(context, resolv_conf) : ub_ctx_resolvconf(context, NULL);
    if (!error)
        error = ub_ctx_hosts(context, NULL);
    if (!error) /* a local caching resolver is common */
        error = ub_ctx_set_option(context, "do-not-query-localhost:", "no");
    if (!error) /* a site's name servers know the reverse names of its own addresses */
        error = ub_ctx_set_option(context, "unblock-lan-zones:", "yes");
    if (!error)
        error = ub_ctx_set_option(context, "insecure-lan-zones:", "yes");
    if (!error && settings->trust_anchor)
        error = use_trust_anchor(context, settings->trust_anchor);
    if (!error)
        error = ub_ctx_async(context, 1);
    if (!error)
        return context;
    *why = ub_strerror(error);
    ub_ctx_delete(context);
    return NULL;
}

bool resolver_check(const struct resolver_settings *settings, char *error, size_t error_size)
{
    const char *why;
    struct resolver_settings names = {.resolv_conf = settings->resolv_conf};
    struct ub_ctx *context = open_context(&names, &why);
    if (!context) {
        snprintf(error, error_size, "resolv_conf %s: %s",
                 names.resolv_conf ? names.resolv_conf : "/etc/resolv.conf", why);
        return false;
    }
    ub_ctx_delete(context);
    if (settings->trust_anchor && access(settings->trust_anchor, R_OK) < 0) {
        snprintf(error, error_size, "dns_trust_anchor %s: %s", settings->trust_anchor, strerror(errno));
        return false;
    }
    return true;
}

static void on_answers(uv_poll_t *poll, int status, int events)
{
    struct resolver *resolver = poll->data;
    (void)status;
    (void)events;
    loop_doing("answers of the resolver");
    ub_process(resolver->context);
}

static bool open_resolver(struct resolver *resolver)
{
    const char *why;
    if (resolver->context)
        return true;
    resolver->context = open_context(&resolver->settings, &why);
    if (!resolver->context) {
        paniclog(PANIC_ERROR, "DNS lookups fail, no resolver: %s; check %s", why,
                 resolver->settings.resolv_conf ? resolver->settings.resolv_conf : "/etc/resolv.conf");
        return false;
    }
    if (uv_poll_init(loop_uv(resolver->loop), &resolver->poll, ub_fd(resolver->context)) < 0) {
        paniclog(PANIC_ERROR, "DNS lookups fail: the resolver cannot be watched");
        ub_ctx_delete(resolver->context);
        resolver->context = NULL;
        return false;
    }
    resolver->poll.data = resolver;
    resolver->poll_open = true;
    uv_poll_start(&resolver->poll, UV_READABLE, on_answers);
    return true;
}

struct resolver *resolver_create(struct loop *loop, const struct resolver_settings *settings)
{
    struct resolver *resolver = mem_new(struct resolver);
    resolver->loop = loop;
    resolver->settings = *settings;
    list_init(&resolver->lookups);
    return resolver;
}

static void free_lookup(struct lookup *lookup)
{
    list_remove(&lookup->node);
    lookup->resolver->lookup_count--;
    if (lookup->owns_closure)
        free(lookup->closure);
    free(lookup);
}

static void poll_closed(uv_handle_t *handle)
{
    struct resolver *resolver = handle->data;
    ub_ctx_delete(resolver->context); /* calls no callback */
    list_each(&resolver->lookups, node, after)
        free_lookup(container_of(node, struct lookup, node));
    free(resolver);
}

void resolver_free(struct resolver *resolver)
{
    if (resolver->poll_open)
        uv_close((uv_handle_t *)&resolver->poll, poll_closed);
    else
        free(resolver);
}

/* ---- lookups ----------------------------------------------------------------------------------------- */

static void give(struct lookup *lookup, const struct dns_answer *answer)
{
    lookup->done(answer, lookup->closure);
    free_lookup(lookup);
}

static void give_failure(struct lookup *lookup, const char *reason)
{
    give(lookup, &(struct dns_answer){
                     .status = DNS_FAILED, .type = lookup->type, .rcode = RCODE_SERVFAIL, .reason = reason});
}

static enum dns_status status_of(const struct ub_result *result)
{
    if (result->bogus)
        return DNS_FAILED;
    if (result->havedata)
        return DNS_FOUND;
    if (result->nxdomain)
        return DNS_NO_DOMAIN;
    return result->rcode == 0 ? DNS_NO_DATA : DNS_FAILED;
}

static enum dns_security security_of(const struct ub_result *result)
{
    if (result->bogus)
        return DNS_BOGUS;
    return result->secure ? DNS_SECURE : DNS_INSECURE;
}

static void give_result(struct lookup *lookup, const struct ub_result *result)
{
    struct slice rdata[RECORD_LIMIT];
    struct dns_answer answer = {
        .status = status_of(result),
        .type = lookup->type,
        .security = security_of(result),
        .rcode = result->rcode,
        .canonical = result->canonname,
        .reason = result->why_bogus ? result->why_bogus : "the name servers give no answer",
        .rdata = rdata,
    };
    if (answer.status != DNS_FAILED)
        answer.ttl = result->ttl > 0 ? (unsigned)result->ttl : 0;
    if (answer.status == DNS_FOUND)
        for (size_t i = 0; result->data[i] && i < RECORD_LIMIT; i++)
            rdata[answer.count++] = slice_of(result->data[i], (size_t)result->len[i]);
    give(lookup, &answer);
}

static void on_result(void *closure, int error, struct ub_result *result)
{
    if (error)
        give_failure(closure, ub_strerror(error));
    else
        give_result(closure, result);
    ub_resolve_free(result);
}

/* Starts the lookup. Returns NULL, or the reason why that failed. */
static const char *ask(struct lookup *lookup, struct resolver *resolver, const char *name)
{
    lookup->resolver = resolver;
    list_append(&resolver->lookups, &lookup->node);
    if (resolver->lookup_count++ >= LOOKUP_LIMIT)
        return "too many lookups are under way";
    if (!open_resolver(resolver))
        return "the resolver cannot be opened";
    int error = ub_resolve_async(resolver->context, name, (int)lookup->type, 1 /* class IN */, lookup,
                                 on_result, &lookup->id);
    return error ? ub_strerror(error) : NULL;
}

void resolver_ask(struct resolver *resolver, const char *name, unsigned type, dns_done_fn *done,
                  void *closure)
{
    struct lookup *lookup = mem_new(struct lookup);
    *lookup = (struct lookup){.done = done, .closure = closure, .owns_closure = true, .type = type};
    const char *wrong = ask(lookup, resolver, name);
    if (wrong)
        give(lookup, &(struct dns_answer){.status = DNS_FAILED,
                                          .type = type,
                                          .rcode = RCODE_SERVFAIL,
                                          .reason = wrong,
                                          .unasked = true});
}

struct lookup *resolver_query(struct resolver *resolver, const char *name, unsigned type, dns_done_fn *done,
                              void *closure)
{
    struct lookup *lookup = mem_new(struct lookup);
    *lookup = (struct lookup){.done = done, .closure = closure, .type = type};
    if (!ask(lookup, resolver, name))
        return lookup;
    free_lookup(lookup);
    return NULL;
}

void lookup_cancel(struct lookup *lookup)
{
    ub_cancel(lookup->resolver->context, lookup->id);
    free_lookup(lookup);
}

/* ---- one for each loop ------------------------------------------------------------------------------- */

struct resolvers {
    char *resolv_conf, *trust_anchor;
    unsigned count;
    struct resolver *items[];
};

struct resolvers *resolvers_create(struct loop *const *loops, unsigned count,
                                   const struct resolver_settings *settings)
{
    struct resolvers *resolvers = mem_zalloc(sizeof *resolvers + count * sizeof(struct resolver *));
    resolvers->resolv_conf = mem_dup(settings->resolv_conf);
    resolvers->trust_anchor = mem_dup(settings->trust_anchor);
    struct resolver_settings own = {resolvers->resolv_conf, resolvers->trust_anchor};
    for (unsigned i = 0; i < count; i++)
        resolvers->items[resolvers->count++] = resolver_create(loops[i], &own);
    return resolvers;
}

struct resolver *resolvers_of(const struct resolvers *resolvers, const struct loop *loop)
{
    for (unsigned i = 0; i < resolvers->count; i++)
        if (resolvers->items[i]->loop == loop)
            return resolvers->items[i];
    return NULL;
}

void resolvers_free(struct resolvers *resolvers)
{
    if (!resolvers)
        return;
    for (unsigned i = 0; i < resolvers->count; i++)
        resolver_free(resolvers->items[i]);
    free(resolvers->resolv_conf);
    free(resolvers->trust_anchor);
    free(resolvers);
}
