/* The relay module: who may relay, from where, to whom, by each of its options. */
#include <string.h>
#include "base/mem.h"
#include "module_harness.h"
#include "unit.h"

static const char configuration[] = "relay_hosts = ( \"10.0.0.0/8\" \"fd00::/8\" \"::1\" )\n"
                                    "relay_domains = ( \"Example.com\" \"*.example.org\" )\n"
                                    "ESMTP_Listener {\n"
                                    "  Listen \":25\" {\n"
                                    "    Peer \"192.0.2.0/24\" { open_relay = true }\n"
                                    "    Peer \"198.51.100.0/24\" { relay_for_sending_domains = ( "
                                    "\"sender.example\" \"*.sender.example\" ) }\n"
                                    "    Peer \"203.0.113.0/24\" { relay_for_sending_domains = ( ) }\n"
                                    "    Peer \"10.66.0.0/16\" { relay_hosts = ( \"10.66.1.1\" ) }\n"
                                    "  }\n"
                                    "}\n";

/* RCPT TO:<a@`domain`> */
static void ask_about(struct imp_session *session, const char *domain)
{
    char *address = mem_printf("a@%s", domain);
    session->message->proposed = session->message->in_question =
        recipient_create(session->message, address, address + 2);
}

static void test_who_may_relay(void)
{
    static const struct {
        const char *peer, *sender_domain, *recipient_domain;
        bool can_relay, permitted;
    } cases[] = {
        {"10.1.2.3", "a.example", "b.example", true, true}, /* relay_hosts */
        {"fd00::1", "a.example", "b.example", true, true},
        {"::1", "a.example", "b.example", true, true},
        {"11.1.2.3", "a.example", "b.example", false, false},
        {"::2", "a.example", "b.example", false, false},
        {"11.1.2.3", "a.example", "example.com", false, true}, /* relay_domains */
        {"11.1.2.3", "a.example", "EXAMPLE.COM", false, true},
        {"11.1.2.3", "a.example", "mail.example.org", false, true},
        {"11.1.2.3", "a.example", "example.org", false, false},
        {"11.1.2.3", "a.example", "mail.example.com", false, false},
        {"11.1.2.3", "example.com", "b.example", false, false},       /* that is about recipients */
        {"192.0.2.9", "a.example", "b.example", true, true},          /* open_relay */
        {"198.51.100.9", "sender.example", "b.example", false, true}, /* relay_for_sending_domains */
        {"198.51.100.9", "x.Sender.example", "b.example", false, true},
        {"198.51.100.9", "a.example", "b.example", false, false},
        {"198.51.100.9", "", "b.example", false, false}, /* the null reverse-path has no domain */
        {"198.51.100.9", "a.example", "example.com", false, true},
        {"203.0.113.9", "a.example", "b.example", true, true}, /* the same, without parameters */
        {"10.66.1.1", "a.example", "b.example", true, true},   /* a Peer's list replaces the global one */
        {"10.66.1.2", "a.example", "b.example", false, false},
        {"unix", "a.example", "b.example", false, false},
        {"unix", "a.example", "example.com", false, true},
    };
    struct modules modules;
    CU_ASSERT_TRUE_FATAL(modules_load(&modules, configuration));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct imp_session session;
        modules_session(&modules, &session, cases[i].peer);
        CU_ASSERT_EQUAL(module_set_validate(modules.set, POINT_VALIDATE_CONNECT, &session), HOOK_PASS);
        const char *can_relay = context_get(&session.connection_context, "can_relay");
        session.message = message_create(1, mem_dup(""), cases[i].sender_domain);
        ask_about(&session, cases[i].recipient_domain);
        CU_ASSERT_EQUAL(module_set_validate(modules.set, POINT_VALIDATE_RCPTTO, &session), HOOK_PASS);
        if ((can_relay != NULL) != cases[i].can_relay || session.relay_permitted != cases[i].permitted)
            fprintf(stderr, "case %zu: %s, %s to %s\n", i, cases[i].peer, cases[i].sender_domain,
                    cases[i].recipient_domain);
        CU_ASSERT_EQUAL(can_relay != NULL, cases[i].can_relay);
        CU_ASSERT_TRUE(!can_relay || strcmp(can_relay, "true") == 0);
        CU_ASSERT_EQUAL(session.relay_permitted, cases[i].permitted);
        message_unref(session.message);
        modules_session_end(&session);
    }
    modules_unload(&modules);
}

