/*
 * dns.h: asynchronous DNS lookups on a loop, of any record type, through libunbound.
 *
 * Each loop has one resolver, shared by everything on the loop; the daemon owns them (struct resolvers). The
 * first lookup opens it, because libunbound starts a thread for each. A resolver caches answers.
 */
#ifndef IMPULSE_DNS_DNS_H
#define IMPULSE_DNS_DNS_H

#include <stdbool.h>
#include "base/slice.h"
#include "event/loop.h"

struct resolver;

enum dns_type { /* common types; any number up to 65535 is allowed */
                DNS_A = 1,
                DNS_NS = 2,
                DNS_CNAME = 5,
                DNS_PTR = 12,
                DNS_MX = 15,
                DNS_TXT = 16,
                DNS_AAAA = 28,
                DNS_SRV = 33,
                DNS_TLSA = 52,
};

enum dns_status {
    DNS_FOUND,
    DNS_NO_DATA,   /* the name exists but has no records of this type */
    DNS_NO_DOMAIN, /* NXDOMAIN */
    DNS_FAILED,    /* no answer, SERVFAIL, or a bogus answer: may succeed later */
};

enum dns_security {
    DNS_INSECURE, /* the zone is not signed, or no trust anchor is configured */
    DNS_SECURE,   /* validated up to a trust anchor (RFC 4035), also if there are no such records */
    DNS_BOGUS,    /* validation failed; the status is DNS_FAILED */
};

struct dns_answer {
    enum dns_status status;
    unsigned type; /* the type in the query */
    enum dns_security security;
    int rcode;             /* RFC 1035 section 4.1.1; 2 (SERVFAIL) if there was no answer */
    unsigned ttl;          /* seconds for which the answer may be cached; 0 for DNS_FAILED */
    const char *canonical; /* the name at the end of a chain of CNAMEs, if it differs; otherwise NULL */
    const char *reason;    /* DNS_FAILED: the reason, libunbound's text if it has one; never NULL */
    /* DNS_FAILED: no name server was asked, because this machine lacks something; `reason` is static */
    bool unasked;
    size_t count; /* records; 0 unless DNS_FOUND */
    const struct slice
        *rdata; /* `count` items, in wire format without compression; all valid during the call */
};

typedef void dns_done_fn(const struct dns_answer *answer, void *closure);

struct resolver_settings {    /* texts are borrowed while the resolver exists */
    const char *resolv_conf;  /* NULL: the system's file */
    const char *trust_anchor; /* file of DS or DNSKEY records; NULL: nothing is validated */
};

/* Creates a resolver, owned by the caller. Main thread or the loop's. */
struct resolver *resolver_create(struct loop *loop, const struct resolver_settings *settings);
/* Called after the loop stopped: frees lookups in progress and their closures without calling `done`. */
void resolver_free(struct resolver *resolver);

struct lookup; /* valid until `done` is called */
/*
 * Looks up `name`. `done` is called once, possibly within the call. `closure` must be allocated with mem_*;
 * the resolver owns it and frees it after `done`. On the loop's thread.
 */
void resolver_ask(struct resolver *resolver, const char *name, unsigned type, dns_done_fn *done,
                  void *closure);
/*
 * Like resolver_ask, but can be cancelled: `done` is called in a later turn, and `closure` is any pointer and
 * stays the caller's. Returns NULL, without calling `done`, if the resolver cannot be opened or has too many
 * lookups in progress.
 */
struct lookup *resolver_query(struct resolver *resolver, const char *name, unsigned type, dns_done_fn *done,
                              void *closure);
/*
 * Cancels a lookup of resolver_query; `done` is not called. On the loop's thread, or on the main thread after
 * the loop has stopped.
 */
void lookup_cancel(struct lookup *lookup);

/*
 * Returns whether libunbound can read these files. If not, writes one line to error[]. Any thread; blocks on
 * the files.
 */
bool resolver_check(const struct resolver_settings *settings, char *error, size_t error_size);

/* ---- for the daemon ------------------------------------------------------------------------------- */

struct resolvers; /* the resolvers of several loops */

/*
 * Creates a resolver for each of `count` loops. The settings are copied. Main thread, before the loops run.
 */
struct resolvers *resolvers_create(struct loop *const *loops, unsigned count,
                                   const struct resolver_settings *settings);
/* Returns the loop's resolver; NULL if it has none. Any thread. */
struct resolver *resolvers_of(const struct resolvers *resolvers, const struct loop *loop);
/* Frees them like resolver_free, after the loops stopped and before they are freed. NULL is allowed. */
void resolvers_free(struct resolvers *resolvers);

#endif
