/*
 * delivery_harness: see delivery_harness.h.
 */
#include "delivery_harness.h"

#include <ftw.h>
#include <semaphore.h>
#include <stdarg.h>
#include <string.h>
#include <sys/un.h>
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "log/paniclog.h"

/* ---- modules and their log events -------------------------------------------------------------------- */

enum { EVENT_LIMIT = 4096 };

static struct event events[EVENT_LIMIT];
static unsigned event_total;
static pthread_mutex_t event_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t event_added = PTHREAD_COND_INITIALIZER;

const struct module_delivery_method *_Atomic harness_method;

struct module_set *module_set_ref(struct module_set *set)
{
    return set;
}

void module_set_unref(struct module_set *set)
{
    (void)set;
}

struct imp_policy *imp_policy_create_outbound(struct module_set *set, const struct conf_chain *chain)
{
    (void)set, (void)chain;
    return NULL;
}

bool module_set_wants_hosts(const struct module_set *set)
{
    (void)set;
    return false;
}

struct imp_policy *imp_policy_create_host(struct module_set *set, const struct conf_chain *chain)
{
    return imp_policy_create_outbound(set, chain);
}

struct imp_policy *imp_policy_ref(struct imp_policy *policy)
{
    return policy;
}

void imp_policy_unref(struct imp_policy *policy)
{
    (void)policy;
}

const struct module_delivery_method *module_set_delivery_method(const struct module_set *set,
                                                                const char *name)
{
    (void)set;
    const struct module_delivery_method *method = harness_method;
    return method && strcasecmp(method->name, name) == 0 ? method : NULL;
}

static void copy(char *to, size_t size, struct imp_text from)
{
    snprintf(to, size, "%.*s", (int)from.size, from.size ? from.data : "");
}

static void add_event(const struct event *event)
{
    pthread_mutex_lock(&event_lock);
    if (event_total < EVENT_LIMIT)
        events[event_total++] = *event;
    pthread_cond_broadcast(&event_added);
    pthread_mutex_unlock(&event_lock);
}

static void add_outcome(char kind, const struct imp_log_delivery *from)
{
    struct event event = {kind, from->message_id, from->stage, from->retries, from->bytes, "", "", "", "",
                          ""};
    snprintf(event.recipient, sizeof event.recipient, "%.*s@%.*s", (int)from->recipient_local.size,
             from->recipient_local.data, (int)from->recipient_domain.size, from->recipient_domain.data);
    copy(event.peer, sizeof event.peer, from->peer);
    copy(event.binding, sizeof event.binding, from->binding);
    copy(event.response, sizeof event.response, from->response);
    add_event(&event);
}

struct pool_job_owner module_delivery_owner(const struct module_delivery_method *method)
{
    return (struct pool_job_owner){"harness", "its delivery_method", method->name};
}

enum imp_delivery_result module_deliver(const struct module_delivery_method *method,
                                        struct imp_delivery *delivery, char *response, size_t response_size)
{
    return method->deliver(delivery, response, response_size, method->closure);
}

enum hook_outcome (*_Atomic harness_sending)(struct imp_call *call);

bool module_set_has_hook(const struct module_set *set, enum hook_point point)
{
    (void)set;
    return point == POINT_SENDING && harness_sending;
}

/* The harness's hook answers at once: it never suspends. */
enum hook_outcome module_set_ask(struct module_set *set, enum hook_point point, struct imp_call *call)
{
    (void)set, (void)point;
    return harness_sending(call);
}

struct hook_reply *hook_call_reply(struct imp_call *call)
{
    if (!call->reply)
        call->reply = mem_new(struct hook_reply);
    return call->reply;
}

void hook_call_release(struct imp_call *call)
{
    free(call->reply);
    call->reply = NULL;
}

void hook_call_cancel(struct imp_call *call)
{
    (void)call;
}

void hook_call_abandon(struct imp_call *call, void (*released)(struct imp_call *call))
{
    (void)call, (void)released;
}

