/*
 * maildir: delivery_method = "maildir": each message becomes a file in the recipient's maildir.
 *
 * A message is written to tmp/, synced, linked into new/, and the directory synced before it counts as
 * delivered, so that a reader sees it whole or not at all, and a machine that stops loses nothing that was
 * reported. Whatever an address holds, it names one directory below the fixed part of the path: see path.c
 * for how.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "impulse/delivery.h"
#include "path.h"
#include "return_path.h"

enum { WRITE_BUFFER = 64 * 1024, NAME_SIZE = 160 };

struct maildir {
    char *template;
    size_t fixed;   /* leading bytes of the template that name an existing directory */
    bool crlf;      /* keep the line ends of the wire */
    bool lowercase; /* fold the case of local parts */
    bool create;    /* make maildirs that are missing */
    mode_t directory_mode, file_mode;
    char host[64]; /* for file names; '/' and ':' replaced */
};

/* One delivery under way. */
struct job {
    const struct maildir *maildir;
    struct imp_delivery *delivery;
    char base[PATH_MAX];  /* the recipient's maildir */
    char name[NAME_SIZE]; /* the file's name in tmp and new */
    const char *doing;    /* for the reply, when it fails */
    int fd;
    bool crlf;     /* line ends are kept as they came */
    bool nobody;   /* the recipient has no maildir, and none may be made */
    bool after_cr; /* a CR was the last byte seen: it goes away if LF follows */
    size_t filled;
    char buffer[WRITE_BUFFER];
};

/* ---- directories -------------------------------------------------------------------------------------- */

/* 0 or -1 with errno. */
static int sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = fsync(fd);
    close(fd);
    return result;
}

/* Makes one directory and the entry that names it durable. 0 or -1 with errno; one that exists is fine. */
static int make_directory(char *path, mode_t mode)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? 0 : -1;
    if (mode != 0700 && chmod(path, mode) != 0) /* whatever the umask is */
        return -1;
    char *slash = strrchr(path, '/');
    *slash = '\0';
    int result = sync_directory(slash == path ? "/" : path);
    *slash = '/';
    return result;
}

/* Makes what is missing of the maildir below the template's fixed part, tmp last: if that is there, all is.
 */
static int make_maildir(struct job *job)
{
    static const char *const parts[] = {"", "/cur", "/new", "/tmp"};
    char path[PATH_MAX + 8];
    size_t size = strlen(job->base);
    memcpy(path, job->base, size + 1);
    for (size_t i = job->maildir->fixed + 1; i < size; i++) {
        if (path[i] != '/')
            continue;
        path[i] = '\0';
        if (make_directory(path, job->maildir->directory_mode) != 0)
            return -1;
        path[i] = '/';
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        memcpy(path + size, parts[i], strlen(parts[i]) + 1);
        if (make_directory(path, job->maildir->directory_mode) != 0)
            return -1;
    }
    return 0;
}

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Is there what the template begins with, which is never made here: perhaps it is to be mounted? */
static bool has_fixed_part(const struct job *job)
{
    char fixed[PATH_MAX];
    int size = snprintf(fixed, sizeof fixed, "%.*s/", (int)job->maildir->fixed, job->base);
    return size < (int)sizeof fixed && is_directory(fixed);
}

/* ---- the file ----------------------------------------------------------------------------------------- */

/* Unique on this host and, by its name, among hosts: time, process, a count that no other delivery has. */
static void make_name(struct job *job)
{
    static atomic_ulong deliveries;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(job->name, sizeof job->name, "%lld.M%06ldP%ldQ%lu.%s", (long long)now.tv_sec, now.tv_nsec / 1000,
             (long)getpid(), atomic_fetch_add(&deliveries, 1), job->maildir->host);
}

/* BASE/FOLDER/NAME; false with ENAMETOOLONG when it does not fit. */
static bool file_path(const struct job *job, const char *folder, char path[PATH_MAX])
{
    int size = snprintf(path, PATH_MAX, "%s/%s/%s", job->base, folder, job->name);
    errno = ENAMETOOLONG;
    return size < PATH_MAX;
}

