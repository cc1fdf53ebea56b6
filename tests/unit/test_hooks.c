/*
 * The hook chains: order, verdicts, nonsense; and suspension across threads: sessions on two loops are
 * suspended, answered by pool threads (some of them before the hook has returned, some after the client has
 * left), and the generation lives until the last of them is done with it.
 */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"
#include "log/paniclog.h"
#include "module/set.h"
#include "unit.h"

static unsigned teardowns;
static pthread_t teardown_thread;

static int setup(struct imp_module *module, const struct imp_config *config)
{
    (void)module;
    (void)config;
    return 0;
}

static void teardown(struct imp_module *module)
{
    (void)module;
    teardowns++;
    teardown_thread = pthread_self();
}

static const struct imp_module_definition first = {.name = "first", .setup = setup, .teardown = teardown};
static const struct imp_module_definition second = {.name = "second", .setup = setup, .teardown = teardown};

static struct imp_module *add(struct module_set *set, const struct imp_module_definition *definition)
{
    struct imp_module *module = module_set_add(set, definition, "");
    module->in_setup = true;
    return module;
}

static void init_session(struct imp_session *session, struct loop *loop)
{
    struct net_addr local = {.family = AF_INET, .port = 25, .bytes = {10, 0, 0, 5}};
    struct net_addr peer = {.family = AF_INET, .port = 4000, .bytes = {10, 0, 0, 1}};
    imp_session_init(session, loop, 7, &local, &peer);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static char asked[64];              /* letters of the hooks that were called */
static struct imp_suspension *kept; /* what the forgetful hook did not say */

static unsigned cancellations;

static void count_cancelled(void *closure)
{
    ++*(unsigned *)closure;
}

static int hook_in(struct imp_module *module, const char *point, imp_hook_fn *run, int priority)
{
    return imp_hook_add(module, &(struct imp_hook){.size = sizeof(struct imp_hook),
                                                   .point = point,
                                                   .run = run,
                                                   .closure = module,
                                                   .priority = priority});
}

static void note(char letter)
{
    asked[strlen(asked)] = letter;
}

#define HOOK(name, letter, ...)                                                                              \
    static enum imp_verdict name(struct imp_call *call, void *closure)                                       \
    {                                                                                                        \
        (void)call;                                                                                          \
        (void)closure;                                                                                       \
        note(letter);                                                                                        \
        __VA_ARGS__                                                                                          \
    }

HOOK(pass_a, 'a', return IMP_CONT;)
HOOK(pass_b, 'b', return IMP_CONT;)
HOOK(pass_c, 'c', return IMP_CONT;)
HOOK(accept_d, 'd', return IMP_DONE;)
HOOK(refuse_r, 'r', imp_call_reject(call, 451, "4.7.1", "not\r\nnow\x01"); return IMP_DONE;)
HOOK(threaten_t, 't', imp_call_reject(call, 550, "5.7.1", "never"); return IMP_CONT;)
HOOK(garbage_g, 'g', return (enum imp_verdict)77;)
HOOK(again_n, 'n', return IMP_AGAIN;)
HOOK(forgetful_f, 'f', kept = imp_call_suspend(call, count_cancelled, &cancellations); return IMP_CONT;)

static void ask(struct imp_session *session, struct module_set *set, enum hook_outcome expected,
                const char *who)
{
    memset(asked, 0, sizeof asked);
    CU_ASSERT_EQUAL(module_set_validate(set, POINT_VALIDATE_RCPTTO, session), expected);
    CU_ASSERT_STRING_EQUAL(asked, who);
}

static void test_order(void)
{
    struct module_set *set = module_set_create(NULL);
    struct imp_module *one = add(set, &first), *two = add(set, &second);
    struct imp_session session;
    init_session(&session, NULL);
    CU_ASSERT_FALSE(module_set_has_hook(set, POINT_VALIDATE_RCPTTO));
    ask(&session, set, HOOK_PASS, "");
    CU_ASSERT_EQUAL(hook_in(one, "validate_rcptto", pass_b, IMP_PRIORITY_NORMAL), 0);
    CU_ASSERT_EQUAL(hook_in(two, "validate_rcptto", pass_c, IMP_PRIORITY_NORMAL), 0);
    CU_ASSERT_EQUAL(hook_in(two, "validate_rcptto", pass_a, IMP_PRIORITY_FIRST), 0);
    CU_ASSERT_EQUAL(hook_in(one, "validate_rcptto", accept_d, IMP_PRIORITY_LAST), 0);
    CU_ASSERT_TRUE(module_set_has_hook(set, POINT_VALIDATE_RCPTTO));
    CU_ASSERT_FALSE(module_set_has_hook(set, POINT_VALIDATE_CONNECT));
    ask(&session, set, HOOK_PASS, "abcd");
    CU_ASSERT_EQUAL(hook_in(one, NULL, pass_a, 0), -1);
    CU_ASSERT_EQUAL(hook_in(one, "validate_ehlo", pass_a, IMP_PRIORITY_LAST + 1), -1);
    CU_ASSERT_EQUAL(hook_in(one, "validate_ehlo", pass_a, IMP_PRIORITY_FIRST - 1), -1);
    one->in_setup = false;
    CU_ASSERT_EQUAL(hook_in(one, "validate_ehlo", pass_a, 0), -1);
    imp_session_release(&session);
    teardowns = 0;
    module_set_unref(set);
    CU_ASSERT_EQUAL(teardowns, 2);
}

static void test_done_ends_the_chain(void)
{
    struct module_set *set = module_set_create(NULL);
    struct imp_module *one = add(set, &first), *two = add(set, &second);
    struct imp_session session;
    init_session(&session, NULL);
    hook_in(one, "validate_rcptto", accept_d, 2);
    hook_in(one, "validate_rcptto", pass_a, 3);
    ask(&session, set, HOOK_PASS, "d");
    CU_ASSERT_TRUE(session.call.decided);
    hook_in(two, "Validate_RcptTo", refuse_r, 0); /* names have no case */
    ask(&session, set, HOOK_REFUSED, "r");
    CU_ASSERT_EQUAL(session.call.reply->code, 451);
    CU_ASSERT_STRING_EQUAL(session.call.reply->enhanced, "4.7.1");
    CU_ASSERT_STRING_EQUAL(session.call.reply->text, "not??now?");
    CU_ASSERT_STRING_EQUAL(session.call.refused_by, "second");
    imp_session_release(&session);
    module_set_unref(set);
}

static char said[2000]; /* lines of the paniclog */
static unsigned errors; /* of them, those that an operator sees */

static void keep_lines(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)closure;
    errors += level <= PANIC_ERROR;
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%.*s\n", (int)size, line);
}

