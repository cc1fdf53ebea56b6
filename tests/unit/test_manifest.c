/* Manifests: what they may say, and that what they may not say is reported with its place. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "module/manifest.h"
#include "unit.h"

static char directory[UNIT_PATH_SIZE];

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *out = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    fputs(text, out);
    fclose(out);
}

static void test_a_whole_manifest(void)
{
    static const char text[] = "# A comment\n"
                               "\n"
                               "[Greylist]\r\n"
                               "  description = Defers mail, at first\n"
                               "kind = singleton\n"
                               "object = other.so\n"
                               "msys.requires = ds_core  alias\n"
                               "requires = third\n"
                               "msys.provides = config.Global:Binding:Domain.relay_hosts\n"
                               "msys.provides:auto = config.Global:Open_Relay\n"
                               "option.Delay = duration 300\n"
                               "option.mode=enum(defer|tag)   defer\n"
                               "option.table = string\n"
                               "accepted.table = there is no table here\n"
                               "note.delay = how long\n"
                               "option.strict = bool false\n"
                               "unsupported.Strict = all would be let in\n"
                               "instead.strict = use the firewall\n"
                               "different.mode = another\n";
    char error[256];
    unit_directory(directory);
    write_file("greylist.ecm", text);
    write_file("plain.ecm", "[plain]\n");
    write_file("plain.so", "not looked at yet");
    struct manifest_set *set = manifest_set_read(directory, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(set);
    CU_ASSERT_EQUAL(manifest_count(set), 2);
    const struct manifest *greylist = manifest_find(set, "GREYLIST");
    CU_ASSERT_PTR_NOT_NULL_FATAL(greylist);
    CU_ASSERT_STRING_EQUAL(greylist->name, "greylist");
    CU_ASSERT_STRING_EQUAL(greylist->description, "Defers mail, at first");
    CU_ASSERT_TRUE(greylist->singleton);
    CU_ASSERT_EQUAL(strncmp(greylist->object, directory, strlen(directory)), 0);
    CU_ASSERT_STRING_EQUAL(greylist->object + strlen(directory), "/other.so");
    CU_ASSERT_EQUAL(greylist->requires.count, 3);
    CU_ASSERT_STRING_EQUAL(greylist->requires.names[2], "third");
    CU_ASSERT_EQUAL(greylist->provides.count, 2);
    CU_ASSERT_STRING_EQUAL(greylist->provides.names[0], "relay_hosts");
    CU_ASSERT_STRING_EQUAL(greylist->provides.names[1], "open_relay");
    CU_ASSERT_EQUAL(greylist->option_count, 4 + 2); /* enabled and debug_level come by themselves */
    CU_ASSERT_STRING_EQUAL(greylist->options[0].name, "delay");
    CU_ASSERT_EQUAL(greylist->options[0].type, CONF_DURATION);
    CU_ASSERT_STRING_EQUAL(greylist->options[0].default_text, "300");
    CU_ASSERT_EQUAL(greylist->options[0].support, CONF_HONOURED);
    CU_ASSERT_STRING_EQUAL(greylist->options[1].choices, "defer|tag");
    CU_ASSERT_STRING_EQUAL(greylist->options[1].default_text, "defer");
    CU_ASSERT_PTR_NULL(greylist->options[2].default_text);
    CU_ASSERT_EQUAL(greylist->options[2].support, CONF_ACCEPTED);
    CU_ASSERT_STRING_EQUAL(greylist->options[2].note, "there is no table here");
    CU_ASSERT_PTR_NULL(greylist->options[2].instead);
    CU_ASSERT_STRING_EQUAL(greylist->options[0].note, "how long");
    CU_ASSERT_EQUAL(greylist->options[1].support, CONF_DIFFERENT);
    CU_ASSERT_EQUAL(greylist->options[3].support, CONF_UNSUPPORTED);
    CU_ASSERT_STRING_EQUAL(greylist->options[3].note, "all would be let in");
    CU_ASSERT_STRING_EQUAL(greylist->options[3].instead, "use the firewall");
    const struct manifest *plain = manifest_find(set, "plain");
    CU_ASSERT_STRING_EQUAL(plain->object + strlen(directory), "/plain.so");
    CU_ASSERT_FALSE(plain->singleton);
    manifest_set_free(set);
    unit_directory_remove(directory);
}

