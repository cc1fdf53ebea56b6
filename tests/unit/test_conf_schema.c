/* The tables: every name is there, every row makes sense, and what has no effect is said. */
#include "conf_harness.h"

/* The 388 names of Momentum's options and stanzas, one a line, a name that is both twice. */
static void test_every_name(void)
{
    char path[512], name[128];
    const char *source = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/conf/option-names.txt", source ? source : ".");
    FILE *names = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(names);
    unsigned count = 0;
    while (fscanf(names, "%127s", name) == 1) {
        const struct conf_option *row = conf_option_find(name);
        CU_ASSERT_PTR_NOT_NULL(row);
        CU_ASSERT(row && strcmp(row->name, name) == 0);
        count++;
    }
    fclose(names);
    CU_ASSERT_EQUAL(count, 388);
    CU_ASSERT(conf_option_count() >= 388);
    CU_ASSERT_PTR_NULL(conf_option_find("no_such_option"));
    CU_ASSERT_PTR_NULL(conf_option_find(""));
    CU_ASSERT_PTR_NULL(conf_option_at(conf_option_count()));
    CU_ASSERT_PTR_EQUAL(conf_option_find("Idle_TIME"), conf_option_find("idle_time"));
}

static bool is_scope_name(const char *name, size_t size)
{
    if (size == 6 && strncmp(name, "global", 6) == 0)
        return true;
    for (size_t i = 0; i < conf_option_count(); i++) {
        const struct conf_option *row = conf_option_at(i);
        if (row->type == CONF_SCOPE && strlen(row->name) == size && strncmp(row->name, name, size) == 0)
            return true;
    }
    return false;
}

/* Words that stand for a number, then a range: "auto=-2|none=-1|0..", "0..100". */
static bool are_numbers(const char *choices)
{
    char *end;
    for (const char *bar; (bar = strchr(choices, '|')); choices = bar + 1) {
        size_t word = strcspn(choices, "=|");
        (void)strtoll(choices + word + 1, &end, 10);
        if (!word || choices[word] != '=' || end != bar)
            return false;
    }
    const char *dots = strstr(choices, "..");
    if (!dots)
        return false;
    long long low = strtoll(choices, &end, 10);
    bool good = end == dots;
    long long high = strtoll(dots + 2, &end, 10);
    return good && !*end && (!dots[2] || low <= high);
}

static void check_choices(const struct conf_option *row)
{
    switch (row->type) {
    case CONF_ENUM:
        CU_ASSERT(row->choices && strchr(row->choices, '|') && !strstr(row->choices, "||"));
        break;
    case CONF_SCOPE:
        CU_ASSERT(row->choices &&
                  (strcmp(row->choices, "named") == 0 || strcmp(row->choices, "unnamed") == 0 ||
                   strcmp(row->choices, "optional") == 0));
        break;
    case CONF_INT:
    case CONF_SIZE:
    case CONF_DURATION:
        CU_ASSERT(!row->choices || are_numbers(row->choices));
        break;
    default:
        CU_ASSERT_PTR_NULL(row->choices);
    }
}

static void check_row(const struct conf_option *row)
{
    CU_ASSERT(row->note && *row->note);
    CU_ASSERT(row->scopes && *row->scopes);
    for (const char *scope = row->scopes; scope && *scope;) {
        size_t size = strcspn(scope, ",");
        CU_ASSERT(is_scope_name(scope, size));
        if (!is_scope_name(scope, size))
            fprintf(stderr, "%s: no scope %.*s\n", row->name, (int)size, scope);
        scope += size + (scope[size] == ',');
    }
    CU_ASSERT(row->support >= CONF_ACCEPTED || !row->instead); /* what has its effect needs no other way */
    check_choices(row);
}

/* Is a word of values.def a value of its option, one of the list where there is one? */
static bool is_value_of(const struct conf_option *row, const char *word)
{
    char text[100];
    snprintf(text, sizeof text, "%s = \"%s\"", row->name, word);
    struct conf *conf = conf_of(text);
    for (size_t i = 0; i < conf_report_count(found); i++)
        if (strstr(conf_report_at(found, i)->message, "expected"))
            return conf_drop(conf), false;
    conf_drop(conf);
    return true;
}