static void listen_to_paniclog(void)
{
    paniclog_add_sink(keep_lines, NULL);
    paniclog_set_stderr(false);
    said[0] = '\0';
}

static void stop_listening(void)
{
    paniclog_set_stderr(true);
    paniclog_remove_sink(keep_lines, NULL);
}

/* A hook that contradicts itself, alone in its chain but for one that would pass. */
static void test_nonsense_is_refused_and_named(void)
{
    static const struct {
        imp_hook_fn *hook;
        const char *asked, *named;
        int code;
    } cases[] = {
        {garbage_g, "g",
         "first: its hook at validate_rcptto returned what is no verdict; refused with 451 4.3.0", 451},
        {again_n, "n", "returned IMP_AGAIN without a suspension", 451},
        {forgetful_f, "f", "called imp_call_suspend and did not return IMP_AGAIN", 451},
        {threaten_t, "t", "called imp_call_reject and returned IMP_CONT; refused", 550},
    };
    struct loop_group *loops = loop_group_create("test", 1);
    listen_to_paniclog();
    loop_group_start(loops);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct module_set *set = module_set_create(NULL);
        struct imp_module *one = add(set, &first);
        struct imp_session session;
        init_session(&session, loop_group_at(loops, 0));
        hook_in(one, "validate_rcptto", cases[i].hook, 0);
        hook_in(one, "validate_rcptto", pass_a, 0);
        said[0] = '\0';
        cancellations = 0;
        ask(&session, set, HOOK_REFUSED, cases[i].asked);
        CU_ASSERT_EQUAL(session.call.reply->code, cases[i].code);
        CU_ASSERT_STRING_EQUAL(session.call.refused_by, "first");
        CU_ASSERT_PTR_NULL(session.call.suspension);
        CU_ASSERT_PTR_NOT_NULL(strstr(said, cases[i].named));
        if (cases[i].hook == forgetful_f) {
            CU_ASSERT_EQUAL(cancellations, 1);
            imp_suspension_resume(kept, IMP_DONE, 550, NULL, "too late"); /* harmless */
            CU_ASSERT_PTR_NULL(strstr(said, "twice"));
            imp_suspension_resume(kept, IMP_DONE, 550, NULL, "too late");
            CU_ASSERT_PTR_NOT_NULL(strstr(said,
                                          "module first: a suspension of its hook at validate_rcptto was "
                                          "resumed twice"));
        }
        imp_session_release(&session);
        module_set_unref(set);
    }
    loop_group_stop(loops);
    stop_listening();
    loop_group_free(loops);
}

