// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RESOURCE_REPORT_H
#define FLOWCHAIN_RESOURCE_REPORT_H

#include "fabric.h"
#include "metric-set.h"
#include "node-application.h"

#include <ns3/ptr.h>

#include <vector>

namespace flowchain
{

/** Set the metrics fabric.*. */
void ReportFabric(const Fabric& fabric, MetricSet& metrics);

/** Set the metrics tables.*, node_queue.* and cpu.* of a run that ends now.
 * @param applications index: NodeId */
void ReportNodes(const Directory& directory,
                 const std::vector<ns3::Ptr<NodeApplication>>& applications,
                 Instant now,
                 MetricSet& metrics);

} // namespace flowchain

#endif