static void test_exceptions(void)
{
    for (size_t i = 0; i < conf_exception_count(); i++) {
        const struct conf_exception *exception = conf_exception_at(i);
        const struct conf_option *row = conf_option_find(exception->option);
        CU_ASSERT_PTR_NOT_NULL_FATAL(row);
        CU_ASSERT(row->type != CONF_SCOPE && strcmp(row->name, exception->option) == 0);
        CU_ASSERT(exception->note && *exception->note);
        CU_ASSERT((exception->value != NULL) != (exception->stanza != NULL));
        CU_ASSERT(!exception->value || is_value_of(row, exception->value));
        CU_ASSERT(!exception->stanza || is_scope_name(exception->stanza, strlen(exception->stanza)));
    }
    for (size_t i = 0; i < conf_other_default_count(); i++) {
        const struct conf_other_default *other = conf_other_default_at(i);
        const struct conf_option *row = conf_option_find(other->option);
        CU_ASSERT(row && strcmp(row->name, other->option) == 0 && *other->theirs && *other->ours);
    }
    CU_ASSERT_PTR_NULL(conf_exception_at(conf_exception_count()));
    CU_ASSERT_PTR_NULL(conf_other_default_at(conf_other_default_count()));
}

/* ---- what is said of it in doc/compatibility.md ----------------------------------------------------------
 */

static char *read_source(const char *name)
{
    char path[512];
    const char *source = getenv("srcdir");
    static char text[256 * 1024];
    snprintf(path, sizeof path, "%s/%s", source ? source : ".", name);
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    fclose(file);
    return text;
}

/* Is the option named between two headings of the document, as `option` or `option = value`? */
static bool is_listed(const char *document, const char *heading, const char *option, const char *value)
{
    char name[200];
    const char *from = strstr(document, heading), *to = from ? strstr(from + 1, "\n## ") : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(from);
    snprintf(name, sizeof name, value ? "`%s = %s`" : "`%s`", option, value);
    const char *at = strstr(from, name);
    bool listed = at && (!to || at < to);
    if (!listed)
        fprintf(stderr, "doc/compatibility.md: %s is missing under %s\n", name, heading);
    return listed;
}

static void test_compatibility_document(void)
{
    static const char different[] = "\n## Different", refused[] = "\n## Refused", unset[] = "\n## Not set";
    const char *document = read_source("doc/compatibility.md");
    for (size_t i = 0; i < conf_option_count(); i++) {
        const struct conf_option *row = conf_option_at(i);
        if (row->support == CONF_DIFFERENT)
            CU_ASSERT(is_listed(document, different, row->name, NULL));
        if (row->support == CONF_UNSUPPORTED)
            CU_ASSERT(is_listed(document, refused, row->name, NULL));
    }
    for (size_t i = 0; i < conf_exception_count(); i++) {
        const struct conf_exception *exception = conf_exception_at(i);
        if (exception->value && exception->support == CONF_DIFFERENT)
            CU_ASSERT(is_listed(document, different, exception->option, exception->value));
        if (exception->value && exception->support == CONF_UNSUPPORTED)
            CU_ASSERT(is_listed(document, refused, exception->option, exception->value));
    }
    for (size_t i = 0; i < conf_other_default_count(); i++)
        CU_ASSERT(is_listed(document, unset, conf_other_default_at(i)->option, NULL));
}

/* ---- what a load says about it ---------------------------------------------------------------------------
 */

static void test_rows(void)
{
    for (size_t i = 0; i < conf_option_count(); i++) {
        const struct conf_option *row = conf_option_at(i), *before = i ? conf_option_at(i - 1) : NULL;
        check_row(row);
        int order = before ? strcmp(before->name, row->name) : -1;
        bool option_and_scope = order == 0 && before->type != CONF_SCOPE && row->type == CONF_SCOPE;
        CU_ASSERT(order < 0 || option_and_scope);
    }
}

