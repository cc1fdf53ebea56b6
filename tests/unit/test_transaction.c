/*
 * test_transaction: a transaction whose content goes to a spool that the test plays: it keeps the requests
 * and settles them when it likes.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include "base/mem.h"
#include "message/supplemental.h"
#include "smtp/server/transaction_private.h"
#include "unit.h"

enum { REQUESTS = 16 };

struct stage {
    struct loop_group *loops;
    struct smtp_server server;
    struct smtps_worker worker;
    struct esmtp_policy policy;
    struct smtps_session session;
    struct smtps_transaction *transaction;
    struct message *message; /* one reference */
};

static struct spool_request *requests[REQUESTS]; /* chunks that are not settled */
static size_t request_count, discards;

void __wrap_spool_submit(struct spool *spool, struct spool_request *request);

void __wrap_spool_submit(struct spool *spool, struct spool_request *request)
{
    (void)spool;
    if (request->kind == SPOOL_DISCARD) {
        discards++;
        free(request);
        return;
    }
    CU_ASSERT_FATAL(request_count < REQUESTS);
    requests[request_count++] = request;
}

/* Settles the oldest request; the loop learns of it in its next turn. */
static void settle(enum spool_status status)
{
    struct spool_request *request = requests[0];
    CU_ASSERT_FATAL(request_count > 0);
    memmove(requests, requests + 1, --request_count * sizeof *requests);
    request->status = status;
    request->done(request);
}

static int read_nothing(void *spool, const struct body *body, uint32_t chunk, char **data, size_t *size)
{
    (void)spool, (void)body, (void)chunk, (void)data, (void)size;
    return -ENOENT;
}

