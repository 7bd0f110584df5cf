// SPDX-License-Identifier: GPL-2.0-only
// What a run records besides single numbers.
#include "metric-dictionary.h"

namespace flowchain
{

namespace
{

using Declarations = std::vector<MetricDeclaration>;

Declarations
DeclareHistograms()
{
    static const std::pair<const char*, const char*> NAMES[] = {
        {"latency.first_packet", "client to far side, first packet of each session"},
        {"latency.accelerator", "client to accelerator, queueing and processing there included"},
        {"latency.manager", "accelerator to first manager, until it asks a service node"},
        {"latency.service", "first manager to service node and back with the state"},
        {"latency.chain", "state at the first manager until the whole chain has it"},
        {"latency.fan_out", "state at the second manager until every service node has it"},
        {"latency.reverse", "state at the first manager until the third has the reverse entry"},
        {"latency.release", "state at the first manager until the packet is released"},
        {"latency.copies", "state at its owner until every node that the scheme names has a copy"},
        {"packet.latency", "host to far host, every delivered data packet sent after the warm-up"},
        {"sessions.worst_gap",
         "longest time between two deliveries, either direction, of each session with two of them"},
        {"sessions.packet_gap",
         "longest time of each open session from a packet's sending until the next delivery of its "
         "direction"},
        {"failover.detection_time", "each crash until the view that removes the node"},
        {"failover.recovery_time",
         "each crash until a first packet that waited for the node goes on, and until each node "
         "has the view without it"},
        {"membership.drain_time", "each request to drain until the node stops"},
        {"vulnerability.window",
         "time that each session lived with at least one copy, but fewer than the scheme promises "
         "of the live nodes"},
        {"vulnerability.below_two", "time that each session lived with exactly one copy"},
        {"disruption", "longest packet's time of each disrupted session"},
    };
    Declarations declarations;
    for (const auto& [name, meaning] : NAMES)
    {
        declarations.push_back({name, "ns", MetricType::DURATION, meaning});
    }
    return declarations;
}

/** The order is that of SeriesSampler. */
Declarations
DeclareSeries()
{
    const auto count = [](const char* name, const char* unit, const char* meaning)
    {
        return MetricDeclaration{name, unit, MetricType::INTEGER, meaning};
    };
    return {
        count(
            "goodput", "bit/s", "payload of delivered data packets in the interval, rounded down"),
        count("packets.delivered", "packets", "data packets delivered in the interval"),
        count("packets.dropped", "packets", "data packets dropped in the interval"),
        count("sessions.active", "sessions", "sessions that have started and are not over"),
        count("sessions.established",
              "sessions",
              "sessions whose first packet was delivered in the interval"),
        count("sessions.held", "sessions", "sessions that are made and wait for their release"),
        count("sessions.lost", "sessions", "sessions.lost so far"),
        count("sync.bytes", "bytes", "bytes of messages sent in the interval"),
        count("vulnerability",
              "sessions",
              "live sessions with at least one copy, but fewer than the scheme promises"),
        count("exposure", "sessions", "live sessions with exactly one copy"),
    };
}

} // namespace

const std::vector<MetricDeclaration>&
HistogramDictionary()
{
    static const Declarations DECLARATIONS = DeclareHistograms();
    return DECLARATIONS;
}

const std::vector<MetricDeclaration>&
SeriesDictionary()
{
    static const Declarations DECLARATIONS = DeclareSeries();
    return DECLARATIONS;
}

} // namespace flowchain
