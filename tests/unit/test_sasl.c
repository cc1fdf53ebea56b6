/*
 * The server's side of SASL against libgsasl's clients: each mechanism, right and wrong, and what a hostile
 * client may say.
 */
#include "sasl/sasl.h"
#include <gsasl.h>
#include <string.h>
#include "log/paniclog.h"
#include "unit.h"

/* What coreutils' md5sum says of tom:Realm:secret. */
#define TOM_DIGEST "359153c49c9adb34649ecdeb8424b957"

static char directory[UNIT_PATH_SIZE], clear_path[UNIT_PATH_SIZE + 16], digest_path[UNIT_PATH_SIZE + 16];
static struct sasl_service *service;
static struct passwords *clear, *digests;
static Gsasl *client_library;

static void put(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(content, file);
    fclose(file);
}

static void begin(void)
{
    unit_directory(directory);
    snprintf(clear_path, sizeof clear_path, "%s/clear", directory);
    snprintf(digest_path, sizeof digest_path, "%s/digest", directory);
    put(clear_path, "# comment\ntom:secret\n");
    put(digest_path, "tom:Realm:" TOM_DIGEST "\n");
    service = sasl_service_create();
    clear = passwords_open(clear_path, (struct passwords_form){0});
    digests = passwords_open(digest_path, (struct passwords_form){.realms = true, .hashed = true});
    CU_ASSERT_EQUAL_FATAL(gsasl_init(&client_library), GSASL_OK);
}

static void end(void)
{
    gsasl_done(client_library);
    passwords_close(clear);
    passwords_close(digests);
    sasl_service_free(service);
    unit_directory_remove(directory);
}

static struct sasl_exchange *start(enum sasl_mechanism mechanism)
{
    struct sasl_account account = {.mechanism = mechanism,
                                   .passwords = mechanism == SASL_DIGEST_MD5 ? digests : clear,
                                   .realm = "Realm",
                                   .identity = "client.example"};
    return sasl_begin(service, &account);
}

struct credentials {
    const char *user, *password, *authzid;
};

static Gsasl_session *start_client(enum sasl_mechanism mechanism, const struct credentials *who)
{
    Gsasl_session *client;
    CU_ASSERT_EQUAL_FATAL(gsasl_client_start(client_library, sasl_mechanism_name(mechanism), &client),
                          GSASL_OK);
    gsasl_property_set(client, GSASL_AUTHID, who->user);
    gsasl_property_set(client, GSASL_PASSWORD, who->password);
    gsasl_property_set(client, GSASL_AUTHZID, who->authzid);
    gsasl_property_set(client, GSASL_SERVICE, "smtp");
    gsasl_property_set(client, GSASL_HOSTNAME, "mx.example");
    return client;
}

/* The client begins where it may. The number of challenges in *turns, the user in user[]. */
static enum sasl_outcome converse(enum sasl_mechanism mechanism, const struct credentials *who, bool initial,
                                  unsigned *turns, char user[64])
{
    struct sasl_exchange *exchange = start(mechanism);
    Gsasl_session *client = start_client(mechanism, who);
    char *answer = NULL, *challenge = NULL;
    *turns = 0;
    if (initial) {
        int result = gsasl_step64(client, NULL, &answer);
        CU_ASSERT_TRUE(result == GSASL_OK || result == GSASL_NEEDS_MORE);
    }
    enum sasl_outcome outcome = sasl_step(exchange, answer, &challenge);
    while (outcome == SASL_CONTINUES && *turns < 10) {
        ++*turns;
        gsasl_free(answer);
        answer = NULL;
        int result = gsasl_step64(client, challenge, &answer);
        CU_ASSERT_TRUE(result == GSASL_OK || result == GSASL_NEEDS_MORE);
        free(challenge);
        outcome = sasl_step(exchange, answer ? answer : "", &challenge);
    }
    free(challenge);
    gsasl_free(answer);
    snprintf(user, 64, "%s", sasl_user(exchange));
    gsasl_finish(client);
    sasl_end(exchange);
    return outcome;
}

static const enum sasl_mechanism with_passwords[] = {SASL_PLAIN,      SASL_LOGIN,       SASL_CRAM_MD5,
                                                     SASL_DIGEST_MD5, SASL_SCRAM_SHA_1, SASL_SCRAM_SHA_256};
enum { WITH_PASSWORDS = sizeof with_passwords / sizeof *with_passwords };

