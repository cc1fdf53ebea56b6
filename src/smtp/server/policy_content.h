/*
 * policy_content.h: what a policy says of content: line ends and lengths, header rules, the supplemental
 * trace header; private to src/smtp/server. Main thread.
 */
#ifndef IMPULSE_SMTP_SERVER_POLICY_CONTENT_H
#define IMPULSE_SMTP_SERVER_POLICY_CONTENT_H

#include "smtp/server/policy.h"

/* Fills in these fields. False with one line in error[] when a value cannot be; then release them, too. */
bool policy_content_resolve(struct esmtp_policy *policy, const struct conf_chain *chain, char *error,
                            size_t error_size);
void policy_content_release(struct esmtp_policy *policy);

#endif
