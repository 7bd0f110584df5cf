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
    nat.generation = instance.defects.Has(PlantedDefect::PORTS_OF_LAST_LIFE_REUSED)
                         ? std::uint8_t{0}
                         : instance.incarnation;
    return nat;
}

} // namespace

NatFunction::NatFunction(const FunctionConfig& config, const FunctionInstance& instance)
    : m_instance(instance)
    , m_tcpStrict(config.tcpStrict)
    , m_inside(config.nat.inside)
    , m_block(OfNode(config, instance).block)
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
        if (m_instance.defects.Has(PlantedDefect::PORTS_OF_LAST_LIFE_REUSED))
        {
            return DropReason::NONE;
        }
        // From before a restart of this node: the endpoint is that session's until it ends.
        if (const SessionRecord* record = store.Find(translated.Reversed()).record)
        {
            m_passedOver[{packet.key.protocol, *endpoint}] = record->id;
        }
        else if (auto reserved = m_reserved.extract({packet.key.protocol, *endpoint}))
        {
            m_passedOver.insert(std::move(reserved));
        }
        else
        {
            return DropReason::NONE;
        }
    }
}

bool
NatFunction::IsOfThisLife(const SessionRecord& record) const
{
    return CreatorOf(record.id) == m_instance.self &&
           CreatorIncarnationOf(record.id) == m_instance.incarnation;
}

void
NatFunction::Close(const SessionRecord& record)
{
    const IpProtocol protocol = record.translated.protocol;
    const Endpoint& endpoint = record.translated.source;
    const bool isPassedOver = m_passedOver.contains({protocol, endpoint});
    Settle(record);
    if (!isPassedOver && IsOfThisLife(record))
    {
        m_nat.Free(protocol, endpoint);
    }
}

void
NatFunction::Reserve(const SessionRecord& record)
{
    const Endpoint& endpoint = record.translated.source;
    if (m_nat.IsExternal(endpoint.address) && m_nat.BlockOf(endpoint.port) == m_block &&
        !IsOfThisLife(record) && !m_passedOver.contains({record.translated.protocol, endpoint}))
    {
        m_reserved[{record.translated.protocol, endpoint}] = record.id;
    }
}

void
NatFunction::Settle(const SessionRecord& record)
{
    const Holders::key_type key{record.translated.protocol, record.translated.source};
    const auto holds = [&](const Holders& holders)
    {
        const auto found = holders.find(key);
        return found != holders.end() && found->second == record.id;
    };
    if (holds(m_reserved))
    {
        m_reserved.erase(key);
    }
    if (holds(m_passedOver))
    {
        m_passedOver.erase(key);
        m_nat.Free(key.first, key.second);
    }
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