static void test_right(void)
{
    unsigned turns;
    char user[64];
    begin();
    for (size_t i = 0; i < WITH_PASSWORDS; i++) {
        struct credentials tom = {"tom", "secret", NULL};
        bool initial = sasl_client_begins(with_passwords[i]) && with_passwords[i] != SASL_LOGIN;
        CU_ASSERT_EQUAL(converse(with_passwords[i], &tom, initial, &turns, user), SASL_SUCCEEDED);
        CU_ASSERT_STRING_EQUAL(user, "tom");
        CU_ASSERT_EQUAL(converse(with_passwords[i], &tom, false, &turns, user), SASL_SUCCEEDED);
    }
    end();
}

/* A wrong password and a user that does not exist cannot be told from each other. */
static void test_wrong(void)
{
    unsigned turns, turns_of_nobody;
    char user[64];
    begin();
    for (size_t i = 0; i < WITH_PASSWORDS; i++) {
        struct credentials wrong = {"tom", "secret2", NULL}, nobody = {"eve", "secret", NULL};
        CU_ASSERT_EQUAL(converse(with_passwords[i], &wrong, false, &turns, user), SASL_FAILED);
        CU_ASSERT_EQUAL(converse(with_passwords[i], &nobody, false, &turns_of_nobody, user), SASL_FAILED);
        CU_ASSERT_EQUAL(turns, turns_of_nobody);
        CU_ASSERT_STRING_EQUAL(user, "eve");
    }
    end();
}

static void test_act_as_another(void)
{
    static const enum sasl_mechanism carrying[] = {SASL_PLAIN, SASL_DIGEST_MD5, SASL_SCRAM_SHA_1,
                                                   SASL_SCRAM_SHA_256};
    unsigned turns;
    char user[64];
    begin();
    for (size_t i = 0; i < sizeof carrying / sizeof *carrying; i++) {
        struct credentials self = {"tom", "secret", "tom"}, other = {"tom", "secret", "root"};
        CU_ASSERT_EQUAL(converse(carrying[i], &self, false, &turns, user), SASL_SUCCEEDED);
        CU_ASSERT_EQUAL(converse(carrying[i], &other, false, &turns, user), SASL_FAILED);
    }
    end();
}

static enum sasl_outcome one_step(struct sasl_exchange *exchange, const char *answer)
{
    char *challenge;
    enum sasl_outcome outcome = sasl_step(exchange, answer, &challenge);
    free(challenge);
    return outcome;
}

static enum sasl_outcome plain(const char *answer)
{
    struct sasl_exchange *exchange = start(SASL_PLAIN);
    enum sasl_outcome outcome = one_step(exchange, answer);
    sasl_end(exchange);
    return outcome;
}

static void test_garbage(void)
{
    begin();
    CU_ASSERT_EQUAL(plain("AHRvbQBzZWNyZXQ="), SASL_SUCCEEDED); /* \0tom\0secret */
    CU_ASSERT_EQUAL(plain("AHRvbQBzZWNyZXQ"), SASL_MALFORMED);
    CU_ASSERT_EQUAL(plain("!"), SASL_MALFORMED);
    CU_ASSERT_EQUAL(plain("AHRvbQBz=ZWNyZXQ="), SASL_MALFORMED);
    CU_ASSERT_EQUAL(plain("dG9t"), SASL_FAILED);
    CU_ASSERT_EQUAL(plain("AAA="), SASL_FAILED);
    CU_ASSERT_EQUAL(plain("AHRvbQpyb290AHNlY3JldA=="), SASL_FAILED); /* a line end in the name */
    for (size_t i = 0; i < WITH_PASSWORDS; i++)
        for (int k = 0; k < 3; k++) {
            static const char *const answers[] = {"", "AAAAAAAA", "/////w=="};
            struct sasl_exchange *exchange = start(with_passwords[i]);
            enum sasl_outcome outcome = one_step(exchange, NULL);
            for (int turn = 0; outcome == SASL_CONTINUES && turn < 5; turn++)
                outcome = one_step(exchange, answers[k]);
            CU_ASSERT_EQUAL(outcome, SASL_FAILED);
            sasl_end(exchange);
        }
    end();
}

/* "=" at the start is an empty response (RFC 4954 section 4): an answer, which only EXTERNAL gives a meaning;
 * and where the server begins there is no initial response. Later on "=" is no base64. */