static void test_the_schema_is_the_languages(void)
{
    char error[256];
    size_t count;
    struct conf_report *report;
    static const char good[] = "greylist { delay = 5m }", bad[] = "greylist { delai = 5 }";
    unit_directory(directory);
    write_file("greylist.ecm", "[greylist]\nkind = singleton\noption.delay = int 300\n");
    struct manifest_set *set = manifest_set_read(directory, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(set);
    struct conf_load_options options = {.modules = manifest_set_schemas(set, &count)};
    options.module_count = count;
    struct conf *conf = conf_load_text("t.conf", "greylist { delay = 7 }", 22, &options, &report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    const struct conf_scope *scope = conf_scope_next(conf_root(conf), "greylist", NULL);
    CU_ASSERT_EQUAL(conf_module_value(conf, scope, "delay")->number, 7);
    CU_ASSERT_EQUAL(conf_module_value(conf, scope, "enabled")->number, 1);
    CU_ASSERT_EQUAL(conf_module_default(conf, "greylist", "delay")->number, 300);
    CU_ASSERT_STRING_EQUAL(conf_module_default(conf, "greylist", "debug_level")->text, "ERROR");
    conf_unref(conf);
    conf_report_free(report);
    CU_ASSERT_PTR_NULL(
        conf_load_text("t.conf", good, sizeof good - 1, &options, &report)); /* int, not duration */
    conf_report_free(report);
    CU_ASSERT_PTR_NULL(conf_load_text("t.conf", bad, sizeof bad - 1, &options, &report));
    conf_report_free(report);
    manifest_set_free(set);
    unit_directory_remove(directory);
}

static void test_mistakes(void)
{
    static const struct {
        const char *text, *complaint; /* after "DIRECTORY/bad.ecm" */
    } cases[] = {
        {"", ":0: a manifest begins with [module name]"},
        {"kind = generic\n", ":1: a manifest begins with [module name], not with \"kind\""},
        {"[bad]\n[worse]\n", ":2: a manifest describes one module; this is the second: \"worse\""},
        {"[ba d]\n", ":1: not a module name: \"ba d\""},
        {"[]\n", ":1: not a module name:"},
        {"\n[Domain]\n", ":2: the core has an option or stanza of this name; choose another than \"Domain\""},
        {"[gateway]\n", ":1: the core has an option or stanza of this name; choose another than \"gateway\""},
        {"[global]\n", ":1: the core has an option or stanza of this name; choose another than \"global\""},
        {"[include]\n", ":1: the core has an option or stanza of this name; choose another than \"include\""},
        {"[bad]\nkind\n", ":2: expected KEY = VALUE: \"kind\""},
        {"[bad]\n\nkind = several\n", ":3: kind is singleton or generic, not \"several\""},
        {"[bad]\nobject = ../evil.so\n",
         ":2: object is the name of a file in the manifest's directory, not \"../evil.so\""},
        {"[bad]\nobject =\n", ":2: object is the name of a file in the manifest's directory, not"},
        {"[bad]\nrequires = a/b\n", ":2: not a module name: \"a/b\""},
        {"[bad]\nprovides = relay_hosts\n", ":2: provides wants config.SCOPE:OPTION, or KIND.NAME of "
                                            "something that it registers, not \"relay_hosts\""},
        {"[bad]\nprovides = config.Global:relay_host\n",
         ":2: provides an option that is no core option: \"relay_host\""},
        {"[bad]\noption.x = text\n", ":2: no such option type: \"text\""},
        {"[bad]\noption.x =\n", ":2: an option has a type: \"x\""},
        {"[bad]\n\noption.x = int(1..) 0\n",
         ":3: the default of x: expected a whole number from 1 up, not '0'"},
        {"[bad]\noption.x = string \"a\n", ":2: the default of x: this quoted string is not closed"},
        {"[bad]\noption. = int\n", ":2: not an option name:"},
        {"[bad]\noption.x = enum a\n", ":2: choices are for enum, written enum(a|b|c): \"x\""},
        {"[bad]\noption.x = int(a|b) a\n", ":2: choices are for enum, written enum(a|b|c): \"x\""},
        {"[bad]\noption.x = int\noption.X = int\n", ":3: this option is declared twice: \"X\""},
        {"[bad]\naccepted.x = why\n", ":2: no such option is declared above: \"x\""},
        {"[bad]\ninstead.x = what\n", ":2: no such option is declared above: \"x\""},
        {"[bad]\noption.x = int(1..)\nscopes.y = peer\n",
         ":3: no such option of the module's stanza is declared above: \"y\""},
        {"[bad]\noption.x = int\nscopes.x = peer, pear\n", ":3: no such scope of the core: \"pear\""},
        {"[bad]\noption.x = int\nscopes.x =\n",
         ":3: the scopes that the option stands in are missing: \"x\""},
        {"[bad]\noption.idle_time = int\nscopes.idle_time = peer\n",
         ":3: the core has an option or stanza of this name; choose another than \"idle_time\""},
        {"[bad]\noption.x = int\nscopes.x = peer\noption.X = int\n",
         ":4: this option is declared twice: \"X\""},
        {"[bad]\nstanza.peer = named\n", ":2: a stanza of the core has this name: \"peer\""},
        {"[bad]\nstanza.rule = one\n", ":2: a stanza is named, unnamed or optional, not \"one\""},
        {"[bad]\nstanza.rule = named\nstanza.Rule = named\n", ":3: this stanza is declared twice: \"Rule\""},
        {"[bad]\noption.rule/x = int\n", ":2: no such stanza is declared above: \"rule\""},
        {"[bad]\ncolour = red\n", ":2: no such key: \"colour\""},
        {"[bad", ":1: expected KEY = VALUE: \"[bad\""},
    };
    unit_directory(directory);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char error[512], expected[512];
        write_file("bad.ecm", cases[i].text);
        CU_ASSERT_PTR_NULL(manifest_set_read(directory, error, sizeof error));
        snprintf(expected, sizeof expected, "%s/bad.ecm%s", directory, cases[i].complaint);
        if (strcmp(error, expected) != 0)
            fprintf(stderr, "said:     %s\nexpected: %s\n", error, expected);
        CU_ASSERT_STRING_EQUAL(error, expected);
    }
    unit_directory_remove(directory);
}

/* What a default may not be: more than one value, or a file that it includes. */
static void test_a_default_is_one_value(void)
{
    static const char *const texts[] = {"1; 0 = 2", "1 }", "1 include \"/dev/null\"",
                                        "1; include \"/dev/null\"", "1; a { }"};
    char error[512];
    unit_directory(directory);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "[bad]\noption.x = int %s\n", texts[i]);
        write_file("bad.ecm", text);
        CU_ASSERT_PTR_NULL(manifest_set_read(directory, error, sizeof error));
        if (!strstr(error, "bad.ecm:2: the default of x: "))
            fprintf(stderr, "%s: %s\n", texts[i], error);
        CU_ASSERT_PTR_NOT_NULL(strstr(error, "bad.ecm:2: the default of x: "));
    }
    unit_directory_remove(directory);
}

