// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CONTROLLER_APPLICATION_H
#define FLOWCHAIN_CONTROLLER_APPLICATION_H

#include "node-application.h"

namespace flowchain
{

/** Failure detection and membership views: shell of ControllerMachine. */
class ControllerApplication : public NodeApplication
{
  public:
    static ns3::TypeId GetTypeId();

    /** What an operator wants. Lost if the controller is down; it may refuse. */
    void Request(OperatorRequest request, NodeId subject);

  private:
    std::unique_ptr<ProtocolMachine> MakeMachine(const NodeConfig& config) override;

    ns3::Time m_detectionTimeout;
    std::uint64_t m_mistakeRecurrence = 0;
    std::uint16_t m_missedMax = 0;
    std::uint32_t m_lossWindow = 0;
    bool m_snapshotOnJoin = true;
    bool m_restoreFromManagers = true;
    ns3::Time m_publishDelay;
    ns3::Time m_drainTime;
};

} // namespace flowchain

#endif
