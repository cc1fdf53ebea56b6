/* Modules' questions to DNS: every type of record, answers that mean no, cancelling, validation. */
#include "sdk_harness.h"

#include <errno.h>
#include <impulse/dns.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dns_record.h"
#include "name_server.h"
#include "sdk/sdk_dns.h"

/* ---- a name server --------------------------------------------------------------------------- */

enum { RRSIG = 46, DNSKEY = 48 };

/* A zone "signed": its key (ECDSA P-256), and signatures of it and of host.signed, valid from 2019 to 2038.
 */
#define KEY                                                                                                  \
    "\001\001\003\015\021\010\231\231\241\273\245\124\313\265\135\052\221\365\204\133\024\375\024\133"       \
    "\046\330\321\147\335\145\324\034\340\114\036\251\331\174\152\011\121\323\046\155\210\347\227\313"       \
    "\337\077\066\303\371\141\276\260\224\200\154\342\151\163\364\150\137\114\277\300"
#define KEY_SIGNATURE                                                                                        \
    "\000\060\015\001\000\000\016\020\177\377\377\377\136\000\000\000\057\336\006\163\151\147\156\145"       \
    "\144\000\235\162\166\037\247\112\067\007\322\252\063\325\206\066\061\155\007\320\277\247\143\303"       \
    "\331\256\014\076\052\362\315\152\367\146\156\257\027\354\261\024\126\337\252\065\332\005\253\223"       \
    "\006\066\165\352\257\273\270\346\054\251\074\221\233\006\062\340\370\002"
#define ADDRESS_SIGNATURE                                                                                    \
    "\000\001\015\002\000\000\016\020\177\377\377\377\136\000\000\000\057\336\006\163\151\147\156\145"       \
    "\144\000\246\251\365\150\145\254\212\227\031\312\215\047\145\363\017\240\024\134\311\170\216\014"       \
    "\043\254\013\221\302\373\223\241\154\165\260\047\227\172\074\246\131\266\360\006\273\225\167\120"       \
    "\103\065\117\021\246\115\365\215\025\212\341\314\013\005\376\367\017\145"
#define KEY_TAG    12254
#define KEY_DIGEST "760ce7df59beebc62a79ecc4795d88d83fe4e369b04f98f5512ebc195806ee14"

static const struct zone_row zone[] = {
    {"host.example", IMP_DNS_A, NOERROR, RDATA("\300\0\2\1")},
    {"host.example", IMP_DNS_AAAA, NOERROR, RDATA("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1")},
    {"host.example", IMP_DNS_MX, NOERROR, RDATA("\0\12\2mx\7example\0")},
    {"host.example", IMP_DNS_TXT, NOERROR, RDATA("\6v=spf1\5 -all")},
    {"host.example", IMP_DNS_NS, NOERROR, RDATA("\2ns\7example\0")},
    {"host.example", 257, NOERROR, RDATA("\0\5issueca.example")},
    {"_smtp._tcp.host.example", IMP_DNS_SRV, NOERROR, RDATA("\0\1\0\2\0\31\2mx\7example\0")},
    {"_25._tcp.mx.example", IMP_DNS_TLSA, NOERROR, RDATA("\3\1\1abcdefgh")},
    {"1.2.0.192.in-addr.arpa", IMP_DNS_PTR, NOERROR, RDATA("\4host\7example\0")},
    {"alias.example", IMP_DNS_CNAME, NOERROR, RDATA("\4host\7example\0")},
    {"xn--bcher-kva.example", IMP_DNS_A, NOERROR, RDATA("\300\0\2\2")},
    {"broken.example", IMP_DNS_A, SERVFAIL, RDATA("")},
    {"damaged.example", IMP_DNS_TXT, NOERROR, RDATA("\11short")},
    {"null.example", IMP_DNS_MX, NOERROR, RDATA("\0\0\0")},
    {"silent.example", IMP_DNS_A, SILENT, RDATA("")},
    {"signed", DNSKEY, NOERROR, RDATA(KEY)},
    {"signed", RRSIG, NOERROR, RDATA(KEY_SIGNATURE)},
    {"host.signed", IMP_DNS_A, NOERROR, RDATA("\300\0\2\11")},
    {"host.signed", RRSIG, NOERROR, RDATA(ADDRESS_SIGNATURE)},
    {"forged.signed", IMP_DNS_A, NOERROR, RDATA("\300\0\2\12")},
    {"forged.signed", RRSIG, NOERROR, RDATA(ADDRESS_SIGNATURE)},
};

static struct name_server server;
static char folder[UNIT_PATH_SIZE], resolv_conf[UNIT_PATH_SIZE + 16], anchor[UNIT_PATH_SIZE + 16];

