/* Mistakes: each is found at its place, all of a file in one go, and shown with a caret. */
#include "conf_harness.h"

static void test_five_mistakes(void)
{
    static const struct {
        unsigned line, column, width;
        const char *part;
    } expected[] = {
        {2, 1, 10, "unknown option 'Max_Retrys'; did you mean 'max_retries'?"},
        {6, 20, 6, "listen_backlog: expected a whole number from 0 to 2147483647, not 'plenty'"},
        {8, 2, 13, "option relay_domains cannot stand in the scope esmtp_listener, only in: global, pathway"},
        {11, 10, 1, "this list is not closed: ')' is missing"},
        {14, 1, 6, "unknown stanza 'Domian'; did you mean 'domain'?"},
    };
    struct conf *conf = conf_of_file("five-mistakes.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT_EQUAL(conf_report_errors(found), 5);
    CU_ASSERT_EQUAL_FATAL(conf_report_count(found), 5);
    for (size_t i = 0; i < 5; i++) {
        const struct conf_diagnostic *d = conf_report_at(found, i);
        CU_ASSERT_EQUAL(d->severity, CONF_ERROR);
        CU_ASSERT_EQUAL(d->place.line, expected[i].line);
        CU_ASSERT_EQUAL(d->place.column, expected[i].column);
        CU_ASSERT_EQUAL(d->width, expected[i].width);
        CU_ASSERT(strstr(d->message, expected[i].part) != NULL);
        CU_ASSERT(strstr(d->place.file, "five-mistakes.conf") != NULL);
    }
    CU_ASSERT_STRING_EQUAL(conf_report_at(found, 2)->source_line, "\tRelay_Domains = ( \"example.com\" )");
    conf_drop(conf);
}

static void test_wrong_values(void)
{
    static const struct {
        unsigned line, column;
        const char *part;
    } expected[] = {
        {3, 3, "option idle_time cannot stand in the scope domain, only in: esmtp_listener, http_listener,"},
        {4, 32,
         "outbound_throttle_messages: expected a throttle, such as 100 (a second) or 100/60 (in 60 "
         "seconds), not '0/0'"},
        {5, 35, "outbound_throttle_connections: expected a throttle"},
        {6, 22, "remote_smtp_port: expected a port from 1 to 65535, not '70000'"},
        {8, 49, "expected a throttle, such as 100 (a second) or 100/60 (in 60 seconds), not 'x/60'"},
        {9, 42, "not '60/'"},
        {10, 28,
         "relay_hosts: expected a list ( ... ) of addresses or blocks, such as 10.0.0.0/8, not "
         "'10.0.0.300'"},
        {11, 16, "skip_hosts: expected a list ( ... ) of addresses or blocks"},
        {12, 27, "relay_hosts: expected a list ( ... ) of addresses or blocks"},
        {14, 10, "a port is at most 65535, not ':70000'"},
        {15, 10,
         "expected an IPv4 address, an IPv6 address in [ ], \"*\" or \"[*]\" before the port, not "
         "'10.0.0.256:25'"},
        {16, 10, "expected an IPv4 address, an IPv6 address in [ ]"},
        {17, 10, "expected an IPv4 address, an IPv6 address in [ ]"},
        {18, 10, "expected ADDRESS:PORT (\":25\", \"10.0.0.1:25\", \"[::1]:25\") or /PATH, not '25'"},
        {19, 8, "a Peer is an address or a block, such as 10.0.0.0/8 or fd00::/8, not '10.0.0.300'"},
        {21, 24, "a port is at most 65535, not '*:65536'"},
    };
    size_t errors = 0;
    struct conf *conf = conf_of_file("wrong-values.conf");
    CU_ASSERT_PTR_NULL(conf);
    for (size_t i = 0; i < conf_report_count(found); i++) {
        const struct conf_diagnostic *d = conf_report_at(found, i);
        if (d->severity != CONF_ERROR)
            continue;
        bool good = errors < sizeof expected / sizeof *expected && d->place.line == expected[errors].line &&
                    d->place.column == expected[errors].column && strstr(d->message, expected[errors].part);
        if (!good)
            fprintf(stderr, "%u:%u: %s\n", d->place.line, d->place.column, d->message);
        CU_ASSERT(good);
        errors++;
    }
    CU_ASSERT_EQUAL(errors, sizeof expected / sizeof *expected);
    conf_drop(conf);
}

static void test_syntax(void)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *part;
    } cases[] = {
        {"retry_interval 5\nhostname = a", 1, 16, "expected '=' before '5'"},
        {"retry_interval = = 5\nhostname = a", 1, 18, "expected a value after '=', not '='"},
        {"retry_interval =", 1, 17, "expected a value after '=', not the end of the file"},
        {"hostname\n", 1, 1, "expected '= value' or '{' after 'hostname', not the end of the file"},
        {"hostname\nretry_interval = 5", 1, 1, "expected '= value' or '{' after 'hostname'"},
        {"Domain \"a\" = { }", 1, 12, "expected '{' after \"a\", not '='"},
        {"= 5", 1, 1, "expected an option, a stanza or an include, not '='"},
        {"\"hostname\" = 5", 1, 1, "expected an option, a stanza or an include, not \"hostname\""},
        {"}\n", 1, 1, "'}' closes nothing"},
        {"Domain \"a\" {\nretry_interval = 5\n", 1, 1, "the stanza that begins here is not closed"},
        {"Domain \"a\" \"b\" { retry_interval = 5 }", 1, 12, "expected '{' after \"a\", not \"b\""},
        {"retry_interval = 5 { x = 1 }", 1, 1, "retry_interval is an option, not a stanza"},
        {"Domain /a(b)/ c { }", 1, 15, "expected '{' after '/a(b)/', not 'c'"},
        {"gateway = /a(b)/", 1, 13, "expected an option, a stanza or an include, not '('"},
        {"Domain \"a\" [ x = 1 ]", 1, 12, "expected '{' after \"a\", not '['"},
        {"routes = ( \"a\" = )\nhostname = a", 1, 16, "expected a value or the ')' of this list, not '='"},
        {"routes = ( \"a\"", 1, 10, "this list is not closed"},
        {"Domain x { routes = ( \"a\"\n}", 1, 21, "this list is not closed"},
        {"Domain x { watch = [ a = 1 }", 1, 20, "this dictionary is not closed"},
        {"watch = [ a 1 ]", 1, 11, "expected '= value' after 'a', not '1'"},
        {"watch = [ = 1 ]", 1, 11, "expected 'name = value' or the ']' of this dictionary, not '='"},
        {"include { }", 1, 9, "expected the name of a file to include, not '{'"},
        {"hostname = \"a\nretry_interval = 5\n", 1, 12, "this quoted string is not closed"},
        {"hostname = 'a\nretry_interval = 5\n", 1, 12, "this quoted string is not closed"},
        {"hostname = a /* no end", 1, 14, "this comment is not closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool good = refused(cases[i].text, cases[i].line, cases[i].column, cases[i].part);
        if (!good)
            fprintf(stderr, "^ %s\n", cases[i].text);
        CU_ASSERT(good);
    }
}