static int create_file(struct job *job, const char *path)
{
    job->doing = "create";
    job->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (job->fd < 0 && errno == ENOENT) {
        job->nobody = !job->maildir->create && has_fixed_part(job) && !is_directory(job->base);
        if (job->nobody || make_maildir(job) != 0)
            return -1;
        job->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    if (job->fd < 0)
        return -1;
    if (job->maildir->file_mode == 0600 || fchmod(job->fd, job->maildir->file_mode) == 0)
        return 0;
    int error = errno;
    close(job->fd);
    unlink(path);
    errno = error;
    return -1;
}

static int flush(struct job *job)
{
    for (size_t done = 0; done < job->filled;) {
        ssize_t written = write(job->fd, job->buffer + done, job->filled - done);
        if (written < 0 && errno != EINTR)
            return -1;
        done += written > 0 ? (size_t)written : 0;
    }
    job->filled = 0;
    return 0;
}

static int put(struct job *job, const char *data, size_t size)
{
    while (size > 0) {
        size_t room = sizeof job->buffer - job->filled, part = size < room ? size : room;
        memcpy(job->buffer + job->filled, data, part);
        job->filled += part;
        data += part;
        size -= part;
        if (job->filled == sizeof job->buffer && flush(job) != 0)
            return -1;
    }
    return 0;
}

/* Content with CR LF as LF; a CR at the end of a part waits for what follows. Other CRs stay. */
static int put_lines(struct job *job, const char *data, size_t size)
{
    const char *end = data + size;
    while (data < end) {
        if (job->after_cr && *data != '\n' && put(job, "\r", 1) != 0)
            return -1;
        const char *cr = memchr(data, '\r', (size_t)(end - data));
        if (put(job, data, (size_t)((cr ? cr : end) - data)) != 0)
            return -1;
        job->after_cr = cr != NULL;
        data = cr ? cr + 1 : end;
    }
    return 0;
}

static int put_header(struct job *job, const char *before, const char *address, const char *after)
{
    if (put(job, before, strlen(before)) != 0)
        return -1;
    for (; *address; address++) { /* nothing in an address may begin a header of its own */
        char c = (unsigned char)*address < ' ' ? '?' : *address;
        if (put(job, &c, 1) != 0)
            return -1;
    }
    if (put(job, after, strlen(after)) != 0)
        return -1;
    return job->crlf ? put(job, "\r\n", 2) : put(job, "\n", 1);
}

static int put_content(void *argument, const char *data, size_t size)
{
    struct job *job = argument;
    return job->crlf ? put(job, data, size) : put_lines(job, data, size);
}

static int write_message(struct job *job)
{
    struct return_path_filter filter = {.held = 0};
    const char *data;
    size_t size;
    int more;
    job->doing = "write";
    if (put_header(job, "Return-Path: <", imp_delivery_reverse_path(job->delivery), ">") != 0 ||
        put_header(job, "Delivered-To: ", imp_delivery_recipient(job->delivery), "") != 0)
        return -1;
    while ((more = imp_delivery_read(job->delivery, &data, &size)) > 0)
        if (return_path_filter(&filter, data, size, put_content, job) != 0)
            return -1;
    if (more < 0) {
        job->doing = "read the spool for";
        errno = EIO;
        return -1;
    }
    if (return_path_finish(&filter, put_content, job) != 0 || (job->after_cr && put(job, "\r", 1) != 0) ||
        flush(job) != 0)
        return -1;
    return fsync(job->fd);
}

/* From tmp to new, durably. link() does not replace a file that is there, as rename() would. */
static int publish(struct job *job, const char *temporary)
{
    char path[PATH_MAX];
    job->doing = "link";
    if (!file_path(job, "new", path) || link(temporary, path) != 0)
        return -1;
    *strrchr(path, '/') = '\0';
    if (sync_directory(path) == 0)
        return 0;
    int error = errno;
    file_path(job, "new", path);
    unlink(path);
    errno = error;
    return -1;
}

static int store(struct job *job)
{
    char temporary[PATH_MAX];
    make_name(job);
    job->doing = "name";
    if (!file_path(job, "tmp", temporary) || create_file(job, temporary) != 0)
        return -1;
    int result = write_message(job), error = errno;
    if (close(job->fd) != 0 && result == 0) {
        result = -1;
        error = errno;
    }
    errno = error;
    if (result == 0)
        result = publish(job, temporary);
    error = errno;
    unlink(temporary);
    errno = error;
    return result;
}

/* ---- the delivery method ------------------------------------------------------------------------------ */

static const struct {
    int error;
    enum imp_delivery_result result;
    const char *reply;
} failures[] = {
    {ENOSPC, IMP_TRANSIENT, "452 4.3.1"},
    {EDQUOT, IMP_TRANSIENT, "452 4.3.1"},
    {ENAMETOOLONG, IMP_PERMANENT, "550 5.1.3"},
    {0, IMP_TRANSIENT, "451 4.3.0"},
};

static enum imp_delivery_result explain(const struct job *job, int error, char *response,
                                        size_t response_size)
{
    size_t i = 0;
    if (job->nobody) {
        snprintf(response, response_size, "550 5.1.1 maildir: there is no mailbox %s", job->base);
        return IMP_PERMANENT;
    }
    while (failures[i].error && failures[i].error != error)
        i++;
    if (error == ENOENT && !has_fixed_part(job))
        snprintf(response, response_size, "%s maildir: the folder %.*s/ is not there: make or mount it",
                 failures[i].reply, (int)job->maildir->fixed, job->base);
    else
        snprintf(response, response_size, "%s maildir: cannot %s a message in %s: %s", failures[i].reply,
                 job->doing, job->base, strerror(error));
    return failures[i].result;
}

static enum imp_delivery_result deliver(struct imp_delivery *delivery, char *response, size_t response_size,
                                        void *maildir)
{
    struct job *job = malloc(sizeof *job); /* too large for a small Stack_Size */
    if (!job) {
        snprintf(response, response_size, "451 4.3.0 maildir: out of memory");
        return IMP_TRANSIENT;
    }
    job->maildir = maildir;
    job->delivery = delivery;
    job->crlf = job->maildir->crlf || imp_delivery_is_binary(delivery);
    job->after_cr = job->nobody = false;
    job->filled = 0;
    job->doing = "name";
    enum imp_delivery_result result = IMP_DELIVERED;
    if (!maildir_path_expand(job->maildir->template, imp_delivery_recipient(delivery),
                             imp_delivery_recipient_domain(delivery), job->maildir->lowercase, job->base,
                             sizeof job->base))
        result = explain(job, ENAMETOOLONG, response, response_size);
    else if (store(job) != 0)
        result = explain(job, errno, response, response_size);
    free(job);
    return result;
}

static void maildir_teardown(struct imp_module *module)
{
    struct maildir *maildir = imp_module_data(module);
    free(maildir->template);
    free(maildir);
}

static void find_host(struct maildir *maildir)
{
    if (gethostname(maildir->host, sizeof maildir->host - 1) != 0 || !maildir->host[0])
        memcpy(maildir->host, "localhost", sizeof "localhost");
    for (char *c = maildir->host; *c; c++)
        if (*c == '/' || *c == ':')
            *c = '_';
}

/*
 * Where maildirs are, for the caller to free: path as it is set, or what Momentum's basedir and
 * domain_in_path mean. NULL after an error.
 */
static char *make_template(struct imp_module *module, const struct imp_config *config)
{
    const char *path = imp_config_text(config, "path"), *basedir = imp_config_text(config, "basedir");
    const char *rest = path ? "" : imp_config_bool(config, "domain_in_path") ? "/%d/%l" : "/%l";
    if (!path == !basedir) {
        imp_module_error(module, path ? "path and basedir name the same thing: set one of them"
                                      : "path must be set, for instance path = \"/var/mail/%%d/%%l\"");
        return NULL;
    }
    char *template = malloc(2 * strlen(path ? path : basedir) + strlen(rest) + 1), *at = template;
    if (!template) {
        imp_module_error(module, "out of memory");
        return NULL;
    }
    for (const char *c = path ? path : basedir; *c; c++) {
        *at++ = *c;
        if (*c == '%' && basedir)
            *at++ = '%';
    }
    while (at > template + 1 && at[-1] == '/')
        at--;
    memcpy(at, rest, strlen(rest) + 1);
    return template;
}

static void read_options(struct maildir *maildir, const struct imp_config *config)
{
    const char *line_endings = imp_config_text(config, "line_endings");
    const char *create = imp_config_is_set(config, "createusers") ? "createusers" : "create_users";
    maildir->crlf = line_endings && strcmp(line_endings, "crlf") == 0;
    maildir->lowercase = imp_config_bool(config, "lowercase_localpart");
    maildir->create = imp_config_bool(config, create);
    maildir->directory_mode = (mode_t)imp_config_int(config, "dirmode");
    maildir->file_mode = (mode_t)imp_config_int(config, "filemode");
    find_host(maildir);
}

static int maildir_setup(struct imp_module *module, const struct imp_config *config)
{
    const char *wrong;
    struct maildir *maildir = calloc(1, sizeof *maildir);
    if (!maildir)
        return -1;
    imp_module_set_data(module, maildir);
    struct imp_delivery_method method = {
        .size = sizeof method, .name = "maildir", .deliver = deliver, .closure = maildir};
    read_options(maildir, config);
    maildir->template = make_template(module, config);
    if (maildir->template && !maildir_path_check(maildir->template, &maildir->fixed, &wrong))
        imp_module_error(module,
                         "path: \"%s\" at \"%s\": an absolute path with %%d, %%l, %%r or %%%% is expected",
                         maildir->template, wrong);
    else if (maildir->template && imp_delivery_method(module, &method) == 0)
        return 0;
    maildir_teardown(module);
    return -1;
}

IMP_MODULE_DEFINE(.name = "maildir", .description = "Delivers into maildirs, one per recipient",
                  .kind = IMP_SINGLETON, .setup = maildir_setup, .teardown = maildir_teardown);
