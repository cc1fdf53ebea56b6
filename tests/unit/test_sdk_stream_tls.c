/* Modules' streams over TLS: whom they trust, their own certificates, STARTTLS, and settings that are wrong. */
#include <openssl/ssl.h>
#include <string.h>
#include "stream_harness.h"

/* One conversation over TLS; the client as it is afterwards. */
static struct stream_client secured(struct sdk_house *house, struct stream_server *server,
                                    struct imp_tls *tls, const char *name)
{
    server->tls = true;
    stream_server_start(server, false);
    struct stream_client client = {
        .house = house,
        .target = {.host = "127.0.0.1", .port = server->port, .tls = tls, .tls_name = name},
        .connected = UNIT_COUNTER,
        .secured = UNIT_COUNTER,
        .read = UNIT_COUNTER,
        .drained = UNIT_COUNTER,
        .ended = UNIT_COUNTER,
        .closed = UNIT_COUNTER,
        .says = "hello, policy"};
    stream_client_start(&client);
    if (unit_wait(&client.read, 13, 2) >= 13)
        sdk_house_on(house, imp_loop_at(1), stream_client_finish, &client);
    stream_await(&client.closed, 1);
    stream_server_stop(server);
    return client;
}

static void test_tls(void)
{
    struct sdk_house house;
    stream_house_open(&house);
    struct imp_tls *trusting = stream_make_tls(&house, (struct imp_tls_settings){.ca_file = stream_ca_file});
    struct imp_tls *strange = stream_make_tls(&house, (struct imp_tls_settings){.ca_path = stream_folder});
    struct imp_tls *careless = stream_make_tls(
        &house, (struct imp_tls_settings){.ca_path = stream_folder, .accept_unverified = true});
    struct imp_tls *modern = stream_make_tls(
        &house, (struct imp_tls_settings){.ca_file = stream_ca_file, .protocols = "+ALL:-TLSv1.2"});
    struct imp_tls *known = stream_make_tls(&house, (struct imp_tls_settings){.ca_file = stream_ca_file,
                                                                              .certificate = stream_ca_file,
                                                                              .key = stream_key_file});
    struct stream_server server = {.way = ECHOING};
    struct stream_client good = secured(&house, &server, trusting, "policy.test");
    CU_ASSERT(good.why == IMP_STREAM_CLOSED && strcmp(good.received, "hello, policy") == 0);
    CU_ASSERT(good.facts_known && good.facts.verified && strcmp(good.subject_cn, "policy.test") == 0);
    CU_ASSERT_STRING_EQUAL(good.facts.protocol, "TLSv1.3");
    CU_ASSERT_STRING_EQUAL(good.unverified, "");
    struct stream_client misnamed =
        secured(&house, &(struct stream_server){.way = ECHOING}, trusting, "other.test");
    CU_ASSERT(misnamed.why == IMP_STREAM_TLS_FAILED && strstr(misnamed.text, "ostname mismatch"));
    struct stream_client address = secured(&house, &(struct stream_server){.way = ECHOING}, trusting, NULL);
    CU_ASSERT(address.why == IMP_STREAM_TLS_FAILED && strstr(address.text, "IP address mismatch"));
    struct stream_client unknown =
        secured(&house, &(struct stream_server){.way = ECHOING}, strange, "policy.test");
    CU_ASSERT(unknown.why == IMP_STREAM_TLS_FAILED && strstr(unknown.text, "self-signed certificate"));
    CU_ASSERT_EQUAL(unit_wait(&unknown.connected, 1, 0), 0);
    struct stream_client taken =
        secured(&house, &(struct stream_server){.way = ECHOING}, careless, "policy.test");
    CU_ASSERT(taken.why == IMP_STREAM_CLOSED && !taken.facts.verified &&
              strstr(taken.unverified, "self-signed"));
    struct stream_client old =
        secured(&house, &(struct stream_server){.way = ECHOING, .max_version = TLS1_2_VERSION}, modern,
                "policy.test");
    CU_ASSERT(old.why == IMP_STREAM_TLS_FAILED && *old.text);
    server = (struct stream_server){.way = ECHOING, .wants_certificate = true, .max_version = TLS1_2_VERSION};
    struct stream_client certified = secured(&house, &server, known, "policy.test");
    CU_ASSERT(certified.why == IMP_STREAM_CLOSED && strcmp(server.client, "policy.test") == 0);
    CU_ASSERT_STRING_EQUAL(certified.facts.protocol, "TLSv1.2");
    imp_tls_free(trusting);
    imp_tls_free(strange);
    imp_tls_free(careless);
    imp_tls_free(modern);
    imp_tls_free(known);
    sdk_house_close(&house);
}

static void test_starttls(void)
{
    struct sdk_house house;
    struct stream_server server = {.way = STARTTLS};
    stream_house_open(&house);
    stream_server_start(&server, false);
    struct stream_client client = CLIENT(.says = "STARTTLS", .starts_tls = true, .target.host = "127.0.0.1");
    client.target.port = server.port;
    client.starttls = stream_make_tls(&house, (struct imp_tls_settings){.ca_file = stream_ca_file});
    stream_client_start(&client);
    stream_await(&client.secured, 1);
    stream_await(&client.read, 6);
    CU_ASSERT(strcmp(client.received, "secret") == 0 && client.facts.verified);
    sdk_house_on(&house, imp_loop_at(1), stream_client_finish, &client);
    stream_await(&client.closed, 1);
    stream_server_stop(&server);
    imp_tls_free(client.starttls);
    sdk_house_close(&house);
}

static void test_bad_tls(void)
{
    static const struct imp_tls_settings bad[] = {
        {.ca_file = "/nonexistent"},  {.certificate = "/nonexistent"},
        {.ciphers = "none of these"}, {.protocols = "+SSLv9"},
        {.ciphersuites = "none"},     {.certificate = stream_ca_file, .key = stream_ca_file},
    };
    struct sdk_house house;
    stream_house_open(&house);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct imp_tls_settings settings = bad[i];
        settings.size = sizeof settings;
        house.module->error[0] = '\0';
        CU_ASSERT_PTR_NULL(imp_tls_create(house.module, &settings));
        CU_ASSERT(house.module->error[0] != '\0');
    }
    imp_tls_free(NULL);
    sdk_house_close(&house);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"begin", stream_tests_begin},   {"TLS", test_tls},
        {"STARTTLS", test_starttls},     {"TLS settings that cannot be used", test_bad_tls},
        {"finish", stream_tests_finish}, CU_TEST_INFO_NULL,
    };
    return unit_run("sdk_stream_tls", tests);
}
