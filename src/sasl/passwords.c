/*
 * passwords: the open files of passwords, and the sorted table that is kept of each.
 */
#include "sasl/passwords.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include "base/mem.h"
#include "log/paniclog.h"
#include "sasl/records.h"

/* A file whose last change is younger than this when it is read may change again within the same tick of the
 * file system's clock: what was read of it is not relied on. */
enum { SETTLED_SECONDS = 2 };

struct record {
    struct slice user, realm, secret; /* into the text */
};

struct passwords {
    struct passwords *next; /* in `files` */
    unsigned references;    /* under files_lock */
    char *path;
    struct passwords_form form;
    pthread_mutex_t lock; /* of what follows */
    bool settled;         /* `status` tells whether the file changed */
    struct stat status;   /* when it was read */
    struct buf text;
    struct record *records; /* by user, realm, place in the file */
    size_t count;
    struct slice first_realm;
    int error; /* why it could not be read last time, as the paniclog was told; 0: it could */
};

static struct passwords *files;
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- who has it open ------------------------------------------------------------------------- */

static struct passwords *find_open(const char *path, struct passwords_form form)
{
    for (struct passwords *file = files; file; file = file->next)
        if (file->form.realms == form.realms && file->form.hashed == form.hashed &&
            strcmp(file->path, path) == 0)
            return file;
    return NULL;
}

struct passwords *passwords_open(const char *path, struct passwords_form form)
{
    pthread_mutex_lock(&files_lock);
    struct passwords *passwords = find_open(path, form);
    if (!passwords) {
        passwords = mem_new(struct passwords);
        passwords->path = mem_dup(path);
        passwords->form = form;
        pthread_mutex_init(&passwords->lock, NULL);
        passwords->next = files;
        files = passwords;
    }
    passwords->references++;
    pthread_mutex_unlock(&files_lock);
    return passwords;
}

struct passwords *passwords_ref(struct passwords *passwords)
{
    pthread_mutex_lock(&files_lock);
    passwords->references++;
    pthread_mutex_unlock(&files_lock);
    return passwords;
}

static void forget_table(struct passwords *passwords)
{
    if (passwords->text.memory)
        explicit_bzero(passwords->text.memory, passwords->text.capacity);
    buf_release(&passwords->text);
    free(passwords->records);
    passwords->records = NULL;
    passwords->count = 0;
    passwords->first_realm = slice_of(NULL, 0);
    passwords->settled = false;
}

void passwords_close(struct passwords *passwords)
{
    if (!passwords)
        return;
    pthread_mutex_lock(&files_lock);
    bool last = --passwords->references == 0;
    for (struct passwords **link = &files; last && *link; link = &(*link)->next)
        if (*link == passwords) {
            *link = passwords->next;
            break;
        }
    pthread_mutex_unlock(&files_lock);
    if (!last)
        return;
    forget_table(passwords);
    pthread_mutex_destroy(&passwords->lock);
    free(passwords->path);
    free(passwords);
}

struct passwords_form passwords_form(const struct passwords *passwords)
{
    return passwords->form;
}

/* ---- the table ------------------------------------------------------------------------------- */