static void test_empty_initial_response(void)
{
    static const struct {
        enum sasl_mechanism mechanism;
        enum sasl_outcome outcome;
    } rows[] = {
        {SASL_PLAIN, SASL_FAILED},         {SASL_LOGIN, SASL_FAILED},       {SASL_SCRAM_SHA_1, SASL_FAILED},
        {SASL_SCRAM_SHA_256, SASL_FAILED}, {SASL_CRAM_MD5, SASL_MALFORMED}, {SASL_DIGEST_MD5, SASL_MALFORMED},
        {SASL_EXTERNAL, SASL_SUCCEEDED},
    };
    CU_ASSERT_EQUAL(sizeof rows / sizeof *rows, SASL_MECHANISMS);
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sasl_exchange *exchange = start(rows[i].mechanism);
        CU_ASSERT_EQUAL(one_step(exchange, "="), rows[i].outcome);
        sasl_end(exchange);
    }
    struct sasl_exchange *exchange = start(SASL_PLAIN);
    CU_ASSERT_EQUAL(one_step(exchange, NULL), SASL_CONTINUES);
    CU_ASSERT_EQUAL(one_step(exchange, "="), SASL_MALFORMED);
    sasl_end(exchange);
    end();
}

/* As much as a line of RFC 4954 can carry. */
static void test_oversized(void)
{
    enum { SIZE = 12288 };
    static char answer[SIZE + 1];
    begin();
    memset(answer, 'A', SIZE);
    CU_ASSERT_EQUAL(plain(answer), SASL_FAILED);
    memset(answer, 'Y', SIZE);
    memcpy(answer, "AHRv", 4);
    CU_ASSERT_EQUAL(plain(answer), SASL_FAILED);
    for (size_t i = 0; i < WITH_PASSWORDS; i++) {
        struct sasl_exchange *exchange = start(with_passwords[i]);
        enum sasl_outcome outcome = one_step(exchange, NULL);
        memset(answer, 'Y', SIZE);
        for (int turn = 0; outcome == SASL_CONTINUES && turn < 5; turn++)
            outcome = one_step(exchange, answer);
        CU_ASSERT_EQUAL(outcome, SASL_FAILED);
        sasl_end(exchange);
    }
    end();
}

/* What was right once is not right again: the challenge is another one. */
static void test_replay(void)
{
    static const enum sasl_mechanism mechanisms[] = {SASL_CRAM_MD5, SASL_DIGEST_MD5};
    struct credentials tom = {"tom", "secret", NULL};
    begin();
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        struct sasl_exchange *first = start(mechanisms[i]), *second = start(mechanisms[i]);
        Gsasl_session *client = start_client(mechanisms[i], &tom);
        char *challenge, *answer = NULL;
        CU_ASSERT_EQUAL(sasl_step(first, NULL, &challenge), SASL_CONTINUES);
        gsasl_step64(client, challenge, &answer);
        free(challenge);
        CU_ASSERT_NOT_EQUAL(one_step(first, answer), SASL_FAILED);
        CU_ASSERT_EQUAL(one_step(second, NULL), SASL_CONTINUES);
        CU_ASSERT_EQUAL(one_step(second, answer), SASL_FAILED);
        gsasl_free(answer);
        gsasl_finish(client);
        sasl_end(first);
        sasl_end(second);
    }
    end();
}

/* LOGIN as clients speak it: prompts in the words that they look for, and the name in the first line. */
static void test_login_prompts(void)
{
    char *challenge;
    begin();
    struct sasl_exchange *exchange = start(SASL_LOGIN);
    CU_ASSERT_EQUAL(sasl_step(exchange, NULL, &challenge), SASL_CONTINUES);
    CU_ASSERT_STRING_EQUAL(challenge, "VXNlcm5hbWU6");
    free(challenge);
    CU_ASSERT_EQUAL(sasl_step(exchange, "dG9t", &challenge), SASL_CONTINUES);
    CU_ASSERT_STRING_EQUAL(challenge, "UGFzc3dvcmQ6");
    free(challenge);
    CU_ASSERT_EQUAL(one_step(exchange, "c2VjcmV0"), SASL_SUCCEEDED);
    CU_ASSERT_STRING_EQUAL(sasl_password(exchange), "secret");
    sasl_end(exchange);
    exchange = start(SASL_LOGIN);
    CU_ASSERT_EQUAL(sasl_step(exchange, "dG9t", &challenge), SASL_CONTINUES);
    CU_ASSERT_STRING_EQUAL(challenge, "UGFzc3dvcmQ6");
    free(challenge);
    CU_ASSERT_EQUAL(one_step(exchange, "c2VjcmV0"), SASL_SUCCEEDED);
    sasl_end(exchange);
    end();
}

