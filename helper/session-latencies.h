// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_LATENCIES_H
#define FLOWCHAIN_SESSION_LATENCIES_H

#include "metric-set.h"
#include "session-registry.h"

namespace flowchain
{

/** Set the metrics latency.* of the steps of a session's set-up.
 * @param warmup sessions that start earlier are left out */
void ReportLatencies(const SessionRegistry& sessions, Instant warmup, MetricSet& metrics);

} // namespace flowchain

#endif
