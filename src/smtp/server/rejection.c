/*
 * rejection: fills in the rejectlog record of a rejected command.
 */
#include "smtp/server/rejection.h"

#include <string.h>
#include "base/clock.h"
#include "message/context.h"

static struct imp_text text_of(const char *text)
{
    return (struct imp_text){text, strlen(text)};
}

static struct imp_text text_in(const struct buf *buf)
{
    return (struct imp_text){buf_slice(buf).data, buf_size(buf)};
}

void rejection_log(struct module_set *modules, const struct rejection *rejection)
{
    if (!module_set_wants_rejections(modules))
        return;
    struct buf connection = {0}, message = {0};
    char local[NET_ADDR_TEXT_SIZE], peer[NET_ADDR_TEXT_SIZE];
    context_format(rejection->connection_context, &connection);
    context_format(rejection->message_context, &message);
    struct imp_log_rejection event = {
        .size = sizeof event,
        .time_us = clock_wall_us(),
        .connection_id = rejection->connection_id,
        .peer = text_of(net_addr_format_port(rejection->peer, peer)),
        .local = text_of(net_addr_format_port(rejection->local, local)),
        .pathway = text_of(rejection->policy->pathway),
        .pathway_group = text_of(rejection->policy->pathway_group),
        .phase = text_of(rejection->phase),
        .code = rejection->reply->code,
        .module = text_of(rejection->module),
        .connection_context = text_in(&connection),
        .message_context = text_in(&message),
        .text = text_of(rejection->reply->text),
    };
    module_set_log_rejection(modules, &event);
    buf_release(&connection);
    buf_release(&message);
}
