// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FLOW_MANAGER_APPLICATION_H
#define FLOWCHAIN_FLOW_MANAGER_APPLICATION_H

#include "replica-application.h"

#include <string>

namespace flowchain
{

/** Flow manager: shell of FlowManagerMachine. */
class FlowManagerApplication : public ReplicaApplication
{
  public:
    static ns3::TypeId GetTypeId();

  private:
    std::unique_ptr<ProtocolMachine> MakeMachine(const NodeConfig& config) override;

    std::uint32_t m_pendingMax = 65536;
    std::uint32_t m_heldPerSessionMax = 256;
};

} // namespace flowchain

#endif