static void test_nul(void)
{
    struct conf *conf = conf_of_bytes("hostname = a\0\nretry_interval = 5\n", 33);
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(1, 13, "a NUL byte cannot stand in a configuration file"));
    conf_drop(conf);
}

/* After each kind of syntax error, the next mistake is found as well. */
static void test_recovery(void)
{
    static const char *const heads[] = {
        "a b c d", "a = =",           "= a",           "Domain x y {\n}", "a = ( 1 = 2 )",
        "a = ( 1", "a = [ 1 2\n 3 ]", "a = [ x =",     "( a )",           "{ }",
        "} b",     "a 5 6 { x = 1 }", "a = ( ( ] ) )", "\"x\" y = 5",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char text[200];
        snprintf(text, sizeof text, "%s\nretry_interval = 10\nmax_retries = many\n", heads[i]);
        struct conf *conf = conf_of(text);
        size_t count = conf_report_count(found);
        const struct conf_diagnostic *last = count ? conf_report_at(found, count - 1) : NULL;
        bool good = !conf && last && strstr(last->message, "max_retries: expected a whole number") &&
                    strcmp(last->source_line, "max_retries = many") == 0;
        if (!good)
            conf_report_print(found, CONF_NOTE, stderr);
        CU_ASSERT(good);
        conf_drop(conf);
    }
}

