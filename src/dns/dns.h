/*
 * dns: asynchronous lookups on a loop, of any record type, through libunbound.
 *
 * One resolver belongs to one loop, and is shared by all on it that ask; the daemon owns them (struct
 * resolvers). It is opened by the first lookup, because libunbound starts a thread for it. It caches by
 * itself.
 */
#ifndef IMPULSE_DNS_DNS_H
#define IMPULSE_DNS_DNS_H

#include <stdbool.h>
#include "base/slice.h"
#include "event/loop.h"

struct resolver;

enum dns_type { /* some of them: a type is any number up to 65535 */
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
    DNS_FAILED,    /* no answer, SERVFAIL, or a bogus one: may work later */
};

enum dns_security {
    DNS_INSECURE, /* the zone is not signed, or no trust anchor is configured */
    DNS_SECURE,   /* validated up to a trust anchor (RFC 4035), also for answers that there is no such */
    DNS_BOGUS,    /* should have been, and was not; the status is DNS_FAILED */
};

struct dns_answer {
    enum dns_status status;
    unsigned type; /* that was asked for */
    enum dns_security security;
    int rcode;             /* of RFC 1035 section 4.1.1; 2 (SERVFAIL) when there was no answer */
    unsigned ttl;          /* seconds for which the answer may be kept; 0 for DNS_FAILED */
    const char *canonical; /* the name at the end of CNAMEs, when it is another one; else NULL */
    const char *reason;    /* DNS_FAILED: why, in libunbound's words where it has any; never NULL */
    size_t count;          /* records; 0 unless DNS_FOUND */
    const struct slice
        *rdata; /* `count` of them, in wire format without compression. All valid during the call */
};

typedef void dns_done_fn(const struct dns_answer *answer, void *closure);

struct resolver_settings {    /* texts are borrowed as long as the resolver */
    const char *resolv_conf;  /* NULL: the system's */
    const char *trust_anchor; /* a file of DS or DNSKEY records; NULL: nothing is validated */
};

/* Main thread or the loop's. */
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
 * The same, for who may lose interest: `done` is called in a later turn, `closure` is any pointer and stays
 * the caller's. NULL, and done is not called, when the resolver cannot be opened or takes no more.
 */
struct lookup *resolver_query(struct resolver *resolver, const char *name, unsigned type, dns_done_fn *done,
                              void *closure);
/* `done` of a resolver_query is not called. The loop's thread, or the main thread after the loop has stopped.
 */
void lookup_cancel(struct lookup *lookup);

/* Are these files that libunbound can read? On false, one line in error[]. Any thread; blocks on the files.
 */
bool resolver_check(const struct resolver_settings *settings, char *error, size_t error_size);

/* ---- the daemon's ----------------------------------------------------------------------------------------
 */

struct resolvers; /* one for each of several loops */

/* Main thread, before the loops run. The settings are copied. */
struct resolvers *resolvers_create(struct loop *const *loops, unsigned count,
                                   const struct resolver_settings *settings);
/* The loop's; NULL: it has none. Any thread. */
struct resolver *resolvers_of(const struct resolvers *resolvers, const struct loop *loop);
/* After the loops stopped, before they are freed; as resolver_free. NULL is harmless. */
void resolvers_free(struct resolvers *resolvers);

#endif
