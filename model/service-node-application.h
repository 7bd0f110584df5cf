// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SERVICE_NODE_APPLICATION_H
#define FLOWCHAIN_SERVICE_NODE_APPLICATION_H

#include "replica-application.h"

namespace flowchain
{

/** Instance of the NAT44 function: shell of ServiceNodeMachine. */
class ServiceNodeApplication : public ReplicaApplication
{
  public:
    static ns3::TypeId GetTypeId();

  private:
    std::unique_ptr<ProtocolMachine> MakeMachine(const NodeConfig& config) override;

    std::uint16_t m_portFirst = 1024;
    std::uint16_t m_portLast = 65535;
    bool m_tcpStrict = true;
};

} // namespace flowchain

#endif
