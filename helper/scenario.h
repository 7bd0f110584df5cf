// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_H
#define FLOWCHAIN_SCENARIO_H

#include "instant.h"
#include "membership-view.h"
#include "node-selector.h"
#include "session-life.h"
#include "sweep-section.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/** `[sim]` */
struct SimSection
{
    Duration stop{};   ///< end of the run; required, positive
    Duration warmup{}; ///< metrics of sessions that start earlier are left out
    std::uint64_t seed = 1;
    /** "quaternary-heap", or one of ns-3's: "priority-queue", "map", "heap", "calendar", "list" */
    std::string scheduler = "quaternary-heap";
    /** Of the run; ns-3 numbers them with 32 bits (2^32 less what may still be pending). */
    std::uint64_t eventsMax = 4'200'000'000;
    std::vector<std::string> defects; ///< names of PLANTED_DEFECTS
};

/** `[topology]` */
struct TopologySection
{
    std::string fabric = "lean"; ///< "lean" or "point-to-point"
    std::uint16_t leaves = 4;
    std::uint16_t spines = 2;
    std::uint64_t hostRateBps = 25'000'000'000;
    std::uint64_t fabricRateBps = 100'000'000'000;
    Duration hostDelay{500'000};
    Duration fabricDelay{500'000};
    std::uint32_t queueFrames = 1000;
    std::uint32_t lossPerMillion = 0; ///< `loss = "0.1%"` on every link
    std::uint32_t duplicatePerMillion = 0;
    std::uint32_t reorderPerMillion = 0;
    Duration reorderDelay{50'000'000};
    std::uint32_t corruptPerMillion = 0;
    Duration jitter{}; ///< each frame is late by up to so much on every link
    std::uint32_t framesMax = 4'000'000;
    std::uint16_t clients = 2; ///< hosts on the inside
    std::uint16_t servers = 2; ///< hosts on the outside
};

/** What chance and delay do to the frames of some links. Absent: as otherwise. */
struct LinkQuality
{
    std::optional<std::uint32_t> lossPerMillion;
    std::optional<std::uint32_t> duplicatePerMillion;
    std::optional<std::uint32_t> reorderPerMillion;
    std::optional<Duration> reorderDelay;
    std::optional<std::uint32_t> corruptPerMillion;
    std::optional<Duration> delay; ///< besides that of the topology
    std::optional<Duration> jitter;
};

/** `[[link]]`: some links that differ from the others, for a time. Absent: as in `[topology]`. */
struct LinkSection : LinkQuality
{
    std::string node;                  ///< whose link it is; empty: links between leaves and spines
    NodeId target = NO_NODE;           ///< resolved
    std::optional<std::uint16_t> leaf; ///< absent: all, if there is a spine
    std::optional<std::uint16_t> spine;
    std::string direction = "both"; ///< "to" or "from" the node or the spine, "both"
    Duration from{};
    std::optional<Duration> until;
};

/** Cores, cost per kind of work, and bounded queue of a node. */
struct ProcessingSection
{
    std::uint16_t cores = 1;
    std::uint32_t queueFrames = 4096;
    Duration packetCost{};  ///< a data packet, bare or encapsulated
    Duration messageCost{}; ///< a synchronisation message
    Duration ackCost{};     ///< an acknowledgement, heartbeat or view
};

/** `[group]` */
struct GroupSection
{
    std::uint16_t count = 1;        ///< flow-management groups
    std::vector<std::string> names; ///< of the first groups, in order; there may be fewer groups
    std::uint16_t managers = 3;     ///< flow managers in each group
    ProcessingSection processing{4, 4096, Duration{300'000}, Duration{200'000}, Duration{50'000}};
    std::uint32_t sessionsMax = 4'000'000;
    std::uint32_t pendingMax = 65'536;          ///< sessions that wait for state or release
    Duration pendingTimeout{2'000'000'000'000}; ///< then a session that waits is given up
    std::uint32_t heldPerSessionMax = 256;      ///< packets that wait for one session's release
};

/** `[chain]` */
struct ChainSection
{
    std::string scheme = "chain"; ///< one of SyncSchemes()
    std::uint16_t length = 3;     ///< 1..8, at most the managers of a group
    std::uint16_t position = 0;   ///< of the second manager, 1..length; 0: the tail
    std::string release = "all";  ///< "immediate", "chain", "all", "tail"
    bool crossGroup = false;      ///< a manager of another group gets a copy, too
};

/** @returns the position of the second manager, 1..length */
inline std::uint16_t
SecondPosition(const ChainSection& chain)
{
    return chain.position == 0 ? chain.length : chain.position;
}

/** `[selection]`: who handles a flow, by a function that all nodes share */
struct SelectionSection
{
    std::string method = "rendezvous"; ///< "rendezvous", "maglev", "jump"
    std::string hash = "directional";  ///< "directional", "symmetric"
    std::uint32_t tableSize = 2039;    ///< slots of each Maglev table; a prime
    std::string serviceNode = "hash";  ///< of a new session: "hash", "least-loaded"
};

/** `[sync]`: the reliable channel between every two nodes */
struct SyncSection
{
    Duration retransmitTimeout{500'000'000}; ///< first, then doubled each time
    Duration retransmitTimeoutMax{50'000'000'000};
    std::uint16_t retriesMax = 30;
    std::uint16_t window = 64;         ///< unacknowledged messages to one peer, 1..64
    std::uint32_t backlogMax = 65'536; ///< messages that wait for the window, to one peer
    std::uint32_t backlogHigh = 0;     ///< from so many on no new sessions are opened; 0: never
    std::uint32_t backlogLow = 0;      ///< until only so many are left
    Duration ackDelay{};               ///< that an acknowledgement waits for a message
    std::uint16_t batchCount = 1;      ///< messages in one frame, at most
    Duration batchDelay{};             ///< that a message waits for others
    std::uint32_t batchBytes = 1400;   ///< length of a frame with several messages
};

/** `[session]`: the life of a session */
struct SessionSection
{
    SessionTimers timers;
    std::uint32_t tombstonesMax = 65'536; ///< names of deleted sessions that one node keeps
    std::uint16_t removalsMax = 255;      ///< deletions of one node that are not confirmed yet
    bool tcpTracking = false;             ///< accelerators tell owners of ACK, FIN and RST
    bool tcpUpdates = true;               ///< changes of a connection's state are replicated
};

/** `[controller]` */
struct ControllerSection
{
    Duration heartbeatInterval{10'000'000'000};
    Duration detectionTimeout{30'000'000'000};       ///< without a heartbeat: dead, if none is lost
    std::uint64_t mistakeRecurrence = 1'000'000'000; ///< heartbeats per living node suspected
    std::uint16_t missedMax = 64;                    ///< heartbeats; loss makes nobody wait longer
    std::uint32_t lossWindow = 1024;                 ///< heartbeats by which loss is measured
    Duration publishDelay{};                         ///< from a decision to the view that says so
    Duration drainTime{20'000'000'000}; ///< once all know that a node drains, until it may stop
    bool restoreFromManagers = true;    ///< a service group that has lost everything, if they can
    ProcessingSection processing{1, 65536, Duration{200'000}, Duration{200'000}, Duration{50'000}};
};

/** `[[accelerator]]` */
struct AcceleratorSection
{
    std::string name = "accelerator";
    std::uint16_t count = 2;
    std::uint32_t entriesMax = 8'000'000;
    ProcessingSection processing{8, 4096, Duration{100'000}, Duration{200'000}, Duration{50'000}};
};

/** `[[service.vip]]`: a virtual service, what clients of a load balancer send to */
struct VipSection
{
    std::uint32_t address = 0; ///< required
    std::uint16_t port = 443;
    std::string protocol = "tcp"; ///< "tcp" or "udp"
};

/** @returns TCP or UDP */
inline IpProtocol
ProtocolOf(const VipSection& vip)
{
    return vip.protocol == "tcp" ? IpProtocol::TCP : IpProtocol::UDP;
}

/** `[[service.backend]]`: a server behind a load balancer */
struct BackendSection
{
    std::uint32_t address = 0; ///< required
    std::uint16_t port = 0;    ///< 0: that of the virtual service
    std::uint16_t weight = 1;
    std::optional<Duration> drainAt;   ///< from then on it gets no new sessions
    std::optional<Duration> restoreAt; ///< from then on it gets new sessions again
};

/** `[[service]]` */
struct ServiceSection
{
    std::string name; ///< by default its kind
    std::string kind = "nat";
    std::uint16_t nodes = 4; ///< 1..64
    Prefix inside{0x0a000000, 8};
    bool tcpStrict = true;                 ///< refuse a TCP session that does not start with SYN
    std::uint32_t sessionsMax = 4'000'000; ///< copies that one node holds
    ProcessingSection processing{4, 4096, Duration{1'000'000}, Duration{200'000}, Duration{50'000}};

    // kind = "nat"
    Prefix external{0xcb007100, 24}; ///< 203.0.113.0/24, shared; each node owns a port block
    std::uint16_t portFirst = 1024;
    std::uint16_t portLast = 65535;

    // kind = "lb"
    std::uint32_t tableSize = 65537; ///< slots of the Maglev table; a prime
    std::vector<VipSection> vips;
    std::vector<BackendSection> backends; ///< of every virtual service

    // What the service group runs with: from its own [service.group], [service.chain] and
    // [[service.accelerator]], or else from the sections of the scenario that have these names.
    GroupSection group;
    ChainSection chain;
    std::vector<AcceleratorSection> accelerators;
    bool ownGroup = false;
    bool ownChain = false;
    bool ownAccelerators = false;
};

/** `[[workload]]` with `kind = "replay"` */
struct ReplaySection
{
    std::string file; ///< resolved against the scenario's folder
    std::string fileResolved;
    std::uint32_t timeScalePermille = 1000; ///< `time_scale = 1.0`: 2.0 is half as fast
};

/** `[[workload]]` with `kind = "sessions"` */
struct SessionsSection
{
    std::uint64_t sessions = 0;           ///< how many start; required, 1..16e6
    std::string arrivals = "fixed";       ///< "fixed" or "poisson"
    std::uint64_t ratePerSecondMilli = 0; ///< new sessions per second, 1e-3; `rate = 1000.0`
    std::string protocol = "tcp";         ///< "tcp" (open, data, close) or "udp"
    std::uint32_t servers = 131'072;      ///< that they go to, at most
    std::uint32_t packets = 8;            ///< data packets a session and direction
    Duration gap{};                       ///< between two data packets of one direction
    std::uint32_t payloadBytes = 512;
    std::uint32_t replyBytes = 512;
};

struct WorkloadSection
{
    std::string name;
    std::string kind;               ///< "replay" or "sessions"
    std::string service;            ///< name of the service group that the traffic goes through
    std::uint16_t serviceIndex = 0; ///< resolved
    Duration start{};
    ReplaySection replay;
    SessionsSection sessions;
};

/** `[[failure]]` */
struct FailureSection
{
    std::string kind = "crash";       ///< of FailureKinds(), which says what a kind's keys are
    std::string node;                 ///< as SelectNodes() reads it
    NodeId target = NO_NODE;          ///< resolved: the only node, if it is known
    std::vector<NodeId> targets;      ///< resolved: all that are known
    std::vector<SessionRole> roles;   ///< resolved: those that only the run knows
    std::vector<std::string> between; ///< two sides, as SelectNodes() reads them
    std::vector<std::vector<NodeId>> sides; ///< resolved: the nodes of `between` that are known
    std::vector<std::vector<SessionRole>> sideRoles; ///< resolved: those that only the run knows
    std::string direction = "both"; ///< "to", "from", "both"; of a partition "one-way", "both"
    std::optional<std::uint16_t> leaf;
    std::optional<std::uint16_t> spine;
    LinkQuality impairment;
    std::uint32_t factorPermille = 1000; ///< of processing costs, or of a clock's rate
    std::string state = "lost";          ///< or "kept": whether a crash leaves the tables
    std::string on;                ///< "chain.send#3": the event that it waits for; empty: none
    Duration delay{};              ///< from that event on
    std::optional<Duration> mtbf;  ///< mean time between failures: it strikes by chance
    std::optional<Duration> mttr;  ///< mean time to repair, if it strikes by chance
    std::optional<Duration> until; ///< no strike by chance comes later; absent: to the end
    Duration at{};                 ///< with `on` or `mtbf`: from then on
    std::optional<Duration> recoverAfter;
    Duration rerouteAfter{50'000'000'000};
};

/** `[output]` */
struct OutputSection
{
    std::string directory = "results"; ///< results/<scenario name>
    bool result = true;
    std::uint32_t linksMax = 4096;          ///< directed links that the result lists
    std::optional<Duration> seriesInterval; ///< of time series; resolved; 0: there are none
    std::vector<std::string> pcap;          ///< "all", or node names whose links are captured
};

/** `[[expect]]`: `metric = "sessions.lost"`, and one of equals, at_most, at_least */
struct ExpectSection
{
    std::string metric;
    std::string comparison;  ///< "equals", "at_most", "at_least"
    std::string value;       ///< as written: a number, or a duration such as "60ms"
    std::int64_t number = 0; ///< value in the metric's unit (durations: ps)
    bool isDuration = false;
    std::string known; ///< why it is known to fail; empty: it must hold
    std::uint32_t line = 0;
};

/** A crash at a boundary of the run, see boundary.h; of the command line, not of the file. */
struct CrashPoint
{
    std::uint64_t boundary = 0; ///< its number, from 1
    NodeId node = NO_NODE;      ///< that crashes
    std::optional<Duration> recoverAfter;
};

/** A validated scenario: every default filled in, every reference resolved. */
struct Scenario
{
    std::string name; ///< file name without ".toml"
    std::string path;
    SimSection sim;
    TopologySection topology;
    std::vector<LinkSection> links;
    GroupSection group; ///< of service groups that have none of their own; likewise the next one
    ChainSection chain; ///< its scheme is that of all service groups
    SelectionSection selection;
    SyncSection sync;
    SessionSection session;
    ControllerSection controller;
    std::vector<ServiceSection> services;         ///< at least one
    std::vector<AcceleratorSection> accelerators; ///< of service groups that have none of their own
    std::vector<WorkloadSection> workloads;
    std::vector<FailureSection> failures;
    OutputSection output;
    std::vector<ExpectSection> expectations;
    SweepSection sweep; ///< of the file; says nothing of this scenario itself
    std::optional<CrashPoint> crashPoint;
    /** Because of a run that goes on from this one: see FabricConfig. */
    bool tellsAtArrival = false;
};

/** What the nodes of a run know of it. */
struct Directories
{
    Directory network; ///< of hosts and controller: the nodes of all service groups, in their order
    std::vector<Directory> services; ///< of the nodes of each service group
};

/** Node ids are dense: clients, servers; for each service group accelerators (in file order),
 * managers (group by group), service nodes; controller. */
Directories MakeDirectories(const Scenario& scenario);
/**
 * "client[0]", "server[1]", "accelerator[0]", "manager[2]", "service[3]", "controller". If there
 * are several service groups, their nodes are called by them, and are counted within them:
 * "nat.accelerator[0]", "lb.service[3]".
 */
std::string NodeName(const Directory& directory, NodeId node);
/** @returns NO_NODE if no node has this name. */
NodeId FindNode(const Directory& directory, const std::string& name);
/** Leaf of every node, index: NodeId. Nodes are dealt to the leaves one by one in order of id, so
 * the members of a group or a service spread over the leaves. */
std::vector<std::uint16_t> LeavesOfNodes(const Scenario& scenario, const Directory& directory);

} // namespace flowchain

#endif