/* No Listen and no module. */
static struct smtp_generation *empty_generation(void)
{
    struct conf_report *report;
    struct conf_load_options options = {0};
    char error[200];
    struct conf *conf = conf_load_text("test.conf", "", 0, &options, &report);
    conf_report_free(report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    struct smtp_generation *generation = smtp_generation_create(conf, NULL, error, sizeof error);
    conf_unref(conf);
    CU_ASSERT_PTR_NOT_NULL_FATAL(generation);
    return generation;
}

/* After the last byte of a small message. */
static void open_stage(struct stage *stage)
{
    *stage = (struct stage){.loops = loop_group_create("loop", 1)};
    struct loop *loop = loop_group_at(stage->loops, 0);
    loop_adopt(loop);
    atomic_init(&stage->server.pending, 100);
    content_reader_init(&stage->server.reader, read_nothing, NULL);
    content_reader_init(&stage->worker.reader, read_nothing, NULL);
    stage->worker.server = &stage->server;
    stage->worker.loop = loop;
    stage->policy.large_message = BODY_CHUNK;
    stage->session.policy = &stage->policy;
    stage->session.worker = &stage->worker;
    stage->session.generation = empty_generation();
    struct mail_path path = {.mailbox = SLICE_LITERAL("a@b.example"), .domain = SLICE_LITERAL("b.example")};
    struct parameters parameters = {0};
    stage->transaction = transaction_create(&stage->session, &path, &parameters);
    stage->message = message_ref(transaction_message(stage->transaction));
    buf_append_text(&stage->message->content, "Subject: one\r\n\r\nbody\r\n");
    transaction_end_content(stage->transaction);
    request_count = discards = 0;
}

static void close_stage(struct stage *stage)
{
    message_unref(stage->message);
    smtp_generation_unref(stage->session.generation);
    loop_group_free(stage->loops);
}

static void turn(struct stage *stage)
{
    loop_run_posted(stage->worker.loop);
}

/* ---- the client leaves ------------------------------------------------------------------------------- */

static int append(struct stage *stage, size_t size)
{
    char *text = mem_zalloc(size);
    for (size_t i = 0; i < size; i++)
        text[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
    int error = body_replace_append(stage->message, slice_of(text, size));
    free(text);
    return error;
}

/* From then on its message is closed to all who still have a handle, also while chunks are being stored. */
static void test_abandoned_while_chunks_are_stored(void)
{
    struct stage stage;
    struct content_cursor cursor = {0};
    open_stage(&stage);
    CU_ASSERT_EQUAL(content_cursor_open(&cursor, stage.message, NULL, NULL), 0);
    CU_ASSERT_EQUAL(body_replace_begin(stage.message), 0);
    CU_ASSERT_EQUAL(append(&stage, (size_t)2 * BODY_CHUNK), 0);
    CU_ASSERT(request_count > 0);
    body_replace_cancel(stage.message);
    CU_ASSERT_EQUAL(body_replace_begin(stage.message), 0);
    transaction_abandon(stage.transaction);
    CU_ASSERT_FALSE(stage.message->ended); /* the spool still has a chunk of it */
    CU_ASSERT_FALSE(content_cursor_sync(&cursor));
    CU_ASSERT_EQUAL(content_cursor_open(&(struct content_cursor){0}, stage.message, NULL, NULL), -EPERM);
    CU_ASSERT_EQUAL(header_remove(stage.message, "Subject", 0), -EPERM);
    CU_ASSERT_EQUAL(append(&stage, (size_t)2 * BODY_CHUNK), -EPERM); /* asked the session for its policy */
    while (request_count > 0)
        settle(SPOOL_OK);
    turn(&stage);
    CU_ASSERT_TRUE(stage.message->ended);
    CU_ASSERT_EQUAL(discards, 1);
    content_cursor_close(&cursor);
    close_stage(&stage);
}

/* ---- chunks that the spool failed to keep ------------------------------------------------------------ */

static struct smtps_session *went_on;

static void go_on(struct smtps_session *session)
{
    went_on = session;
}

/* What follows a chunk that failed is refused as well, as if the disk were full: that is not the reason. */
static void test_the_first_failure_is_the_answer(void)
{
    struct stage stage;
    open_stage(&stage);
    CU_ASSERT_EQUAL(body_replace_begin(stage.message), 0);
    CU_ASSERT_EQUAL(append(&stage, (size_t)4 * BODY_CHUNK), 0);
    CU_ASSERT(request_count > 2);
    CU_ASSERT_PTR_NULL(transaction_verdict(stage.transaction));
    CU_ASSERT_TRUE(transaction_when_settled(stage.transaction, go_on));
    settle(SPOOL_OK);
    settle(SPOOL_ERROR);
    while (request_count > 0)
        settle(SPOOL_FULL);
    CU_ASSERT_PTR_NULL(went_on);
    turn(&stage);
    CU_ASSERT_PTR_EQUAL(went_on, &stage.session);
    CU_ASSERT_PTR_EQUAL(transaction_verdict(stage.transaction), &reply_spool_error);
    transaction_abandon(stage.transaction);
    CU_ASSERT_TRUE(stage.message->ended);
    close_stage(&stage);
}

/* ---- envelopes --------------------------------------------------------------------------------------- */

/* Edits in as many pieces as modules may make. */
static void edit_up_to_the_pieces(struct edits *edits)
{
    edits_init(edits, 100000);
    for (uint64_t at = 2; edits_splice(edits, at, 0, SLICE_LITERAL("x")) == EDITS_OK;)
        at += 3;
    CU_ASSERT(edits->count + 2 > EDITS_PIECES);
}

/* Edits with as much text as modules may put in. */
static void edit_up_to_the_text(struct edits *edits)
{
    char *text = mem_zalloc(EDITS_TEXT);
    edits_init(edits, 1000);
    CU_ASSERT_EQUAL(edits_splice(edits, 500, 0, slice_of(text, EDITS_TEXT)), EDITS_OK);
    free(text);
}

/* The daemon's own field is there however much modules have edited. */
static void prepend_supplemental(void (*edit)(struct edits *edits))
{
    struct stage stage;
    char name[] = "X-Own";
    struct supplemental_rules rules = {.name = name};
    struct edits_view view;
    open_stage(&stage);
    stage.policy.supplemental = &rules;
    struct message_recipient *recipient =
        recipient_create(stage.message, mem_dup("c@d.example"), "d.example");
    message_add_recipient(stage.message, recipient);
    recipient->edited = true;
    edit(&recipient->edits);
    uint64_t before = recipient->edits.size;
    stage.message->body = body_create(1, NULL, 0);
    transaction_create_envelopes(stage.transaction);
    struct envelope *envelope = stage.transaction->envelopes[0];
    CU_ASSERT_TRUE_FATAL(edits_open(envelope->header, &view));
    CU_ASSERT(view.size > before);
    struct edits_run run = edits_find(&view, 0, &(struct edits_place){0});
    CU_ASSERT(run.text && run.size > 7 && memcmp(run.text, "X-Own: ", 7) == 0);
    envelope_free(envelope);
    transaction_abandon(stage.transaction);
    close_stage(&stage);
}

static void test_the_supplemental_header_at_the_bounds(void)
{
    prepend_supplemental(edit_up_to_the_pieces);
    prepend_supplemental(edit_up_to_the_text);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"abandoned while chunks are stored", test_abandoned_while_chunks_are_stored},
        {"the first failure is the answer", test_the_first_failure_is_the_answer},
        {"the supplemental header at the bounds", test_the_supplemental_header_at_the_bounds},
        CU_TEST_INFO_NULL,
    };
    return unit_run("transaction", tests);
}