void hook_call_name_late(const struct imp_call *call, const char *how)
{
    (void)call, (void)how;
}

unsigned hook_call_deadline_ms(const struct imp_call *call)
{
    (void)call;
    return 0;
}

uint64_t hook_call_wait_ms(const struct imp_call *call)
{
    (void)call;
    return 0;
}

void module_set_tell(struct module_set *set, enum hook_point point, const struct hook_moment *moment)
{
    (void)set, (void)point, (void)moment;
}

void module_set_log_delivery(struct module_set *set, const struct imp_log_delivery *event)
{
    (void)set;
    add_outcome('D', event);
}

void module_set_log_transient(struct module_set *set, const struct imp_log_delivery *event)
{
    (void)set;
    add_outcome('T', event);
}

void module_set_log_permanent(struct module_set *set, const struct imp_log_delivery *event)
{
    (void)set;
    add_outcome('P', event);
}

void module_set_log_reception(struct module_set *set, const struct imp_log_reception *from)
{
    (void)set;
    struct event event = {.kind = 'R', .message_id = from->message_id, .size = from->bytes};
    snprintf(event.recipient, sizeof event.recipient, "%.*s@%.*s", (int)from->recipient_local.size,
             from->recipient_local.data, (int)from->recipient_domain.size, from->recipient_domain.data);
    copy(event.protocol, sizeof event.protocol, from->protocol);
    add_event(&event);
}

static const struct event *find_event(char kind, unsigned number)
{
    for (unsigned i = 0; i < event_total; i++)
        if (events[i].kind == kind && number-- == 0)
            return &events[i];
    return NULL;
}

struct event event_wait(char kind, unsigned number)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&event_lock);
    const struct event *found;
    while (!(found = find_event(kind, number)) &&
           pthread_cond_timedwait(&event_added, &event_lock, &until) == 0)
        ;
    struct event event = found ? *found : (struct event){0};
    pthread_mutex_unlock(&event_lock);
    return event;
}

unsigned event_count(char kind)
{
    unsigned count = 0;
    pthread_mutex_lock(&event_lock);
    for (unsigned i = 0; i < event_total; i++)
        count += events[i].kind == kind;
    pthread_mutex_unlock(&event_lock);
    return count;
}

/* ---- the paniclog ------------------------------------------------------------------------------------ */

static char last_line[500];

static void keep_line(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)level, (void)closure;
    pthread_mutex_lock(&event_lock);
    snprintf(last_line, sizeof last_line, "%.*s", (int)size, line);
    pthread_mutex_unlock(&event_lock);
}

static void catch_lines(void)
{
    paniclog_remove_sink(keep_line, NULL);
    paniclog_add_sink(keep_line, NULL);
    paniclog_set_stderr(false);
    last_line[0] = '\0';
}

char *harness_last_line(void)
{
    pthread_mutex_lock(&event_lock);
    char *copy = mem_dup(last_line);
    pthread_mutex_unlock(&event_lock);
    return copy;
}

/* ---- the daemon's part ------------------------------------------------------------------------------- */

static struct conf *load(const char *format, va_list args)
{
    char text[4096];
    struct conf_load_options options = {0};
    struct conf_report *report;
    int size = vsnprintf(text, sizeof text, format, args);
    struct conf *conf = conf_load_text("t.conf", text, (size_t)size, &options, &report);
    if (!conf) {
        conf_report_print(report, CONF_NOTE, stderr);
        exit(1);
    }
    conf_report_free(report);
    return conf;
}

static struct spool *open_spool(const char *folder)
{
    char error[500];
    struct spool_settings settings = {.directory = folder};
    struct spool *spool = spool_open(&settings, error, sizeof error);
    if (!spool) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    return spool;
}

static const char *option(const struct conf *conf, const char *name)
{
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    return conf_chain_text(&chain, name);
}

