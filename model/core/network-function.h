// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_NETWORK_FUNCTION_H
#define FLOWCHAIN_NETWORK_FUNCTION_H

#include "drop-reason.h"
#include "nat44.h"
#include "packet-view.h"
#include "session-store.h"

namespace flowchain
{

/** What the service nodes of a group do with the first packet of a session. */
class NetworkFunction
{
  public:
    virtual ~NetworkFunction() = default;

    /**
     * Make a session for a packet that belongs to none.
     * @param store sessions that this node knows of, to avoid clashes with them
     * @param[out] translated the packet's tuple after processing
     * @returns NONE, or why the packet is dropped
     */
    virtual DropReason Open(const PacketView& packet, SessionStore& store, FlowKey& translated) = 0;

    /** @returns the state that the first packet puts the session in. */
    static SessionState StateOf(const PacketView& packet)
    {
        return packet.key.protocol == IpProtocol::TCP && (packet.tcpFlags & tcp_flag::SYN) != 0
                   ? SessionState::SYN_SENT
                   : SessionState::NEW;
    }
};

/** Source translation with Nat44. */
class NatFunction : public NetworkFunction
{
  public:
    explicit NatFunction(const Nat44Config& config);

    DropReason Open(const PacketView& packet, SessionStore& store, FlowKey& translated) override;

  private:
    Nat44Config m_config;
    Nat44 m_nat;
};

} // namespace flowchain

#endif
