/*
 * reception_record: tells the log hooks of an envelope that was accepted.
 *
 * Source of the fields: Momentum 4 manual, mainlog.
 */
#include "module/reception_record.h"

static struct imp_text text_of(struct slice s)
{
    return (struct imp_text){s.data, s.size};
}

/* What stands before the '@' of an address whose domain is known. */
static struct imp_text local_part(struct slice address, struct slice domain)
{
    return (struct imp_text){address.data, domain.size ? address.size - domain.size - 1 : address.size};
}

void record_reception(struct module_set *modules, const struct envelope *envelope, const char *protocol)
{
    char peer[NET_ADDR_TEXT_SIZE] = "127.0.0.1";
    if (strcmp(protocol, "internal") != 0)
        net_addr_format(&envelope->origin, peer);
    struct imp_log_reception event = {
        .size = sizeof event,
        .time_us = envelope->received_us,
        .message_id = envelope->id,
        .batch_id = envelope->batch_id,
        .connection_id = envelope->connection_id,
        .recipient_local = local_part(envelope->recipient, envelope->recipient_domain),
        .recipient_domain = text_of(envelope->recipient_domain),
        .sender_local = local_part(envelope->reverse_path, envelope->sender_domain),
        .sender_domain = text_of(envelope->sender_domain),
        .peer = text_of(slice_text(peer)),
        .bytes = envelope_size(envelope),
        .protocol = text_of(slice_text(protocol)),
        .binding_group = text_of(envelope->binding_group),
        .binding = text_of(envelope->binding),
    };
    module_set_log_reception(modules, &event);
}
