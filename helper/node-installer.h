// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_NODE_INSTALLER_H
#define FLOWCHAIN_NODE_INSTALLER_H

#include "node-application.h"
#include "scenario.h"
#include "steering.h"

#include <ns3/ptr.h>

#include <vector>

namespace flowchain
{

/**
 * Make one ns3::Node with its application for every node of a run, attributes set from the
 * scenario. Each gets the directory of its service group; hosts and the controller the network's.
 * @param network directory of the whole run
 * @param steering of all service groups, for the hosts; it has the groups' directories
 * @returns the applications, index: NodeId
 */
std::vector<ns3::Ptr<NodeApplication>> InstallNodes(const Scenario& scenario,
                                                    const Directory& network,
                                                    const Steering& steering,
                                                    Fabric& fabric,
                                                    NodeListener* listener);

} // namespace flowchain

#endif
