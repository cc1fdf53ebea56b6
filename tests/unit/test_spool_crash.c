/*
 * test_spool_crash: kill -9 in the middle of work; what was acknowledged is there afterwards, what was
 * removed is not.
 *
 * The program runs itself as "test_spool_crash FOLDER". That child stores messages from several submitters
 * and tells each acknowledgement through its standard output: "S id" for an envelope stored, "R id" for one
 * removed, "B id" before a removal is submitted. The parent kills it after a while and looks what the spool
 * holds.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/thread.h"
#include "spool_harness.h"

enum { ROUNDS = 6, CHILD_THREADS = 4, MOST_TOLD = 100000 };

/* ---- the child ----------------------------------------------------------------------------------------- */

/* One line is one write of less than PIPE_BUF bytes, so lines of several threads do not mix. */
static void tell(char what, uint64_t id)
{
    char line[32];
    int size = snprintf(line, sizeof line, "%c %" PRIx64 "\n", what, id);
    if (write(STDOUT_FILENO, line, (size_t)size) != size)
        _exit(1);
}

/* Stores a message for two and removes `removals` of them. */
static void store_one(struct spool *spool, uint64_t size, size_t removals)
{
    struct message message = harness_message(size, 2);
    if (harness_store(spool, &message) != SPOOL_OK)
        _exit(1);
    tell('S', message.envelopes[0]->id);
    tell('S', message.envelopes[1]->id);
    for (size_t i = 0; i < removals; i++) {
        tell('B', message.envelopes[i]->id);
        if (harness_remove_envelope(spool, message.envelopes[i]) != SPOOL_OK)
            _exit(1);
        tell('R', message.envelopes[i]->id);
    }
    harness_message_free(&message);
}

static void *work(void *spool)
{
    for (size_t i = 0;; i++)
        store_one(spool, i % 10 ? 1000 : BODY_CHUNK + 1000, i % 3);
    return NULL;
}

static void forget(struct envelope *envelope, void *closure)
{
    (void)closure;
    envelope_free(envelope);
}

static int run_child(const char *folder, bool busy)
{
    pthread_t threads[CHILD_THREADS];
    struct spool_recovered result;
    alarm(60); /* should the parent die first */
    struct spool *spool = harness_open(folder);
    if (spool_recover(spool, forget, NULL, &result) != 0)
        return 1;
    if (!busy) {
        store_one(spool, 1000, 2);
        pause();
    }
    for (size_t i = 0; i < CHILD_THREADS; i++)
        if (thread_start(&threads[i], "submitter", 0, work, spool) != 0)
            return 1;
    pthread_join(threads[0], NULL);
    return 1;
}

/* ---- the parent ---------------------------------------------------------------------------------------- */

struct told {
    uint64_t id;
    bool stored, removing, removed;
};

static struct told told[MOST_TOLD];
static size_t told_count;

/* Ids of one child come nearly in order, so looking from the end is short. */
static struct told *find_told(uint64_t id)
{
    for (size_t i = told_count; i-- > 0;)
        if (told[i].id == id)
            return &told[i];
    if (told_count == MOST_TOLD)
        return NULL;
    told[told_count] = (struct told){.id = id};
    return &told[told_count++];
}

static pid_t start_child(const char *folder, const char *mode, FILE **output)
{
    int ends[2];
    pid_t child;
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char *)(uintptr_t) "test_spool_crash", (char *)(uintptr_t)folder,
                         (char *)(uintptr_t)mode, NULL};
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    CU_ASSERT_EQUAL_FATAL(posix_spawn(&child, "/proc/self/exe", &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *output = fdopen(ends[0], "r");
    return child;
}

/* Lets a child tell `count` lines, kills it, and notes all it told. */
static void run_and_kill(const char *folder, const char *mode, size_t count)
{
    FILE *output;
    char line[64], what;
    uint64_t id;
    int status;
    pid_t child = start_child(folder, mode, &output);
    for (size_t lines = 1; fgets(line, sizeof line, output); lines++) {
        CU_ASSERT_EQUAL(sscanf(line, "%c %" SCNx64, &what, &id), 2);
        struct told *one = find_told(id);
        CU_ASSERT_PTR_NOT_NULL_FATAL(one);
        one->stored |= what == 'S';
        one->removing |= what == 'B';
        one->removed |= what == 'R';
        if (lines == count)
            kill(child, SIGKILL);
    }
    fclose(output);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int compare_ids(const void *a, const void *b)
{
    const struct envelope *x = *(struct envelope *const *)a, *y = *(struct envelope *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void check(const char *folder)
{
    struct spool *spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    size_t lost = 0, back = 0, spoiled = 0;
    CU_ASSERT_EQUAL(recovered.result.damaged_rows, 0);
    if (recovered.count)
        qsort(recovered.envelopes, recovered.count, sizeof *recovered.envelopes, compare_ids);
    for (size_t i = 0; i < told_count; i++) {
        struct envelope key = {.id = told[i].id}, *pointer = &key, **found = NULL;
        if (recovered.count)
            found = bsearch(&pointer, recovered.envelopes, recovered.count, sizeof *found, compare_ids);
        lost += told[i].stored && !told[i].removing && !found;
        back += told[i].removed && found;
    }
    for (size_t i = 0; i < recovered.count; i++)
        spoiled += !harness_content_is_whole(spool, recovered.envelopes[i]->body);
    CU_ASSERT_EQUAL(lost, 0);
    CU_ASSERT_EQUAL(back, 0);
    CU_ASSERT_EQUAL(spoiled, 0);
    harness_recovered_free(&recovered);
    spool_close(spool);
}

static void test_kill(void)
{
    char *folder = harness_folder();
    for (size_t round = 0; round < ROUNDS; round++) {
        run_and_kill(folder, "busy", 20 + 137 * round);
        check(folder);
    }
    CU_ASSERT(told_count > ROUNDS * 20);
    harness_remove(folder);
}

static void test_kill_when_still(void)
{
    char *folder = harness_folder();
    told_count = 0;
    run_and_kill(folder, "still", 6);
    CU_ASSERT_EQUAL(told_count, 2);
    check(folder);
    harness_remove(folder);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return run_child(argv[1], strcmp(argv[2], "busy") == 0);
    harness_catch_lines();
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("spool and kill -9", NULL, NULL);
    CU_add_test(suite, "busy", test_kill);
    CU_add_test(suite, "still", test_kill_when_still);
    return harness_run();
}
