/*
 * test_spool_full: a disk that is full, and one that fails: the answer, what stays, and that it works again.
 *
 * The full disk is a small tmpfs in a mount namespace of the test's own, which needs root. The failing one is
 * a limit on the size of files, which needs nothing.
 */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/mem.h"
#include "spool_harness.h"

enum { MOST_MESSAGES = 1000, SMALL = 20000, LARGE = 3 * BODY_CHUNK + 5 };

static struct message kept[MOST_MESSAGES];
static size_t kept_count;

/* Stores messages until one is refused; keeps the others in `kept`. */
static enum spool_status fill(struct spool *spool, uint64_t size)
{
    enum spool_status status = SPOOL_OK;
    while (status == SPOOL_OK && kept_count < MOST_MESSAGES) {
        struct message message = harness_message(size, 1);
        status = harness_store(spool, &message);
        if (status == SPOOL_OK) {
            kept[kept_count++] = message;
            continue;
        }
        struct spool_request discard = {.kind = SPOOL_DISCARD, .body = message.body};
        if (size > BODY_CHUNK) {
            struct spool_request *request = mem_new(struct spool_request);
            *request = discard;
            spool_submit(spool, request);
        }
        harness_message_free(&message);
    }
    return status;
}

/* Tries until a message is stored again; the spool takes up to some seconds to find out that it can. */
static void store_again(struct spool *spool)
{
    struct message message = harness_message(SMALL, 1);
    enum spool_status status = SPOOL_ERROR;
    for (int attempt = 0; attempt < 100 && status != SPOOL_OK; attempt++) {
        status = harness_store(spool, &message);
        if (status != SPOOL_OK) { /* its body is spoilt: a client would send it again */
            harness_message_free(&message);
            message = harness_message(SMALL, 1);
            usleep(100000);
        }
    }
    CU_ASSERT_EQUAL_FATAL(status, SPOOL_OK);
    CU_ASSERT_EQUAL(harness_saw_line("messages are refused with"), harness_saw_line("writing works again"));
    kept[kept_count++] = message;
}

/* Nothing but the kept messages is in the spool, and they are whole. */
static void check_kept(const char *folder)
{
    struct spool *spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    size_t whole = 0;
    CU_ASSERT_EQUAL(recovered.result.damaged_rows, 0);
    CU_ASSERT_EQUAL(recovered.count, kept_count);
    for (size_t i = 0; i < kept_count; i++) {
        struct envelope *envelope = harness_find(&recovered, kept[i].envelopes[0]->id);
        whole += envelope && harness_content_is_whole(spool, envelope->body);
    }
    CU_ASSERT_EQUAL(whole, kept_count);
    harness_recovered_free(&recovered);
    spool_close(spool);
}

static void forget_kept(void)
{
    while (kept_count > 0)
        harness_message_free(&kept[--kept_count]);
}

/* ---- a full disk --------------------------------------------------------------------------------------- */

static char *small_disk; /* where it is mounted; NULL: not permitted */

/* Gives this process a view of the mounts that is its own. */
static bool leave_mounts(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool mount_small(const char *folder)
{
    return mount("tmpfs", folder, "tmpfs", 0, "size=32m,mode=0700") == 0;
}

/* A file that takes `size` bytes of the disk; the caller unlinks and frees the name. */
static char *make_ballast(const char *folder, off_t size)
{
    char *name = mem_printf("%s/ballast", folder);
    int fd = open(name, O_CREAT | O_WRONLY, 0600);
    CU_ASSERT_FATAL(fd >= 0 && posix_fallocate(fd, 0, size) == 0);
    close(fd);
    return name;
}

static void remove_ballast(char *name)
{
    unlink(name);
    free(name);
}

/* The ballast comes after the spool looked how much is free, so that it is the write that fails. */
static void fill_disk(uint64_t size)
{
    if (!small_disk)
        return;
    CU_ASSERT_FATAL(mount_small(small_disk));
    harness_forget_lines();
    struct spool *spool = harness_open(small_disk);
    char *ballast = make_ballast(small_disk, 20 << 20);
    CU_ASSERT_EQUAL(fill(spool, size), SPOOL_FULL);
    CU_ASSERT(kept_count > 1);
    struct spool_request *removal = mem_new(struct spool_request); /* it waits until there is room again */
    removal->kind = SPOOL_REMOVE;
    removal->envelopes = kept[--kept_count].envelopes;
    removal->envelope_count = 1;
    spool_submit(spool, removal);
    harness_message_free(&kept[kept_count]);
    remove_ballast(ballast);
    store_again(spool);
    spool_close(spool);
    check_kept(small_disk);
    forget_kept();
    umount(small_disk);
}

static void test_full_small(void)
{
    fill_disk(SMALL);
}

static void test_full_large(void)
{
    fill_disk(LARGE);
}

static void test_closed_while_full(void)
{
    if (!small_disk)
        return;
    CU_ASSERT_FATAL(mount_small(small_disk));
    struct spool *spool = harness_open(small_disk);
    char *ballast = make_ballast(small_disk, 20 << 20);
    CU_ASSERT_EQUAL(fill(spool, SMALL), SPOOL_FULL);
    spool_close(spool);
    remove_ballast(ballast);
    check_kept(small_disk);
    forget_kept();
    umount(small_disk);
}

/* ---- a failing disk ------------------------------------------------------------------------------------ */

static void test_failing(void)
{
    struct rlimit limit, small;
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit;
    small.rlim_cur = 1 << 20;
    harness_forget_lines();
    setrlimit(RLIMIT_FSIZE, &small);
    CU_ASSERT_EQUAL(fill(spool, SMALL), SPOOL_ERROR);
    CU_ASSERT(kept_count > 0);
    CU_ASSERT(harness_saw_line("writing failed"));
    CU_ASSERT(harness_saw_line("File too large"));
    setrlimit(RLIMIT_FSIZE, &limit);
    store_again(spool);
    spool_close(spool);
    check_kept(folder);
    forget_kept();
    harness_remove(folder);
}

int main(void)
{
    harness_catch_lines();
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit answers EFBIG instead */
    char *folder = harness_folder();
    if (leave_mounts())
        small_disk = folder;
    else
        fprintf(stderr,
                "test_spool_full: not permitted to mount a small disk; the tests that need it are skipped\n");
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("spool on a bad disk", NULL, NULL);
    CU_add_test(suite, "failing disk", test_failing);
    CU_add_test(suite, "full disk, small messages", test_full_small);
    CU_add_test(suite, "full disk, large messages", test_full_large);
    CU_add_test(suite, "closed while full", test_closed_while_full);
    int result = harness_run();
    harness_remove(folder);
    return result;
}
