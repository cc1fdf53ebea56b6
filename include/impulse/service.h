/*
 * impulse/service.h: what modules offer each other: a struct of functions under a name and a version.
 *
 * The struct is described in a header that the offering module installs for those who use it. By convention it begins
 * with its size, so that later versions can add members:
 *
 *     struct lookup_service { size_t size; int (*ask)(void *closure, const char *key); };
 *
 *     ... in the setup of the module that offers:
 *     static const struct lookup_service lookup = {sizeof lookup, ask};
 *     return imp_service_offer(module, &(struct imp_service){.size = sizeof(struct imp_service), .name = "lookup",
 *                              .version = 1, .help = "asks the table", .functions = &lookup, .closure = table});
 *     ... in the setup of one that uses it:
 *     const struct imp_service *service = imp_service_find(module, "lookup", 1);
 *     if (!service)
 *         return -1;
 *     const struct lookup_service *lookup = service->functions;
 *
 * Lifetime: a service belongs to the instance that offers it, and is found by instances of the same generation only.
 * Instances of a generation are set up in the order of the configuration, those that a manifest requires first, and
 * torn down in the reverse order: what was found in setup is valid until the finder's teardown has returned. A reload
 * makes new instances, which offer and find anew; nothing of the old generation may be kept for the new one.
 */
#ifndef IMPULSE_SERVICE_H
#define IMPULSE_SERVICE_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_service {
    size_t size;           /* sizeof(struct imp_service) */
    const char *name;      /* copied; unique in the generation */
    unsigned version;      /* from 1; a new one when a user of the old one would break */
    const char *help;      /* one line, copied: what it is for; NULL: none */
    const void *functions; /* the service's own struct; not copied: lives as long as the instance */
    void *closure; /* what its functions are called with, by convention; lives as long as the instance */
};

/* Offers a service; only from setup; the struct is copied. 0, or -1 with a line in imp_module_error: the name is
 * taken, by whom, or missing. */
IMP_API int imp_service_offer(struct imp_module *module, const struct imp_service *service);
/*
 * The service of that name in this generation; only from setup. NULL with a line in imp_module_error that says why:
 * nobody offers it (yet: let the manifest require the module that does), or in another version.
 */
IMP_API const struct imp_service *imp_service_find(struct imp_module *module, const char *name,
                                                   unsigned version);

#ifdef __cplusplus
}
#endif
#endif
