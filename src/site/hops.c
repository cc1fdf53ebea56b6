/*
 * hops: evaluates the routing options, asks DNS, and sorts the next hops.
 *
 * Each route results in DNS lookups, or directly in an address. `pending` counts the lookups; when the last
 * one is complete, the addresses are sorted. The order of a hop consists of, from high to low bits: the
 * route's position in the list (32 bits), the preference of an MX record or of the route (16 bits, and the
 * bits above if it needs more), and its turn among hops of equal preference (16 bits).
 */
#include "site/hops.h"

#include <stdio.h>
#include "base/idna.h"
#include "base/mem.h"
#include "dns/dns_record.h"
#include "site/route.h"

enum { MX_LIMIT = 32 };

struct host_lookup { /* a lookup of the addresses of one host, or of a domain's mail exchangers */
    struct hop_search *search;
    uint64_t order;
    uint16_t port;
    bool of_domain; /* the host is the recipient's domain or its mail exchanger, not a host from our
                       configuration */
    char name[ROUTE_HOST_SIZE];
};

/* ---- the result -------------------------------------------------------------------------------------- */

static int compare_hops(const void *left, const void *right)
{
    const struct hop *a = left, *b = right;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Rotates hops of equal preference, so that each connection starts with a different one. */
static void take_turns(struct hops *hops, unsigned turn)
{
    for (size_t from = 0, to; from < hops->count; from = to) {
        for (to = from + 1; to < hops->count && hops->items[to].order == hops->items[from].order; to++)
            ;
        for (size_t i = from; i < to; i++)
            hops->items[i].order += (i - from + to - from - turn % (to - from)) % (to - from);
    }
}

static void explain(struct hop_search *search)
{
    search->verdict = QUEUE_TRANSIENT;
    if (search->null_mx) {
        search->verdict = QUEUE_PERMANENT;
        search->response = "550 5.4.4 [internal] NULL MX domain does not accept mail";
    } else if (search->lookup_failed || search->routed) {
        search->response = "451 4.4.1 [internal] No valid hosts";
    } else if (search->no_domain) {
        search->verdict = QUEUE_PERMANENT;
        search->response = "554 5.4.4 [internal] Domain Lookup Failed";
    } else {
        search->response = "454 4.4.4 [internal] no MX or A for domain";
    }
}

static void step_done(struct hop_search *search)
{
    struct hops *hops = &search->hops;
    if (--search->pending > 0)
        return;
    if (hops->count == 0)
        explain(search);
    /* take_turns needs the lowest 16 bits of each order to be 0 */
    qsort(hops->items, hops->count, sizeof *hops->items, compare_hops);
    take_turns(hops, search->turn);
    qsort(hops->items, hops->count, sizeof *hops->items, compare_hops);
    search->done(search);
}

static struct hop *add_hop(struct hop_search *search, struct hop hop)
{
    struct hops *hops = &search->hops;
    if (hops->count == HOPS_LIMIT)
        return NULL;
    hops->items[hops->count] = hop;
    return &hops->items[hops->count++];
}

/* Adds an address of a host. `name` NULL: the host has no name but its address. */
static void add_address(const struct host_lookup *host, const struct net_addr *address, const char *name)
{
    char text[NET_ADDR_TEXT_SIZE];
    struct hop *hop = add_hop(host->search, (struct hop){.address = *address, .order = host->order});
    if (!hop)
        return;
    hop->address.port = host->port;
    hop->host = mem_dup(name ? name : net_addr_format(address, text));
}

static void add_unix(const struct host_lookup *host, const char *path)
{
    struct hop *hop =
        add_hop(host->search, (struct hop){.address = {.family = AF_UNIX}, .order = host->order});
    if (hop)
        hop->path = mem_dup(path);
}

void hops_release(struct hops *hops)
{
    for (size_t i = 0; i < hops->count; i++) {
        free(hops->items[i].path);
        free(hops->items[i].host);
    }
    hops->count = 0;
}

/* ---- hosts ------------------------------------------------------------------------------------------- */

static void note_failure(const struct host_lookup *host, const struct dns_answer *answer)
{
    enum dns_status status = answer->status;
    if (answer->unasked)
        host->search->obstacle = answer->reason;
    else if (status == DNS_FAILED)
        host->search->lookup_failed = true;
    else if (!host->of_domain)
        host->search->routed = true;
    else if (status == DNS_NO_DOMAIN)
        host->search->no_domain = true;
}

static void on_address(const struct dns_answer *answer, void *closure)
{
    struct host_lookup *host = closure;
    size_t size = answer->type == DNS_A ? 4 : 16;
    for (size_t i = 0; i < answer->count; i++) {
        struct net_addr address = {.family = answer->type == DNS_A ? AF_INET : AF_INET6};
        if (answer->rdata[i].size != size)
            continue;
        memcpy(address.bytes, answer->rdata[i].data, size);
        add_address(host, &address, host->name);
    }
    if (answer->status != DNS_FOUND)
        note_failure(host, answer);
    step_done(host->search);
}

static void ask(const struct host_lookup *host, struct slice name, enum dns_type type, dns_done_fn *done)
{
    struct host_lookup *copy = mem_new(struct host_lookup);
    *copy = *host;
    snprintf(copy->name, sizeof copy->name, "%.*s", (int)name.size, name.data);
    host->search->pending++;
    resolver_ask(host->search->resolver, copy->name, type, done, copy);
}

static void ask_host(const struct host_lookup *host, struct slice name)
{
    ask(host, name, DNS_A, on_address);
    ask(host, name, DNS_AAAA, on_address);
}

/* ---- mail exchangers --------------------------------------------------------------------------------- */

static void ask_exchangers(const struct host_lookup *mx, const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->count && i < MX_LIMIT; i++) {
        struct slice rdata = answer->rdata[i];
        struct host_lookup host = *mx;
        char name[DNS_NAME_SIZE];
        if (rdata.size < 3 || !dns_name_text(slice_of(rdata.data + 2, rdata.size - 2), name))
            continue;
        if (!*name) { /* null MX: RFC 7505 */
            host.search->null_mx |= answer->count == 1;
            continue;
        }
        uint64_t preference = (uint64_t)(unsigned char)rdata.data[0] << 8 | (unsigned char)rdata.data[1];
        host.order += preference << 16;
        ask_host(&host, slice_text(name));
    }
}

