/* Values: what each type takes, what it refuses, and the words that say so. */
#include <math.h>
#include "conf_harness.h"

/* The types that no option of options.def has are tried as a module's. */
static const struct conf_option options[] = {
    {.name = "bool", .type = CONF_BOOL},
    {.name = "int", .type = CONF_INT},
    {.name = "retries", .type = CONF_INT, .choices = "auto=-2|none=-1|0..100"},
    {.name = "size", .type = CONF_SIZE, .choices = "0.."},
    {.name = "duration", .type = CONF_DURATION, .choices = "1.."},
    {.name = "mode", .type = CONF_MODE},
    {.name = "port", .type = CONF_PORT},
    {.name = "string", .type = CONF_STRING},
    {.name = "enum", .type = CONF_ENUM, .choices = "no|IfAvailable|required"},
    {.name = "flag", .type = CONF_ENUM, .choices = "false|true|inline"},
    {.name = "address", .type = CONF_ADDRESS},
    {.name = "cidr", .type = CONF_CIDR},
    {.name = "list", .type = CONF_LIST},
    {.name = "cidrs", .type = CONF_CIDR_LIST},
    {.name = "dict", .type = CONF_DICT},
    {.name = "throttle", .type = CONF_THROTTLE},
};
static const struct conf_module_schema module = {
    .name = "try", .options = options, .option_count = sizeof options / sizeof *options};
static const struct conf_load_options with_module = {.modules = &module, .module_count = 1};

static struct conf *load(const char *option, const char *written)
{
    char text[300];
    snprintf(text, sizeof text, "try { %s = %s\n}", option, written);
    return conf_load_text("text", text, strlen(text), &with_module, &found);
}