static void test_external(void)
{
    begin();
    struct sasl_account nobody = {.mechanism = SASL_EXTERNAL};
    struct sasl_exchange *exchange = start(SASL_EXTERNAL);
    CU_ASSERT_EQUAL(one_step(exchange, NULL), SASL_CONTINUES);
    CU_ASSERT_EQUAL(one_step(exchange, ""), SASL_SUCCEEDED);
    CU_ASSERT_STRING_EQUAL(sasl_user(exchange), "client.example");
    sasl_end(exchange);
    exchange = start(SASL_EXTERNAL);
    CU_ASSERT_EQUAL(one_step(exchange, "Y2xpZW50LmV4YW1wbGU="), SASL_SUCCEEDED);
    sasl_end(exchange);
    exchange = start(SASL_EXTERNAL);
    CU_ASSERT_EQUAL(one_step(exchange, "cm9vdA=="), SASL_FAILED);
    sasl_end(exchange);
    exchange = sasl_begin(service, &nobody);
    CU_ASSERT_EQUAL(one_step(exchange, ""), SASL_FAILED);
    sasl_end(exchange);
    end();
}

static void test_unavailable(void)
{
    begin();
    struct passwords *missing = passwords_open("/nonexistent/passwords", (struct passwords_form){0});
    struct sasl_account account = {.mechanism = SASL_PLAIN, .passwords = missing};
    struct sasl_exchange *exchange = sasl_begin(service, &account);
    CU_ASSERT_EQUAL(one_step(exchange, "AHRvbQBzZWNyZXQ="), SASL_UNAVAILABLE);
    sasl_end(exchange);
    account.passwords = NULL;
    exchange = sasl_begin(service, &account);
    CU_ASSERT_EQUAL(one_step(exchange, "AHRvbQBzZWNyZXQ="), SASL_FAILED);
    sasl_end(exchange);
    passwords_close(missing);
    end();
}

/* DIGEST-MD5 out of clear text, with and without realms in the file. */
static void test_stored_cleartext(void)
{
    unsigned turns;
    char user[64];
    struct credentials tom = {"tom", "secret", NULL};
    begin();
    struct passwords *hashed = digests;
    digests = clear;
    CU_ASSERT_EQUAL(converse(SASL_DIGEST_MD5, &tom, false, &turns, user), SASL_SUCCEEDED);
    put(digest_path, "tom:Realm:secret\n");
    digests = passwords_open(digest_path, (struct passwords_form){.realms = true});
    CU_ASSERT_EQUAL(converse(SASL_DIGEST_MD5, &tom, false, &turns, user), SASL_SUCCEEDED);
    passwords_close(digests);
    digests = hashed;
    end();
}

static void test_names(void)
{
    enum sasl_mechanism found;
    CU_ASSERT_TRUE(sasl_mechanism_find(SLICE_LITERAL("scram-sha-256"), &found));
    CU_ASSERT_EQUAL(found, SASL_SCRAM_SHA_256);
    CU_ASSERT_FALSE(sasl_mechanism_find(SLICE_LITERAL("SCRAM-SHA-256-PLUS"), &found));
    CU_ASSERT_FALSE(sasl_mechanism_find(SLICE_LITERAL(""), &found));
}

/* Exchanges on several threads at once, over one service and one file. */
static void *run_exchanges(void *unused)
{
    (void)unused;
    for (int i = 0; i < 50; i++)
        CU_ASSERT_EQUAL(plain("AHRvbQBzZWNyZXQ="), SASL_SUCCEEDED);
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[4];
    begin();
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, run_exchanges, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    end();
}

static void count_line(enum panic_level level, const char *line, size_t size, void *lines)
{
    (void)level, (void)line, (void)size;
    ++*(unsigned *)lines;
}

int main(void)
{
    static unsigned lines;
    paniclog_set_stderr(false);
    paniclog_add_sink(count_line, &lines);
    CU_TestInfo tests[] = {
        {"right passwords", test_right},
        {"wrong passwords", test_wrong},
        {"acting as somebody else", test_act_as_another},
        {"garbage", test_garbage},
        {"an empty initial response", test_empty_initial_response},
        {"oversized answers", test_oversized},
        {"replayed answers", test_replay},
        {"prompts of LOGIN", test_login_prompts},
        {"EXTERNAL", test_external},
        {"passwords that cannot be read", test_unavailable},
        {"stored in clear text", test_stored_cleartext},
        {"names of mechanisms", test_names},
        {"threads", test_threads},
        CU_TEST_INFO_NULL,
    };
    return unit_run("sasl", tests);
}
