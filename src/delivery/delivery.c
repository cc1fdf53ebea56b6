/*
 * delivery: the transport that the queues open connections through.
 */
#include <strings.h>
#include "base/mem.h"
#include "delivery/delivery_private.h"

struct core_method {
    const char *name;
    bool lmtp;
    bool plain; /* HELO, without trying EHLO */
    const char *help;
};

static const struct core_method core_methods[] = {
    {.name = "esmtp", .help = "SMTP with EHLO, or with HELO where that is refused (RFC 5321)"},
    {.name = "smtp", .plain = true, .help = "SMTP with HELO"},
    {.name = "lmtp", .lmtp = true, .help = "LMTP: each recipient has a reply of its own (RFC 2033)"},
};

static struct registry methods = {.kind = "delivery_method"};

void delivery_register(void)
{
    char error[256];
    for (size_t i = 0; i < sizeof core_methods / sizeof *core_methods; i++) {
        const struct core_method *method = &core_methods[i];
        struct registry_row row = {.name = method->name,
                                   .owner = "the SMTP client",
                                   .help = method->help,
                                   .thread = "the queue's event loop",
                                   .what = method};
        registry_add(&methods, &row, error, sizeof error);
    }
}

const struct registry *delivery_methods(void)
{
    return &methods;
}

static void open_connection(struct queue_transport *transport, struct queue *queue)
{
    struct delivery *delivery = container_of(transport, struct delivery, transport);
    struct delivery_loop *home = &delivery->loops[loop_index(queue_loop(queue))];
    const char *name = queue_settings(queue)->delivery_method;
    const struct registry_row *row = registry_find(&methods, slice_text(name));
    const struct core_method *method = row ? row->what : NULL;
    if (method)
        smtpc_open(&home->clients, queue, method->lmtp, method->plain);
    else
        method_open(home, queue, module_set_delivery_method(queue_modules(queue), name));
}

struct delivery *delivery_create(struct queue_set *queues, const struct queue_dependencies *dependencies,
                                 const char *hostname, const struct resolvers *resolvers)
{
    unsigned count = loop_group_size(dependencies->loops);
    delivery_register();
    struct delivery *delivery = mem_zalloc(sizeof *delivery + count * sizeof *delivery->loops);
    delivery->transport.open = open_connection;
    delivery->queues = queues;
    delivery->dependencies = *dependencies;
    delivery->hostname = mem_dup(hostname);
    pending_init(&delivery->outside);
    delivery->shared = (struct smtpc_shared){
        .queues = queues,
        .spool = dependencies->spool,
        .swap_in = pool_set_find(dependencies->pools, "SwapIn"),
        .hostname = delivery->hostname,
        .reader = &delivery->reader,
        .outside = &delivery->outside,
    };
    content_reader_init(&delivery->reader, spool_read_content, dependencies->spool);
    delivery->loop_count = count;
    for (unsigned i = 0; i < count; i++) {
        struct delivery_loop *home = &delivery->loops[i];
        home->delivery = delivery;
        home->loop = loop_group_at(dependencies->loops, i);
        smtpc_loop_init(&home->clients, &delivery->shared, home->loop, resolvers_of(resolvers, home->loop));
        list_init(&home->workers);
    }
    queue_set_transport(queues, &delivery->transport);
    return delivery;
}

void delivery_free(struct delivery *delivery)
{
    pending_wait(&delivery->outside);
    for (unsigned i = 0; i < delivery->loop_count; i++) {
        method_free_all(&delivery->loops[i]); /* it reads through the clients' reader */
        smtpc_free_all(&delivery->loops[i].clients);
    }
    pending_destroy(&delivery->outside);
    free(delivery->hostname);
    free(delivery);
}
