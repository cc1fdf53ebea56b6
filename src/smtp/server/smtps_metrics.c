/*
 * smtps_metrics: what the SMTP server counts.
 */
#include "smtp/server/smtps_metrics.h"

#include "base/reply_code.h"
#include "smtp/server/server.h"

struct smtps_metrics smtps_metrics;

static double count_sessions(void *server)
{
    return (double)smtp_server_sessions(server);
}

void smtps_metrics_register(struct smtp_server *server)
{
    static const double sizes[] = {1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 4e6, 16e6, 64e6};
    struct metric_definition rejected = {
        .name = "impulse_rejected_messages_total",
        .help = "Transactions and recipients refused, by the first digit of the reply",
    };
    smtps_metrics = (struct smtps_metrics){
        .sessions = metric_core(&(struct metric_definition){
            .name = "impulse_sessions_total",
            .help = "SMTP sessions that began",
        }),
        .received = metric_core(&(struct metric_definition){
            .name = "impulse_received_messages_total",
            .help = "Messages received over SMTP, one for each recipient",
        }),
        .size = metric_core(&(struct metric_definition){
            .kind = METRIC_HISTOGRAM,
            .name = "impulse_received_message_bytes",
            .help = "Sizes of messages received over SMTP, once for all recipients",
            .bounds = sizes,
            .bound_count = sizeof sizes / sizeof *sizes,
        }),
        .deferred = metric_core_labelled(&rejected, "reply", "4"),
        .rejected = metric_core_labelled(&rejected, "reply", "5"),
    };
    metric_core(&(struct metric_definition){
        .kind = METRIC_GAUGE,
        .name = "impulse_sessions",
        .help = "SMTP sessions that are open",
        .read = count_sessions,
        .closure = server,
    });
}

void smtps_metrics_refused(int code)
{
    metric_add(reply_code_is_transient((unsigned)code) ? smtps_metrics.deferred : smtps_metrics.rejected, 1);
}
