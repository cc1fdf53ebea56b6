/*
 * survey: compares the folder with RocksDB's catalogue, and both with what was noted (progress.h).
 */
#include "spool/survey.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "spool/catalogue.h"
#include "spool/encodings.h"
#include "spool/record_file.h"

struct folder {
    const char *path;
    uint64_t *logs;                /* their numbers, in order */
    size_t log_count, other_count; /* others: tables, blob files */
    uint64_t newest_other;         /* their greatest number */
};

/* ---- the folder ---------------------------------------------------------------------------------------- */

static int compare_logs(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static char *log_name(const char *path, uint64_t number)
{
    return mem_printf("%s/%06" PRIu64 ".log", path, number);
}

static void see_file(struct folder *folder, const char *name)
{
    uint64_t number;
    if (catalogue_file_number(name, ".log", &number)) {
        folder->logs = mem_resize(folder->logs, (folder->log_count + 1) * sizeof *folder->logs);
        folder->logs[folder->log_count++] = number;
    } else if (catalogue_file_number(name, ".sst", &number) ||
               catalogue_file_number(name, ".blob", &number)) {
        folder->other_count++;
        if (number > folder->newest_other)
            folder->newest_other = number;
    }
}

/* 0 or a negative errno. */
static int read_folder(struct folder *folder, const char *path)
{
    *folder = (struct folder){.path = path};
    DIR *directory = opendir(path);
    if (!directory)
        return -errno;
    for (struct dirent *entry; (entry = readdir(directory));)
        see_file(folder, entry->d_name);
    closedir(directory);
    if (folder->log_count)
        qsort(folder->logs, folder->log_count, sizeof *folder->logs, compare_logs);
    return 0;
}

/* ---- tables and blob files ----------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void break_it(struct survey *survey, const char *format, ...)
{
    va_list args;
    survey->verdict = SURVEY_BROKEN;
    va_start(args, format);
    vsnprintf(survey->text, sizeof survey->text, format, args);
    va_end(args);
}

/* Is there a file of that name and size? */
static bool check_file(struct survey *survey, const char *path, const struct catalogue_file *file,
                       const char *suffix)
{
    struct stat status;
    char *name = mem_printf("%s/%06" PRIu64 ".%s", path, file->number, suffix);
    if (stat(name, &status) != 0)
        break_it(survey, "the file %s: %s", name, strerror(errno));
    else if ((uint64_t)status.st_size != file->size)
        break_it(survey, "Corruption: the file %s has %ju bytes and not the %" PRIu64 " that were written",
                 name, (uintmax_t)status.st_size, file->size);
    free(name);
    return survey->verdict != SURVEY_BROKEN;
}

static bool check_files(struct survey *survey, const char *path, const struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->tables.count; i++)
        if (!check_file(survey, path, &catalogue->tables.files[i], "sst"))
            return false;
    for (size_t i = 0; i < catalogue->blobs.count; i++) {
        const struct catalogue_file *blob = &catalogue->blobs.files[i];
        if (catalogue_needs_blob(catalogue, blob) && !check_file(survey, path, blob, "blob"))
            return false;
    }
    return true;
}

static bool check_catalogue(struct survey *survey, const struct catalogue *catalogue)
{
    const struct progress_facts *noted = &survey->noted;
    if (survey->state != PROGRESS_READ || noted->catalogue != catalogue->number ||
        noted->catalogue_size <= catalogue->size)
        return true;
    break_it(survey,
             "Corruption: the catalogue MANIFEST-%06" PRIu64 " ends after %" PRIu64
             " bytes, and had %" PRIu64,
             catalogue->number, catalogue->size, noted->catalogue_size);
    return false;
}

/* ---- the logs ------------------------------------------------------------------------------------------ */

static void fall_short(struct survey *survey, uint64_t missing, const char *format, const char *name,
                       uint64_t where)
{
    survey->missing += missing;
    if (survey->verdict == SURVEY_SHORT)
        return; /* the first place is told */
    survey->verdict = SURVEY_SHORT;
    snprintf(survey->text, sizeof survey->text, format, name, where);
}

