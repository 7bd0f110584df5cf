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
};

} // namespace flowchain

#endif
