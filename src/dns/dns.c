/*
 * dns: libunbound's file descriptor on the loop.
 *
 * libunbound resolves in a thread of its own and says through a pipe when answers wait; ub_process then calls
 * back, on the loop's thread.
 */
#include "dns/dns.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unbound.h>
#include "base/list.h"
#include "base/mem.h"
#include "log/paniclog.h"

enum { RECORD_LIMIT = 64 }; /* records looked at in one answer */

struct resolver {
    uv_poll_t poll;
    bool poll_open;
    struct loop *loop;
    const char *resolv_conf;
    struct ub_ctx *context; /* NULL before the first lookup, and when it cannot be opened */
    struct list lookups;    /* under way */
};

struct lookup {
    struct list_node node; /* in resolver->lookups */
    dns_done_fn *done;
    void *closure;
    enum dns_type type;
};

/* ---- the context ------------------------------------------------------------------------------------- */

/*
 * The "nameserver" lines of a resolv.conf; "10.0.0.1@5353" names a port, which ub_ctx_resolvconf would not
 * read. The other lines of resolv.conf(5) concern names that are not fully qualified, and do not matter to
 * mail.
 */
static int use_name_servers(struct ub_ctx *context, const char *path)
{
    char line[256];
    int error = UB_READFILE;
    struct stat facts;
    if (stat(path, &facts) < 0 || !S_ISREG(facts.st_mode)) /* a device or a pipe may have no end */
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

/* NULL with *why set on failure. */
static struct ub_ctx *open_context(const char *resolv_conf, const char **why)
{
    struct ub_ctx *context = ub_ctx_create();
    *why = "no memory";
    if (!context)
        return NULL;
    int error = resolv_conf ? use_name_servers(context, resolv_conf) : ub_ctx_resolvconf(context, NULL);
    if (!error)
        error = ub_ctx_hosts(context, NULL);
    if (!error) /* a cache on the same machine is a usual thing to have */
        error = ub_ctx_set_option(context, "do-not-query-localhost:", "no");
    if (!error)
        error = ub_ctx_async(context, 1);
    if (!error)
        return context;
    *why = ub_strerror(error);
    ub_ctx_delete(context);
    return NULL;
}

bool resolver_check(const char *resolv_conf, char *error, size_t error_size)
{
    const char *why;
    struct ub_ctx *context = open_context(resolv_conf, &why);
    if (!context) {
        snprintf(error, error_size, "resolv_conf %s: %s", resolv_conf ? resolv_conf : "/etc/resolv.conf",
                 why);
        return false;
    }
    ub_ctx_delete(context);
    return true;
}

static void on_answers(uv_poll_t *poll, int status, int events)
{
    struct resolver *resolver = poll->data;
    (void)status;
    (void)events;
    ub_process(resolver->context);
}

static bool open_resolver(struct resolver *resolver)
{
    const char *why;
    if (resolver->context)
        return true;
    resolver->context = open_context(resolver->resolv_conf, &why);
    if (!resolver->context) {
        paniclog(PANIC_ERROR, "DNS lookups fail, no resolver: %s; check %s", why,
                 resolver->resolv_conf ? resolver->resolv_conf : "/etc/resolv.conf");
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

struct resolver *resolver_create(struct loop *loop, const char *resolv_conf)
{
    struct resolver *resolver = mem_new(struct resolver);
    resolver->loop = loop;
    resolver->resolv_conf = resolv_conf;
    list_init(&resolver->lookups);
    return resolver;
}

static void free_lookup(struct lookup *lookup)
{
    list_remove(&lookup->node);
    free(lookup->closure);
    free(lookup);
}

static void poll_closed(uv_handle_t *handle)
{
    struct resolver *resolver = handle->data;
    ub_ctx_delete(resolver->context); /* which calls nobody back */
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

static enum dns_status status_of(const struct ub_result *result)
{
    if (result->havedata)
        return DNS_FOUND;
    if (result->nxdomain)
        return DNS_NO_DOMAIN;
    return result->rcode == 0 ? DNS_NO_DATA : DNS_FAILED;
}

static void on_result(void *closure, int error, struct ub_result *result)
{
    struct lookup *lookup = closure;
    struct slice rdata[RECORD_LIMIT];
    struct dns_answer answer = {.status = DNS_FAILED, .type = lookup->type, .rdata = rdata};
    if (!error) {
        answer.status = status_of(result);
        if (answer.status == DNS_FOUND)
            for (size_t i = 0; result->data[i] && i < RECORD_LIMIT; i++)
                rdata[answer.count++] = slice_of(result->data[i], (size_t)result->len[i]);
    }
    give(lookup, &answer);
    ub_resolve_free(result);
}

void resolver_ask(struct resolver *resolver, const char *name, enum dns_type type, dns_done_fn *done,
                  void *closure)
{
    struct lookup *lookup = mem_new(struct lookup);
    *lookup = (struct lookup){.done = done, .closure = closure, .type = type};
    list_append(&resolver->lookups, &lookup->node);
    if (open_resolver(resolver) &&
        ub_resolve_async(resolver->context, name, (int)type, 1 /* class IN */, lookup, on_result, NULL) == 0)
        return;
    give(lookup, &(struct dns_answer){.status = DNS_FAILED, .type = type});
}

/* ---- names ------------------------------------------------------------------------------------------- */

bool dns_name_text(struct slice wire, char text[static DNS_NAME_SIZE])
{
    size_t at = 0, length = 0;
    while (at < wire.size && wire.data[at] != 0) {
        size_t label = (unsigned char)wire.data[at++];
        if (label > 63 || at + label >= wire.size || length + label + 2 > DNS_NAME_SIZE)
            return false;
        if (length)
            text[length++] = '.';
        for (size_t i = 0; i < label; i++) {
            char c = wire.data[at + i];
            if (c <= ' ' || c == '.' || c == 127) /* negative chars too: not a host name */
                return false;
            text[length++] = c;
        }
        at += label;
    }
    text[length] = '\0';
    return at < wire.size;
}