void harness_start(struct harness *harness, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct conf *conf = load(format, args);
    va_end(args);
    event_total = 0;
    catch_lines();
    *harness = (struct harness){.folder = mem_dup("/tmp/impulse-delivery-XXXXXX"), .ours = true};
    if (!mkdtemp(harness->folder))
        exit(1);
    harness->loops = loop_group_create("test", 2);
    harness->pools = pool_set_create();
    pool_set_start(harness->pools);
    harness->spool = open_spool(harness->folder);
    harness->dependencies = (struct queue_dependencies){harness->loops, harness->pools, harness->spool};
    harness->queues = queue_set_create(&harness->dependencies, conf, NULL);
    struct loop *loops[] = {loop_group_at(harness->loops, 0), loop_group_at(harness->loops, 1)};
    harness->resolvers =
        resolvers_create(loops, 2, &(struct resolver_settings){.resolv_conf = option(conf, "resolv_conf")});
    harness->delivery =
        delivery_create(harness->queues, &harness->dependencies, "client.example", harness->resolvers);
    conf_unref(conf);
    loop_group_start(harness->loops);
}

void harness_reconfigure(struct harness *harness, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct conf *conf = load(format, args);
    va_end(args);
    queue_set_reconfigure(harness->queues, conf, NULL);
    conf_unref(conf);
}