static void on_mx(const struct dns_answer *answer, void *closure)
{
    struct host_lookup *mx = closure;
    if (answer->status == DNS_FOUND)
        ask_exchangers(mx, answer);
    else if (answer->status ==
             DNS_NO_DATA) /* RFC 5321 section 5.1: a domain without MX records is its own mail exchanger */
        ask_host(mx, slice_text(mx->name));
    else
        note_failure(mx, answer);
    step_done(mx->search);
}

static void ask_mx(const struct host_lookup *host, struct slice domain)
{
    ask(host, domain, DNS_MX, on_mx);
}

/* In DNS, a domain with non-ASCII characters is looked up by its A-labels: RFC 6531 section 3.3. */
static void ask_domain(const struct host_lookup *host, struct slice domain)
{
    struct net_addr literal;
    char ascii[IDNA_NAME_SIZE];
    bool plain = slice_is_ascii(domain);
    if (net_addr_parse_literal(&literal, domain))
        add_address(host, &literal, NULL);
    else if (domain.size == 0 || domain.size >= ROUTE_HOST_SIZE || (!plain && !idna_to_ascii(domain, ascii)))
        host->search->no_domain = true;
    else
        ask_mx(host, plain ? domain : slice_text(ascii));
}

/* ---- routes ------------------------------------------------------------------------------------------ */

/* If any route has a preference, MX preferences are compared with those of the routes. */
static uint64_t order_of(const struct hop_search *search, const struct route *route, size_t place)
{
    if (!search->any_preference)
        return (uint64_t)place << 32;
    if (route->has_preference)
        return (uint64_t)route->preference << 16;
    return route->kind == ROUTE_MX_OF_DOMAIN ? 0 : (uint64_t)place << 16;
}

static void follow_route(struct hop_search *search, const struct route *route, size_t place,
                         struct slice domain)
{
    struct host_lookup host = {
        .search = search,
        .order = order_of(search, route, place),
        .port = route->port ? route->port : search->default_port,
        .of_domain = route->kind == ROUTE_MX_OF_DOMAIN,
    };
    switch (route->kind) {
    case ROUTE_MX_OF_DOMAIN:
        ask_domain(&host, domain);
        break;
    case ROUTE_ADDRESS:
        add_address(&host, &route->address, NULL);
        break;
    case ROUTE_HOST:
        ask_host(&host, slice_text(route->host));
        break;
    case ROUTE_HOST_MX:
        ask_mx(&host, slice_text(route->host));
        break;
    case ROUTE_UNIX:
        add_unix(&host, route->host);
        break;
    }
}

/*
 * The texts were checked when the configuration was loaded. A route that is invalid all the same is skipped.
 */
static void follow_routes(struct hop_search *search, const char *const *texts, size_t count,
                          struct slice domain)
{
    struct route route;
    char error[256];
    for (size_t i = 0; i < count; i++)
        search->any_preference |= route_parse(texts[i], &route, error, sizeof error) && route.has_preference;
    for (size_t i = 0; i < count; i++) {
        if (route_parse(texts[i], &route, error, sizeof error))
            follow_route(search, &route, i, domain);
        else
            search->routed = true;
    }
}

void hop_search_start(struct hop_search *search, struct resolver *resolver, struct queue *queue,
                      uint16_t default_port, unsigned turn)
{
    static const char *const exchangers[] = {"__mx__"};
    const struct queue_settings *settings = queue_settings(queue);
    search->resolver = resolver;
    search->default_port = default_port;
    search->turn = turn;
    search->pending = 1;
    if (settings->gateway)
        follow_routes(search, &settings->gateway, 1, queue_domain(queue));
    else if (settings->routes && settings->routes->count > 0)
        follow_routes(search, settings->routes->items, settings->routes->count, queue_domain(queue));
    else
        follow_routes(search, exchangers, 1, queue_domain(queue));
    step_done(search);
}
