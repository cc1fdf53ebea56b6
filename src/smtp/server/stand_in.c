/* stand_in: see stand_in.h. */
#include "smtp/server/stand_in.h"

#include "smtp/server/extension.h"

const struct smtps_reply *stand_in_for(struct smtps_session *session, const struct net_addr *peer,
                                       const struct net_addr *local)
{
    const struct conf_value *pairs = session->policy->context;
    if (!session->real_extensions)
        session->real_extensions = session->policy->extensions;
    for (size_t i = 0; pairs && i < pairs->count; i++)
        imp_context_set(&session->view, IMP_CONTEXT_CONNECTION, pairs->items[2 * i], NULL);
    session_set_addresses(session, peer, local);
    return session->policy->always_deny ? &reply_denied : NULL;
}

bool stand_in_parse_address(struct slice text, struct net_addr *address)
{
    return net_addr_parse_tagged(address, text) ||
           (text.size > 0 && text.data[0] != '[' && net_addr_parse_slice(address, text));
}
