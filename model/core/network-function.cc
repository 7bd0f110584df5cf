// SPDX-License-Identifier: GPL-2.0-only
#include "network-function.h"

namespace flowchain
{

NatFunction::NatFunction(const Nat44Config& config)
    : m_config(config)
    , m_nat(config)
{
}

DropReason
NatFunction::Open(const PacketView& packet, SessionStore& store, FlowKey& translated)
{
    if (!m_config.inside.Contains(packet.key.source.address) ||
        m_nat.IsExternal(packet.key.destination.address))
    {
        return DropReason::NO_BINDING;
    }
    // RFC 5382 knows a connection by its SYN; anything else belongs to one that is not ours.
    if (m_config.tcpStrict && packet.key.protocol == IpProtocol::TCP &&
        (packet.tcpFlags & (tcp_flag::SYN | tcp_flag::ACK)) != tcp_flag::SYN)
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
        // A session from before a restart of this node may still hold the endpoint; it stays
        // allocated then, and the next one is tried.
        if (store.Find(translated.Reversed()).record == nullptr)
        {
            return DropReason::NONE;
        }
    }
}

} // namespace flowchain
