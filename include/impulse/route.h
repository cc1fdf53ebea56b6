/*
 * impulse/route.h: HTTP routes of a module.
 *
 * Only the registry is here yet: a route is checked, kept and listed by the console command `module routes`. The
 * server that calls the handlers comes later; until then no handler is called, and what can be done with a request and
 * a response is not declared.
 */
#ifndef IMPULSE_ROUTE_H
#define IMPULSE_ROUTE_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_http_request;  /* what a client asks */
struct imp_http_response; /* what it is answered, now or later */

/* Answers a request, on the main thread, which must not be kept, or on one of `pool`. Not called yet, see above. */
typedef void imp_route_fn(struct imp_http_request *request, struct imp_http_response *response,
                          void *closure);

enum imp_route_flags {
    IMP_ROUTE_MAY_BLOCK = 1, /* the handler runs on a thread pool */
};

struct imp_route {
    size_t size;        /* sizeof(struct imp_route) */
    const char *method; /* "GET", "POST", ...: a token in upper case; copied */
    const char *path;   /* "/greylist/table"; one that ends in '/' is for all below it; copied */
    const char *help;   /* one line: what it answers; copied */
    imp_route_fn *run;  /* required */
    void *closure;      /* for `run`; lives as long as the instance */
    unsigned flags;     /* enum imp_route_flags */
    const char *pool;   /* IMP_ROUTE_MAY_BLOCK: a ThreadPool's name, copied; NULL: "IO" */
};

/* Registers a route of this instance; only from setup; the struct is copied. 0, or -1 with a line in imp_module_error:
 * a member is missing or no method or path, another owner has that method and path, or there is no such ThreadPool. */
IMP_API int imp_route_add(struct imp_module *module, const struct imp_route *route);

#ifdef __cplusplus
}
#endif
#endif