/* Momentum's cluster and curfew are modules, and the core has their stanzas. */
static void test_names_of_momentums_modules(void)
{
    char error[512];
    unit_directory(directory);
    for (size_t i = 0; i < conf_documented_count(); i++) {
        char text[128];
        snprintf(text, sizeof text, "[%s]\n", conf_documented_at(i)->name);
        write_file("one.ecm", text);
        struct manifest_set *set = manifest_set_read(directory, error, sizeof error);
        CU_ASSERT_PTR_NOT_NULL(set);
        manifest_set_free(set);
    }
    unit_directory_remove(directory);
}

static void test_what_is_no_file(void)
{
    char fifo[256], error[512];
    unit_directory(directory);
    snprintf(fifo, sizeof fifo, "%s/fifo.ecm", directory);
    CU_ASSERT_EQUAL_FATAL(mkfifo(fifo, 0600), 0);
    CU_ASSERT_PTR_NULL(manifest_set_read(directory, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "fifo.ecm: not a regular file"));
    unlink(fifo);
    CU_ASSERT_EQUAL_FATAL(symlink("/dev/zero", fifo), 0);
    CU_ASSERT_PTR_NULL(manifest_set_read(directory, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "fifo.ecm: not a regular file"));
    unit_directory_remove(directory);
}