static void test_the_context_decides(void)
{
    struct modules modules;
    struct imp_session session;
    CU_ASSERT_TRUE_FATAL(modules_load(&modules, configuration));
    modules_session(&modules, &session, "11.1.2.3");
    module_set_validate(modules.set, POINT_VALIDATE_CONNECT, &session);
    session.message = message_create(1, mem_dup(""), "a.example");
    ask_about(&session, "b.example");
    context_set(&session.connection_context, "can_relay", "false");
    module_set_validate(modules.set, POINT_VALIDATE_RCPTTO, &session);
    CU_ASSERT_FALSE(session.relay_permitted);
    context_set(&session.connection_context, "can_relay", "true"); /* another module's decision */
    module_set_validate(modules.set, POINT_VALIDATE_RCPTTO, &session);
    CU_ASSERT_TRUE(session.relay_permitted);
    message_unref(session.message);
    modules_session_end(&session);
    modules_unload(&modules);
}

static void test_implicit_loading(void)
{
    static const struct {
        const char *text;
        bool loaded;
    } cases[] = {
        {"ESMTP_Listener { Listen \":25\" { } }", false},
        {"ESMTP_Listener { Listen \":25\" { } } relay { }", true},
        {"ESMTP_Listener { Listen \":25\" { } } relay { enabled = false }", false},
        {"ESMTP_Listener { Listen \":25\" { } } relay { enabled = false } relay_hosts = ( \"10.0.0.1\" )",
         false},
        {"ESMTP_Listener { Listen \":25\" { } } relay_domains = ( )", true},
        {"ESMTP_Listener { Listen \":25\" { Peer \"10.0.0.1\" { open_relay = false } } }", true},
        {"ESMTP_Listener { Listen \":25\" { } } Pathway_Group \"g\" { Pathway \"p\" { relay_domains = ( "
         "\"x\" ) } }",
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct modules modules;
        CU_ASSERT_TRUE_FATAL(modules_load(&modules, cases[i].text));
        if (module_set_has_hook(modules.set, POINT_VALIDATE_RCPTTO) != cases[i].loaded)
            fprintf(stderr, "case %zu: %s\n", i, cases[i].text);
        CU_ASSERT_EQUAL(module_set_has_hook(modules.set, POINT_VALIDATE_RCPTTO), cases[i].loaded);
        modules_unload(&modules);
    }
}

static void test_many_domains(void)
{
    enum { DOMAINS = 20000 };
    char *text = malloc(DOMAINS * 32), name[64];
    size_t size = (size_t)sprintf(text, "ESMTP_Listener { Listen \":25\" { } }\nrelay_domains = (");
    for (int i = 0; i < DOMAINS; i++)
        size += (size_t)snprintf(text + size, 32, " \"%sd%d.example\"", i % 2 ? "*." : "", i);
    snprintf(text + size, 4, " )\n");
    struct modules modules;
    CU_ASSERT_TRUE_FATAL(modules_load(&modules, text));
    free(text);
    struct imp_session first, session; /* two policies, one compiled list */
    modules_session(&modules, &first, "10.0.0.1");
    modules_session(&modules, &session, "10.0.0.2");
    modules_session_end(&first);
    unsigned wrong = 0;
    for (int i = 0; i < DOMAINS; i++) {
        snprintf(name, sizeof name, "%sd%d.example", i % 4 < 2 ? "" : "mail.", i);
        session.message = message_create(1, mem_dup(""), "a.example");
        ask_about(&session, name);
        session.relay_permitted = false;
        module_set_validate(modules.set, POINT_VALIDATE_RCPTTO, &session);
        wrong += session.relay_permitted != ((i % 2 == 1) == (i % 4 >= 2));
        message_unref(session.message);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    modules_session_end(&session);
    modules_unload(&modules);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"who may relay", test_who_may_relay},
        {"the context decides", test_the_context_decides},
        {"implicit loading", test_implicit_loading},
        {"many domains", test_many_domains},
        CU_TEST_INFO_NULL,
    };
    return unit_run("relay", tests);
}
