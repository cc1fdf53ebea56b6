/* The parameters of MAIL and RCPT. */
#include "unit.h"

#include "message/envelope.h"
#include "smtp/server/extension.h"
#include "smtp/server/parameter.h"

enum { ALL = ~0 };

typedef const struct smtps_reply *parse_fn(struct slice rest, unsigned offered,
                                           const struct parameter_source *source,
                                           struct parameters *parameters);

static const struct parameter_source none;

static void expect(parse_fn *parse, unsigned offered, const char *text, const struct smtps_reply *problem)
{
    struct parameters parameters;
    size_t size = strlen(text);
    char *exact = malloc(size ? size : 1);
    memcpy(exact, text, size);
    CU_ASSERT_PTR_EQUAL(parse(slice_of(exact, size), offered, &none, &parameters), problem);
    free(exact);
}

static void test_mail(void)
{
    struct parameters p;
    CU_ASSERT_PTR_NULL(parameters_parse_mail(
        SLICE_LITERAL(" size=100 BODY=8bitmime  SMTPUTF8 RET=HDRS ENVID=a+2Bb AUTH=<> REQUIRETLS"), ALL,
        &none, &p));
    CU_ASSERT_EQUAL(p.size, 100);
    CU_ASSERT_EQUAL(p.flags,
                    ENVELOPE_EIGHT_BIT | ENVELOPE_SMTPUTF8 | ENVELOPE_RET_HDRS | ENVELOPE_REQUIRETLS);
    CU_ASSERT(slice_equal(p.envid, SLICE_LITERAL("a+2Bb")) && slice_equal(p.auth, SLICE_LITERAL("<>")));
    CU_ASSERT_PTR_NULL(parameters_parse_mail(SLICE_LITERAL(" BODY=BINARYMIME RET=FULL"), ALL, &none, &p));
    CU_ASSERT_EQUAL(p.flags, ENVELOPE_BINARY | ENVELOPE_RET_FULL);
    CU_ASSERT_PTR_NULL(parameters_parse_mail(SLICE_LITERAL(""), 0, &none, &p));
    CU_ASSERT(p.size == 0 && p.flags == 0 && p.envid.size == 0);
    CU_ASSERT_PTR_NULL(parameters_parse_mail(SLICE_LITERAL(" SIZE=99999999999999999999"), ALL, &none, &p));
    CU_ASSERT(p.size >= INT64_MAX);
}