static void test_directories(void)
{
    char error[512];
    unit_directory(directory);
    struct manifest_set *set = manifest_set_read(directory, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(set); /* no manifest, no module, no mistake */
    CU_ASSERT_EQUAL(manifest_count(set), 0);
    manifest_set_free(set);
    write_file("one.ecm", "[same]\n");
    write_file("two.ecm", "[SAME]\n");
    CU_ASSERT_PTR_NULL(manifest_set_read(directory, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "is described by"));
    unit_directory_remove(directory);
    CU_ASSERT_PTR_NULL(manifest_set_read(directory, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "No such file or directory"));
}

static void test_options_of_the_core_and_stanzas(void)
{
    static const char text[] = "[grey]\n"
                               "option.delay = duration(0..3600) 300\n"
                               "option.quota = int 5\n"
                               "scopes.Quota = inbound, domain\n"
                               "note.quota = messages a day\n"
                               "stanza.rule = named\n"
                               "stanza.rule/when = unnamed\n"
                               "option.rule/delay = int 1\n"
                               "option.rule/when/delay = bool\n"
                               "note.rule/delay = of a rule\n";
    char error[512];
    unit_directory(directory);
    write_file("grey.ecm", text);
    struct manifest_set *set = manifest_set_read(directory, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(set);
    const struct manifest *grey = manifest_find(set, "grey");
    CU_ASSERT_EQUAL_FATAL(grey->added_count, 1);
    CU_ASSERT_STRING_EQUAL(grey->added[0].name, "quota");
    CU_ASSERT_STRING_EQUAL(grey->added[0].note, "messages a day");
    CU_ASSERT_STRING_EQUAL(grey->added[0].scopes,
                           "esmtp_listener,global,listen,pathway,pathway_group,peer,via,domain");
    CU_ASSERT_EQUAL_FATAL(grey->option_count, 5 + 2);
    CU_ASSERT_STRING_EQUAL(grey->options[0].choices, "0..3600");
    CU_ASSERT_STRING_EQUAL(grey->options[1].name, "rule");
    CU_ASSERT_EQUAL(grey->options[1].type, CONF_SCOPE);
    CU_ASSERT_STRING_EQUAL(grey->options[2].scopes, "rule");
    CU_ASSERT_STRING_EQUAL(grey->options[3].scopes, "rule");
    CU_ASSERT_STRING_EQUAL(grey->options[3].note, "of a rule");
    CU_ASSERT_STRING_EQUAL(grey->options[4].scopes, "rule/when");
    manifest_set_free(set);
    write_file("other.ecm", "[other]\noption.quota = int\nscopes.quota = binding\n");
    CU_ASSERT_PTR_NULL(manifest_set_read(directory, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error,
                                  "/other.ecm: option \"quota\" of module \"other\" is also one of module "
                                  "\"grey\" ("));
    unit_directory_remove(directory);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"a whole manifest", test_a_whole_manifest},
        {"the schema is the language's", test_the_schema_is_the_languages},
        {"mistakes", test_mistakes},
        {"a default is one value", test_a_default_is_one_value},
        {"names of Momentum's modules", test_names_of_momentums_modules},
        {"what is no file", test_what_is_no_file},
        {"directories", test_directories},
        {"options of the core's scopes, and stanzas", test_options_of_the_core_and_stanzas},
        CU_TEST_INFO_NULL,
    };
    return unit_run("manifest", tests);
}