static void test_replies_are_safe_to_send(void)
{
    struct hook_reply reply;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hook_reply_set(&reply, 250, "5.7.1 and more than fits", text);
    CU_ASSERT_EQUAL(reply.code, 550);
    CU_ASSERT_EQUAL(strlen(reply.enhanced), sizeof reply.enhanced - 1);
    CU_ASSERT_EQUAL(strlen(reply.text), sizeof reply.text - 1);
    hook_reply_set(&reply, 421, NULL, NULL);
    CU_ASSERT_EQUAL(reply.code, 421);
    CU_ASSERT_STRING_EQUAL(reply.enhanced, "");
    CU_ASSERT_STRING_EQUAL(reply.text, "");
}

static void test_contexts_of_a_session(void)
{
    struct imp_session session;
    uint8_t address[16];
    init_session(&session, NULL);
    CU_ASSERT_STRING_EQUAL(imp_session_peer_text(&session), "10.0.0.1");
    CU_ASSERT_STRING_EQUAL(imp_session_local_text(&session), "10.0.0.5:25");
    CU_ASSERT_TRUE(imp_session_peer_address(&session, address));
    CU_ASSERT_EQUAL(address[10], 0xff);
    CU_ASSERT_EQUAL(address[15], 1);
    CU_ASSERT_TRUE(imp_context_set(&session, IMP_CONTEXT_CONNECTION, "a", "1"));
    CU_ASSERT_FALSE(imp_context_set(&session, IMP_CONTEXT_MESSAGE, "a", "2"));
    session.message = message_create(1, mem_dup(""), "");
    CU_ASSERT_TRUE(imp_context_set(&session, IMP_CONTEXT_MESSAGE, "a", "2"));
    CU_ASSERT_STRING_EQUAL(imp_context_get(&session, IMP_CONTEXT_CONNECTION, "a"), "1");
    CU_ASSERT_STRING_EQUAL(imp_context_get(&session, IMP_CONTEXT_MESSAGE, "a"), "2");
    imp_session_release(&session);
    message_unref(session.message);
    session.message = NULL;
    session.peer.family = AF_UNIX;
    CU_ASSERT_FALSE(imp_session_peer_address(&session, address));
}

/* ---- suspension ------------------------------------------------------------------------------ */

enum { SESSIONS = 300 };

struct client { /* a session, as the server has it */
    struct imp_session session;
    struct loop_task task;
    unsigned number;
    enum hook_outcome outcome;
    int code;             /* of the refusal */
    unsigned hooks_asked; /* after the one that suspended */
    struct module_set *set;
};

static struct client clients[SESSIONS];
static sem_t finished;

struct question {
    struct imp_suspension *suspension;
    unsigned number;
};

static bool leaves_early(unsigned number)
{
    return number % 5 == 4;
}

static void answer(void *argument) /* on a pool thread */
{
    struct question *question = argument;
    switch (question->number % 3) {
    case 0:
        imp_suspension_resume(question->suspension, IMP_CONT, 0, NULL, NULL);
        break;
    case 1:
        imp_suspension_resume(question->suspension, IMP_DONE, 0, NULL, NULL);
        break;
    default:
        imp_suspension_resume(question->suspension, IMP_DONE, 550, "5.7.1", "no");
    }
    free(question);
}