/* The defaults are values of their types: a chain finds every one, and nothing is reported. */
static void test_defaults(void)
{
    struct conf *conf = clean("");
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    for (size_t i = 0; i < conf_option_count(); i++) {
        const struct conf_option *row = conf_option_at(i);
        if (row->type == CONF_SCOPE)
            continue;
        const struct conf_value *value = conf_chain_value(&chain, row->name);
        CU_ASSERT_EQUAL(value != NULL, row->default_text != NULL);
        if (value) {
            CU_ASSERT_EQUAL(value->type, row->type);
            CU_ASSERT_EQUAL(value->place.line, 0);
            CU_ASSERT_STRING_EQUAL(value->place.file, "(default)");
        }
    }
    CU_ASSERT_EQUAL(conf_chain_int(&chain, "listen_backlog"), 500);
    CU_ASSERT_EQUAL(conf_chain_int(&chain, "tcp_recv_buffer_size"), 0); /* the kernel's */
    CU_ASSERT_EQUAL(conf_chain_int(&chain, "max_retries"), -2);
    CU_ASSERT_EQUAL(conf_chain_int(&chain, "file_mode"), 0660);
    CU_ASSERT_STRING_EQUAL(conf_chain_text(&chain, "delivery_method"), "ESMTP");
    CU_ASSERT_PTR_NULL(conf_chain_text(&chain, "gateway"));
    CU_ASSERT_EQUAL(conf_chain_bool(&chain, "generate_bounces"), true);
    conf_drop(conf);
}

/* Is the option set to a value that values.def has as honoured? */
static bool asks_for_what_is_done(const struct conf *conf, const struct conf_option *row)
{
    const struct conf_exception *exceptions[CONF_EXCEPTIONS_MAX];
    const struct conf_scope *root = conf_root(conf);
    size_t count = conf_exceptions_find(row, root, conf_scope_value(root, row->name), exceptions);
    return count && exceptions[0]->support == CONF_HONOURED;
}

/* Each option is accepted where it may stand, with its default, and refused where it may not. */
static void test_scopes_of_options(void)
{
    for (size_t i = 0; i < conf_option_count(); i++) {
        const struct conf_option *row = conf_option_at(i);
        if (row->type == CONF_SCOPE || !row->default_text)
            continue;
        char text[300];
        bool global = strstr(row->scopes, "global") != NULL;
        snprintf(text, sizeof text, "%s = %s", row->name, row->default_text);
        struct conf *conf = conf_of(text);
        CU_ASSERT_EQUAL(conf != NULL, global);
        if (global && row->support == CONF_ACCEPTED && !asks_for_what_is_done(conf, row))
            CU_ASSERT(only_finding(1, 1, row->note));
        if (!global)
            CU_ASSERT(only_finding(1, 1, "cannot stand in the scope global"));
        conf_drop(conf);
    }
}

/* One option set to one value: what is found about it, or "" when nothing is. */
static const char *finding_of(const char *text, enum conf_severity severity)
{
    static char message[512];
    struct conf *conf = conf_of(text);
    CU_ASSERT(conf_report_count(found) <= 1);
    const struct conf_diagnostic *finding = conf_report_at(found, 0);
    snprintf(message, sizeof message, "%s", finding ? finding->message : "");
    CU_ASSERT(!finding || finding->severity == severity);
    conf_drop(conf);
    return message;
}

static void test_without_effect(void)
{
    CU_ASSERT_STRING_EQUAL(finding_of("use_mmap = true", CONF_WARNING),
                           "option use_mmap is read but has no effect in this version: memory is managed "
                           "differently here");
    CU_ASSERT_STRING_EQUAL(finding_of("supplemental_groups = ( a )", CONF_ERROR),
                           "option supplemental_groups cannot stand in the scope global, only in: security");
    CU_ASSERT_STRING_EQUAL(
        finding_of("Security { supplemental_groups = ( a ) }", CONF_WARNING),
        "option supplemental_groups is read but has no effect in this version: the process "
        "has the groups that its user has; instead: add the user to them: usermod -a -G "
        "GROUP USER");

    struct conf *conf = conf_of("Domain a { dkim = on }\nDomain b { dkim = yes }\nDomain c { dkim = 1 }");
    CU_ASSERT_PTR_NOT_NULL(conf);
    CU_ASSERT_EQUAL(conf_report_count(found), 1);
    CU_ASSERT(only_finding(1, 12, "server that signs: gateway (and in 2 more places)"));
    conf_drop(conf);

    /* Within a stanza that has no effect, nothing has; that is said once. */
    conf = conf_of("XMPP_Listener {\n  Listen \":5222\" { File_Mode = 0666 Always_Deny = true }\n}\n"
                   "SNMP_Traps { State = off Destination \"a\" { Community = b } }\n");
    CU_ASSERT_PTR_NOT_NULL(conf);
    CU_ASSERT_EQUAL_FATAL(conf_report_count(found), 2);
    CU_ASSERT(strstr(conf_report_at(found, 0)->message, "stanza xmpp_listener is read but has no effect") !=
              NULL);
    conf_drop(conf);
}

