/* file_shares: see file_shares.h. */
#include "daemon/file_shares.h"

#include <limits.h>
#include <string.h>
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/descriptors.h"
#include "daemon/listen_kinds.h"
#include "log/paniclog.h"
#include "policy/fields.h"
#include "policy/listen_options.h"

enum {
    KEPT = 800, /* the spool opens 512 tables at most (spool/rocksdb_options.c); logs, console, reload */
    KEPT_FOR_LOOP = 40, /* its resolver's sockets and pipes */
    KEPT_PART = 4,      /* but at most one in so many */
};

struct file_options {
    uint64_t max_descriptors;
    struct policy_setting max_outbound;
    unsigned reserve_outbound;
};

static const struct policy_field fields[] = {
#define FILES(field, option, type) POLICY_FIELD(struct file_options, field, option, type),
#include "policy/fields_of.h"
};

static void read_options(const struct conf *conf, struct file_options *options)
{
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    policy_fields_fill(options, fields, POLICY_FIELD_COUNT(fields), &chain);
}

static bool is_set(const struct conf *conf, const char *option)
{
    return conf_scope_value(conf_root(conf), option) != NULL;
}

/* ---- the limit --------------------------------------------------------------------------------------- */

void file_limit_set(const struct conf *conf)
{
    struct file_options options;
    struct rlimit limit, wanted;
    read_options(conf, &options);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    bool asked = is_set(conf, "server_max_file_descriptors") && options.max_descriptors > 0;
    wanted = limit;
    wanted.rlim_cur = asked ? (rlim_t)options.max_descriptors : limit.rlim_max;
    if (wanted.rlim_cur > wanted.rlim_max)
        wanted.rlim_max = wanted.rlim_cur;
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    paniclog(PANIC_WARNING,
             "server_max_file_descriptors is %llu, but the system lets impulsed have %llu open files: set "
             "LimitNOFILE= "
             "in the systemd unit (and fs.nr_open)",
             (unsigned long long)wanted.rlim_cur, (unsigned long long)limit.rlim_max);
}

/* ---- the shares -------------------------------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How many connections to next hops the configuration allows, without the reserve. */
static uint64_t asked_connections(const struct file_options *options)
{
    int64_t number = options->max_outbound.value->number;
    return number < 0 ? UINT64_MAX : (uint64_t)number;
}

void file_shares_of(const struct conf *conf, struct file_shares *shares)
{
    struct file_options options;
    struct rlimit limit;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    read_options(conf, &options);
    uint64_t asked = asked_connections(&options), reserve = options.reserve_outbound;
    bool limited = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    shares->all = limited ? limit.rlim_cur : INT_MAX;
    shares->kept =
        least(KEPT + KEPT_FOR_LOOP * (uint64_t)(processors > 0 ? processors : 1), shares->all / KEPT_PART);
    uint64_t half = (shares->all - shares->kept) / 2;
    reserve = least(reserve, half / 8);
    asked = least(asked, half - reserve);
    shares->connections = (unsigned)least(asked, UINT_MAX);
    shares->reserve = (unsigned)reserve;
    shares->clients = shares->all - shares->kept - asked - reserve;
}

static bool add_listen(const struct conf_chain *chain, const struct conf_scope *listen, void *sum)
{
    struct listen_options options;
    listen_options_fill(&options, chain);
    if (conf_scope_value(listen, "max_connections") ||
        conf_scope_value(conf_scope_parent(listen), "max_connections"))
        *(uint64_t *)sum += options.max_connections;
    return true;
}

void file_shares_check(const struct conf *conf)
{
    struct file_options options;
    struct file_shares shares;
    uint64_t sum = 0;
    read_options(conf, &options);
    file_shares_of(conf, &shares);
    uint64_t asked = asked_connections(&options);
    if (is_set(conf, "server_max_outbound_connections") && asked != UINT64_MAX && asked > shares.connections)
        paniclog(
            PANIC_WARNING,
            "%s:%u: server_max_outbound_connections is %llu, but %llu open files leave room for %u: raise "
            "LimitNOFILE and server_max_file_descriptors",
            options.max_outbound.value->place.file, options.max_outbound.value->place.line,
            (unsigned long long)asked, (unsigned long long)shares.all, shares.connections);
    listen_kinds_each(conf, false, add_listen, &sum);
    if (sum > shares.clients)
        paniclog(PANIC_WARNING,
                 "max_connections of the Listens that set it is %llu together, but %llu open files leave "
                 "room for %llu clients: "
                 "raise LimitNOFILE and server_max_file_descriptors",
                 (unsigned long long)sum, (unsigned long long)shares.all, (unsigned long long)shares.clients);
}

void file_shares_apply(const struct conf *conf, struct queue_set *queues)
{
    struct file_shares shares;
    file_shares_of(conf, &shares);
    descriptors_keep_from((int)least(shares.all - shares.kept / 2, INT_MAX));
    queue_set_limit_connections(queues, shares.connections, shares.reserve);
}
