/*
 * account: events of the console. Source of their form: Momentum 4 manual, "acctlog".
 */
#include "control/account.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"

static struct imp_text text_of(const char *text)
{
    return (struct imp_text){text, strlen(text)};
}

/* ":2025" is written "*:2025". */
static const char *endpoint_text(const struct visitor *visitor, char text[NET_ADDR_TEXT_SIZE])
{
    if (visitor->endpoint[0] != ':')
        return visitor->endpoint;
    snprintf(text, NET_ADDR_TEXT_SIZE, "*%s", visitor->endpoint);
    return text;
}

static const char *peer_text(const struct visitor *visitor, char text[NET_ADDR_TEXT_SIZE])
{
    return visitor_is_local(visitor) ? "" : net_addr_format_port(&visitor->peer, text);
}

void account_login(const struct control *control, const struct visitor *visitor, const char *user,
                   bool success, bool timeout)
{
    char endpoint[NET_ADDR_TEXT_SIZE], peer[NET_ADDR_TEXT_SIZE];
    struct imp_log_authentication event = {
        .size = sizeof event,
        .time_us = clock_wall_us(),
        .endpoint = text_of(endpoint_text(visitor, endpoint)),
        .peer = text_of(peer_text(visitor, peer)),
        .user = text_of(user),
        .success = success,
        .timeout = timeout,
    };
    control->upper.log_authentication(control->upper.daemon, &event);
}

void account_command(const struct control *control, const struct visitor *visitor, const char *line,
                     enum imp_authorization result, const char *role)
{
    char endpoint[NET_ADDR_TEXT_SIZE], peer[NET_ADDR_TEXT_SIZE];
    struct imp_log_authorization event = {
        .size = sizeof event,
        .time_us = clock_wall_us(),
        .endpoint = text_of(endpoint_text(visitor, endpoint)),
        .peer = text_of(peer_text(visitor, peer)),
        .user = text_of(visitor->user),
        .result = result,
        .command = text_of(line),
        .role = text_of(role),
    };
    control->upper.log_authorization(control->upper.daemon, &event);
}