static void test_numbers(void)
{
    static const struct {
        const char *option, *written;
        int64_t number;
        double seconds;
    } cases[] = {
        {"bool", "true", 1, 0},
        {"bool", "YES", 1, 0},
        {"bool", "on", 1, 0},
        {"bool", "1", 1, 0},
        {"bool", "Enabled", 1, 0},
        {"bool", "\"false\"", 0, 0},
        {"bool", "no", 0, 0},
        {"bool", "OFF", 0, 0},
        {"bool", "0", 0, 0},
        {"bool", "disabled", 0, 0},
        {"int", "-5", -5, 0},
        {"int", "\"25\"", 25, 0},
        {"int", "007", 7, 0},
        {"retries", "AUTO", -2, 0},
        {"retries", "none", -1, 0},
        {"retries", "100", 100, 0},
        {"size", "4096", 4096, 0},
        {"size", "4k", 4096, 0},
        {"size", "10M", 10485760, 0},
        {"size", "2g", 2147483648, 0},
        {"duration", "30", 30, 30},
        {"duration", "1.25", 1, 1.25},
        {"mode", "0660", 0660, 0},
        {"mode", "775", 0775, 0},
        {"port", "65535", 65535, 0},
        {"throttle", "100", 100, 1},
        {"throttle", "\"60/3\"", 60, 3},
        {"throttle", "5/0.5", 5, 0.5},
        {"int", "9223372036854775807", INT64_MAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf *conf = load(cases[i].option, cases[i].written);
        const struct conf_value *value =
            conf ? conf_scope_value(at(conf, "try", "", NULL), cases[i].option) : NULL;
        bool good =
            value && value->number == cases[i].number && fabs(value->seconds - cases[i].seconds) < 1e-9;
        if (!good)
            fprintf(stderr, "%s = %s\n", cases[i].option, cases[i].written);
        CU_ASSERT(good);
        conf_drop(conf);
    }
}

static void test_texts(void)
{
    static const struct {
        const char *option, *written, *text;
    } cases[] = {
        {"string", "Word", "Word"},
        {"string", "\"\"", ""},
        {"enum", "IFAVAILABLE", "IfAvailable"}, /* in the table's spelling */
        {"enum", "off", "no"},
        {"flag", "on", "true"},
        {"flag", "DISABLED", "false"},
        {"flag", "Inline", "inline"},
        {"address", "10.0.0.1", "10.0.0.1"},
        {"address", "::1", "::1"},
        {"cidr", "\"10.0.0.0/8\"", "10.0.0.0/8"},
        {"cidr", "fd00::/8", "fd00::/8"},
        {"cidr", "10.0.0.1", "10.0.0.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf *conf = load(cases[i].option, cases[i].written);
        CU_ASSERT_STRING_EQUAL(conf ? text_of(at(conf, "try", "", NULL), cases[i].option) : "(refused)",
                               cases[i].text);
        conf_drop(conf);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *option, *written, *part;
    } cases[] = {
        {"bool", "maybe", "bool: expected true or false, not 'maybe'"},
        {"bool", "\"\"", "expected true or false, not ''"},
        {"bool", "( true )", "expected true or false, not a list ( )"},
        {"int", "5x", "expected a whole number, not '5x'"},
        {"int", "1.5", "expected a whole number, not '1.5'"},
        {"int", "--1", "expected a whole number"},
        {"int", "9223372036854775808", "expected a whole number"},
        {"int", "[ a = 1 ]", "expected a whole number, not a dictionary [ ]"},
        {"retries", "101", "expected a whole number from 0 to 100, or auto, none, not '101'"},
        {"retries", "-1", "expected a whole number from 0 to 100, or auto, none, not '-1'"},
        {"size", "-1", "expected a number of bytes from 0 up, such as 4096 or 10m, not '-1'"},
        {"size", "10kb", "expected a number of bytes"},
        {"size", "k", "expected a number of bytes"},
        {"size", "99999999999g", "expected a number of bytes"},
        {"duration", "0", "expected a number of seconds from 1 up, not '0'"},
        {"duration", "5m", "expected a number of seconds"},
        {"duration", "1.", "expected a number of seconds"},
        {"duration", ".5", "expected a number of seconds"},
        {"mode", "0888", "expected an octal file mode, such as 0640, not '0888'"},
        {"mode", "10000", "expected an octal file mode"},
        {"port", "0", "expected a port from 1 to 65535, not '0'"},
        {"port", "65536", "expected a port from 1 to 65535, not '65536'"},
        {"enum", "maybe", "expected one of no|IfAvailable|required, not 'maybe'"},
        {"enum", "yes", "expected one of no|IfAvailable|required, not 'yes'"},
        {"flag", "inlin", "expected one of false|true|inline, not 'inlin'"},
        {"address", "10.0.0.256", "expected an IPv4 or IPv6 address, not '10.0.0.256'"},
        {"address", "10.0.0.0/8", "expected an IPv4 or IPv6 address"},
        {"cidr", "10.0.0.0/33", "expected an address or a block, such as 10.0.0.0/8, not '10.0.0.0/33'"},
        {"cidr", "10.0.0.0/", "expected an address or a block"},
        {"cidr", "example.com", "expected an address or a block"},
        {"cidr", "::/129", "expected an address or a block"},
        {"cidr", "::/+1", "expected an address or a block"},
        {"list", "[ a = b ]", "expected a list ( ... ) or one string, not a dictionary [ ]"},
        {"cidrs", "bogus", "expected a list ( ... ) of addresses or blocks, such as 10.0.0.0/8, not 'bogus'"},
        {"dict", "a", "expected a dictionary [ name = value ... ], not a single value"},
        {"throttle", "fast", "expected a throttle"},
        {"throttle", "10/0", "expected a throttle"},
        {"throttle", "10/", "expected a throttle"},
        {"throttle", "10/5/2", "expected a throttle"},
        {"string", "( a )", "expected a string, not a list ( )"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf *conf = load(cases[i].option, cases[i].written);
        CU_ASSERT_PTR_NULL(conf);
        unsigned column = (unsigned)strlen(cases[i].option) + 10;
        CU_ASSERT(only_finding(1, column, cases[i].part));
        conf_drop(conf);
    }
}

/* The place of a wrong item is its own, however long the list is. */
static void test_item_place(void)
{
    struct conf *conf = load("cidrs", "( 10.0.0.1\n  ::1 bogus\n 10.0.0.2 )");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(
        2, 7, "cidrs: expected a list ( ... ) of addresses or blocks, such as 10.0.0.0/8, not 'bogus'"));
    conf_drop(conf);
    conf = load("cidrs", "( 10.0.0.1 ( ::1 ) )"); /* where a list is wrong as an item */
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(1, 15, "cidrs: expected"));
    conf_drop(conf);
}

static void test_lists(void)
{
    struct conf *conf = load("cidrs", "( 127.0.0.0/8 \"::1\" fd82:7796:815b:af9d:: )");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    const struct conf_value *value = conf_scope_value(at(conf, "try", "", NULL), "cidrs");
    CU_ASSERT_EQUAL(value->type, CONF_CIDR_LIST);
    CU_ASSERT_EQUAL_FATAL(value->count, 3);
    CU_ASSERT_STRING_EQUAL(value->items[2], "fd82:7796:815b:af9d::");
    CU_ASSERT_STRING_EQUAL(value->text, "");
    conf_drop(conf);
    conf = load("list", "( a ( b c ) )");
    value = conf_scope_value(at(conf, "try", "", NULL), "list");
    CU_ASSERT_EQUAL_FATAL(value->count, 2);
    CU_ASSERT_STRING_EQUAL(value->items[1], "( \"b\" \"c\" )");
    conf_drop(conf);
}

/* The form in which the manual's page of context writes one. */
static void test_dictionaries(void)
{
    static const char *const same[] = {
        "[ a = b c = \"d e\" ]",     "\"(a = b c = 'd e')\"",
        "\"(a=b,c='d e')\"",         "\"( a = b, 'c' = \\\"d e\\\" , )\"",
        "\"(\ta  =  b\n,c='d e')\"",
    };
    static const char *const bad[] = {"\"(\"",        "\"(a)\"",   "\"(a = )\"",
                                      "\"(a = 'b)\"", "\"(= b)\"", "\"(a = b\""};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char text[80];
        snprintf(text, sizeof text, "ESMTP_Listener { context = %s }", same[i]);
        struct conf *conf = clean(text);
        const struct conf_value *value = conf_scope_value(at(conf, "esmtp_listener", "", NULL), "context");
        CU_ASSERT_FATAL(value->type == CONF_DICT && value->count == 2);
        CU_ASSERT(strcmp(value->items[0], "a") == 0 && strcmp(value->items[1], "b") == 0);
        CU_ASSERT(strcmp(value->items[2], "c") == 0 && strcmp(value->items[3], "d e") == 0);
        conf_drop(conf);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[80];
        snprintf(text, sizeof text, "ESMTP_Listener { context = %s }", bad[i]);
        CU_ASSERT(refused(text, 1, 28, "expected a dictionary [ name = value ... ]"));
    }
}

