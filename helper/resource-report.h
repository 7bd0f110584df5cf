// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RESOURCE_REPORT_H
#define FLOWCHAIN_RESOURCE_REPORT_H

#include "fabric.h"
#include "leaf-spine.h"
#include "metric-set.h"
#include "node-application.h"
#include "run-data.h"

#include <ns3/ptr.h>

#include <vector>

namespace flowchain
{

/** Set the metrics fabric.*. */
void ReportFabric(const Fabric& fabric, MetricSet& metrics);

/** The first `linksMax` links, in the order of Fabric::Links().
 * @param span length of the run; if it is 0, nothing has been used
 * @param directory of the whole network */
std::vector<LinkData> LinksOf(const Fabric& fabric,
                              const LeafSpine& network,
                              const Directory& directory,
                              Duration span,
                              std::size_t linksMax);

/** Set the metrics tables.*, node_queue.* and cpu.* of a run that ends now.
 * @param applications index: NodeId */
void ReportNodes(const Directory& directory,
                 const std::vector<ns3::Ptr<NodeApplication>>& applications,
                 Instant now,
                 MetricSet& metrics);

} // namespace flowchain

#endif
