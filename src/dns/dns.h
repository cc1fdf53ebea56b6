/*
 * dns: asynchronous lookups on a loop, through libunbound.
 *
 * One resolver belongs to one loop; it is opened by the first lookup, because libunbound starts a thread for
 * it. It caches by itself.
 */
#ifndef IMPULSE_DNS_DNS_H
#define IMPULSE_DNS_DNS_H

#include <stdbool.h>
#include "base/slice.h"
#include "event/loop.h"

struct resolver;

enum dns_type { DNS_A = 1, DNS_MX = 15, DNS_AAAA = 28 };

enum dns_status {
    DNS_FOUND,
    DNS_NO_DATA,   /* the name exists without records of this type */
    DNS_NO_DOMAIN, /* NXDOMAIN */
    DNS_FAILED,    /* no answer, SERVFAIL: may work later */
};

struct dns_answer {
    enum dns_status status;
    enum dns_type type;
    size_t count;              /* records; 0 unless DNS_FOUND */
    const struct slice *rdata; /* `count` of them; valid during the call */
};

typedef void dns_done_fn(const struct dns_answer *answer, void *closure);

/* Main thread or the loop's. `resolv_conf` NULL: the system's. Borrows it. */
struct resolver *resolver_create(struct loop *loop, const char *resolv_conf);
/* After the loop stopped: lookups under way are freed with their closures, their `done` is not called. */
void resolver_free(struct resolver *resolver);
/*
 * Looks `name` up; done is called once, possibly within the call. `closure` is memory of mem_*, and the
 * resolver's from here on: it is freed after done. The loop's thread.
 */
void resolver_ask(struct resolver *resolver, const char *name, enum dns_type type, dns_done_fn *done,
                  void *closure);

/* Is the file one that libunbound can read? On false, one line in error[]. Any thread; blocks on the file. */
bool resolver_check(const char *resolv_conf, char *error, size_t error_size);

enum { DNS_NAME_SIZE = 256 };
/* A domain name in wire format as text without final dot ("" for the root). False if it is malformed. */
bool dns_name_text(struct slice wire, char text[static DNS_NAME_SIZE]);

#endif
