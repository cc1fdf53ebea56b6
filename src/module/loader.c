/*
 * loader: dlopen, and the checks that make a call into foreign code reasonable.
 */
#include "module/loader.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "module/crash_guard.h"

struct object_opening {
    const char *path;
    void *handle;
};

static int open_object(void *closure) /* its constructors run here */
{
    struct object_opening *opening = closure;
    opening->handle = dlopen(opening->path, RTLD_NOW | RTLD_LOCAL);
    return opening->handle ? 0 : -1;
}

/* ---- the file ---------------------------------------------------------------------------------------- */

/* Does the file hold all that its program headers describe? True also for what is no ELF file: dlopen names it. */
static bool is_whole(int fd, uint64_t size)
{
    ElfW(Ehdr) header;
    ElfW(Phdr) segment;
    if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof segment)
        return true;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        off_t at = (off_t)(header.e_phoff + i * sizeof segment);
        if (at < 0 || pread(fd, &segment, sizeof segment, at) != (ssize_t)sizeof segment)
            return false;
        if (segment.p_type == PT_LOAD &&
            (segment.p_offset > size || segment.p_filesz > size - segment.p_offset))
            return false;
    }
    return true;
}

/* Returns what is wrong with a file that dlopen would hang or crash on; NULL: nothing, or dlopen reports it. */
static const char *find_file_fault(const char *path)
{
    struct stat status;
    const char *fault = NULL;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode))
        fault = "it is not a regular file";
    else if (!is_whole(fd, (uint64_t)status.st_size))
        fault = "it is cut short: was it being written? Install it under another name, and rename it";
    close(fd);
    return fault;
}

/* ---- the definition ---------------------------------------------------------------------------------- */

struct first_edition { /* how a definition of ABI 1 began */
    uint32_t magic;
    uint16_t abi_major, abi_minor;
};

static const char *wrong_abi(unsigned major, unsigned minor)
{
    static char text[160];
    snprintf(
        text, sizeof text,
        "built for module ABI %u.%u, this daemon has %u.%u: rebuild it with the ecxs of this version, see "
        "doc/modules.md",
        major, minor, IMP_ABI_MAJOR, IMP_ABI_MINOR);
    return text;
}

/* What is wrong with it, or NULL. Nothing after the ABI numbers is looked at before they are right. */
static const char *find_fault(const struct imp_module_definition *definition, const struct manifest *manifest)
{
    static char text[160];
    struct first_edition first;
    memcpy(&first, definition, sizeof first);
    if (first.magic == IMP_MODULE_MAGIC)
        return wrong_abi(first.abi_major, first.abi_minor);
    if (definition->magic != IMP_MODULE_MAGIC)
        return "its imp_module_definition is not one";
    if (definition->abi_major != IMP_ABI_MAJOR || definition->abi_minor > IMP_ABI_MINOR)
        return wrong_abi(definition->abi_major, definition->abi_minor);
    if (definition->size < sizeof *definition)
        return "its imp_module_definition is too short; see IMP_MODULE_DEFINE";
    if (!definition->name || strcasecmp(definition->name, manifest->name) != 0) {
        snprintf(text, sizeof text, "it calls itself \"%s\", its manifest says otherwise",
                 definition->name ? definition->name : "");
        return text;
    }
    if ((definition->kind == IMP_SINGLETON) != manifest->singleton)
        return "it and its manifest disagree on the kind (singleton or generic)";
    if (!definition->setup)
        return "it has no setup function";
    return NULL;
}

const struct imp_module_definition *module_load(const struct manifest *manifest, char *error,
                                                size_t error_size)
{
    struct object_opening opening = {.path = manifest->object};
    struct runner runner = {manifest->name, "its constructor", ""};
    const char *file_fault = find_file_fault(manifest->object);
    if (file_fault) {
        snprintf(error, error_size, "module %s: %s: %s", manifest->name, manifest->object, file_fault);
        return NULL;
    }
    if (crash_guard_call(&runner, open_object, &opening) != 0) {
        const char *reason = dlerror();
        snprintf(error, error_size, "module %s: %s", manifest->name, reason ? reason : "dlopen failed");
        return NULL;
    }
    const struct imp_module_definition *definition = dlsym(opening.handle, "imp_module_definition");
    const char *fault = definition ? find_fault(definition, manifest)
                                   : "it has no imp_module_definition (see IMP_MODULE_DEFINE)";
    if (fault) {
        snprintf(error, error_size, "module %s: %s: %s", manifest->name, manifest->object, fault);
        dlclose(opening.handle);
        return NULL;
    }
    return definition;
}