/* The first of the tests. */
static void start_names(void)
{
    unit_directory(folder);
    snprintf(resolv_conf, sizeof resolv_conf, "%s/resolv.conf", folder);
    name_server_start(&server, zone, sizeof zone / sizeof *zone, resolv_conf);
    snprintf(anchor, sizeof anchor, "%s/anchor", folder);
    FILE *file = fopen(anchor, "w");
    fprintf(file,
            "example. IN DS 4711 13 2 3490a6806d47f17a34c29e2ce80e8a999ffbe4be3490a6806d47f17a34c29e2c\n"
            "signed. IN DS %d 13 2 " KEY_DIGEST "\n",
            KEY_TAG);
    fclose(file);
}

/* And the last. */
static void stop_names(void)
{
    name_server_stop(&server);
    unit_directory_remove(folder);
}

/* ---- the house ------------------------------------------------------------------------------- */

static struct resolvers *resolvers;

static void open_house(struct sdk_house *house, bool validating)
{
    struct resolver_settings settings = {resolv_conf, validating ? anchor : NULL};
    sdk_house_open(house);
    struct loop *loops[] = {loop_group_at(house->main, 0), loop_group_at(house->group, 0),
                            loop_group_at(house->group, 1)};
    resolvers = resolvers_create(loops, 3, &settings);
    house->resolvers = resolvers;
    sdk_dns_set_resolvers(resolvers);
}

struct asked {
    struct sdk_house *house;
    const char *name;
    unsigned type;
    struct imp_dns_query *query;
    int error;
    struct unit_counter done;
    struct imp_loop *loop;
    enum imp_dns_status status;
    enum imp_dns_security security;
    int rcode;
    unsigned ttl, preference;
    size_t count, size;
    bool has_address, has_host;
    uint8_t address[16];
    char canonical[IMP_DNS_NAME_SIZE], host[IMP_DNS_NAME_SIZE], text[32], reason[256];
    long text_size;
};

static void take_answer(const struct imp_dns_answer *answer, void *closure)
{
    struct asked *asked = closure;
    asked->loop = imp_loop_current();
    asked->status = answer->status;
    asked->security = answer->security;
    asked->rcode = answer->rcode;
    asked->ttl = answer->ttl;
    asked->count = answer->count;
    asked->text_size = -1;
    snprintf(asked->reason, sizeof asked->reason, "%s", answer->reason);
    snprintf(asked->canonical, sizeof asked->canonical, "%s", answer->canonical ? answer->canonical : "");
    if (answer->count) {
        asked->size = answer->records[0].size;
        asked->has_address = imp_dns_address(answer, 0, asked->address);
        asked->has_host = imp_dns_host(answer, 0, &asked->preference, asked->host);
        asked->text_size = imp_dns_text(answer, 0, asked->text, sizeof asked->text);
    }
    unit_count(&asked->done, 1);
}

static void put_question(void *closure)
{
    struct asked *asked = closure;
    asked->query = imp_dns_ask(asked->house->module, asked->name, asked->type, take_answer, asked);
    asked->error = asked->query ? 0 : errno;
}

#define ASKED(name, type)                                                                                    \
    {                                                                                                        \
        &house, name, type, .done = UNIT_COUNTER                                                             \
    }