/* Follows the numbers of the changes through one log. `reached` is the last one before it, or 0 if not known. */
static void follow_log(struct survey *survey, const char *name, uint64_t *reached)
{
    struct record_file file;
    struct slice record;
    enum record_result result = RECORD_END;
    if (record_file_open(&file, name) == 0)
        while ((result = record_file_next(&file, &record)) == RECORD_GOOD) {
            uint64_t first;
            uint32_t count;
            if (!field_fixed64(&record, &first) || !field_fixed32(&record, &count))
                break;
            if (*reached && first > *reached + 1)
                fall_short(survey, first - *reached - 1,
                           "changes are missing before the log %s, byte %" PRIu64, name, file.offset);
            if (first + count > *reached + 1)
                *reached = first + count - 1;
        }
    if (result == RECORD_DAMAGED && !*survey->damage)
        snprintf(survey->damage, sizeof survey->damage, "the log %s is damaged at byte %zu", name,
                 file.damage);
    record_file_close(&file);
}

static bool has_log(const struct folder *folder, uint64_t number)
{
    return folder->log_count &&
           bsearch(&number, folder->logs, folder->log_count, sizeof *folder->logs, compare_logs);
}

/* The first of several logs leaves no gap that could be seen, so the logs are also noted. The newest may be missing after a
 * power loss when nothing durable is in it. */
static void check_noted_logs(struct survey *survey, const struct folder *folder,
                             const struct catalogue *catalogue)
{
    const struct progress_facts *noted = &survey->noted;
    uint64_t newest = folder->log_count ? folder->logs[folder->log_count - 1] : 0;
    for (uint64_t i = 0; i < noted->log_count; i++) {
        if (noted->logs[i] < catalogue->oldest_log || noted->logs[i] > newest ||
            has_log(folder, noted->logs[i]))
            continue;
        char *name = log_name(folder->path, noted->logs[i]);
        fall_short(survey, 0, "the log %s is not there", name, 0);
        free(name);
    }
}

static void check_logs(struct survey *survey, const struct folder *folder, const struct catalogue *catalogue)
{
    uint64_t reached = 0;
    check_noted_logs(survey, folder, catalogue);
    for (size_t i = 0; i < folder->log_count; i++) {
        if (folder->logs[i] < catalogue->oldest_log)
            continue;
        char *name = log_name(folder->path, folder->logs[i]);
        follow_log(survey, name, &reached);
        free(name);
    }
    survey->reached = reached > catalogue->last_sequence ? reached : catalogue->last_sequence;
    /* When the newest log that was noted is not needed any more, all is in tables, and RocksDB may have forgotten the numbers of
     * the last changes: those of rows that were put and removed. */
    if (survey->state == PROGRESS_READ && survey->noted.newest_log >= catalogue->oldest_log)
        survey->expected = survey->noted.sequence;
    if (survey->reached >= survey->expected)
        return;
    fall_short(survey, survey->expected - survey->reached, "%.300s: the logs end with change %" PRIu64,
               *survey->damage ? survey->damage : "the end of the log is missing", survey->reached);
}

/*
 * The catalogue does not name the newest table or blob file. A kill leaves that while a table is written, and the log still has
 * what is in it. But if the log is short, or nobody noted what it held, the end of the catalogue may be missing, and RocksDB would
 * remove the file when it is opened.
 */
static void check_newest(struct survey *survey, const struct folder *folder,
                         const struct catalogue *catalogue)
{
    if ((survey->verdict == SURVEY_WHOLE && survey->state == PROGRESS_READ) ||
        folder->newest_other <= catalogue->newest)
        return;
    survey->may_be_older = survey->verdict == SURVEY_WHOLE && survey->state == PROGRESS_NONE;
    survey->catalogued = false;
    break_it(survey,
             "Corruption: the catalogue MANIFEST-%06" PRIu64 " does not name the newest file, %06" PRIu64,
             catalogue->number, folder->newest_other);
}

/* ---- all ----------------------------------------------------------------------------------------------- */