static enum imp_verdict suspend(struct imp_call *call, void *module)
{
    struct imp_session *session = imp_call_session(call);
    struct question *question = mem_new(struct question);
    question->suspension = imp_call_suspend(call, NULL, NULL);
    question->number = container_of(session, struct client, session)->number;
    if (question->number % 2) /* half of them are answered before the hook has returned */
        answer(question);
    else if (imp_work_submit(module, "CPU", answer, question) != 0)
        abort();
    return IMP_AGAIN;
}

static enum imp_verdict count_asked(struct imp_call *call, void *closure)
{
    (void)closure;
    container_of(imp_call_session(call), struct client, session)->hooks_asked++;
    return IMP_CONT;
}

static void finish(struct imp_call *call, enum hook_outcome outcome)
{
    struct client *client = container_of(call, struct client, session.call);
    struct module_set *set = client->set;
    client->outcome = outcome;
    client->code = hook_call_reply_code(call);
    imp_session_release(&client->session);
    module_set_unref(set);
    sem_post(&finished);
}

static void begin(struct loop_task *task) /* on the session's loop */
{
    struct client *client = container_of(task, struct client, task);
    enum hook_outcome outcome = module_set_validate(client->set, POINT_VALIDATE_EHLO, &client->session);
    if (outcome != HOOK_SUSPENDED)
        abort();
    if (leaves_early(client->number))
        finish(&client->session.call, HOOK_SUSPENDED);
}

