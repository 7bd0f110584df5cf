// SPDX-License-Identifier: GPL-2.0-only
#include "metric-dictionary.h"

#include "drop-reason.h"
#include "sync-message.h"
#include "traffic-class.h"

#include <algorithm>

namespace flowchain
{

namespace
{

using Declarations = std::vector<MetricDeclaration>;

void
Count(Declarations& d, std::string name, std::string unit, std::string meaning)
{
    d.push_back({std::move(name), std::move(unit), MetricType::INTEGER, std::move(meaning)});
}

void
Time(Declarations& d, std::string name, std::string meaning)
{
    d.push_back({std::move(name), "ns", MetricType::DURATION, std::move(meaning)});
}

void
DeclareSessions(Declarations& d)
{
    Count(d, "sessions.started", "sessions", "sessions whose first packet was injected");
    Count(
        d, "sessions.established", "sessions", "sessions whose first packet reached the far side");
    Count(d, "sessions.completed", "sessions", "sessions all of whose packets were delivered");
    Count(d,
          "sessions.lost",
          "sessions",
          "released sessions that no live service node has any more, and no manager restores");
    Count(d,
          "sessions.broken",
          "sessions",
          "sessions of which a packet was dropped, or arrived changed");
    Count(d, "sessions.deleted", "sessions", "sessions whose deletion has begun");
    Count(
        d, "sessions.closed", "sessions", "those of them whose TCP connection was closed or reset");
    Count(d, "sessions.aged", "sessions", "those of them that had no packets for too long");
    Count(d,
          "sessions.deletions_taken_over",
          "deletions",
          "deletions begun by a node that has gone, which another one has repeated");
    Count(d,
          "sessions.deletions_pending",
          "deletions",
          "deletions that not everybody has confirmed at the end, all live service nodes");
    Count(d,
          "sessions.zombies",
          "copies",
          "copies and flow entries of deleted sessions that live nodes hold at the end");
    Count(d,
          "zombies.peak",
          "sessions",
          "most sessions at one time whose deletion had begun and of which a live node had a copy");
    Count(d,
          "ports.in_use",
          "ports",
          "external ports that are not free at the end, all live service nodes");
    Count(d, "tombstones", "names", "names of deleted sessions at the end, all live nodes");
    Count(d,
          "tombstones.evicted",
          "names",
          "names of deleted sessions that made way for newer ones, all live nodes");
}

void
DeclarePackets(Declarations& d)
{
    Count(d, "packets.injected", "packets", "data packets that hosts sent");
    Count(d, "packets.delivered", "packets", "data packets that reached the far host");
    Count(d,
          "packets.not_replayed",
          "packets",
          "captured packets that a replay left out: no session of an inside host, or malformed");
    Count(d, "packets.in_flight", "packets", "data packets on their way when the run ended");
    Count(d, "packets.dropped", "packets", "data packets that were dropped, all reasons");
    for (std::size_t i = 1; i < DROP_REASON_COUNT; ++i)
    {
        const auto reason = static_cast<DropReason>(i);
        if (reason != DropReason::END_OF_RUN)
        {
            const std::string name = ToString(reason);
            Count(d, "packets.dropped." + name, "packets", "data packets dropped: " + name);
        }
    }
}

void
DeclareLatencies(Declarations& d)
{
    static const std::pair<const char*, const char*> SEGMENTS[] = {
        {"first_packet", "client to far side, first packet of a session"},
        {"accelerator", "client to accelerator, queueing and processing there included"},
        {"manager", "accelerator to first manager, until it asks a service node"},
        {"service", "first manager to service node and back with the state"},
        {"chain", "state at the first manager until the whole chain has it"},
        {"fan_out", "state at the second manager until every service node has it"},
        {"reverse", "state at the first manager until the third has the reverse entry"},
        {"release", "state at the first manager until the packet is released"},
        {"copies", "state at its owner until every node that the scheme names has a copy"},
    };
    for (const auto& [segment, meaning] : SEGMENTS)
    {
        const auto prefix = std::string{"latency."} + segment;
        const auto of = std::string{": "} + meaning;
        Count(d, prefix + ".count", "sessions", "sessions measured" + of);
        Time(d, prefix + ".mean", "mean" + of);
        Time(d, prefix + ".p50", "median" + of);
        Time(d, prefix + ".p90", "90th percentile" + of);
        Time(d, prefix + ".p99", "99th percentile" + of);
        Time(d, prefix + ".max", "maximum" + of);
    }
}

void
DeclareSynchronisation(Declarations& d)
{
    Time(d,
         "failover.detection_time",
         "longest time from a crash to the view that removes the node");
    Time(d,
         "failover.recovery_time",
         "longest time from a crash until every session that it touched goes on");
    Count(d, "membership.drained", "nodes", "nodes that have been drained and have stopped");
    Time(d, "membership.drain_time", "longest time from a request to drain until the node stops");
    Count(d,
          "membership.removed_alive",
          "nodes",
          "times that a live node learnt that it was taken to be down, and started again");
    Count(d, "membership.requests_refused", "requests", "requests that the controller refused");
    Count(d,
          "membership.controller_restarts",
          "restarts",
          "times that the controller took up its work again after a restart");
    for (auto k = static_cast<int>(MessageKind::PACKET_IN);
         k <= static_cast<int>(LAST_MESSAGE_KIND);
         ++k)
    {
        const auto kind = static_cast<MessageKind>(k);
        const std::string name = ToString(kind);
        const bool isBatch = kind == MessageKind::BATCH;
        Count(d,
              "sync.messages." + name,
              isBatch ? "frames" : "messages",
              isBatch ? "frames with several messages, each of which is counted under its own kind"
                      : "messages sent, retransmissions included: " + name);
        Count(d,
              "sync.bytes." + name,
              "bytes",
              isBatch ? "bytes of frames with several messages, which no other kind counts"
                      : "bytes of these messages, outer headers and packets included: " + name);
    }
    Count(d,
          "sync.outstanding_max",
          "messages",
          "most messages of one node that were unacknowledged by one peer");
    Count(d,
          "sync.backlog_max",
          "messages",
          "most messages of one node that waited for the window to one peer");
    Count(d, "sync.bytes", "bytes", "bytes of all messages, outer headers included");
    Count(d,
          "sync.messages_per_session",
          "millimessages",
          "messages but heartbeats and views, thousandths for each session started");
    Count(d,
          "sync.bytes_per_session",
          "millibytes",
          "bytes of these messages, thousandths for each session started");
    Count(d, "sync.retransmissions", "messages", "messages sent again");
    Count(d, "sync.retransmission_bytes", "bytes", "bytes of messages sent again");
    Count(d, "sync.abandoned", "messages", "messages given up after all retransmissions");
    Count(d, "sync.refused_stale", "messages", "messages refused for their epoch or incarnation");
    Count(d,
          "slow_path.third_misses",
          "packets",
          "reverse packets for which the third manager had no entry");
    Count(d,
          "slow_path.overtakes",
          "packets",
          "reverse packets that came before the entry that was on its way");
}

void
DeclareProtection(Declarations& d)
{
    static const std::pair<const char*, const char*> WINDOWS[] = {
        {"vulnerability.window",
         "at least one copy, but fewer than the scheme promises of the live nodes"},
        {"vulnerability.below_two", "exactly one copy"},
    };
    for (const auto& [name, meaning] : WINDOWS)
    {
        const auto of = std::string{" time that a session lived with "} + meaning;
        const std::string prefix = name;
        Time(d, prefix + ".p50", "median" + of);
        Time(d, prefix + ".p99", "99th percentile" + of);
        Time(d, prefix + ".max", "longest" + of);
        Count(d, prefix + ".total", "session-us", "sum over all sessions of the" + of);
    }
    static const std::pair<const char*, const char*> EXPOSURES[] = {
        {"exposure", "live sessions"},
        {"exposure.unreleased", "live sessions that were not released yet"},
        {"exposure.released", "live sessions that were released"},
    };
    for (const auto& [name, sessions] : EXPOSURES)
    {
        const std::string prefix = name;
        Count(d,
              prefix + ".peak",
              "sessions",
              std::string{"most "} + sessions + " whose only copy was at one and the same node");
        Count(d,
              prefix + ".mean",
              "millisessions",
              std::string{"mean over the run of the number of "} + sessions +
                  " with exactly one copy");
    }
    Count(d,
          "failures.struck",
          "failures",
          "failures that have struck a node, each node for itself; those of links are not counted");
    Count(d,
          "failures.of_links",
          "failures",
          "failures that have struck links: cut, partition, spine, leaf and impair");
    Count(d,
          "failures.missed",
          "failures",
          "failures that found no node, or one that was down, paused, slow or mistimed already");
    Count(d,
          "disruption.sessions",
          "sessions",
          "sessions of which a packet delivered after the first failure took more than twice as "
          "long as the slowest first packet before it");
    Time(d, "disruption.p50", "median over these sessions of their longest packet's time");
    Time(d, "disruption.p99", "99th percentile over these sessions of their longest packet's time");
    Time(d, "disruption.max", "longest time of a packet of these sessions");
    Time(d,
         "sessions.packet_gap",
         "longest time from the sending of a packet of an open session until the next delivery of "
         "that session in that direction");
    Count(d, "copies.refused", "copies", "copies that a node refused, its table being full");
    Count(d, "copies.conflicts", "copies", "copies that gave way to a newer session's");
    Count(d, "copies.superseded", "copies", "stored copies that made way for a newer session's");
    Count(
        d, "copies.adopted", "sessions", "sessions that a service node found to have a new owner");
    Count(d,
          "copies.repaired",
          "sessions",
          "times that an owner sent a session to managers that a new view had put in its chain");
    Count(
        d, "entries.refused", "entries", "flow entries that a node refused, its table being full");
    Count(d,
          "third.predictions",
          "sessions",
          "sessions of which a reverse packet reached a flow manager");
    Count(d,
          "third.correct",
          "sessions",
          "those whose first such packet found the reverse entry there, stored in advance");
    Count(d, "third.accuracy", "permille", "share of the correct predictions");
}

const char*
MeaningOf(TrafficClass trafficClass)
{
    switch (trafficClass)
    {
    case TrafficClass::DATA:
        return "bare data packets";
    case TrafficClass::ENCAPSULATED:
        return "data packets between nodes";
    case TrafficClass::SYNC:
        return "state and entries";
    case TrafficClass::CONTROL:
        return "acknowledgements, heartbeats, views";
    }
    return "";
}

void
DeclareResources(Declarations& d)
{
    Count(d, "fabric.packet_hops", "frames", "link traversals, messages included");
    Count(d, "fabric.link_drops", "frames", "frames lost on links or at full ports");
    Count(d, "fabric.queue_max", "frames", "longest queue of any port");
    for (std::size_t i = 0; i < TRAFFIC_CLASS_COUNT; ++i)
    {
        const auto trafficClass = static_cast<TrafficClass>(i);
        const std::string name = ToString(trafficClass);
        const std::string what = MeaningOf(trafficClass);
        Count(d, "fabric.frames." + name, "frames", "frames put on links, each link: " + what);
        Count(d, "fabric.bytes." + name, "bytes", "bytes put on links, each link: " + what);
    }
    Count(d, "node_queue.max", "frames", "longest processing queue of any node");
    static const std::pair<const char*, const char*> KINDS[] = {
        {"accelerator", "accelerators"},
        {"manager", "flow managers"},
        {"service", "service nodes"},
        {"controller", "the controller"},
    };
    for (const auto& [name, nodes] : KINDS)
    {
        const std::string kind = name;
        const std::string of = std::string{": "} + nodes;
        Count(d, "node_queue.max." + kind, "frames", "longest processing queue of one node" + of);
        Count(d,
              "node_queue.mean." + kind,
              "milliframes",
              "frames that wait for a core, mean over the run and the nodes" + of);
        Time(d, "cpu.busy." + kind, "time of cores on admitted frames, a crash's included" + of);
        Count(d, "cpu.utilisation." + kind, "permille", "that time as share of the run" + of);
        Count(d, "cpu.utilisation_max." + kind, "permille", "the same of the busiest node" + of);
    }
    Count(d, "tables.accelerator", "entries", "flow entries at the end, all accelerators");
    Count(d, "tables.accelerator_max", "entries", "most flow entries of one accelerator");
    Count(d,
          "tables.manager",
          "sessions",
          "session copies and flow entries at the end, all flow managers");
    Count(d, "tables.manager_max", "sessions", "most copies and entries of one flow manager");
    Count(d, "tables.service", "sessions", "copies stored at the end, all service nodes");
    Count(d, "tables.service_max", "sessions", "most copies stored by one service node");
    Count(d, "tables.accelerator_bytes", "bytes", "memory of these tables, all accelerators");
    Count(d, "tables.manager_bytes", "bytes", "memory of these tables, all flow managers");
    Count(d, "tables.service_bytes", "bytes", "memory of these tables, all service nodes");
    Count(d, "tables.bytes", "bytes", "memory of all these tables at the end");
    Count(d, "sessions.stored", "sessions", "sessions of which a live node has a copy at the end");
    Count(d,
          "service.sessions_spread",
          "permille",
          "most sessions that one live service node owns at the end, of the mean over its group's; "
          "of the most uneven group");
    Count(d, "tables.bytes_per_session", "bytes", "memory of all tables for each of them");
}

void
DeclareRun(Declarations& d)
{
    static const std::pair<const char*, const char*> INVARIANTS[] = {
        {"durability", "a released session survives the promised failures"},
        {"agreement", "no two nodes hold different bindings of one version"},
        {"uniqueness", "no two live sessions share an external tuple"},
        {"consistency", "every packet of a session gets the same translation"},
        {"resurrection", "a deleted session never returns"},
        {"conservation", "every packet is delivered, dropped or in flight"},
        {"boundedness", "no table, queue or buffer passes its limit"},
        {"linearizability", "an order of a session's operations explains what hosts saw of it"},
    };
    for (const auto& [name, meaning] : INVARIANTS)
    {
        Count(d,
              std::string{"observer.checks."} + name,
              "checks",
              std::string{"checks made: "} + meaning);
    }
    Count(d,
          "histories.operations",
          "operations",
          "packets that reached their hosts, and creations and deletions of sessions");
    Count(d,
          "histories.not_linearizable",
          "sessions",
          "sessions that no order of these operations explains; broken only where it is promised");
    Count(d,
          "histories.undecided",
          "sessions",
          "sessions for which the search for such an order was given up");
    Count(d, "observer.violations", "violations", "invariants found broken");
    Count(d, "run.events", "events", "events that the simulator executed");
    Count(d, "run.view_epoch", "1", "epoch of the controller's last view");
    d.push_back({"trace.digest",
                 "hex",
                 MetricType::TEXT,
                 "digest over time, node and bytes of every frame that a node processed"});
}

Declarations
Declare()
{
    Declarations d;
    DeclareSessions(d);
    DeclarePackets(d);
    DeclareLatencies(d);
    DeclareSynchronisation(d);
    DeclareProtection(d);
    DeclareResources(d);
    DeclareRun(d);
    return d;
}

} // namespace

const std::vector<MetricDeclaration>&
MetricDictionary()
{
    static const Declarations DICTIONARY = Declare();
    return DICTIONARY;
}

const MetricDeclaration*
FindMetric(std::string_view name)
{
    const auto& dictionary = MetricDictionary();
    const auto found = std::find_if(dictionary.begin(),
                                    dictionary.end(),
                                    [&](const auto& m)
                                    {
        return m.name == name;
    });
    return found == dictionary.end() ? nullptr : &*found;
}

} // namespace flowchain
