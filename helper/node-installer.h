// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_NODE_INSTALLER_H
#define FLOWCHAIN_NODE_INSTALLER_H

#include "node-application.h"
#include "scenario.h"

#include <ns3/ptr.h>

#include <vector>

namespace flowchain
{

/**
 * Make one ns3::Node with its application for every node of the directory, attributes set from the
 * scenario. @returns the applications, index: NodeId
 */
std::vector<ns3::Ptr<NodeApplication>> InstallNodes(const Scenario& scenario,
                                                    const Directory& directory,
                                                    Fabric& fabric,
                                                    NodeListener* listener);

} // namespace flowchain

#endif
