/* ec_md5passwd's lines and files: what libgsasl makes of a digest, and what happens to the other lines. */
#include <gsasl.h>
#include <string.h>
#include <sys/stat.h>
#include "tools/password_file.h"
#include "unit.h"

static char directory[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16], problem[PASSWORD_PROBLEM];

static void put(const char *content)
{
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(content, file);
    fclose(file);
}

static void expect(const char *expected)
{
    char content[4096];
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    fclose(file);
    CU_ASSERT_STRING_EQUAL(content, expected);
}

static mode_t mode_of_file(void)
{
    struct stat status;
    CU_ASSERT_EQUAL(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void begin(void)
{
    unit_directory(directory);
    snprintf(path, sizeof path, "%s/passwords", directory);
}

/* ---- lines ------------------------------------------------------------------------------------ */

static void test_line(void)
{
    /* The digest is what coreutils' md5sum says of fred:Momentum Console:secret. */
    char *line = password_line("fred", "Momentum Console", "secret", problem);
    CU_ASSERT_STRING_EQUAL(line, "fred:Momentum Console:73ce096ef587b1943e797487dec9ed91");
    free(line);
}

static void test_names(void)
{
    CU_ASSERT_PTR_NULL(password_user_problem("fred"));
    CU_ASSERT_PTR_NULL(password_user_problem("fred@mx-1.example"));
    CU_ASSERT_PTR_NOT_NULL(password_user_problem(""));
    CU_ASSERT_PTR_NOT_NULL(password_user_problem("a:b"));
    CU_ASSERT_PTR_NOT_NULL(password_user_problem("a\nroot"));
    CU_ASSERT_PTR_NOT_NULL(password_user_problem("#fred"));
    CU_ASSERT_PTR_NULL(password_realm_problem("Momentum Console"));
    CU_ASSERT_PTR_NOT_NULL(password_realm_problem(""));
    CU_ASSERT_PTR_NOT_NULL(password_realm_problem("a:b"));
}

/* ---- libgsasl, both sides --------------------------------------------------------------------- */

#define REALM "Momentum Console"

static int answer(Gsasl *sasl, Gsasl_session *session, Gsasl_property property)
{
    (void)sasl;
    if (property == GSASL_DIGEST_MD5_HASHED_PASSWORD)
        return gsasl_property_set(session, property, gsasl_session_hook_get(session));
    if (property == GSASL_QOPS)
        return gsasl_property_set(session, property, "qop-auth");
    return GSASL_NO_CALLBACK;
}

/* Does a client with `typed` come in where the file has the digest of `password`? */
static bool logs_in(const char *password, const char *typed)
{
    Gsasl *sasl;
    Gsasl_session *server, *client;
    char *line = password_line("fred", REALM, password, problem), *to_client = NULL, *to_server = NULL;
    int served = GSASL_NEEDS_MORE, asked = GSASL_NEEDS_MORE;
    CU_ASSERT_EQUAL_FATAL(gsasl_init(&sasl), GSASL_OK);
    gsasl_callback_set(sasl, answer);
    CU_ASSERT_EQUAL_FATAL(gsasl_server_start(sasl, "DIGEST-MD5", &server), GSASL_OK);
    CU_ASSERT_EQUAL_FATAL(gsasl_client_start(sasl, "DIGEST-MD5", &client), GSASL_OK);
    gsasl_session_hook_set(server, strrchr(line, ':') + 1);
    gsasl_property_set(server, GSASL_REALM, REALM);
    gsasl_property_set(client, GSASL_AUTHID, "fred");
    gsasl_property_set(client, GSASL_PASSWORD, typed);
    gsasl_property_set(client, GSASL_SERVICE, "console");
    gsasl_property_set(client, GSASL_HOSTNAME, "localhost");
    while (served == GSASL_NEEDS_MORE) {
        served = gsasl_step64(server, to_server, &to_client);
        gsasl_free(to_server);
        to_server = NULL;
        if (served != GSASL_NEEDS_MORE && served != GSASL_OK)
            break;
        asked = gsasl_step64(client, to_client, &to_server); /* at last, that the server knows it too */
        gsasl_free(to_client);
    }
    gsasl_free(to_server);
    gsasl_finish(server);
    gsasl_finish(client);
    gsasl_done(sasl);
    free(line);
    return served == GSASL_OK && asked == GSASL_OK;
}

static void test_gsasl_agrees(void)
{
    static const char *const passwords[] = {
        "secret", "with spaces and : colons", "\xc3\xa9t\xc3\xa9", /* é: in ISO 8859-1 */
        "\xe2\x82\xac 5",                                          /* the euro sign: not in it */
    };
    for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++)
        CU_ASSERT_TRUE(logs_in(passwords[i], passwords[i]));
    CU_ASSERT_FALSE(logs_in("secret", "Secret"));
}

/* ---- files ------------------------------------------------------------------------------------ */

static void test_new_file(void)
{
    bool created = false;
    mode_t mask = umask(0);
    begin();
    CU_ASSERT_TRUE(password_file_update(path, "fred:r:1", &created, problem));
    CU_ASSERT_TRUE(created);
    expect("fred:r:1\n");
    CU_ASSERT_EQUAL(mode_of_file(), 0600);
    umask(mask);
    unit_directory_remove(directory);
}

static void test_other_lines_stay(void)
{
    bool created = true;
    begin();
    put("# fred:r:comment\n\nann:r:1\nfred:r:2\nfred:other:3\nfred:r:twice\nnonsense");
    chmod(path, 0640);
    CU_ASSERT_TRUE(password_file_update(path, "fred:r:new", &created, problem));
    CU_ASSERT_FALSE(created);
    expect("# fred:r:comment\n\nann:r:1\nfred:r:new\nfred:other:3\nnonsense\n");
    CU_ASSERT_EQUAL(mode_of_file(), 0640);
    CU_ASSERT_TRUE(password_file_update(path, "tom:r:4", &created, problem));
    expect("# fred:r:comment\n\nann:r:1\nfred:r:new\nfred:other:3\nnonsense\ntom:r:4\n");
    unit_directory_remove(directory);
}

static void test_a_link_stays_one(void)
{
    char name[UNIT_PATH_SIZE + 16];
    struct stat status;
    bool created;
    begin();
    put("fred:r:1\n");
    snprintf(name, sizeof name, "%s/link", directory);
    CU_ASSERT_EQUAL(symlink(path, name), 0);
    CU_ASSERT_TRUE(password_file_update(name, "fred:r:2", &created, problem));
    expect("fred:r:2\n");
    CU_ASSERT_EQUAL(lstat(name, &status), 0);
    CU_ASSERT_TRUE(S_ISLNK(status.st_mode));
    unit_directory_remove(directory);
}

static void test_what_cannot_be_written(void)
{
    bool created;
    begin();
    CU_ASSERT_FALSE(password_file_update("/nonexistent/passwords", "fred:r:1", &created, problem));
    CU_ASSERT_PTR_NOT_NULL(strstr(problem, "/nonexistent: No such file"));
    CU_ASSERT_FALSE(password_file_update(directory, "fred:r:1", &created, problem));
    unit_directory_remove(directory);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"a line", test_line},
        {"names", test_names},
        {"libgsasl computes the same", test_gsasl_agrees},
        {"a new file", test_new_file},
        {"other lines stay", test_other_lines_stay},
        {"a link stays one", test_a_link_stays_one},
        {"what cannot be written", test_what_cannot_be_written},
        CU_TEST_INFO_NULL,
    };
    return unit_run("password_file", tests);
}
