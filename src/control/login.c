/*
 * login: the console's mechanisms, and which parameters each goes by.
 */
#include "control/login.h"

#include <stddef.h>
#include "base/mem.h"
#include "sasl/sasl.h"

struct login_service {
    struct sasl_service *sasl;
};

struct login {
    struct sasl_exchange *exchange;
    bool log;
};

static const struct mechanism {
    enum sasl_mechanism sasl;
    size_t method; /* its struct access_method in struct access */
    struct passwords_form form;
} mechanisms[] = {
    {SASL_DIGEST_MD5, offsetof(struct access, digest), {.realms = true, .hashed = true}},
    {SASL_LOGIN, offsetof(struct access, login), {0}},
    {SASL_PLAIN, offsetof(struct access, login), {0}},
};

static const struct access_method *method_of(const struct access *access, const struct mechanism *mechanism)
{
    return (const struct access_method *)(const void *)((const char *)access + mechanism->method);
}

struct login_service *login_service_create(void)
{
    struct login_service *service = mem_new(struct login_service);
    service->sasl = sasl_service_create();
    return service;
}

void login_service_free(struct login_service *service)
{
    sasl_service_free(service->sasl);
    free(service);
}

void login_mechanisms(const struct access *access, FILE *out)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (method_of(access, &mechanisms[i])->path)
            fprintf(out, " %s", sasl_mechanism_name(mechanisms[i].sasl));
}

struct login *login_begin(struct login_service *service, const struct access *access, const char *name)
{
    const struct mechanism *found = NULL;
    enum sasl_mechanism wanted = SASL_MECHANISMS;
    sasl_mechanism_find(slice_text(name), &wanted);
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (mechanisms[i].sasl == wanted && method_of(access, &mechanisms[i])->path)
            found = &mechanisms[i];
    if (!found)
        return NULL;
    struct login *login = mem_new(struct login);
    struct sasl_account account = {.mechanism = found->sasl,
                                   .passwords = passwords_open(method_of(access, found)->path, found->form)};
    login->exchange = sasl_begin(service->sasl, &account);
    login->log = method_of(access, found)->log;
    passwords_close(account.passwords); /* the exchange has it open */
    return login;
}

void login_end(struct login *login)
{
    if (!login)
        return;
    sasl_end(login->exchange);
    free(login);
}

enum login_outcome login_step(struct login *login, const char *answer, char **challenge)
{
    switch (sasl_step(login->exchange, answer, challenge)) {
    case SASL_CONTINUES:
        return LOGIN_CONTINUES;
    case SASL_SUCCEEDED:
        return LOGIN_SUCCEEDED;
    default:
        return LOGIN_FAILED;
    }
}

const char *login_user(const struct login *login)
{
    return sasl_user(login->exchange);
}

bool login_is_logged(const struct login *login)
{
    return login->log;
}
