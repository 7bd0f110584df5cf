// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_EDGE_MACHINE_H
#define FLOWCHAIN_EDGE_MACHINE_H

#include "protocol-machine.h"

namespace flowchain
{

/**
 * A host at the edge (client or server) together with the router in front of it, which sends every
 * packet to a live accelerator of its view: what BGP with ECMP and resilient hashing does in a real
 * network.
 */
class EdgeMachine : public ProtocolMachine
{
  public:
    using ProtocolMachine::ProtocolMachine;

  private:
    void HandlePacket(FramePtr frame, Instant now, Actions& out) override;
    void HandleInject(FramePtr frame, Instant now, Actions& out) override;
    void
    HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) override;
};

} // namespace flowchain

#endif