/* What differs is a note, of the option or of the one value that differs. */
static void test_different(void)
{
    CU_ASSERT(strstr(finding_of("spoolbase = /s", CONF_NOTE),
                     "option spoolbase differs from Momentum: directory of the spool") != NULL);
    CU_ASSERT_STRING_EQUAL(
        finding_of("Blackhole = True", CONF_NOTE),
        "value true of option blackhole differs from Momentum: as internal: the message is "
        "accepted and dropped; instead: write inline to have the recipient refused");
    CU_ASSERT_STRING_EQUAL(finding_of("Blackhole = false", CONF_NOTE), "");
    CU_ASSERT_STRING_EQUAL(finding_of("max_retries = 5", CONF_NOTE), "");

    /* A stanza that differs has its effect, and so has what stands in it. */
    struct conf *conf = conf_of("Pathway_Group a { idle_time = 5 disable_chunked = true }");
    CU_ASSERT_EQUAL_FATAL(conf_report_count(found), 3);
    CU_ASSERT(strstr(conf_report_at(found, 0)->message, "stanza pathway_group differs") != NULL);
    CU_ASSERT(strstr(conf_report_at(found, 1)->message, "option idle_time differs") != NULL);
    CU_ASSERT(strstr(conf_report_at(found, 2)->message, "option disable_chunked is read but has no") != NULL);
    conf_drop(conf);
}

/* A start prints no notes. */
static void test_printing_from(void)
{
    char *printed = NULL;
    size_t size = 0;
    struct conf *conf = conf_of("spoolbase = /s\nuse_mmap = on");
    FILE *out = open_memstream(&printed, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    conf_report_print(found, CONF_WARNING, out);
    fclose(out);
    CU_ASSERT(strstr(printed, "spoolbase") == NULL && strstr(printed, "text:2:1: warning: ") == printed);
    free(printed);
    conf_drop(conf);
}

/* An option without effect asks for nothing when it is set to what is done anyway. */
static void test_asking_for_what_is_done(void)
{
    static const char *const harmless[] = {
        "use_ipv6 = yes",   "use_ipv6 = Enabled",           "force_fsync = on", "tls = No",
        "xclient = \"no\"", "rfc2822_date_header = ignore", "dkim = off",       "default_binding = normal",
    };
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        CU_ASSERT_STRING_EQUAL(finding_of(harmless[i], CONF_NOTE), "");
    CU_ASSERT(strstr(finding_of("use_ipv6 = no", CONF_WARNING), "both families are used") != NULL);
    CU_ASSERT(strstr(finding_of("fully_resolve_before_smtp = 0", CONF_WARNING),
                     "option fully_resolve_before_smtp is read") != NULL);
}

/* The same option may be honoured in one listener and not in another, at any depth. */
static void test_by_stanza(void)
{
    static const char *const honoured[] = {
        "Control_Listener { Enable_Authentication = true }",
        "Control_Listener { Listen \":1\" { Peer \"::1\" { Always_Allow = true Always_Deny = true } } }",
        "Control_Listener { Listen \"/s\" { AuthorizationParameters = [ uri = \"groups:///g\" ] } }",
    };
    for (size_t i = 0; i < sizeof honoured / sizeof *honoured; i++)
        CU_ASSERT_STRING_EQUAL(finding_of(honoured[i], CONF_NOTE), "");
    CU_ASSERT(
        strstr(finding_of("ESMTP_Listener { Listen \":1\" { Enable_Authorization = true } }", CONF_WARNING),
               "no SMTP command is judged by a role") != NULL);
    CU_ASSERT(strstr(finding_of("Control_Listener { Proxy_Protocol = true }", CONF_ERROR),
                     "option proxy_protocol in control_listener is not supported in this version: the") !=
              NULL);
    CU_ASSERT_STRING_EQUAL(finding_of("ESMTP_Listener { Proxy_Protocol = true }", CONF_NOTE), "");
}

static void test_unsupported(void)
{
    static const struct {
        const char *text, *part;
        unsigned column;
    } cases[] = {
        {"Use_DANE = true", "option use_dane is not supported in this version: deliveries have no TLS", 1},
        {"Control_Listener { Proxy_Protocol = 1 }",
         "option proxy_protocol in control_listener is not supported", 20},
        {"Security { chroot = /jail }", "option chroot is not supported", 12},
        {"Alias_Schemes = ( a )", "option alias_schemes is not supported", 1},
        {"TLS = required", "value required of option tls is not supported", 1},
        {"Default_Binding = Suspended", "value suspended of option default_binding is not supported", 1},
        {"Default_Binding = Suspended", "; instead: Binding \"default\" { suspend_delivery = true }", 1},
        {"Curfew { Schedule_File = /s }", "stanza curfew is not supported", 1},
    };
    static const char *const harmless[] = {
        "Use_DANE = false",           "Control_Listener { Proxy_Protocol = no }",
        "Security { chroot = \"\" }", "Alias_Schemes = ()",
        "Reroute_Domain = disabled",
    };
    const struct conf_load_options lenient = {.lenient = true};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT(refused(cases[i].text, 1, cases[i].column, cases[i].part));
        struct conf *conf = conf_load_text("text", cases[i].text, strlen(cases[i].text), &lenient, &found);
        CU_ASSERT_PTR_NOT_NULL(conf);
        CU_ASSERT_EQUAL(conf_report_warnings(found), 1);
        conf_drop(conf);
    }
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        conf_drop(clean(harmless[i]));
}

