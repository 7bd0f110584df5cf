// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SERVICE_NODE_APPLICATION_H
#define FLOWCHAIN_SERVICE_NODE_APPLICATION_H

#include "replica-application.h"

namespace flowchain
{

/** Instance of the network function that the directory names: shell of ServiceNodeMachine. */
class ServiceNodeApplication : public ReplicaApplication
{
  public:
    static ns3::TypeId GetTypeId();

  private:
    std::unique_ptr<ProtocolMachine> MakeMachine(const NodeConfig& config) override;

    ns3::Time m_tcpEstablishedTimeout;
    ns3::Time m_tcpTransitoryTimeout;
    ns3::Time m_udpTimeout;
    ns3::Time m_icmpTimeout;
    ns3::Time m_closeLinger;
    ns3::Time m_refreshInterval;
    bool m_tcpUpdates = true;
    std::uint16_t m_removalsMax = 0;
};

} // namespace flowchain

#endif
