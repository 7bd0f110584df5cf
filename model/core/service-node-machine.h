// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SERVICE_NODE_MACHINE_H
#define FLOWCHAIN_SERVICE_NODE_MACHINE_H

#include "network-function.h"
#include "protocol-machine.h"
#include "session-store.h"

#include <memory>

namespace flowchain
{

struct ServiceNodeConfig
{
    std::uint32_t sessionsMax = 4'000'000;
    std::uint16_t snapshotWindow = 32; ///< snapshot messages in flight
};

/**
 * Instance of a network function: processes first packets for real, makes session state, returns
 * state and packet to the flow manager, and keeps a copy of everybody's sessions
 * (CN116389549, paragraphs [0005]-[0006], [0012]).
 *
 * A session whose owner has left the view is adopted: every node computes the same new owner and
 * version from the session's id and the view, so two copies never disagree. A node that comes back
 * joins by a snapshot from the active node with the lowest id, while live updates flow already.
 */
class ServiceNodeMachine : public ProtocolMachine
{
  public:
    ServiceNodeMachine(const NodeConfig& config,
                       const ServiceNodeConfig& service,
                       std::unique_ptr<NetworkFunction> function);

    std::size_t TableBytes() const override;
    std::size_t TableEntries() const override;
    std::size_t TableLimit() const override;

    const SessionStore& Store() const
    {
        return m_store;
    }

  private:
    /** A snapshot that this node sends to a joining one. */
    struct Snapshot
    {
        NodeId target = NO_NODE;
        std::uint8_t incarnation = 0;
        std::size_t cursor = 0; ///< next slot of the store
        std::uint32_t inFlight = 0;
        std::uint32_t run =
            0; ///< part of the tokens: acknowledgements of an earlier run do not count
        bool ended = false;
    };

    void
    HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) override;
    void HandleAcknowledged(
        NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions& out) override;
    void HandleReturned(NodeId peer,
                        ReliableChannel::Outstanding message,
                        Returned why,
                        Instant now,
                        Actions& out) override;
    void HandleViewChange(Instant now, Actions& out) override;
    std::uint8_t HeartbeatFlags() const override;

    void Process(NodeId manager, FramePtr frame, Instant now, Actions& out);
    DropReason Create(const PacketView& view, Instant now, SessionRecord& record);
    bool Adopt(SessionRecord& record) const;
    void ReturnState(NodeId manager,
                     const SessionRecord& record,
                     std::uint8_t flags,
                     FramePtr packet,
                     PacketView& view,
                     Instant now,
                     Actions& out);
    void Refuse(NodeId manager,
                const FlowKey& key,
                DropReason reason,
                FramePtr packet,
                Instant now,
                Actions& out);
    void FeedSnapshot(Snapshot& snapshot, Instant now, Actions& out);

    ServiceNodeConfig m_service;
    std::unique_ptr<NetworkFunction> m_function;
    SessionStore m_store;
    std::vector<Snapshot> m_snapshots;
    std::uint64_t m_serial = 0;
    std::uint32_t m_snapshotRun = 0;
    bool m_ready;
};

} // namespace flowchain

#endif
