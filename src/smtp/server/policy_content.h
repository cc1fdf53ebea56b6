/*
 * policy_content.h: resolves a policy's options for content: line ends and lengths, header rules, the
 * supplemental trace header; private to src/smtp/server. Main thread.
 */
#ifndef IMPULSE_SMTP_SERVER_POLICY_CONTENT_H
#define IMPULSE_SMTP_SERVER_POLICY_CONTENT_H

#include "smtp/server/policy.h"

/*
 * Fills in these fields. Returns false with one line in error[] if a value is invalid; they must be released
 * in that case too.
 */
bool policy_content_resolve(struct esmtp_policy *policy, const struct conf_chain *chain, char *error,
                            size_t error_size);
/* Frees what policy_content_resolve allocated. */
void policy_content_release(struct esmtp_policy *policy);

#endif
