/*
 * faulty: a module that stops the start. One of these is defined when it is compiled:
 * FIRST_EDITION, WRONG_MAJOR, NEWER_MINOR, WRONG_MAGIC, NO_DEFINITION, UNDEFINED_SYMBOL, REFUSES, CRASHES,
 * CRASHES_EARLY, ABORTS, EXITS, BLOCKS.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <impulse/module.h>

void function_that_nobody_has(void);

#ifdef CRASHES_EARLY
__attribute__((constructor)) static void crash_in_constructor(void)
{
    raise(SIGSEGV);
}
#endif

#ifndef NO_DEFINITION
static int setup(struct imp_module *module, const struct imp_config *config)
{
    (void)config;
#ifdef REFUSES
    imp_module_error(module, "the moon is in the wrong phase");
    return -1;
#elif defined CRASHES
    *(volatile int *)0 = 1;
#elif defined ABORTS
    abort();
#elif defined EXITS
    exit(0);
#elif defined BLOCKS
    imp_paniclog(module, IMP_CRITICAL, "blocks");
    for (;;)
        sleep(1000);
#elif defined UNDEFINED_SYMBOL
    function_that_nobody_has();
#endif
    (void)module;
    return 0;
}

#ifdef FIRST_EDITION
IMP_API extern const struct {
    uint32_t magic;
    uint16_t abi_major, abi_minor;
    const char *name, *description;
    int kind;
    int (*setup)(struct imp_module *module, const struct imp_config *config);
} imp_module_definition;
const __typeof__(imp_module_definition) imp_module_definition = {IMP_MODULE_MAGIC, 1, 2,    "faulty",
                                                                 "Is old",         1, setup};
#else
IMP_API extern const struct imp_module_definition imp_module_definition;
const struct imp_module_definition imp_module_definition = {
    .size = sizeof(struct imp_module_definition),
#ifdef WRONG_MAGIC
    .magic = 1,
#else
    .magic = IMP_MODULE_MAGIC,
#endif
#ifdef WRONG_MAJOR
    .abi_major = IMP_ABI_MAJOR + 1,
#else
    .abi_major = IMP_ABI_MAJOR,
#endif
#ifdef NEWER_MINOR
    .abi_minor = IMP_ABI_MINOR + 1,
#else
    .abi_minor = IMP_ABI_MINOR,
#endif
    .name = "faulty",
    .description = "Cannot be used",
    .kind = IMP_SINGLETON,
    .setup = setup,
};
#endif
#endif
