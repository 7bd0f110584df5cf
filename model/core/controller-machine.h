// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CONTROLLER_MACHINE_H
#define FLOWCHAIN_CONTROLLER_MACHINE_H

#include "failure-detector.h"
#include "protocol-machine.h"

namespace flowchain
{

struct ControllerConfig
{
    Duration detectionTimeout{30'000'000'000}; ///< without a heartbeat: down
    bool snapshotOnJoin = true; ///< a service node that comes back joins first; else it is active
};

/**
 * Detects failures by heartbeats and publishes membership views. Every change is a new epoch, sent
 * reliably to all nodes that are not down.
 */
class ControllerMachine : public ProtocolMachine
{
  public:
    ControllerMachine(const NodeConfig& config, const ControllerConfig& controller);

  private:
    void HandleStart(Instant now, Actions& out) override;
    void HandleWakeup(Instant now, Actions& out) override;
    void
    HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) override;
    Instant NextRoleWakeup() const override;

    bool IsWatched(NodeRole role) const;
    void HandleHeartbeat(const MessageHeader& header, Instant now, Actions& out);
    MemberStatus StatusOnReturn(NodeId node, bool ready) const;
    void PromoteIfLast(ViewBody& body) const;
    void Publish(ViewBody body, Instant now, Actions& out);

    ControllerConfig m_controller;
    FailureDetector m_detector;
};

} // namespace flowchain

#endif
