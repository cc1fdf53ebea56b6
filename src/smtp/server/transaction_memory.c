/*
 * transaction_memory: how much memory the content of all sessions may hold before it is answered (BUDGET_ARRIVING).
 *
 * A transaction counts what it holds with its worker, and the worker with the budget when COUNTED bytes have come
 * together, so that loops do not share a counter for each read. Above the budget, a session that holds more than its
 * share is not read. It looks again every PAUSE_MS, and goes on when there is room. So that large messages get through
 * while others hold the memory and do not move, some sessions of each loop have a turn: they are read all the same. Whose
 * client has not sent TURN_BYTES in TURN_MS then is answered 421 4.3.1, and what it held is free.
 */
#include "smtp/server/transaction_private.h"

#include <errno.h>
#include "metrics/budget.h"

enum {
    COUNTED = 64 * 1024,    /* bytes that a worker may have counted and not told the budget */
    SMALL_HOLD = 16 * 1024, /* bytes that any session may hold */
    SMALL_READ = 4 * 1024,  /* bytes to read at once while the budget is used up */
    PAUSE_MS = 100,
    TURN_MS = 500,
    TURN_BYTES = 16 * 1024,
    TURN_HOLD = 1024 * 1024, /* bytes that a session with a turn may come to hold */
    LEAST_TURNS = 2,         /* of each loop */
};

/* Content that is not in one of the parts below counts with the room that its buffer has. */
static uint64_t holding(const struct smtps_transaction *t)
{
    uint64_t parts = t->outstanding + (t->message->head ? 1 : 0);
    return t->message->content.capacity + parts * BODY_CHUNK;
}

/* Notes that the transaction holds `now` bytes. */
static void set_held(struct smtps_transaction *t, uint64_t now)
{
    struct smtps_worker *worker = t->worker;
    if (now == t->held)
        return;
    worker->held += now - t->held;
    worker->uncounted += (int64_t)(now - t->held);
    t->held = now;
    bool rests = worker->held == 0 && worker->uncounted != 0;
    if (!rests && worker->uncounted < COUNTED && worker->uncounted > -COUNTED)
        return;
    if (worker->uncounted > 0)
        budget_force(BUDGET_ARRIVING, (uint64_t)worker->uncounted);
    else
        budget_give(BUDGET_ARRIVING, (uint64_t)-worker->uncounted);
    worker->uncounted = 0;
}

void transaction_count_memory(struct smtps_transaction *t)
{
    set_held(t, holding(t));
}

void transaction_count_settled(struct smtps_transaction *t)
{
    set_held(t, t->held > BODY_CHUNK ? t->held - BODY_CHUNK : 0);
}

void transaction_end_turn(struct smtps_transaction *t)
{
    t->worker->turns -= t->has_turn;
    t->has_turn = false;
}

void transaction_release_memory(struct smtps_transaction *t)
{
    transaction_end_turn(t);
    set_held(t, 0);
}

bool transaction_memory_is_scarce(void)
{
    return budget_used(BUDGET_ARRIVING) > budget_limit(BUDGET_ARRIVING) / 2;
}

/*
 * Returns whether the session holds more than its share of a budget that is used up. Half of the budget is shared out, so
 * that those below their share cannot pass it by much.
 */
static bool holds_too_much(const struct smtps_transaction *t)
{
    uint64_t limit = budget_limit(BUDGET_ARRIVING);
    if (t->held <= SMALL_HOLD || budget_used(BUDGET_ARRIVING) <= limit)
        return false;
    return t->held > limit / 2 / (smtp_server_sessions(t->worker->server) + 1);
}

void transaction_judge_memory(struct smtps_transaction *t)
{
    bool paused = !t->refusal && !t->has_turn && holds_too_much(t);
    if (paused && !t->paused)
        budget_refuse(BUDGET_ARRIVING);
    t->paused = paused;
}

/* Each of very many sessions may read once more before it is stopped. */
size_t transaction_read_size(const struct smtps_transaction *t, size_t usual)
{
    bool full = budget_used(BUDGET_ARRIVING) > budget_limit(BUDGET_ARRIVING);
    return full && !t->has_turn && usual > SMALL_READ ? SMALL_READ : usual;
}

bool transaction_paused(const struct smtps_transaction *t)
{
    return t->paused;
}

static bool takes_turn(struct smtps_transaction *t)
{
    uint64_t most = budget_limit(BUDGET_ARRIVING) / 8 / TURN_HOLD;
    if (t->worker->turns >= (most > LEAST_TURNS ? most : LEAST_TURNS))
        return false;
    t->worker->turns++;
    t->has_turn = true;
    t->turn_from = t->reader.size;
    t->turn_ends = loop_now(t->worker->loop) + TURN_MS;
    return true;
}

/* Returns the transaction whose content is arriving, maybe in chunks; NULL: it ended after the time was set. */
static struct smtps_transaction *arriving(struct smtps_session *session)
{
    bool reads = session->state == SESSION_RECEIVING || session->state == SESSION_READING;
    if (reads && session->transaction)
        return session->transaction;
    session_renew_deadline(session);
    return NULL;
}

static void look_again(struct smtps_session *session)
{
    struct smtps_transaction *t = arriving(session);
    char byte;
    if (!t)
        return;
    ssize_t there = stream_peek(&session->stream, &byte, 1);
    if (there == 0 || (there < 0 && there != -EAGAIN)) {
        session_lost(session);
        return;
    }
    if (!holds_too_much(t) || takes_turn(t))
        t->paused = false;
    session_resume(session);
}

static void turn_is_over(struct smtps_session *session)
{
    struct smtps_transaction *t = arriving(session);
    if (!t)
        return;
    if (!t->has_turn) { /* it was the turn of the transaction before */
        session_renew_deadline(session);
        return;
    }
    bool moves = t->reader.size - t->turn_from >= TURN_BYTES;
    transaction_end_turn(t);
    if (!moves && holds_too_much(t)) {
        session_reply(session, &reply_memory_end);
        session_close(session);
        return;
    }
    if (moves)
        takes_turn(t);
    session_resume(session);
}

void transaction_watch_memory(struct smtps_transaction *t)
{
    struct smtps_session *session = t->session;
    uint64_t now = t->has_turn ? loop_now(t->worker->loop) : 0;
    if (t->has_turn)
        session_set_time(session, t->turn_ends > now ? t->turn_ends - now : 0, turn_is_over);
    else if (t->paused && session->state == SESSION_RECEIVING && session->time_is_up != look_again)
        session_set_time(session, PAUSE_MS, look_again);
}
