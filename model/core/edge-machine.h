// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_EDGE_MACHINE_H
#define FLOWCHAIN_EDGE_MACHINE_H

#include "protocol-machine.h"
#include "steering.h"

namespace flowchain
{

/**
 * A host at the edge (client or server) together with the router in front of it, which sends every
 * packet to a live accelerator of the service group that it belongs to: what BGP with ECMP and
 * resilient hashing does in a real network. It keeps a view of each service group; all of them say
 * the same of every node.
 */
class EdgeMachine : public ProtocolMachine
{
  public:
    /** @param steering outlives the machine */
    EdgeMachine(const NodeConfig& config, const Steering& steering);

  private:
    void HandlePacket(FramePtr frame, Instant now, Actions& out) override;
    void HandleInject(FramePtr frame, Instant now, Actions& out) override;
    void
    HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) override;
    void HandleViewChange(Instant now, Actions& out) override;

    const Steering& m_steering;
    std::vector<MembershipView> m_views; ///< index: service group
};

} // namespace flowchain

#endif