static void post(void *semaphore)
{
    sem_post(semaphore);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static void count_one(struct envelope *envelope, void *closure)
{
    ++*(unsigned *)closure;
    envelope_free(envelope);
}

unsigned harness_stop_and_count(struct harness *harness)
{
    sem_t drained;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    sem_init(&drained, 0, 0);
    queue_set_drain(harness->queues, post, &drained);
    CU_ASSERT_EQUAL(sem_timedwait(&drained, &until), 0);
    sem_destroy(&drained);
    harness_end(harness);
    return harness_count(harness);
}

void harness_end(struct harness *harness)
{
    loop_group_stop(harness->loops);
    delivery_free(harness->delivery);
    resolvers_free(harness->resolvers);
    queue_set_free(harness->queues);
    pool_set_free(harness->pools);
    spool_close(harness->spool);
    loop_group_free(harness->loops); /* the spool may still have been about to wake them */
}

unsigned harness_count(struct harness *harness)
{
    struct spool_recovered result;
    unsigned count = 0;
    struct spool *spool = open_spool(harness->folder);
    CU_ASSERT_EQUAL(spool_recover(spool, count_one, &count, &result), 0);
    spool_close(spool);
    nftw(harness->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(harness->folder);
    return count;
}

void harness_stop(struct harness *harness)
{
    CU_ASSERT_EQUAL(harness_stop_and_count(harness), 0);
}

/* ---- messages ---------------------------------------------------------------------------------------- */

struct waiting {
    struct spool_request request;
    sem_t settled;
};

static void wake(struct spool_request *request)
{
    sem_post(&container_of(request, struct waiting, request)->settled);
}

static void settle(struct spool *spool, const struct spool_request *request)
{
    struct waiting waiting = {.request = *request};
    waiting.request.done = wake;
    sem_init(&waiting.settled, 0, 0);
    spool_submit(spool, &waiting.request);
    while (sem_wait(&waiting.settled) != 0)
        ;
    sem_destroy(&waiting.settled);
    CU_ASSERT_EQUAL(waiting.request.status, SPOOL_OK);
}

/* Large content goes to the spool in chunks and is nowhere else, as the server leaves it. */
static struct body *store_body(struct harness *harness, struct slice content)
{
    bool small = content.size <= BODY_CHUNK;
    char *memory = small ? mem_copy_text(content.data, content.size) : NULL;
    struct body *body = body_create(id_next(), memory, content.size);
    for (size_t i = 0; i < content.size; i++)
        body->eight_bit |= (unsigned char)content.data[i] > 127;
    body->chunks = small ? 1 : (uint32_t)((content.size + BODY_CHUNK - 1) / BODY_CHUNK);
    for (uint32_t i = 0; i + 1 < body->chunks; i++) {
        struct slice part = {content.data + (size_t)i * BODY_CHUNK, BODY_CHUNK};
        settle(harness->spool,
               &(struct spool_request){.kind = SPOOL_CHUNK, .body = body, .chunk = i, .data = part});
    }
    return body;
}

static void send_all(struct harness *harness, struct envelope **envelopes, size_t count, struct body *body,
                     struct slice content)
{
    size_t before = (size_t)(body->chunks - 1) * BODY_CHUNK;
    settle(harness->spool, &(struct spool_request){
                               .kind = SPOOL_STORE,
                               .body = body,
                               .envelopes = envelopes,
                               .envelope_count = count,
                               .chunk = body->chunks - 1,
                               .data = {content.data + before, content.size - before},
                           });
    body_unref(body);
    for (size_t i = 0; i < count; i++)
        queue_accept(harness->queues, envelopes[i]);
}

static struct envelope *make_envelope(const char *from, const char *to, uint64_t batch_id, struct body *body)
{
    struct envelope_facts facts = {
        .reverse_path = slice_text(from),
        .recipient = slice_text(to),
        .binding = SLICE_LITERAL("default"),
        .id = id_next(),
        .batch_id = batch_id,
        .received_us = clock_wall_us(),
    };
    return envelope_create(&facts, body);
}

uint64_t harness_send(struct harness *harness, const char *from, const char *to, struct slice content)
{
    struct body *body = store_body(harness, content);
    struct envelope *envelope = make_envelope(from, to, id_next(), body);
    uint64_t id = envelope->id;
    send_all(harness, &envelope, 1, body, content);
    return id;
}

static void fill_in(struct envelope_facts *facts, uint64_t batch_id)
{
    facts->id = id_next();
    facts->batch_id = batch_id;
    facts->received_us = clock_wall_us();
    if (!facts->reverse_path.size)
        facts->reverse_path = SLICE_LITERAL("a@example.com");
}

void harness_send_facts(struct harness *harness, const struct envelope_facts *facts, size_t count,
                        struct slice content)
{
    struct body *body = store_body(harness, content);
    struct envelope **envelopes = mem_array(count, sizeof(struct envelope *));
    uint64_t batch_id = id_next();
    for (size_t i = 0; i < count; i++) {
        struct envelope_facts filled = facts[i];
        fill_in(&filled, batch_id);
        envelopes[i] = envelope_create(&filled, body);
    }
    send_all(harness, envelopes, count, body, content);
    free(envelopes);
}

void harness_send_many(struct harness *harness, unsigned count, struct slice content)
{
    struct body *body = store_body(harness, content);
    struct envelope **envelopes = mem_array(count, sizeof(struct envelope *));
    uint64_t batch_id = id_next();
    for (unsigned i = 0; i < count; i++) {
        char to[64];
        snprintf(to, sizeof to, "r%u@d%u.example", i, i);
        envelopes[i] = make_envelope("a@example.com", to, batch_id, body);
    }
    send_all(harness, envelopes, count, body, content);
    free(envelopes);
}

void harness_restore(struct harness *harness, unsigned count, const char *domain, unsigned seconds)
{
    for (unsigned i = 0; i < count; i++) {
        char to[64];
        snprintf(to, sizeof to, "r%u@%s", i, domain);
        struct body *body = body_create(id_next(), NULL, 0);
        struct envelope *envelope = make_envelope("", to, id_next(), body);
        body_unref(body);
        envelope->next_attempt_us = clock_wall_us() + seconds * UINT64_C(1000000);
        queue_accept(harness->queues, envelope);
    }
}

/* ---- a disk that is full ----------------------------------------------------------------------------- */

atomic_bool harness_disk_full;

void __real_spool_submit(struct spool *spool, struct spool_request *request);
void __wrap_spool_submit(struct spool *spool, struct spool_request *request);

/* The linker gives us the calls of spool_submit (-Wl,--wrap). */
void __wrap_spool_submit(struct spool *spool, struct spool_request *request)
{
    if (request->kind != SPOOL_STORE || !harness_disk_full) {
        __real_spool_submit(spool, request);
        return;
    }
    request->status = SPOOL_FULL;
    request->done(request);
}
