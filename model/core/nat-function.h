// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_NAT_FUNCTION_H
#define FLOWCHAIN_NAT_FUNCTION_H

#include "network-function.h"

#include <map>
#include <utility>

namespace flowchain
{

/** Source translation with Nat44. */
class NatFunction : public NetworkFunction
{
  public:
    NatFunction(const FunctionConfig& config, const FunctionInstance& instance);

    DropReason
    Open(const PacketView& packet, SessionStore& store, Instant now, FlowKey& translated) override;
    void Close(const SessionRecord& record) override;
    void Reserve(const SessionRecord& record) override;
    void Settle(const SessionRecord& record) override;

    std::size_t PortsInUse() const override
    {
        return m_nat.InUse();
    }

  private:
    /** External endpoints, and who has them. */
    using Holders = std::map<std::pair<IpProtocol, Endpoint>, SessionId>;

    bool IsOfThisLife(const SessionRecord& record) const;

    FunctionInstance m_instance;
    bool m_tcpStrict;
    Prefix m_inside;
    std::uint16_t m_block; ///< of ports
    Nat44 m_nat;
    /** Endpoints that Open() has passed over for a session of an earlier life that has them. */
    Holders m_passedOver;
    /** Endpoints of this node's block that Open() would pass over: their sessions are being deleted
     * by other nodes. */
    Holders m_reserved;
};

/** Packets to an external address are answers; the port tells whose block it is in. */
class NatTopology : public FunctionTopology
{
  public:
    explicit NatTopology(const FunctionConfig& config);

    bool IsReverse(const FlowKey& key) const override;
    std::optional<NodeId> CreatorOf(const FlowKey& key) const override;

  private:
    std::vector<NodeId> m_nodes;
    Nat44 m_nat; ///< consulted for block owners only; allocates nothing
};

} // namespace flowchain

#endif
