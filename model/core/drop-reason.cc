// SPDX-License-Identifier: GPL-2.0-only
#include "drop-reason.h"

#include <array>

namespace flowchain
{

const char*
ToString(DropReason reason)
{
    static constexpr std::array<const char*, DROP_REASON_COUNT> NAMES = {
        "none",           "queue-full",        "link-loss",
        "link-cut",       "switch-down",       "partitioned",
        "no-route",       "node-queue-full",   "node-down",
        "malformed",      "unsupported",       "ttl-exceeded",
        "no-view",        "no-service",        "no-accelerator",
        "no-manager",     "no-service-node",   "no-binding",
        "no-vip",         "no-backend",        "no-session",
        "closing",        "port-exhausted",    "table-full",
        "hold-full",      "pending-full",      "sync-backlog-full",
        "sync-abandoned", "refused",           "stale-epoch",
        "future-epoch",   "stale-incarnation", "duplicate",
        "not-for-me",     "wrong-service",     "unknown-connection",
        "backpressure",   "end-of-run",
    };
    return NAMES[static_cast<std::size_t>(reason)];
}

} // namespace flowchain
