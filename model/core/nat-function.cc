// SPDX-License-Identifier: GPL-2.0-only
#include "nat-function.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

Nat44Config
OfGroup(const FunctionConfig& config)
{
    Nat44Config nat = config.nat;
    nat.blocks = static_cast<std::uint16_t>(config.nodes.size());
    return nat;
}

Nat44Config
OfNode(const FunctionConfig& config, const FunctionInstance& instance)
{
    Nat44Config nat = OfGroup(config);
    const auto node = std::find(config.nodes.begin(), config.nodes.end(), instance.self);
    assert(node != config.nodes.end());
    nat.block = static_cast<std::uint16_t>(node - config.nodes.begin());
    nat.generation = instance.incarnation;
    return nat;
}

} // namespace

NatFunction::NatFunction(const FunctionConfig& config, const FunctionInstance& instance)
    : m_instance(instance)
    , m_tcpStrict(config.tcpStrict)
    , m_inside(config.nat.inside)
    , m_nat(OfNode(config, instance))
{
}

DropReason
NatFunction::Open(const PacketView& packet, SessionStore& store, Instant, FlowKey& translated)
{
    if (!m_inside.Contains(packet.key.source.address) ||
        m_nat.IsExternal(packet.key.destination.address))
    {
        return DropReason::NO_BINDING;
    }
    if (m_tcpStrict && IsMidConnection(packet))
    {
        return DropReason::NO_SESSION;
    }
    translated = packet.key;
    for (;;)
    {
        const auto endpoint = m_nat.Allocate(packet.key.protocol);
        if (!endpoint)
        {
            return DropReason::PORT_EXHAUSTED;
        }
        translated.source = *endpoint;
        const SessionRecord* record = store.Find(translated.Reversed()).record;
        if (record == nullptr)
        {
            return DropReason::NONE;
        }
        // From before a restart of this node: the endpoint is that session's until it ends.
        m_passedOver[{packet.key.protocol, *endpoint}] = record->id;
    }
}

void
NatFunction::Close(const SessionRecord& record)
{
    const IpProtocol protocol = record.translated.protocol;
    const Endpoint& endpoint = record.translated.source;
    const auto passedOver = m_passedOver.find({protocol, endpoint});
    if (passedOver != m_passedOver.end())
    {
        if (passedOver->second != record.id)
        {
            return;
        }
        m_passedOver.erase(passedOver);
    }
    else if (CreatorOf(record.id) != m_instance.self ||
             CreatorIncarnationOf(record.id) != m_instance.incarnation)
    {
        return;
    }
    m_nat.Free(protocol, endpoint);
}

NatTopology::NatTopology(const FunctionConfig& config)
    : m_nodes(config.nodes)
    , m_nat(OfGroup(config))
{
}

bool
NatTopology::IsReverse(const FlowKey& key) const
{
    return m_nat.IsExternal(key.destination.address);
}

std::optional<NodeId>
NatTopology::CreatorOf(const FlowKey& key) const
{
    const auto block = m_nat.BlockOf(key.destination.port);
    return IsReverse(key) && block ? m_nodes[*block] : NO_NODE;
}

} // namespace flowchain