static void test_blocks(void)
{
    static const uint8_t ten[16] = {[10] = 0xff, [11] = 0xff, [12] = 10};
    uint8_t address[16];
    unsigned bits;
    CU_ASSERT(conf_parse_cidr("10.0.0.0/8", address, &bits) && bits == 104 && memcmp(address, ten, 16) == 0);
    CU_ASSERT(conf_parse_cidr("10.0.0.0", address, &bits) && bits == 128);
    CU_ASSERT(conf_parse_cidr("0.0.0.0/0", address, &bits) && bits == 96);
    CU_ASSERT(conf_parse_cidr("::/0", address, &bits) && bits == 0);
    CU_ASSERT(conf_parse_cidr("fd00::1", address, &bits) && bits == 128 && address[0] == 0xfd &&
              address[15] == 1);
    static const char *const bad[] = {"",    "/",    "10.0.0", "10.0.0.0/8 ", "10.0.0.0/-1", "10.0.0.0/08x",
                                      "::g", "[::1]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(conf_parse_cidr(bad[i], address, &bits));
}

/* One rule for booleans, wherever they are written: also within dictionaries, whose values are texts. */
static void test_booleans(void)
{
    static const char *const yes[] = {"true", "YES", "on", "1", "enabled", "Enable"};
    static const char *const no[] = {"false", "No", "OFF", "0", "disabled", "disable"};
    static const char *const neither[] = {"", "maybe", "2", "true ", "tru"};
    bool value;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        CU_ASSERT(conf_parse_bool(yes[i], &value) && value && conf_parse_bool(no[i], &value) && !value);
    for (size_t i = 0; i < sizeof neither / sizeof *neither; i++)
        CU_ASSERT_FALSE(conf_parse_bool(neither[i], &value));
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"numbers", test_numbers}, {"texts", test_texts},
        {"refused", test_refused}, {"place of a wrong item", test_item_place},
        {"lists", test_lists},     {"dictionaries", test_dictionaries},
        {"blocks", test_blocks},   {"booleans", test_booleans},
        CU_TEST_INFO_NULL,
    };
    return unit_run("values", tests);
}