static void test_values_without_effect(void)
{
    struct conf *conf = conf_of("Domain \"a\" { Delivery_Method = APN }");
    CU_ASSERT_PTR_NOT_NULL(conf);
    CU_ASSERT_EQUAL_FATAL(conf_report_warnings(found), 1);
    CU_ASSERT(strstr(conf_report_at(found, 0)->message, "value APN of option delivery_method") != NULL);
    conf_drop(conf);
    conf = conf_of("TLS = ifavailable");
    CU_ASSERT(only_finding(1, 1, "option tls is read but has no effect"));
    conf_drop(conf);
}

/* ---- modules ------------------------------------------------------------------------------------------- */

static const struct conf_option logger_options[] = {
    {.name = "MainLog", .type = CONF_STRING, .default_text = "\"/var/log/main log\"", .note = "a"},
    {.name = "heartbeat", .type = CONF_DURATION, .choices = "0..", .note = "b"},
    {.name = "levels", .type = CONF_LIST, .default_text = "( a b )", .note = "c"},
};
static const struct conf_module_schema modules[] = {
    {.name = "EC_Logger", .options = logger_options, .option_count = 3},
    {.name = "relay", .singleton = true},
};
static const struct conf_load_options with_modules = {.modules = modules, .module_count = 2};

static struct conf *load_with_modules(const char *text)
{
    return conf_load_text("text", text, strlen(text), &with_modules, &found);
}

