/*
 * rescue_copy: backup and restore of a spool that is not used. The running daemon makes its backups itself
 * (spool_backup); they have the same form: a directory with the folder "impulse".
 */
#include "spool/rescue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "spool/directory.h"
#include "spool/progress.h"
#include "spool/survey.h"

enum { FOLDER_MODE = 0750 };

/* Copies the bytes and makes them durable. 0 or a negative errno. */
static int copy_bytes(int from, int to)
{
    ssize_t sent;
    while ((sent = sendfile(to, from, NULL, 1 << 30)) > 0)
        ;
    return sent < 0 || fsync(to) != 0 ? -errno : 0;
}

static int copy_file(const char *from, const char *to)
{
    struct stat status;
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1, error = in < 0 ? -errno : 0;
    if (!error && fstat(in, &status) != 0)
        error = -errno;
    if (!error && (out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status.st_mode & 0777)) < 0)
        error = -errno;
    if (!error)
        error = copy_bytes(in, out);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return error;
}

/* What a spool can do without: notes of processes. */
static bool is_needed(const char *name)
{
    return name[0] != '.' && strcmp(name, "lock") != 0 && strcmp(name, "LOCK") != 0 &&
           strncmp(name, "LOG", 3) != 0 && strncmp(name, "kept", 4) != 0;
}

static int copy_files(const char *from, const char *to)
{
    int error = 0;
    DIR *directory = opendir(from);
    if (!directory)
        return -errno;
    for (struct dirent *entry; !error && (entry = readdir(directory));) {
        if (!is_needed(entry->d_name))
            continue;
        char *source = mem_printf("%s/%s", from, entry->d_name),
             *copy = mem_printf("%s/%s", to, entry->d_name);
        error = copy_file(source, copy);
        free(source);
        free(copy);
    }
    closedir(directory);
    return error;
}

/* Copies the folder "impulse" of one directory to another one. */
static enum rescue_result copy_spool(const char *from, const char *to, FILE *out)
{
    char *source = directory_of_spool(from), *copy = directory_of_spool(to);
    char *file = mem_printf("%s/.", copy);
    int error = mkdir(copy, FOLDER_MODE) != 0 ? -errno : copy_files(source, copy);
    if (!error && !directory_give(source, copy))
        fprintf(out, "%s: give it to the user that impulsed runs as\n", copy);
    directory_sync_parent(file);
    directory_sync_parent(copy);
    if (error)
        fprintf(out, "cannot copy %s to %s: %s\n", source, copy, strerror(-error));
    free(source);
    free(copy);
    free(file);
    return error ? RESCUE_FAILED : RESCUE_GOOD;
}

enum rescue_result rescue_backup(const char *spoolbase, const char *target, FILE *out)
{
    struct survey survey;
    char *folder = directory_of_spool(spoolbase);
    enum rescue_result result = RESCUE_FAILED;
    survey_take(&survey, folder);
    if (survey.verdict != SURVEY_WHOLE)
        fprintf(out, "%s: %s\n", folder, survey_problem(&survey));
    else if (mkdir(target, FOLDER_MODE) != 0)
        fprintf(out, "cannot create %s: %s\n", target, strerror(errno));
    else
        result = copy_spool(spoolbase, target, out);
    free(folder);
    return result;
}

/* Creates what is missing of the path to `spoolbase`, and sees that there is no spool. */
static bool prepare(const char *spoolbase, FILE *out)
{
    struct survey survey;
    char *folder = directory_of_spool(spoolbase);
    bool absent = access(folder, F_OK) != 0, good = absent;
    if (!absent) {
        survey_take(&survey, folder);
        good = survey.verdict == SURVEY_FRESH && rmdir(folder) == 0;
    }
    if (!good)
        fprintf(out, "%s is there: move it away first\n", folder);
    else if (mkdir(spoolbase, FOLDER_MODE) != 0 && errno != EEXIST) {
        fprintf(out, "cannot create %s: %s\n", spoolbase, strerror(errno));
        good = false;
    }
    free(folder);
    return good;
}

enum rescue_result rescue_restore(const char *backup, const char *spoolbase, FILE *out)
{
    enum rescue_result result = rescue_check(backup, out);
    if (result != RESCUE_GOOD) {
        fprintf(out,
                "the backup is not restored; \"impulsectl spool salvage\" reads what can be read of it\n");
        return result;
    }
    if (!prepare(spoolbase, out))
        return RESCUE_FAILED;
    result = copy_spool(backup, spoolbase, out);
    if (result == RESCUE_GOOD) {
        char *folder = directory_of_spool(spoolbase);
        progress_mark(folder);
        free(folder);
    }
    return result;
}