/* A mistake in the head of a stanza costs neither the mistakes in it nor the balance of the braces. */
static void test_recovery_in_stanza(void)
{
    struct conf *conf = conf_of("Domain a b {\n  x y z\n  Peer c d { = }\n}\nmax_retries = many\n");
    static const unsigned lines[] = {1, 2, 3, 3, 5};
    CU_ASSERT_EQUAL_FATAL(conf_report_count(found), 5);
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(conf_report_at(found, i)->place.line, lines[i]);
    conf_drop(conf);
}

static void test_schema_mistakes(void)
{
    CU_ASSERT(refused("bogus = 1", 1, 1, "unknown option 'bogus'"));
    CU_ASSERT(refused("hostnam = 1", 1, 1, "unknown option 'hostnam'; did you mean 'hostname'?"));
    CU_ASSERT(
        refused("max_mesage_size = 1", 1, 1, "did you mean 'max_message_size'?")); /* which is not global */
    CU_ASSERT(refused("hotsname = 1", 1, 1, "did you mean 'hostname'?"));
    CU_ASSERT(refused("Bogus { x = 1 }", 1, 1, "unknown stanza 'Bogus'"));
    CU_ASSERT(
        refused("scriptlets \"a\" { }", 1, 1, "unknown stanza 'scriptlets'; did you mean 'scriptlet'?"));
    CU_ASSERT(refused("Domain = x", 1, 1, "domain is a stanza, not an option: domain \"name\" { ... }"));
    CU_ASSERT(refused("retry_interval { }", 1, 1, "retry_interval is an option, not a stanza"));
    CU_ASSERT(refused("Listen \":25\" { }", 1, 1, "a stanza Listen cannot stand in the scope global"));
    CU_ASSERT(refused("Domain { }", 1, 1, "a stanza domain needs a name"));
    CU_ASSERT(refused("Domain \"\" { }", 1, 1, "a stanza domain needs a name"));
    CU_ASSERT(refused("Security \"x\" { }", 1, 10, "a stanza security takes no name"));
    CU_ASSERT(refused("Domain \"/(/\" { }", 1, 8, "bad regular expression: "));
    CU_ASSERT(
        refused("ESMTP_Listener { Peer \"10.0.0.0/33\" { } }", 1, 23, "a Peer is an address or a block"));
    CU_ASSERT(refused("ESMTP_Listener { Peer example.com { } }", 1, 23, "a Peer is an address or a block"));
}

static void nest(char *text, size_t size, const char *head, unsigned times)
{
    size_t used = 0;
    for (unsigned i = 0; i < times && used + strlen(head) < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s", head);
}

static void test_nesting(void)
{
    static char text[200000];
    nest(text, sizeof text, "scriptlet a {\n", 33);
    nest(text + strlen(text), sizeof text - strlen(text), "}", 33);
    struct conf *conf = conf_of(text);
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(strstr(conf_report_at(found, conf_report_count(found) - 1)->message, "nested deeper than 32") !=
              NULL);
    CU_ASSERT_EQUAL(conf_report_at(found, conf_report_count(found) - 1)->place.line, 33);
    conf_drop(conf);

    static const char *const floods[] = {
        "a {\n", "a = ( ", "routes = (", "[", "a = [ b = ", "{", "}", "(", "\"", "a\n"};
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        nest(text, sizeof text, floods[i], 20000);
        conf = conf_of(text);
        CU_ASSERT_PTR_NULL(conf);
        CU_ASSERT(conf_report_errors(found) > 0);
        CU_ASSERT(conf_report_count(found) <= 1000);
        conf_drop(conf);
    }
    nest(text, sizeof text, "(", 17);
    char list[100];
    snprintf(list, sizeof list, "routes = %.17s )))))))))))))))))", text);
    CU_ASSERT(refused(list, 1, 26, "lists and dictionaries are nested deeper than 16"));
}

