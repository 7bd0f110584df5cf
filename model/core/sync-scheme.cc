// SPDX-License-Identifier: GPL-2.0-only
#include "sync-scheme.h"

#include "manager-schemes.h"
#include "selector.h"
#include "service-schemes.h"

namespace flowchain
{

std::optional<ReleaseRule>
ReleaseRuleByName(std::string_view name)
{
    if (name == "immediate")
    {
        return ReleaseRule::IMMEDIATE;
    }
    if (name == "chain")
    {
        return ReleaseRule::CHAIN;
    }
    if (name == "all")
    {
        return ReleaseRule::ALL;
    }
    if (name == "tail")
    {
        return ReleaseRule::TAIL;
    }
    return std::nullopt;
}

NodeId
SyncScheme::Heir(const SessionRecord& record, const MembershipView& view) const
{
    return Selector::Adopter(record.id, view);
}

NodeId
SyncScheme::Holder(const FlowKey& key,
                   SessionId session,
                   NodeId,
                   unsigned attempt,
                   const MembershipView& view) const
{
    if (attempt > 0)
    {
        return NO_NODE;
    }
    return session != 0 ? Selector::Adopter(session, view) : Selector::ServiceNode(key, view);
}

NodeId
SyncScheme::FetchFrom(const FlowKey&, const MembershipView&) const
{
    return NO_NODE;
}

const std::vector<const SyncScheme*>&
SyncSchemes()
{
    static const NoScheme none;
    static const FanOutScheme fanOut;
    static const ChainSyncScheme chain;
    static const MeshScheme mesh;
    static const PassThroughScheme passThrough;
    static const RingScheme ring;
    static const PairScheme pair;
    static const StoreScheme store;
    static const DirectorScheme director;
    static const DirectionPairsScheme directionPairs;
    static const std::vector<const SyncScheme*> SCHEMES = {&none,
                                                           &mesh,
                                                           &passThrough,
                                                           &fanOut,
                                                           &chain,
                                                           &ring,
                                                           &pair,
                                                           &store,
                                                           &director,
                                                           &directionPairs};
    return SCHEMES;
}

const SyncScheme*
SyncSchemeByName(std::string_view name)
{
    for (const SyncScheme* scheme : SyncSchemes())
    {
        if (scheme->Name() == name)
        {
            return scheme;
        }
    }
    return nullptr;
}

const SyncScheme&
ChainScheme()
{
    return *SyncSchemeByName("chain");
}

} // namespace flowchain