static void test_suspension(void)
{
    struct loop_group *loops = loop_group_create("test", 2);
    struct pool_set *pools = pool_set_create();
    struct module_set *set = module_set_create(pools);
    struct imp_module *one = add(set, &first);
    hook_in(one, "validate_ehlo", suspend, 1);
    hook_in(one, "validate_ehlo", count_asked, 2);
    sem_init(&finished, 0, 0);
    loop_group_start(loops);
    CU_ASSERT_EQUAL(pool_set_start(pools), 0);
    CU_ASSERT_EQUAL(imp_work_submit(one, "no such pool", answer, NULL), -1);
    teardowns = 0;
    for (unsigned i = 0; i < SESSIONS; i++) {
        clients[i] = (struct client){.number = i, .set = module_set_ref(set), .task = {.run = begin}};
        init_session(&clients[i].session, loop_group_next(loops));
        clients[i].session.call.resumed = finish;
        loop_post(clients[i].session.loop, &clients[i].task);
    }
    module_set_unref(set); /* the sessions, their suspensions and the work keep it */
    for (unsigned i = 0; i < SESSIONS; i++)
        sem_wait(&finished);
    pool_set_free(pools);
    loop_group_stop(loops);        /* after its queued tasks: the last answers */
    CU_ASSERT_EQUAL(teardowns, 0); /* the last reference went on another thread */
    module_set_tick(NULL);
    CU_ASSERT_EQUAL(teardowns, 1);
    CU_ASSERT_TRUE(pthread_equal(teardown_thread, pthread_self()));
    loop_group_free(loops);

    unsigned wrong = 0;
    for (unsigned i = 0; i < SESSIONS; i++) {
        static const enum hook_outcome expected[] = {HOOK_PASS, HOOK_PASS, HOOK_REFUSED};
        bool left = leaves_early(i);
        wrong += clients[i].outcome != (left ? HOOK_SUSPENDED : expected[i % 3]);
        wrong += clients[i].hooks_asked != (!left && i % 3 == 0);
        wrong += !left && i % 3 == 2 && clients[i].code != 550;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    sem_destroy(&finished);
}

static void wait_for(void *semaphore) /* on a pool thread */
{
    sem_wait(semaphore);
}

static void test_work_keeps_its_generation(void)
{
    struct pool_set *pools = pool_set_create();
    struct module_set *set = module_set_create(pools);
    struct imp_module *one = add(set, &first);
    sem_t go;
    sem_init(&go, 0, 0);
    CU_ASSERT_EQUAL(pool_set_start(pools), 0);
    teardowns = 0;
    CU_ASSERT_EQUAL(imp_work_submit(one, NULL, wait_for, &go), 0);
    module_set_unref(set);
    module_set_tick(NULL);
    CU_ASSERT_EQUAL(teardowns, 0);
    sem_post(&go);
    pool_set_free(pools);
    module_set_tick(NULL);
    CU_ASSERT_EQUAL(teardowns, 1);
    sem_destroy(&go);
}

/* ---- log hooks ------------------------------------------------------------------------------- */

static char told[8]; /* the user names of the events that were told */

static void tell_authentication(const struct imp_log_authentication *event, void *closure)
{
    (void)closure;
    memcpy(told, event->user.data, event->user.size);
}

static void tell_authorization(const struct imp_log_authorization *event, void *closure)
{
    (void)closure;
    memcpy(told, event->user.data, event->user.size);
}

static void test_log_hooks_by_size(void)
{
    struct imp_log_hooks hooks = {
        .size = sizeof hooks, .authentication = tell_authentication, .authorization = tell_authorization};
    struct imp_log_authentication in = {.user = {"tom", 3}, .success = true};
    struct imp_log_authorization may = {.user = {"ann", 3}, .result = IMP_REFUSED};
    struct module_set *set = module_set_create(NULL);
    hooks.size = offsetof(struct imp_log_hooks, authentication);
    imp_hook_log(add(set, &first), &hooks); /* what lies there is not this module's to say */
    module_set_log_authentication(set, &in);
    CU_ASSERT_STRING_EQUAL(told, "");
    hooks.size = sizeof hooks;
    imp_hook_log(add(set, &second), &hooks);
    module_set_log_authentication(set, &in);
    CU_ASSERT_STRING_EQUAL(told, "tom");
    module_set_log_authorization(set, &may);
    CU_ASSERT_STRING_EQUAL(told, "ann");
    module_set_unref(set);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void test_unknown_points_are_named(void)
{
    static const struct {
        const char *name, *expected;
    } cases[] = {
        {"validate_rcpto",
         "module first: there is no hook point \"validate_rcpto\"; did it mean \"validate_rcptto\"?"},
        {"first_momnet",
         "module first: there is no hook point \"first_momnet\"; did it mean \"first_moment\"?"},
        {"x", "module first: there is no hook point \"x\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char error[512] = "";
        struct module_set *set = module_set_create(NULL);
        struct imp_module *one = add(set, &first);
        CU_ASSERT_EQUAL(hook_in(one, cases[i].name, pass_a, 0), 0); /* somebody may still declare it */
        CU_ASSERT_PTR_NOT_NULL(
            imp_point_declare(add(set, &second), &(struct imp_point_row){.size = sizeof(struct imp_point_row),
                                                                         .name = "first_moment"}));
        CU_ASSERT_FALSE(module_set_place_hooks(set, error, sizeof error));
        CU_ASSERT_STRING_EQUAL(error, cases[i].expected);
        module_set_unref(set);
    }
}

/* ---- points of modules ----------------------------------------------------------------------- */

HOOK(look_l, 'l', CU_ASSERT_STRING_EQUAL(imp_call_argument(call), "it"); return IMP_CONT;)
HOOK(suspend_s, 's', CU_ASSERT_PTR_NULL(imp_call_suspend(call, NULL, NULL)); return IMP_AGAIN;)

static void call_point(struct imp_point *point, struct imp_refusal *refusal, enum imp_verdict expected,
                       const char *who)
{
    struct imp_point_call what = {.size = sizeof what, .argument = "it", .refusal = refusal};
    memset(asked, 0, sizeof asked);
    CU_ASSERT_EQUAL(imp_point_call(point, &what), expected);
    CU_ASSERT_STRING_EQUAL(asked, who);
}

static void test_points_of_modules(void)
{
    char error[512];
    struct imp_point_row asks = {.size = sizeof asks, .name = "second_asks", .flags = IMP_POINT_MAY_REFUSE};
    struct imp_point_row tells = {.size = sizeof tells, .name = "second_tells"};
    struct imp_refusal refusal = {.size = sizeof refusal};
    struct module_set *set = module_set_create(NULL);
    struct imp_module *one = add(set, &first), *two = add(set, &second);
    hook_in(one, "second_asks", refuse_r, 2); /* before it is declared */
    struct imp_point *asking = imp_point_declare(two, &asks), *telling = imp_point_declare(two, &tells);
    CU_ASSERT_PTR_NULL(imp_point_declare(two, &asks));
    CU_ASSERT_STRING_EQUAL(two->error, "imp_point_declare: \"second_asks\": there is one of that name");
    asks.name = "validate_ehlo";
    CU_ASSERT_PTR_NULL(imp_point_declare(two, &asks));
    asks.name = "has blank";
    CU_ASSERT_PTR_NULL(imp_point_declare(two, &asks));
    hook_in(one, "second_asks", look_l, 1);
    CU_ASSERT_FALSE(imp_point_is_hooked(telling));
    hook_in(one, "second_tells", refuse_r, 1);
    CU_ASSERT_TRUE_FATAL(module_set_place_hooks(set, error, sizeof error));
    CU_ASSERT_TRUE(imp_point_is_hooked(telling));
    call_point(asking, &refusal, IMP_DONE, "lr");
    CU_ASSERT_EQUAL(refusal.code, 451);
    CU_ASSERT_STRING_EQUAL(refusal.module, "first");
    listen_to_paniclog();
    call_point(telling, &refusal, IMP_CONT, "r"); /* refuses where nothing can be refused */
    CU_ASSERT_EQUAL(refusal.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "its hook at second_tells refuses where nothing can be refused"));
    stop_listening();
    module_set_unref(set);
}

/* A point of the daemon's: the hook is named, once a minute, and the chain goes on. */
static void test_a_refusal_where_nothing_can_be_refused(void)
{
    struct module_set *set = module_set_create(NULL);
    hook_in(add(set, &first), "core_control_shutdown", refuse_r, 0);
    listen_to_paniclog();
    errors = 0;
    for (int i = 0; i < 3; i++)
        module_set_tell(set, POINT_SHUTDOWN, &(struct hook_moment){0});
    CU_ASSERT_EQUAL(errors, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(said,
                                  "module first: its hook at core_control_shutdown refuses where nothing "
                                  "can be refused; it is passed over"));
    stop_listening();
    module_set_unref(set);
}

/* A struct without its size is told from one without its members. */
static void test_a_size_that_is_not_set(void)
{
    struct module_set *set = module_set_create(NULL);
    struct imp_module *one = add(set, &first);
    CU_ASSERT_EQUAL(imp_hook_add(one, &(struct imp_hook){.point = "validate_data", .run = pass_a}), -1);
    CU_ASSERT_STRING_EQUAL(one->error, "imp_hook_add: the hook's size is not set");
    CU_ASSERT_PTR_NULL(imp_point_declare(one, &(struct imp_point_row){.name = "first_asks"}));
    CU_ASSERT_STRING_EQUAL(one->error, "imp_point_declare: the point's size is not set");
    module_set_unref(set);
}

static void test_told_points_wait_for_nobody(void)
{
    char error[512];
    struct imp_point_row tells = {.size = sizeof tells, .name = "second_tells"};
    struct pool_set *pools = pool_set_create();
    struct module_set *set = module_set_create(pools);
    struct imp_module *one = add(set, &first);
    struct imp_point *telling = imp_point_declare(one, &tells);
    struct imp_hook blocks = {
        .size = sizeof blocks, .point = "second_tells", .run = pass_a, .flags = IMP_HOOK_MAY_BLOCK};
    CU_ASSERT_EQUAL(imp_hook_add(one, &blocks), -1);
    hook_in(one, "second_tells", suspend_s, 0);
    hook_in(one, "second_tells", look_l, 1);
    CU_ASSERT_TRUE_FATAL(module_set_place_hooks(set, error, sizeof error));
    listen_to_paniclog();
    call_point(telling, NULL, IMP_CONT, "sl");
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "its hook at second_tells suspends where nobody waits"));
    stop_listening();
    module_set_unref(set);
    pool_set_free(pools);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"log hooks by size", test_log_hooks_by_size},
        {"order", test_order},
        {"IMP_DONE ends the chain", test_done_ends_the_chain},
        {"a refusal where nothing can be refused", test_a_refusal_where_nothing_can_be_refused},
        {"a size that is not set", test_a_size_that_is_not_set},
        {"nonsense", test_nonsense_is_refused_and_named},
        {"unknown points", test_unknown_points_are_named},
        {"points of modules", test_points_of_modules},
        {"told points", test_told_points_wait_for_nobody},
        {"replies", test_replies_are_safe_to_send},
        {"contexts", test_contexts_of_a_session},
        {"suspension", test_suspension},
        {"work keeps its generation", test_work_keeps_its_generation},
        CU_TEST_INFO_NULL,
    };
    return unit_run("hooks", tests);
}