static void test_mail_refused(void)
{
    static const struct {
        const char *text;
        const struct smtps_reply *problem;
    } bad[] = {
        {" SIZE=", &reply_parameter_syntax},
        {" SIZE", &reply_size_syntax},
        {" SIZE=1x", &reply_size_syntax},
        {" SIZE=-1", &reply_size_syntax},
        {" SIZE=999999999999999999999", &reply_size_syntax},
        {" SIZE=1 SIZE=1", &reply_parameter_twice},
        {" BODY=8BIT", &reply_parameter_value},
        {" SMTPUTF8=yes", &reply_parameter_value},
        {" RET=NONE", &reply_parameter_value},
        {" ENVID=+", &reply_parameter_value},
        {" ENVID=+2", &reply_parameter_value},
        {" ENVID=+2b", &reply_parameter_value},
        {" ENVID=+0A", &reply_parameter_value},
        {" ENVID=\xc3\xa4", &reply_parameter_value},
        {" AUTH=a\x80", &reply_parameter_value},
        {" NOTIFY=NEVER", &reply_parameter_unknown},
        {" UNKNOWN", &reply_parameter_unknown},
        {" -A=1", &reply_parameter_syntax},
        {" =1", &reply_parameter_syntax},
        {" BODY=7BIT=x", &reply_parameter_syntax},
        {"SIZE=1", &reply_parameter_syntax},
        {" ", &reply_parameter_syntax},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect(parameters_parse_mail, ALL, bad[i].text, bad[i].problem);
    char envid[120] = " ENVID=";
    memset(envid + 7, 'a', 101);
    expect(parameters_parse_mail, ALL, envid, &reply_parameter_value);
    envid[107] = '\0';
    expect(parameters_parse_mail, ALL, envid, NULL);
}

static void test_only_what_is_offered(void)
{
    expect(parameters_parse_mail, 0, " SIZE=1", &reply_parameter_unknown);
    expect(parameters_parse_mail, EXTENSION_8BITMIME, " BODY=BINARYMIME", &reply_parameter_unknown);
    expect(parameters_parse_mail, EXTENSION_SIZE, " RET=FULL", &reply_parameter_unknown);
    expect(parameters_parse_rcpt, EXTENSION_SIZE, " NOTIFY=NEVER", &reply_parameter_unknown);
}

static void test_rcpt(void)
{
    struct parameters p;
    CU_ASSERT_PTR_NULL(
        parameters_parse_rcpt(SLICE_LITERAL(" NOTIFY=success,Delay ORCPT=rfc822;a+40b"), ALL, &none, &p));
    CU_ASSERT_EQUAL(p.flags, ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_DELAY);
    CU_ASSERT(slice_equal(p.orcpt, SLICE_LITERAL("rfc822;a+40b")));
    CU_ASSERT_PTR_NULL(parameters_parse_rcpt(SLICE_LITERAL(" NOTIFY=NEVER"), ALL, &none, &p));
    CU_ASSERT_EQUAL(p.flags, ENVELOPE_NOTIFY_NEVER);
    expect(parameters_parse_rcpt, ALL, " ORCPT=utf-8;\xc3\xa4@b.example", NULL);
    expect(parameters_parse_rcpt, EXTENSION_DSN, " ORCPT=utf-8;\xc3\xa4@b.example", &reply_parameter_value);
    static const char *const bad[] = {" NOTIFY=NEVER,SUCCESS",
                                      " NOTIFY=SUCCESS,",
                                      " NOTIFY=,SUCCESS",
                                      " NOTIFY=SOMETIMES",
                                      " NOTIFY",
                                      " ORCPT=a@b.example",
                                      " ORCPT=;a",
                                      " ORCPT=rfc822;",
                                      " ORCPT=rfc822;+4x",
                                      " ORCPT=rfc822;\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect(parameters_parse_rcpt, ALL, bad[i], &reply_parameter_value);
}

/* ---- of modules ---------------------------------------------------------------------------------- */

static struct imp_session *asked;

static bool is_digits(struct imp_session *session, struct slice value, char *text, size_t text_size,
                      void *closure)
{
    uint64_t number;
    asked = session;
    if (closure)
        snprintf(text, text_size, "%s", (const char *)closure);
    return slice_to_uint(value, &number);
}

static void test_added(void)
{
    static char explained[] = "a number is expected";
    enum { NAMED = 65536 };
    struct smtps_parameter number = {SMTPS_VALUE_REQUIRED, 0, is_digits, explained, "counter"},
                           quiet = {SMTPS_VALUE_REQUIRED, NAMED, is_digits, NULL, "counter"},
                           any = {SMTPS_VALUE_OPTIONAL, 0, NULL, NULL, "counter"},
                           flag = {SMTPS_VALUE_NONE, 0, NULL, NULL, "counter"};
    struct registry_row rows[] = {{.name = "MAIL XANY", .what = &any},
                                  {.name = "MAIL XFLAG", .what = &flag},
                                  {.name = "MAIL XNUMBER", .what = &number},
                                  {.name = "MAIL XQUIET", .what = &quiet}};
    struct registry registry = {.rows = rows, .count = 4};
    struct parameter_source source = {&registry, (struct imp_session *)rows};
    struct parameters p;
    CU_ASSERT_PTR_NULL(parameters_parse_mail(SLICE_LITERAL(" xnumber=12 SIZE=5 XANY XFLAG XQUIET=1"),
                                             NAMED | EXTENSION_SIZE, &source, &p));
    CU_ASSERT(p.added_count == 4 && p.size == 5 && asked == source.session);
    CU_ASSERT(p.added[0].name == rows[2].name && slice_equal(p.added[0].value, SLICE_LITERAL("12")));
    CU_ASSERT(p.added[1].name == rows[0].name && p.added[1].value.size == 0);
    static const struct {
        const char *text;
        const struct smtps_reply *problem;
    } bad[] = {
        {" XNUMBER", &reply_parameter_value},       {" XFLAG=1", &reply_parameter_value},
        {" XANY=a xany=b", &reply_parameter_twice}, {" XNUMBER=", &reply_parameter_syntax},
        {" XNUMBERS=1", &reply_parameter_unknown},  {" XQUIET=1", &reply_parameter_unknown},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_PTR_EQUAL(parameters_parse_mail(slice_text(bad[i].text), 1, &source, &p), bad[i].problem);
        CU_ASSERT_STRING_EQUAL(p.refused_by, "core");
    }
    CU_ASSERT_PTR_EQUAL(parameters_parse_rcpt(SLICE_LITERAL(" XANY"), ALL, &source, &p),
                        &reply_parameter_unknown);
    const struct smtps_reply *refusal = parameters_parse_mail(SLICE_LITERAL(" XNUMBER=a"), ALL, &source, &p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(refusal);
    CU_ASSERT(refusal->code == 501 && strcmp(refusal->enhanced, "5.5.4") == 0);
    CU_ASSERT_STRING_EQUAL(refusal->text, explained);
    CU_ASSERT_STRING_EQUAL(p.refused_by, "counter");
    refusal = parameters_parse_mail(SLICE_LITERAL(" XQUIET=a"), ALL, &source, &p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(refusal);
    CU_ASSERT_STRING_EQUAL(refusal->text, reply_parameter_value.text);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"MAIL", test_mail},
        {"MAIL, refused", test_mail_refused},
        {"only what is offered", test_only_what_is_offered},
        {"RCPT", test_rcpt},
        {"of modules", test_added},
        CU_TEST_INFO_NULL,
    };
    return unit_run("smtp parameters", tests);
}