static void test_module_stanzas(void)
{
    struct conf *conf =
        load_with_modules("ec_logger \"one\" { heartbeat = 60 debug_level = DEBUG }\n"
                          "EC_LOGGER \"two\" { mainlog = \"x\" enabled = false }\nrelay { }\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT(only_finding(2, 33, "value false of option enabled differs"));
    const struct conf_scope *one = at(conf, "ec_logger", "one", NULL),
                            *two = at(conf, "ec_logger", "two", NULL);
    CU_ASSERT_STRING_EQUAL(conf_scope_kind(two), "ec_logger");
    CU_ASSERT_EQUAL(conf_module_value(conf, one, "heartbeat")->number, 60);
    CU_ASSERT_STRING_EQUAL(conf_module_value(conf, one, "debug_level")->text, "debug");
    CU_ASSERT_STRING_EQUAL(conf_module_value(conf, one, "mainlog")->text, "/var/log/main log");
    CU_ASSERT_EQUAL(conf_module_value(conf, one, "levels")->count, 2);
    CU_ASSERT_EQUAL(conf_module_value(conf, one, "enabled")->number, 1);
    CU_ASSERT_STRING_EQUAL(conf_module_value(conf, two, "MAINLOG")->text, "x");
    CU_ASSERT_PTR_NULL(conf_module_value(conf, two, "heartbeat"));
    CU_ASSERT_EQUAL(conf_module_value(conf, two, "enabled")->number, 0);
    CU_ASSERT_STRING_EQUAL(conf_module_value(conf, two, "debug_level")->text, "error");
    CU_ASSERT_STRING_EQUAL(conf_module_default(conf, "EC_logger", "mainlog")->text, "/var/log/main log");
    CU_ASSERT_PTR_NULL(conf_module_default(conf, "ec_logger", "heartbeat"));
    CU_ASSERT_PTR_NULL(conf_module_default(conf, "nobody", "heartbeat"));
    conf_drop(conf);
}

static bool refused_with_modules(const char *text, unsigned line, unsigned column, const char *part)
{
    struct conf *conf = load_with_modules(text);
    bool good = !conf && only_finding(line, column, part);
    conf_drop(conf);
    return good;
}

static void test_module_mistakes(void)
{
    CU_ASSERT(refused_with_modules("ec_logger a { hearbeat = 1 }", 1, 15, "did you mean 'heartbeat'?"));
    CU_ASSERT(
        refused_with_modules("ec_logger a { heartbeat = -1 }", 1, 27, "heartbeat: expected a number of"));
    CU_ASSERT(refused_with_modules("ec_logger a { retry_interval = 1 }", 1, 15,
                                   "option retry_interval cannot stand"));
    CU_ASSERT(refused_with_modules(
        "ec_logger a { acctlog = x }", 1, 15,
        "option acctlog of Momentum's module ec_logger is not supported in this version: "
        "the module here has mainlog, heartbeat"));
    CU_ASSERT(refused_with_modules("relay one { } relay two { }", 1, 21, "there is only one relay"));
    CU_ASSERT(refused_with_modules("Domain a { relay { } }", 1, 12,
                                   "a stanza relay cannot stand in the scope domain"));
    CU_ASSERT(refused_with_modules("ec_loger a { }", 1, 1, "did you mean 'ec_logger'?"));
    CU_ASSERT(refused_with_modules("relay { Peer \"::1\" { } }", 1, 9,
                                   "a stanza Peer cannot stand in the scope relay"));

    static const struct conf_option wrong = {
        .name = "x", .type = CONF_INT, .default_text = "many", .note = "a default that is wrong"};
    static const struct conf_module_schema broken = {.name = "broken", .options = &wrong, .option_count = 1};
    static const struct conf_load_options with_broken = {.modules = &broken, .module_count = 1};
    struct conf *conf = conf_load_text("text", "", 0, &with_broken, &found);
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(strstr(conf_report_at(found, 0)->message, "the default of x: expected a whole number") != NULL);
    conf_drop(conf);
}

static void refuse(const struct conf *conf, struct conf_report *report, void *argument)
{
    const struct conf_value *value = conf_scope_value(conf_root(conf), "hostname");
    if (value)
        conf_report_add(report, CONF_ERROR, value->place, "%s", (const char *)argument);
}

/* The findings of the library's user are findings of the load, in the order of the file. */
static void test_check(void)
{
    char said[] = "no good name";
    const struct conf_load_options checking = {.check = refuse, .check_argument = said};
    struct conf *conf = conf_load_text("text", "hostname = a\nbogus = 1", 22, &checking, &found);
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT_EQUAL_FATAL(conf_report_errors(found), 2);
    CU_ASSERT_STRING_EQUAL(conf_report_at(found, 0)->message, "no good name");
    CU_ASSERT_EQUAL(conf_report_at(found, 0)->place.column, 12);
    conf_drop(conf);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"every name", test_every_name},
        {"rows", test_rows},
        {"exceptions", test_exceptions},
        {"doc/compatibility.md", test_compatibility_document},
        {"defaults", test_defaults},
        {"scopes of options", test_scopes_of_options},
        {"without effect", test_without_effect},
        {"different", test_different},
        {"printing without notes", test_printing_from},
        {"asking for what is done anyway", test_asking_for_what_is_done},
        {"by stanza", test_by_stanza},
        {"unsupported", test_unsupported},
        {"values without effect", test_values_without_effect},
        {"stanzas of modules", test_module_stanzas},
        {"mistakes with modules", test_module_mistakes},
        {"a check of the user's", test_check},
        CU_TEST_INFO_NULL,
    };
    return unit_run("schema", tests);
}