static int compare_slices(struct slice a, struct slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_keys(const struct record *a, const struct record *b)
{
    int order = compare_slices(a->user, b->user);
    return order ? order : compare_slices(a->realm, b->realm);
}

static int compare_records(const void *left, const void *right)
{
    const struct record *a = left, *b = right;
    int order = compare_keys(a, b);
    return order ? order : (a->user.data > b->user.data) - (a->user.data < b->user.data);
}

static bool parse(struct passwords_form form, struct slice line, struct record *record)
{
    bool fine;
    record->realm = slice_of(NULL, 0);
    if (form.realms)
        fine = records_parse_realm_password(line, &record->user, &record->realm, &record->secret);
    else
        fine = records_parse_password(line, &record->user, &record->secret);
    return fine && (!form.hashed || records_is_digest(record->secret));
}

static void fill_table(struct passwords *passwords)
{
    struct slice text = buf_slice(&passwords->text), line;
    struct record record;
    unsigned number = 0;
    size_t room = 0;
    while (records_next(&text, &line, &number)) {
        if (!parse(passwords->form, line, &record))
            continue;
        if (passwords->count == 0)
            passwords->first_realm = record.realm;
        if (passwords->count == room) {
            room = room ? room * 2 : 16;
            passwords->records = mem_resize(passwords->records, room * sizeof record);
        }
        passwords->records[passwords->count++] = record;
    }
    if (passwords->count)
        qsort(passwords->records, passwords->count, sizeof record, compare_records);
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_current(const struct passwords *passwords, const struct stat *status)
{
    const struct stat *before = &passwords->status;
    return passwords->settled && before->st_dev == status->st_dev && before->st_ino == status->st_ino &&
           before->st_size == status->st_size && same_time(before->st_mtim, status->st_mtim) &&
           same_time(before->st_ctim, status->st_ctim);
}

static int read_anew(struct passwords *passwords)
{
    struct stat status;
    if (stat(passwords->path, &status) < 0)
        return -errno;
    if (is_current(passwords, &status))
        return 0;
    forget_table(passwords);
    int error = records_read(&passwords->text, passwords->path);
    if (error < 0)
        return error;
    fill_table(passwords);
    passwords->status = status; /* of before it was read: if it changed meanwhile, that will show */
    passwords->settled = time(NULL) - status.st_ctim.tv_sec > SETTLED_SECONDS;
    return 0;
}

/* Takes the lock and brings the table up to date. 0 or a negative errno; the table is empty then: what cannot
 * be read lets nobody in. `news`: this error is not the one of the last time. */
static int lock_fresh(struct passwords *passwords, bool *news)
{
    pthread_mutex_lock(&passwords->lock);
    int error = read_anew(passwords);
    if (error < 0)
        forget_table(passwords);
    *news = error < 0 && error != passwords->error;
    passwords->error = error;
    return error;
}

/* Gives the lock back, and says the error then. Strangers decide how often it is tried, so it is said once.
 */
static void unlock(struct passwords *passwords, int error, bool news)
{
    pthread_mutex_unlock(&passwords->lock);
    if (news)
        paniclog(PANIC_ERROR, "cannot read passwords from %s: %s; nobody can authenticate by it",
                 passwords->path, strerror(-error));
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* The first record that is not before the key; as many steps whatever is there. */
static const struct record *lower_bound(const struct passwords *passwords, const struct record *key)
{
    const struct record *from = passwords->records;
    for (size_t count = passwords->count; count > 0;) {
        size_t half = count / 2;
        if (compare_keys(from + half, key) < 0) {
            from += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return from;
}

static void append_secret(const struct passwords *passwords, struct slice secret, struct buf *out)
{
    char *copy = buf_reserve(out, secret.size);
    for (size_t i = 0; i < secret.size; i++)
        copy[i] = passwords->form.hashed ? ascii_lower(secret.data[i]) : secret.data[i];
    buf_commit(out, secret.size);
}

int passwords_find(struct passwords *passwords, struct slice user, struct slice realm, struct buf *secret)
{
    struct record key = {.user = user, .realm = passwords->form.realms ? realm : slice_of(NULL, 0)};
    bool news;
    int error = lock_fresh(passwords, &news), result = error;
    if (result == 0 && passwords->count > 0) {
        const struct record *found = lower_bound(passwords, &key);
        if (found < passwords->records + passwords->count && compare_keys(found, &key) == 0) {
            append_secret(passwords, found->secret, secret);
            result = 1;
        }
    }
    unlock(passwords, error, news);
    return result;
}

int passwords_first_realm(struct passwords *passwords, struct buf *realm)
{
    bool news;
    int error = lock_fresh(passwords, &news), result = error;
    if (result == 0 && passwords->count > 0) {
        buf_append_slice(realm, passwords->first_realm);
        result = 1;
    }
    unlock(passwords, error, news);
    return result;
}
