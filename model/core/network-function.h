// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_NETWORK_FUNCTION_H
#define FLOWCHAIN_NETWORK_FUNCTION_H

#include "drop-reason.h"
#include "function-config.h"
#include "packet-view.h"
#include "session-store.h"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

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
     * @param now never earlier than in the last call
     * @param[out] translated the packet's tuple after processing
     * @returns NONE, or why the packet is dropped
     */
    virtual DropReason
    Open(const PacketView& packet, SessionStore& store, Instant now, FlowKey& translated) = 0;

    /**
     * The session is over, and no node can take it for a live one any more: give back what Open()
     * took for it. Any node may be told of any session, once in each of its lives.
     */
    virtual void Close(const SessionRecord& record) = 0;

    /** Another node is deleting the session: what an earlier life of this node took for it is not
     * to be given out before Settle() or Close(). */
    virtual void Reserve(const SessionRecord& /* record */)
    {
    }

    /** That deletion is confirmed by everybody. Once for each Reserve(), or not at all. */
    virtual void Settle(const SessionRecord& /* record */)
    {
    }

    /** External ports that are taken, all protocols and addresses. */
    virtual std::size_t PortsInUse() const
    {
        return 0;
    }

    /** @returns the state that the first packet puts the session in. */
    static SessionState StateOf(const PacketView& packet)
    {
        return packet.key.protocol == IpProtocol::TCP && (packet.tcpFlags & tcp_flag::SYN) != 0
                   ? SessionState::SYN_SENT
                   : SessionState::NEW;
    }

    /** RFC 5382 knows a connection by its SYN; anything else belongs to one that is not ours.
     * @returns whether a TCP packet can not be the first of its connection */
    static bool IsMidConnection(const PacketView& packet)
    {
        return packet.key.protocol == IpProtocol::TCP &&
               (packet.tcpFlags & (tcp_flag::SYN | tcp_flag::ACK)) != tcp_flag::SYN;
    }
};

/** What a tuple alone tells about a session of the function, to who has not seen the session. */
class FunctionTopology
{
  public:
    virtual ~FunctionTopology() = default;

    /** Whether only packets that travel against a session's first one have this tuple. */
    virtual bool IsReverse(const FlowKey& key) const = 0;

    /** The service node that has made the session of a reverse tuple; NO_NODE: none has; nothing:
     * any may have. */
    virtual std::optional<NodeId> CreatorOf(const FlowKey& key) const = 0;
};

/** A kind of network function. */
struct FunctionKind
{
    const char* name;
    std::unique_ptr<NetworkFunction> (*make)(const FunctionConfig& config,
                                             const FunctionInstance& instance);
    std::unique_ptr<FunctionTopology> (*makeTopology)(const FunctionConfig& config);
};

/** Every kind there is: the one table in which a new one is registered. */
const std::vector<FunctionKind>& FunctionKinds();

/** @returns null if there is no such kind */
const FunctionKind* FunctionKindByName(std::string_view name);

/** @pre config.kind is a kind */
std::unique_ptr<NetworkFunction> MakeFunction(const FunctionConfig& config,
                                              const FunctionInstance& instance);

/** @pre config.kind is a kind */
std::unique_ptr<FunctionTopology> MakeTopology(const FunctionConfig& config);

} // namespace flowchain

#endif
