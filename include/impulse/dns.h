/*
 * impulse/dns.h: questions to DNS that do not block.
 *
 * Each event loop has one resolver, which deliveries and modules share: it caches, follows CNAMEs, and validates
 * DNSSEC when dns_trust_anchor is set. A question is asked on a loop and answered on the same loop, in a later turn.
 *
 * Example: in a hook that suspends its session, and then goes on.
 *
 *     static void answered(const struct imp_dns_answer *answer, void *closure)
 *     {
 *         char text[512];
 *         for (size_t i = 0; i < answer->count; i++)
 *             if (imp_dns_text(answer, i, text, sizeof text) > 0 && strncmp(text, "v=spf1 ", 7) == 0)
 *                 ...
 *         ... resume, free(closure) ...
 *     }
 *     ... imp_dns_ask(module, "example.com", IMP_DNS_TXT, answered, question) ...
 */
#ifndef IMPULSE_DNS_H
#define IMPULSE_DNS_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

enum imp_dns_type { /* the usual ones; any number from 1 to 65535 can be asked for */
                    IMP_DNS_A = 1,
                    IMP_DNS_NS = 2,
                    IMP_DNS_CNAME = 5,
                    IMP_DNS_SOA = 6,
                    IMP_DNS_PTR = 12,
                    IMP_DNS_MX = 15,
                    IMP_DNS_TXT = 16,
                    IMP_DNS_AAAA = 28,
                    IMP_DNS_SRV = 33,
                    IMP_DNS_TLSA = 52,
};

enum imp_dns_status {
    IMP_DNS_FOUND,     /* there are records */
    IMP_DNS_NO_DATA,   /* the name exists, without records of this type */
    IMP_DNS_NO_DOMAIN, /* the name does not exist (NXDOMAIN) */
    IMP_DNS_FAILED,    /* no answer, SERVFAIL, or bogus: it may work later */
    IMP_DNS_ENDED,     /* the instance or the process ends; free the closure and begin nothing */
};

enum imp_dns_security {                   /* RFC 4033 section 5 */
                        IMP_DNS_INSECURE, /* the zone is not signed, or dns_trust_anchor is not set */
                        IMP_DNS_SECURE,   /* validated; also an answer that there is no such name or data */
                        IMP_DNS_BOGUS, /* it should be signed and does not verify; the status is IMP_DNS_FAILED, nothing of it is given */
};

enum { IMP_DNS_NAME_SIZE = 256, IMP_DNS_REVERSE_SIZE = 80 }; /* bytes, NUL included */

struct imp_dns_record { /* the RDATA in wire format, names in it without compression */
    const unsigned char *data;
    size_t size;
};

struct imp_dns_answer { /* all of it is valid during the call */
    size_t size;        /* sizeof(struct imp_dns_answer), set by the daemon */
    enum imp_dns_status status;
    enum imp_dns_security security;
    unsigned type;         /* that was asked for */
    int rcode;             /* RFC 1035 section 4.1.1: 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, ... */
    unsigned ttl;          /* seconds for which the answer may be kept */
    const char *name;      /* that was asked for */
    const char *canonical; /* where its CNAMEs lead; NULL without them */
    const char *reason;    /* IMP_DNS_FAILED: one line that says why; else "" */
    size_t count;          /* records; 0 unless IMP_DNS_FOUND. At most 256 */
    const struct imp_dns_record *records;
};

struct imp_dns_query; /* a question that is not answered yet; valid until `done` is called */

/*
 * Asks for the records of `type` of `name`, a domain name of at most 253 bytes with or without a final dot, which is
 * copied; labels beyond ASCII are converted (IDNA2008). `done` is called once, in a later turn of the loop whose thread
 * this is, unless imp_dns_cancel is called before. A question does not keep its instance: when that ends, `done` is
 * called with IMP_DNS_ENDED, at the end of the process on the main thread.
 *
 * NULL with errno set, and `done` is not called: EINVAL it is no name or no type; ENOTSUP the thread has no loop;
 * EAGAIN too many questions are open, or the resolver cannot be used; ESHUTDOWN the instance or the process ends.
 */
IMP_API struct imp_dns_query *imp_dns_ask(struct imp_module *module, const char *name, unsigned type,
                                          void (*done)(const struct imp_dns_answer *answer, void *closure),
                                          void *closure);
/* `done` will not be called. The thread that asked. NULL is harmless. */
IMP_API void imp_dns_cancel(struct imp_dns_query *query);

/* ---- reading answers; any thread. Behind the last record there is none: false, or -1. --------------------------- */

/* The address of an A or AAAA record, IPv4 as ::ffff:a.b.c.d. False: it is none. */
IMP_API bool imp_dns_address(const struct imp_dns_answer *answer, size_t index, uint8_t address[16]);
/*
 * The host of an MX, SRV, PTR, NS or CNAME record, without final dot; "" for the root, which in an MX record means that
 * the domain takes no mail (RFC 7505). *preference (may be NULL) is the MX record's preference, the SRV record's
 * priority, else 0. False: it is none of these, or malformed.
 */
IMP_API bool imp_dns_host(const struct imp_dns_answer *answer, size_t index, unsigned *preference,
                          char host[IMP_DNS_NAME_SIZE]);
/*
 * The character strings of a TXT record, joined, into text[size], NUL-terminated and cut if need be. Returns the length
 * without cutting, which may exceed size; -1: it is no TXT record, or malformed. A text may hold any byte.
 */
IMP_API long imp_dns_text(const struct imp_dns_answer *answer, size_t index, char *text, size_t size);
/* The name of an address's PTR records: "1.0.0.127.in-addr.arpa". */
IMP_API void imp_dns_reverse_name(const uint8_t address[16], char name[IMP_DNS_REVERSE_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
