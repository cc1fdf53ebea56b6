/*
 * summary: the console's command of that name, in the form and with the names of the Momentum 4 manual,
 * console command "summary". Rows that would not be true here are left out.
 */
#include "daemon/summary.h"

#include <inttypes.h>
#include "base/clock.h"

void summary_start(struct summary *summary)
{
    *summary = (struct summary){.started_ms = clock_mono_ms()};
    summary->reset_ms = summary->started_ms;
}

void summary_reset(struct summary *summary, const struct smtp_server *server, const struct queue_set *queues)
{
    summary->reset_ms = clock_mono_ms();
    smtp_server_count(server, &summary->received);
    queue_set_counts(queues, &summary->delivered);
}

static void print_count(FILE *out, const char *name, uint64_t count)
{
    fprintf(out, "        %s: %6" PRIu64 "\n", name, count);
}

static void print_rate(FILE *out, const char *name, uint64_t count, uint64_t milliseconds)
{
    double seconds = milliseconds ? (double)milliseconds / 1000 : 1;
    fprintf(out, "        %s: %6.2f messages/second\n", name, (double)count / seconds);
}

static void print_time(FILE *out, const char *name, uint64_t milliseconds)
{
    fprintf(out, "        %s: %6" PRIu64 " seconds\n", name, milliseconds / 1000);
}

void summary_print(const struct summary *summary, const struct smtp_server *server,
                   const struct queue_set *queues, FILE *out)
{
    struct smtp_counts in;
    struct queue_counts queued;
    uint64_t now = clock_mono_ms();
    smtp_server_count(server, &in);
    queue_set_counts(queues, &queued);
    uint64_t delivered = queued.delivered - summary->delivered.delivered;
    uint64_t failed = queued.failed - summary->delivered.failed;
    uint64_t received = in.received - summary->received.received;
    fputs("Summary Statistics\n", out);
    fprintf(out, "        Outbound Concurrency: %7" PRIu64 "\n", queued.connections);
    fprintf(out, "        Inbound Concurrency: %7" PRIu64 "\n", in.sessions);
    print_count(out, "Active Queue Size", queued.total > queued.delayed ? queued.total - queued.delayed : 0);
    print_count(out, "Delayed Queue Size", queued.delayed);
    print_count(out, "Total Queue Size", queued.total);
    fputs("        DNS Resolver: unbound\n", out);
    print_count(out, "Successfully Delivered Messages", delivered);
    print_count(out, "Failed Messages", failed);
    print_count(out, "Rejected Messages", in.rejected - summary->received.rejected);
    print_count(out, "Received Messages", received);
    print_rate(out, "Delivery Rate", delivered + failed, now - summary->reset_ms);
    print_rate(out, "Reception Rate", received, now - summary->reset_ms);
    print_time(out, "Statistics Last Reset", now - summary->reset_ms);
    print_time(out, "Uptime", now - summary->started_ms);
}
