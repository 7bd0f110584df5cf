// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_ACCELERATOR_APPLICATION_H
#define FLOWCHAIN_ACCELERATOR_APPLICATION_H

#include "node-application.h"

#include <ns3/nstime.h>

namespace flowchain
{

/** Entry of a service group: shell of AcceleratorMachine. */
class AcceleratorApplication : public NodeApplication
{
  public:
    static ns3::TypeId GetTypeId();

  private:
    std::unique_ptr<ProtocolMachine> MakeMachine(const NodeConfig& config) override;

    std::uint32_t m_entriesMax = 0;
    std::uint32_t m_tombstonesMax = 0;
    bool m_tcpTracking = false;
    ns3::Time m_refreshInterval;
};

} // namespace flowchain

#endif