/* There is no CURRENT. May the spool be created? Also where a creation was interrupted, which left a MANIFEST at most. */
static void judge_missing(struct survey *survey, const struct folder *folder)
{
    char *marker = progress_marker(folder->path);
    bool marked = access(marker, F_OK) == 0, noted = survey->state != PROGRESS_NONE;
    if (folder->log_count || folder->other_count)
        break_it(survey, "the file CURRENT is missing, which names the catalogue of the other files");
    else if (noted || marked)
        break_it(survey, "all its files are gone; if it is to begin empty, remove %s%s%s%s",
                 marked ? marker : "", marked && noted ? " and " : "", noted ? folder->path : "",
                 noted ? "/progress" : "");
    else
        survey->verdict = SURVEY_FRESH;
    free(marker);
}

/* The catalogue could not be read: survey->text says why. RocksDB itself may well understand what another version of it wrote,
 * so that is no reason to refuse a start. */
static void judge_unread(struct survey *survey, const struct catalogue *catalogue)
{
    if (!catalogue->is_foreign) {
        survey->verdict = SURVEY_BROKEN;
        return;
    }
    snprintf(survey->doubt, sizeof survey->doubt, "%.140s: another version of RocksDB wrote it",
             survey->text);
    survey->text[0] = '\0';
}

static void judge(struct survey *survey, const struct folder *folder)
{
    struct catalogue catalogue;
    char *current = mem_printf("%s/CURRENT", folder->path);
    bool exists = access(current, F_OK) == 0;
    free(current);
    if (!exists) {
        judge_missing(survey, folder);
        return;
    }
    if (!catalogue_read(&catalogue, folder->path, survey->text, sizeof survey->text))
        judge_unread(survey, &catalogue);
    else
        survey->catalogued = check_catalogue(survey, &catalogue);
    if (survey->catalogued && check_files(survey, folder->path, &catalogue)) {
        check_logs(survey, folder, &catalogue);
        check_newest(survey, folder, &catalogue);
    }
    catalogue_release(&catalogue);
}

void survey_take(struct survey *survey, const char *directory)
{
    struct folder folder;
    *survey = (struct survey){.verdict = SURVEY_WHOLE};
    survey->state = progress_read(directory, &survey->noted);
    int error = read_folder(&folder, directory);
    if (error)
        break_it(survey, "%s", strerror(-error));
    else
        judge(survey, &folder);
    free(folder.logs);
}

const char *survey_problem(const struct survey *survey)
{
    return survey->verdict == SURVEY_FRESH ? "there is no spool" : survey->text;
}

void survey_trust_older(struct survey *survey, const char *directory)
{
    char *marker = progress_marker(directory);
    if (survey->verdict == SURVEY_BROKEN && survey->may_be_older && access(marker, F_OK) != 0) {
        snprintf(survey->doubt, sizeof survey->doubt, "%.140s: a kill leaves that while it is written",
                 survey->text);
        survey->text[0] = '\0';
        survey->verdict = SURVEY_WHOLE;
    }
    free(marker);
}

/* 0 or a negative errno. */
static int link_logs(const struct folder *folder, const char *kept)
{
    for (size_t i = 0; i < folder->log_count; i++) {
        char *from = log_name(folder->path, folder->logs[i]);
        char *to = log_name(kept, folder->logs[i]);
        int error = link(from, to) != 0 && errno != EEXIST ? -errno : 0;
        free(from);
        free(to);
        if (error)
            return error;
    }
    return 0;
}

int survey_keep_logs(const char *directory)
{
    struct folder folder;
    char *kept = mem_printf("%s/kept", directory);
    int error = read_folder(&folder, directory);
    if (!error && mkdir(kept, 0750) != 0 && errno != EEXIST)
        error = -errno;
    if (!error)
        error = link_logs(&folder, kept);
    free(folder.logs);
    free(kept);
    return error;
}

void survey_forget_logs(const char *directory)
{
    struct folder folder;
    char *kept = mem_printf("%s/kept", directory);
    if (read_folder(&folder, kept) == 0)
        for (size_t i = 0; i < folder.log_count; i++) {
            char *name = log_name(kept, folder.logs[i]);
            unlink(name);
            free(name);
        }
    rmdir(kept);
    free(folder.logs);
    free(kept);
}

char *survey_name_kept(const char *directory, uint64_t reached)
{
    char *kept = mem_printf("%s/kept", directory);
    char *name = mem_printf("%s/kept.%" PRIu64, directory, reached);
    if (rename(kept, name) != 0)
        name[0] = '\0';
    free(kept);
    return name;
}