/* Asks on the first event loop and waits for the answer. */
static struct asked ask(struct sdk_house *house, const char *name, unsigned type)
{
    struct asked asked = {house, name, type, .done = UNIT_COUNTER};
    sdk_house_on(house, imp_loop_at(1), put_question, &asked);
    if (asked.query) {
        CU_ASSERT_EQUAL(unit_wait(&asked.done, 1, 30), 1);
        CU_ASSERT_PTR_EQUAL(asked.loop, imp_loop_at(1));
    }
    return asked;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_records(void)
{
    struct sdk_house house;
    open_house(&house, false);
    struct asked a = ask(&house, "host.example", IMP_DNS_A);
    CU_ASSERT(a.status == IMP_DNS_FOUND && a.count == 1 && a.rcode == 0 && a.security == IMP_DNS_INSECURE);
    CU_ASSERT(a.ttl > 3500 && a.ttl <= 3600);
    CU_ASSERT(a.has_address && memcmp(a.address, "\0\0\0\0\0\0\0\0\0\0\377\377\300\0\2\1", 16) == 0);
    CU_ASSERT(!a.has_host && a.text_size == -1 && !*a.canonical && !*a.reason);
    struct asked aaaa = ask(&house, "HOST.example.", IMP_DNS_AAAA);
    CU_ASSERT(aaaa.has_address && memcmp(aaaa.address, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16) == 0);
    struct asked mx = ask(&house, "host.example", IMP_DNS_MX);
    CU_ASSERT(mx.has_host && mx.preference == 10 && strcmp(mx.host, "mx.example") == 0 && !mx.has_address);
    struct asked txt = ask(&house, "host.example", IMP_DNS_TXT);
    CU_ASSERT(txt.text_size == 11 && strcmp(txt.text, "v=spf1 -all") == 0);
    struct asked ns = ask(&house, "host.example", IMP_DNS_NS);
    CU_ASSERT(ns.has_host && strcmp(ns.host, "ns.example") == 0);
    struct asked srv = ask(&house, "_smtp._tcp.host.example", IMP_DNS_SRV);
    CU_ASSERT(srv.has_host && srv.preference == 1 && strcmp(srv.host, "mx.example") == 0);
    struct asked tlsa = ask(&house, "_25._tcp.mx.example", IMP_DNS_TLSA);
    CU_ASSERT(tlsa.status == IMP_DNS_FOUND && tlsa.size == 11 && !tlsa.has_host);
    struct asked caa = ask(&house, "host.example", 257);
    CU_ASSERT(caa.status == IMP_DNS_FOUND && caa.count == 1);
    char reverse[IMP_DNS_REVERSE_SIZE];
    imp_dns_reverse_name(a.address, reverse);
    struct asked ptr = ask(&house, reverse, IMP_DNS_PTR);
    CU_ASSERT(ptr.has_host && strcmp(ptr.host, "host.example") == 0);
    struct asked alias = ask(&house, "alias.example", IMP_DNS_A);
    CU_ASSERT(alias.has_address && strncmp(alias.canonical, "host.example", 12) == 0);
    struct asked idn = ask(&house, "b\303\274cher.example", IMP_DNS_A);
    CU_ASSERT(idn.has_address && idn.address[15] == 2);
    sdk_house_close(&house);
}

static void test_no(void)
{
    struct sdk_house house;
    open_house(&house, false);
    struct asked none = ask(&house, "none.example", IMP_DNS_A);
    CU_ASSERT(none.status == IMP_DNS_NO_DOMAIN && none.rcode == NXDOMAIN && none.count == 0);
    struct asked data = ask(&house, "alone.host.example", IMP_DNS_A);
    CU_ASSERT(data.status == IMP_DNS_NO_DOMAIN);
    data = ask(&house, "_25._tcp.mx.example", IMP_DNS_A);
    CU_ASSERT(data.status == IMP_DNS_NO_DATA && data.rcode == NOERROR);
    struct asked broken = ask(&house, "broken.example", IMP_DNS_A);
    CU_ASSERT(broken.status == IMP_DNS_FAILED && broken.rcode == SERVFAIL && *broken.reason);
    struct asked damaged = ask(&house, "damaged.example", IMP_DNS_TXT);
    CU_ASSERT(damaged.status != IMP_DNS_FOUND || damaged.text_size == -1);
    struct asked null = ask(&house, "null.example", IMP_DNS_MX);
    CU_ASSERT(null.has_host && !*null.host && null.preference == 0);
    sdk_house_close(&house);
}

static void test_names(void)
{
    struct sdk_house house;
    char label[65], longest[260];
    open_house(&house, false);
    memset(label, 'a', 64);
    label[64] = '\0';
    memset(longest, 'b', sizeof longest);
    for (int i = 63; i < 254; i += 64)
        longest[i] = '.';
    longest[254] = '\0';
    const char *const wrong[] = {"",        "..",   ".a",  "a..b",  "a b",
                                 "a\\046b", "a\nb", label, longest, "\377.example"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct asked asked = ask(&house, wrong[i], IMP_DNS_A);
        CU_ASSERT(!asked.query && asked.error == EINVAL);
    }
    CU_ASSERT_FALSE(dns_name_valid(longest));
    longest[253] = '\0';
    CU_ASSERT(dns_name_valid(longest) && dns_name_valid(".") && dns_name_valid("_dmarc.example."));
    label[63] = '\0';
    CU_ASSERT(dns_name_valid(label));
    CU_ASSERT_EQUAL(ask(&house, "host.example", 0).error, EINVAL);
    CU_ASSERT_EQUAL(ask(&house, "host.example", 65536).error, EINVAL);
    sdk_house_close(&house);
}

static void cancel(void *closure)
{
    imp_dns_cancel(((struct asked *)closure)->query);
}

static void *ask_elsewhere(void *closure)
{
    put_question(closure);
    return NULL;
}

static void test_ends(void)
{
    struct sdk_house house;
    pthread_t thread;
    open_house(&house, false);
    struct asked cancelled = ASKED("silent.example", IMP_DNS_A), elsewhere = ASKED("host.example", IMP_DNS_A);
    struct asked ended = ASKED("silent.example", IMP_DNS_A),
                 ended_on_main = ASKED("silent.example", IMP_DNS_A);
    sdk_house_on(&house, imp_loop_at(1), put_question, &cancelled);
    sdk_house_on(&house, imp_loop_at(1), cancel, &cancelled);
    imp_dns_cancel(NULL);
    pthread_create(&thread, NULL, ask_elsewhere, &elsewhere);
    pthread_join(thread, NULL);
    CU_ASSERT(!elsewhere.query && elsewhere.error == ENOTSUP);
    sdk_house_on(&house, imp_loop_at(2), put_question, &ended);
    put_question(&ended_on_main);
    sdk_house_end_module(&house);
    CU_ASSERT(unit_wait(&ended.done, 1, 0) == 1 && ended.status == IMP_DNS_ENDED &&
              ended.loop == imp_loop_at(2));
    CU_ASSERT(unit_wait(&ended_on_main.done, 1, 0) == 1 && ended_on_main.status == IMP_DNS_ENDED);
    CU_ASSERT_EQUAL(unit_wait(&cancelled.done, 1, 0), 0);
    sdk_house_close(&house);
}

/* At the end of the process. */
static void test_end_of_process(void)
{
    struct sdk_house house;
    open_house(&house, false);
    struct asked ended = ASKED("silent.example", IMP_DNS_A);
    sdk_house_on(&house, imp_loop_at(2), put_question, &ended);
    sdk_house_close(&house);
    CU_ASSERT(unit_wait(&ended.done, 1, 0) == 1 && ended.status == IMP_DNS_ENDED);
}

/* The zone is said to be signed, and is not. */
static void test_bogus(void)
{
    struct sdk_house house;
    open_house(&house, true);
    struct asked bogus = ask(&house, "host.example", IMP_DNS_A);
    CU_ASSERT(bogus.status == IMP_DNS_FAILED && bogus.security == IMP_DNS_BOGUS && bogus.count == 0);
    CU_ASSERT(*bogus.reason);
    struct asked outside = ask(&house, "1.2.0.192.in-addr.arpa", IMP_DNS_PTR);
    CU_ASSERT(outside.status == IMP_DNS_FOUND && outside.security == IMP_DNS_INSECURE);
    sdk_house_close(&house);
}

static void test_secure(void)
{
    struct sdk_house house;
    open_house(&house, true);
    struct asked secure = ask(&house, "host.signed", IMP_DNS_A);
    CU_ASSERT(secure.status == IMP_DNS_FOUND && secure.security == IMP_DNS_SECURE && secure.address[15] == 9);
    struct asked forged = ask(&house, "forged.signed", IMP_DNS_A);
    CU_ASSERT(forged.status == IMP_DNS_FAILED && forged.security == IMP_DNS_BOGUS);
    sdk_house_close(&house);
    open_house(&house, false);
    struct asked unproved = ask(&house, "host.signed", IMP_DNS_A);
    CU_ASSERT(unproved.status == IMP_DNS_FOUND && unproved.security == IMP_DNS_INSECURE);
    sdk_house_close(&house);
}

static void test_check(void)
{
    char error[200];
    CU_ASSERT(resolver_check(&(struct resolver_settings){resolv_conf, anchor}, error, sizeof error));
    CU_ASSERT_FALSE(resolver_check(&(struct resolver_settings){"/nonesuch", NULL}, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "resolv_conf /nonesuch: "));
    CU_ASSERT_FALSE(
        resolver_check(&(struct resolver_settings){resolv_conf, "/nonesuch"}, error, sizeof error));
    CU_ASSERT_STRING_EQUAL(error, "dns_trust_anchor /nonesuch: No such file or directory");
}

static void test_wire(void)
{
    char text[8], name[DNS_REVERSE_SIZE];
    CU_ASSERT_EQUAL(dns_text_join(SLICE_LITERAL("\3abc\0\2de"), text, sizeof text), 5);
    CU_ASSERT_EQUAL(memcmp(text, "abcde", 5), 0);
    CU_ASSERT_EQUAL(dns_text_join(SLICE_LITERAL("\3abc\4d"), text, sizeof text), -1);
    CU_ASSERT_EQUAL(dns_text_join(SLICE_LITERAL("\4abcd\4efgh\2ij"), text, 6), 10);
    CU_ASSERT_EQUAL(memcmp(text, "abcdef", 6), 0);
    CU_ASSERT_EQUAL(dns_text_join(slice_of(NULL, 0), text, sizeof text), 0);
    dns_reverse_name((const unsigned char *)"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", name);
    CU_ASSERT_STRING_EQUAL(name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the name server starts", start_names},
        {"records", test_records},
        {"no", test_no},
        {"names", test_names},
        {"ends", test_ends},
        {"the end of the process", test_end_of_process},
        {"bogus", test_bogus},
        {"secure", test_secure},
        {"check", test_check},
        {"wire format", test_wire},
        {"the name server stops", stop_names},
        CU_TEST_INFO_NULL,
    };
    return unit_run("sdk_dns", tests);
}
