// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FUNCTION_CONFIG_H
#define FLOWCHAIN_FUNCTION_CONFIG_H

#include "instant.h"
#include "nat44.h"
#include "planted-defect.h"
#include "session-record.h"

#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** A virtual service of a load balancer: what clients send to. */
struct VirtualService
{
    Endpoint endpoint;
    IpProtocol protocol = IpProtocol::TCP;
};

/** A server that a load balancer chooses from. */
struct Backend
{
    std::uint32_t address = 0;
    std::uint16_t port = 0;   ///< 0: that of the virtual service
    std::uint16_t weight = 1; ///< of its share of new sessions; at least 1
};

/** From `at` on, a backend gets new sessions or none. Sessions that it has stay. */
struct BackendChange
{
    Instant at{};
    std::uint16_t backend = 0; ///< index in LbConfig::backends
    bool inService = false;
};

struct LbConfig
{
    std::vector<VirtualService> services;
    std::vector<Backend> backends;      ///< of every virtual service
    std::uint32_t tableSize = 65537;    ///< slots of the Maglev table; a prime above the backends
    std::vector<BackendChange> changes; ///< in order of time
};

/** The network function of a service group: configuration, the same on every node of a run. */
struct FunctionConfig
{
    std::string kind = "nat";  ///< a name of NetworkFunctions()
    std::vector<NodeId> nodes; ///< service nodes of the group, in configured order
    bool tcpStrict = true;     ///< refuse a TCP session that does not begin with a SYN
    Nat44Config nat;           ///< `blocks`, `block` and `generation` follow from the node
    LbConfig lb;
};

/** Which node of the group a function runs on, and in which of its lives. */
struct FunctionInstance
{
    NodeId self = NO_NODE; ///< one of FunctionConfig::nodes
    std::uint8_t incarnation = 0;
    PlantedDefects defects{};
};

} // namespace flowchain

#endif