static void print_to(char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");
    conf_report_print(found, CONF_NOTE, out);
    fclose(out);
}

static void test_caret(void)
{
    char text[4096] = "";
    struct conf *conf = conf_of("\tDomain\t\"h\xc3\xb6st\" { retry_interval = sometimes }");
    print_to(text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text,
                           "text:1:36: error: retry_interval: expected a number of seconds from 0 up, not "
                           "'sometimes'\n"
                           "    \tDomain\t\"h\xc3\xb6st\" { retry_interval = sometimes }\n"
                           "    \t      \t                          ^~~~~~~~~\n");
    conf_drop(conf);

    char line[1000]; /* of a long line, the part around the place */
    snprintf(line, sizeof line, "hostname = %0400d max_retries = many # %0400d", 1, 2);
    conf = conf_of(line);
    print_to(text, sizeof text);
    char *caret = strchr(text, '^');
    CU_ASSERT_PTR_NOT_NULL_FATAL(caret);
    CU_ASSERT(strlen(text) < 500);
    char *shown = strstr(strstr(text, "\n") + 1, "many"), *shown_line = strstr(text, "\n") + 1;
    char *caret_line = strchr(shown_line, '\n') + 1;
    CU_ASSERT_EQUAL(shown - shown_line, caret - caret_line);
    conf_drop(conf);

    conf = conf_of("max_retries = \"\x1b[31m\"");
    print_to(text, sizeof text);
    CU_ASSERT_PTR_NULL(strchr(text, 0x1b)); /* nothing of a file reaches the terminal as a command */
    conf_drop(conf);
}

/* Findings that a user of the library adds look the same. */
static void test_added(void)
{
    char text[1000] = "";
    struct conf *conf = clean("hostname = a\nretry_interval = 5\n");
    const struct conf_value *value = conf_scope_value(conf_root(conf), "retry_interval");
    conf_report_add(found, CONF_WARNING, value->place, "too %s", "short");
    conf_report_add(found, CONF_NOTE, (struct conf_place){"elsewhere", 0, 0}, "as a whole");
    print_to(text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text,
                           "text:2:18: warning: too short\n    retry_interval = 5\n                     ^\n"
                           "elsewhere: note: as a whole\n");
    CU_ASSERT_EQUAL(conf_report_warnings(found), 1);
    conf_drop(conf);
}

static void test_many(void)
{
    static char text[200000];
    nest(text, sizeof text, "bogus = 1\n", 5000);
    struct conf *conf = conf_of(text);
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT_EQUAL(conf_report_count(found), 1000);
    CU_ASSERT(strstr(conf_report_at(found, 999)->message, "too many findings") != NULL);
    conf_drop(conf);
}

static void test_unreadable(void)
{
    struct conf *conf = conf_load("/nonexistent/ecelerity.conf", NULL, &found);
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT_EQUAL_FATAL(conf_report_count(found), 1);
    CU_ASSERT_EQUAL(conf_report_at(found, 0)->place.line, 0);
    CU_ASSERT_STRING_EQUAL(conf_report_at(found, 0)->place.file, "/nonexistent/ecelerity.conf");
    CU_ASSERT(strstr(conf_report_at(found, 0)->message, "No such file") != NULL);
    conf_drop(conf);
    conf = conf_load("/", NULL, &found);
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT_EQUAL(conf_report_errors(found), 1);
    conf_drop(conf);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"five mistakes in one file", test_five_mistakes},
        {"wrong values", test_wrong_values},
        {"syntax", test_syntax},
        {"NUL bytes", test_nul},
        {"going on after a mistake", test_recovery},
        {"going on inside a stanza", test_recovery_in_stanza},
        {"names and places", test_schema_mistakes},
        {"nesting", test_nesting},
        {"the caret", test_caret},
        {"findings of others", test_added},
        {"a thousand findings", test_many},
        {"files that cannot be read", test_unreadable},
        CU_TEST_INFO_NULL,
    };
    return unit_run("mistakes", tests);
}
