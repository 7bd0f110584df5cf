// SPDX-License-Identifier: GPL-2.0-only
// Whom a flow manager asks for a flow that it has no entry for.
#include "flow-manager-machine.h"
#include "selector.h"

#include <algorithm>

namespace flowchain
{

/** @param probe how many that may have the session have been asked in vain
 * @returns NO_NODE: nobody is left */
NodeId
FlowManagerMachine::ChooseServiceNode(const Context& context, unsigned probe)
{
    const FlowKey& key = context.key;
    // Whoever made the session has it for certain; whoever takes it over comes next.
    SessionId session = context.hintSession;
    NodeId owner = context.hintOwner;
    if (const SessionRecord* record = MutableStore().Find(key).record)
    {
        session = record->id;
        owner = record->owner;
    }
    else if (const FlowEntry* entry = m_entries.Find(key))
    {
        session = entry->session;
        owner = entry->owner;
    }
    else if (session == 0 && m_topology->IsReverse(key))
    {
        const auto creator = m_topology->CreatorOf(key);
        if (!creator)
        {
            return AnyServiceNode(key, probe);
        }
        owner = *creator;
    }
    NodeId likeliest = NO_NODE;
    if (owner != NO_NODE && View().IsActive(owner))
    {
        likeliest = owner;
    }
    else if (session == 0 && owner == NO_NODE)
    {
        likeliest = Selector::ServiceNode(key,
                                          View(),
                                          [this](NodeId node)
                                          {
            return std::uint64_t{Store().OwnedBy(node)} + m_placed[node];
        });
    }
    if (likeliest == NO_NODE)
    {
        return Scheme().Holder(key, session, owner, probe, View());
    }
    if (probe == 0)
    {
        return likeliest;
    }
    // An owner that has restarted is active, and has lost what its backups have.
    return HasBackups() ? Scheme().Holder(key, session, owner, probe - 1, View()) : NO_NODE;
}

/** A new session has been asked for, or NO_NODE: that question is over. Until the state is here, it
 * is the question that counts as load; or else a burst would go to one node. */
void
FlowManagerMachine::Place(Context& context, NodeId serviceNode)
{
    if (context.placedAt != NO_NODE)
    {
        --m_placed[context.placedAt];
    }
    context.placedAt = serviceNode;
    if (serviceNode != NO_NODE)
    {
        ++m_placed[serviceNode];
    }
}

/** Whether only some service nodes have a copy of a session. */
bool
FlowManagerMachine::HasBackups() const
{
    return Scheme().Root() == SchemeRoot::OWNER && !Scheme().Promise(Replica()).everyServiceNode;
}

/** Whether there is a session that the packet belongs to, as far as one can tell here. */
bool
FlowManagerMachine::IsOfKnownSession(const Context& context)
{
    return context.hintSession != 0 || m_topology->IsReverse(context.key) ||
           MutableStore().Find(context.key).record != nullptr ||
           m_entries.Find(context.key) != nullptr;
}

/** The tuple does not tell who has the session: each is asked in turn.
 * @returns NO_NODE: all have been */
NodeId
FlowManagerMachine::AnyServiceNode(const FlowKey& key, unsigned probe) const
{
    const std::vector<NodeId>& nodes = View().ActiveServiceNodes();
    const auto first = std::find(nodes.begin(), nodes.end(), Selector::ServiceNode(key, View()));
    return probe < nodes.size() ? nodes[(first - nodes.begin() + probe) % nodes.size()] : NO_NODE;
}

} // namespace flowchain
