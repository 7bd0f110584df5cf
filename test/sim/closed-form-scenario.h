// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CLOSED_FORM_SCENARIO_H
#define FLOWCHAIN_CLOSED_FORM_SCENARIO_H

// One session on an idle network, for tests of the formulas of doc/latency.rst.
#include "forked-runs.h"
#include "scenario-reader.h"
#include "simulation.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** A time in picoseconds. */
using Time = std::int64_t;

inline constexpr Time HOST_BYTE = 320;  ///< 25 Gbit/s
inline constexpr Time FABRIC_BYTE = 80; ///< 100 Gbit/s
inline constexpr Time HOST_DELAY = 500'000;
inline constexpr Time FABRIC_DELAY = 700'000;
inline constexpr Time SERVER_DELAY = 1'000'000'000; ///< so that the answer comes after all is done

/** Processing costs of accelerator, managers and service nodes: packet, message, ack. */
struct Costs
{
    Time ap, mp, mm, mk, sp, sm, sk;
};

/** All different, so that a cost of the wrong node or kind shows. */
inline constexpr Costs USUAL = {101'003, 307'009, 211'027, 53'081, 1'013'243, 629'729, 41'187};
/** So that the reverse entry is what a release waits for, or the acknowledgement of a fan-out. */
inline constexpr Costs DEAR = {
    101'003, 307'009, 1'511'027, 9'053'081, 1'013'243, 129'729, 9'041'187};

/** The payload is so long that in `store` no two acknowledgements meet, and so short that no frame
 * waits at a fabric port. */
inline const std::string SCENARIO = R"(
[sim]
stop = "60ms"
[topology]
clients = 1
servers = 1
host_rate = "25Gbps"
fabric_rate = "100Gbps"
host_delay = "500ns"
fabric_delay = "700ns"
[[link]]
node = "server[0]"
direction = "to"
delay = "1ms"
[group]
managers = 8
cores = 16
[[service]]
cores = 16
[[accelerator]]
count = 1
[[workload]]
kind = "sessions"
start = "3ms"
sessions = 1
rate = 1
packets = 2
gap = "20ms"
payload = 448
)";

/** So many that every node has a leaf of its own. */
inline constexpr int OWN_LEAVES = 32;

struct Case
{
    std::string scheme;
    std::string release;
    int n = 3; ///< managers in a chain
    int q = 3; ///< place of the one that fans out
    int nodes = 2;
    bool isTcp = false;
    int leaves = 1;
    int seed = 1;
    Costs costs = USUAL;
    std::string fabric = "lean";
};

inline std::string
NameOf(const Case& c)
{
    return c.scheme + " " + c.release + " length " + std::to_string(c.n) + " position " +
           std::to_string(c.q) + " nodes " + std::to_string(c.nodes) + (c.isTcp ? " tcp" : " udp") +
           " leaves " + std::to_string(c.leaves) + " seed " + std::to_string(c.seed) + " " +
           c.fabric + " sm " + std::to_string(c.costs.sm);
}

inline Scenario
ScenarioOf(const Case& c)
{
    std::vector<std::string> settings = {
        "chain.scheme=" + c.scheme,
        "chain.release=" + c.release,
        "chain.length=" + std::to_string(c.n),
        "chain.position=" + std::to_string(c.q),
        "service[0].nodes=" + std::to_string(c.nodes),
        "topology.leaves=" + std::to_string(c.leaves),
        "topology.fabric=" + c.fabric,
        "sim.seed=" + std::to_string(c.seed),
        std::string("workload[0].protocol=") + (c.isTcp ? "tcp" : "udp"),
    };
    const auto cost = [&settings](const std::string& key, Time value)
    {
        settings.push_back(key + "_cost=" + std::to_string(value) + "ps");
    };
    cost("accelerator[0].packet", c.costs.ap);
    cost("group.packet", c.costs.mp);
    cost("group.message", c.costs.mm);
    cost("group.ack", c.costs.mk);
    cost("service[0].packet", c.costs.sp);
    cost("service[0].message", c.costs.sm);
    cost("service[0].ack", c.costs.sk);
    return ParseScenario(SCENARIO, "closed-form.toml", settings);
}

/** S(L) on a port that needs `byte` for a byte. */
inline Time
SerialisationOf(Time length, Time byte)
{
    return (std::max<Time>(length, 60) + 24) * byte;
}

/** X(L) between nodes on one leaf, or on different ones. */
inline Time
CrossingOf(Time length, bool sameLeaf)
{
    const Time host = 2 * (SerialisationOf(length, HOST_BYTE) + HOST_DELAY);
    const Time fabric = 2 * (SerialisationOf(length, FABRIC_BYTE) + FABRIC_DELAY);
    return sameLeaf ? host : host + fabric;
}

/** D of the first packet. A SYN has no payload, and TCP's header is 12 bytes longer than UDP's. */
inline Time
PacketBytesOf(const Case& c)
{
    return c.isTcp ? 54 : 490;
}

/** Run each case in a process of its own. */
inline std::vector<RunRecord>
RunCases(const std::vector<Case>& cases)
{
    return RunForked(cases.size(),
                     1,
                     [&](std::size_t i)
                     {
        return RecordRun(ScenarioOf(cases[i]));
    },
                     {});
}

} // namespace flowchain

#endif
