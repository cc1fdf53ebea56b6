/*
 * sdk_dns: questions of modules to the resolver of their loop.
 */
#include "impulse/dns.h"

#include <errno.h>
#include "base/idna.h"
#include "base/mem.h"
#include "dns/dns.h"
#include "dns/dns_record.h"
#include "sdk/sdk_dns.h"
#include "sdk/sdk_loop.h"

_Static_assert((int)IMP_DNS_NAME_SIZE == (int)DNS_NAME_SIZE && (int)DNS_NAME_SIZE == (int)IDNA_NAME_SIZE,
               "the SDK promises the size of a name");
_Static_assert((int)IMP_DNS_REVERSE_SIZE == (int)DNS_REVERSE_SIZE, "and of a reverse name");
_Static_assert((int)IMP_DNS_FAILED == (int)DNS_FAILED && (int)IMP_DNS_BOGUS == (int)DNS_BOGUS,
               "the same words in the same order");

static const struct resolvers *resolvers;

void sdk_dns_set_resolvers(const struct resolvers *used)
{
    resolvers = used;
}

struct resolver *sdk_dns_resolver(void)
{
    return resolvers && loop_current() ? resolvers_of(resolvers, loop_current()) : NULL;
}

struct imp_dns_query {
    struct sdk_open open;
    struct lookup *lookup;
    struct runner runner;
    void (*done)(const struct imp_dns_answer *answer, void *closure);
    void *closure;
    unsigned type;
    char name[DNS_NAME_SIZE];
};

/* ---- answers --------------------------------------------------------------------------------- */

static void tell(struct imp_dns_query *query, const struct imp_dns_answer *answer)
{
    const struct runner *outer = runner_enter(&query->runner);
    query->done(answer, query->closure);
    runner_leave(outer);
    sdk_open_closed(&query->open);
    free(query);
}

static void on_answer(const struct dns_answer *found, void *closure)
{
    struct imp_dns_query *query = closure;
    struct imp_dns_record *records = mem_array(found->count, sizeof *records);
    for (size_t i = 0; i < found->count; i++)
        records[i] =
            (struct imp_dns_record){(const unsigned char *)found->rdata[i].data, found->rdata[i].size};
    struct imp_dns_answer answer = {
        .size = sizeof answer,
        .status = (enum imp_dns_status)found->status,
        .security = (enum imp_dns_security)found->security,
        .type = found->type,
        .rcode = found->rcode,
        .ttl = found->ttl,
        .name = query->name,
        .canonical = found->canonical,
        .reason = found->status == DNS_FAILED ? found->reason : "",
        .count = found->count,
        .records = records,
    };
    sdk_open_closing(&query->open); /* the instance stays for the call */
    tell(query, &answer);
    free(records);
}

/* The instance or the process ends. */
static void end_query(struct sdk_open *open)
{
    struct imp_dns_query *query = container_of(open, struct imp_dns_query, open);
    sdk_open_closing(open);
    lookup_cancel(query->lookup);
    tell(query, &(struct imp_dns_answer){.size = sizeof(struct imp_dns_answer),
                                         .status = IMP_DNS_ENDED,
                                         .type = query->type,
                                         .name = query->name,
                                         .reason = ""});
}

/* ---- questions ------------------------------------------------------------------------------- */

/* 0 or an errno. */
static int begin(struct imp_dns_query *query, struct imp_module *module, const char *name)
{
    struct resolver *resolver = sdk_dns_resolver();
    if (strlen(name) >= DNS_NAME_SIZE || query->type == 0 || query->type > 0xffff)
        return EINVAL;
    memcpy(query->name, name, strlen(name) + 1);
    if (!dns_name_valid(name) &&
        (!idna_to_ascii(slice_text(name), query->name) || !dns_name_valid(query->name)))
        return EINVAL;
    if (!resolver)
        return ENOTSUP;
    if (!sdk_open_add(&query->open, module, end_query))
        return ESHUTDOWN;
    query->lookup = resolver_query(resolver, query->name, query->type, on_answer, query);
    if (query->lookup)
        return 0;
    sdk_open_closed(&query->open);
    return EAGAIN;
}

struct imp_dns_query *imp_dns_ask(struct imp_module *module, const char *name, unsigned type,
                                  void (*done)(const struct imp_dns_answer *answer, void *closure),
                                  void *closure)
{
    if (!name || !done) {
        module_name_misuse(module, "imp_dns_ask: a name and a function are required");
        errno = EINVAL;
        return NULL;
    }
    struct imp_dns_query *query = mem_new(struct imp_dns_query);
    query->runner = (struct runner){module->label, "the answer of DNS to it", ""};
    query->done = done;
    query->closure = closure;
    query->type = type;
    int error = begin(query, module, name);
    if (!error)
        return query;
    free(query);
    errno = error;
    return NULL;
}

void imp_dns_cancel(struct imp_dns_query *query)
{
    if (!query)
        return;
    lookup_cancel(query->lookup);
    sdk_open_closed(&query->open);
    free(query);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A record of the answer; an empty one behind the last. */
static struct imp_dns_record record_at(const struct imp_dns_answer *answer, size_t index)
{
    static const struct imp_dns_record none = {(const unsigned char *)"", 0};
    return index < answer->count ? answer->records[index] : none;
}

bool imp_dns_address(const struct imp_dns_answer *answer, size_t index, uint8_t address[16])
{
    struct imp_dns_record record = record_at(answer, index);
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (answer->type == DNS_A && record.size == 4) {
        memcpy(address, mapped, sizeof mapped);
        memcpy(address + 12, record.data, 4);
        return true;
    }
    if (answer->type != DNS_AAAA || record.size != 16)
        return false;
    memcpy(address, record.data, 16);
    return true;
}

/* Where the host begins in a record of that type; -1: it has none. */
static int host_offset(unsigned type)
{
    switch (type) {
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
        return 0;
    case DNS_MX:
        return 2;
    case DNS_SRV:
        return 6;
    default:
        return -1;
    }
}

bool imp_dns_host(const struct imp_dns_answer *answer, size_t index, unsigned *preference,
                  char host[IMP_DNS_NAME_SIZE])
{
    struct imp_dns_record record = record_at(answer, index);
    int offset = host_offset(answer->type);
    if (offset < 0 || index >= answer->count || record.size < (size_t)offset)
        return false;
    if (preference)
        *preference = offset ? record.data[0] * 256u + record.data[1] : 0;
    return dns_name_text(slice_of((const char *)record.data + offset, record.size - (size_t)offset), host);
}

long imp_dns_text(const struct imp_dns_answer *answer, size_t index, char *text, size_t size)
{
    struct imp_dns_record record = record_at(answer, index);
    if (answer->type != DNS_TXT || index >= answer->count)
        return -1;
    size_t room = size ? size - 1 : 0;
    long length = dns_text_join(slice_of((const char *)record.data, record.size), text, room);
    if (size)
        text[length < 0 ? 0 : (size_t)length < room ? (size_t)length : room] = '\0';
    return length;
}

void imp_dns_reverse_name(const uint8_t address[16], char name[IMP_DNS_REVERSE_SIZE])
{
    dns_reverse_name(address, name);
}
