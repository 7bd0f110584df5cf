// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-schema.h"

#include "failure-kinds.h"
#include "message-batch.h"
#include "network-function.h"
#include "removal-log.h"
#include "sync-scheme.h"

namespace flowchain
{

namespace
{

constexpr Duration PICOSECOND{1};
constexpr Duration SECOND{1'000'000'000'000};
constexpr Duration LONGEST{1'000'000 * SECOND}; // 11 days; sums of a few stay below 64 bits
constexpr std::int64_t TABLE_MAX = 100'000'000; // entries of any table, frames of any queue
constexpr std::int64_t NODES_MAX = static_cast<std::int64_t>(MAX_NODES);
constexpr std::int64_t PAYLOAD_MAX = 8'800; // fits a jumbo frame of 9000 bytes, encapsulated

void
Visit(ScenarioVisitor& v, ProcessingSection& s)
{
    v.Integer("cores", s.cores, 1, 1024);
    v.Integer("queue", s.queueFrames, 1, TABLE_MAX);
    v.VisitDuration("packet_cost", s.packetCost, Duration{}, SECOND);
    v.VisitDuration("message_cost", s.messageCost, Duration{}, SECOND);
    v.VisitDuration("ack_cost", s.ackCost, Duration{}, SECOND);
}

void
Visit(ScenarioVisitor& v, SimSection& s)
{
    v.VisitDuration("stop", s.stop, PICOSECOND, LONGEST, Presence::REQUIRED);
    v.VisitDuration("warmup", s.warmup, Duration{}, LONGEST);
    v.Integer("seed", s.seed, 0, std::numeric_limits<std::int64_t>::max());
    v.VisitChoice("scheduler",
                  s.scheduler,
                  {"quaternary-heap", "priority-queue", "map", "heap", "calendar", "list"});
    v.Integer("events_max", s.eventsMax, 1, SimSection{}.eventsMax);
    v.VisitTexts("defects", s.defects);
}

void
Visit(ScenarioVisitor& v, TopologySection& s)
{
    v.VisitChoice("fabric", s.fabric, {"lean", "point-to-point"});
    v.Integer("leaves", s.leaves, 1, 256);
    v.Integer("spines", s.spines, 1, 256);
    v.VisitRate("host_rate", s.hostRateBps);
    v.VisitRate("fabric_rate", s.fabricRateBps);
    v.VisitDuration("host_delay", s.hostDelay, Duration{}, SECOND);
    v.VisitDuration("fabric_delay", s.fabricDelay, Duration{}, SECOND);
    v.Integer("queue_limit", s.queueFrames, 1, TABLE_MAX);
    v.VisitPercent("loss", s.lossPerMillion);
    v.VisitPercent("duplicate", s.duplicatePerMillion);
    v.VisitPercent("reorder", s.reorderPerMillion);
    v.VisitDuration("reorder_delay", s.reorderDelay, Duration{}, SECOND);
    v.VisitPercent("corrupt", s.corruptPerMillion);
    v.VisitDuration("jitter", s.jitter, Duration{}, SECOND);
    v.Integer("frames_max", s.framesMax, 1, TABLE_MAX);
    v.Integer("clients", s.clients, 1, NODES_MAX);
    v.Integer("servers", s.servers, 1, NODES_MAX);
}

/** @param delay name of the key, which may mean something else where the others stand */
void
VisitQuality(ScenarioVisitor& v, LinkQuality& s, const char* delay)
{
    v.VisitOptionalPercent("loss", s.lossPerMillion);
    v.VisitOptionalPercent("duplicate", s.duplicatePerMillion);
    v.VisitOptionalPercent("reorder", s.reorderPerMillion);
    v.VisitOptionalDuration("reorder_delay", s.reorderDelay, PICOSECOND, SECOND);
    v.VisitOptionalPercent("corrupt", s.corruptPerMillion);
    v.VisitOptionalDuration(delay, s.delay, PICOSECOND, SECOND);
    v.VisitOptionalDuration("jitter", s.jitter, PICOSECOND, SECOND);
}

void
Visit(ScenarioVisitor& v, LinkSection& s)
{
    v.VisitOptionalText("node", s.node);
    v.VisitOptionalInteger("leaf", s.leaf, 0, 255);
    v.VisitOptionalInteger("spine", s.spine, 0, 255);
    v.VisitChoice("direction", s.direction, {"both", "to", "from"});
    v.VisitDuration("from", s.from, Duration{}, LONGEST);
    v.VisitOptionalDuration("until", s.until, PICOSECOND, LONGEST);
    VisitQuality(v, s, "delay");
}

void
Visit(ScenarioVisitor& v, GroupSection& s)
{
    v.Integer("count", s.count, 1, NODES_MAX);
    v.VisitTexts("names", s.names);
    v.Integer("managers", s.managers, 1, NODES_MAX);
    v.Integer("sessions_max", s.sessionsMax, 1, TABLE_MAX);
    v.Integer("pending_max", s.pendingMax, 1, TABLE_MAX);
    v.VisitDuration("pending_timeout", s.pendingTimeout, PICOSECOND, LONGEST);
    v.Integer("held_per_session_max", s.heldPerSessionMax, 1, TABLE_MAX);
    Visit(v, s.processing);
}

/** All keys of a chain but its scheme, which is that of the run. */
void
VisitShape(ScenarioVisitor& v, ChainSection& s)
{
    constexpr std::int64_t LENGTH_MAX = 8;
    v.Integer("length", s.length, 1, LENGTH_MAX);
    v.VisitPosition("position", s.position, LENGTH_MAX);
    v.VisitChoice("release", s.release, {"immediate", "chain", "all", "tail"});
    v.VisitFlag("cross_group", s.crossGroup);
}

void
Visit(ScenarioVisitor& v, ChainSection& s)
{
    Choices schemes;
    for (const SyncScheme* scheme : SyncSchemes())
    {
        schemes.push_back(scheme->Name().data()); // literals, so they end with a zero
    }
    v.VisitChoice("scheme", s.scheme, schemes);
    VisitShape(v, s);
}

void
Visit(ScenarioVisitor& v, SelectionSection& s)
{
    v.VisitChoice("method", s.method, {"rendezvous", "maglev", "jump"});
    v.VisitChoice("hash", s.hash, {"directional", "symmetric"});
    constexpr std::int64_t SLOTS_MAX = 1'000'003;
    v.Integer("table_size", s.tableSize, 2, SLOTS_MAX);
    v.VisitChoice("service_node", s.serviceNode, {"hash", "least-loaded"});
}

void
Visit(ScenarioVisitor& v, SyncSection& s)
{
    v.VisitDuration("retransmit_timeout", s.retransmitTimeout, PICOSECOND, LONGEST);
    v.VisitDuration("retransmit_timeout_max", s.retransmitTimeoutMax, PICOSECOND, LONGEST);
    v.Integer("retries_max", s.retriesMax, 1, 1000);
    v.Integer("window", s.window, 1, 64);
    v.Integer("backlog_max", s.backlogMax, 1, TABLE_MAX);
    v.Integer("backlog_high", s.backlogHigh, 0, TABLE_MAX);
    v.Integer("backlog_low", s.backlogLow, 0, TABLE_MAX);
    v.VisitDuration("ack_delay", s.ackDelay, Duration{}, SECOND);
    v.Integer("batch_count", s.batchCount, 1, BATCH_MESSAGES_MAX);
    v.VisitDuration("batch_delay", s.batchDelay, Duration{}, SECOND);
    v.Integer("batch_bytes", s.batchBytes, BATCH_BYTES_MIN, BATCH_BYTES_MAX);
}

void
Visit(ScenarioVisitor& v, SessionSection& s)
{
    constexpr Duration SHORTEST{1'000'000'000};
    v.VisitDuration("tcp_established_timeout", s.timers.tcpEstablished, SHORTEST, LONGEST);
    v.VisitDuration("tcp_transitory_timeout", s.timers.tcpTransitory, SHORTEST, LONGEST);
    v.VisitDuration("udp_timeout", s.timers.udp, SHORTEST, LONGEST);
    v.VisitDuration("icmp_timeout", s.timers.icmp, SHORTEST, LONGEST);
    v.VisitDuration("close_linger", s.timers.closeLinger, SHORTEST, LONGEST);
    v.VisitDuration("refresh_interval", s.timers.refreshInterval, SHORTEST, LONGEST);
    v.VisitFlag("tcp_tracking", s.tcpTracking);
    v.VisitFlag("tcp_updates", s.tcpUpdates);
    v.Integer("tombstones_max", s.tombstonesMax, 1, TABLE_MAX);
    v.Integer("removals_max", s.removalsMax, 1, RemovalLog::REMOVALS_MAX);
}

void
Visit(ScenarioVisitor& v, ControllerSection& s)
{
    v.VisitDuration("heartbeat_interval", s.heartbeatInterval, PICOSECOND, LONGEST);
    v.VisitDuration("detection_timeout", s.detectionTimeout, PICOSECOND, LONGEST);
    v.Integer("mistake_recurrence", s.mistakeRecurrence, 1, 1'000'000'000'000'000'000);
    v.Integer("missed_max", s.missedMax, 1, 10'000);
    v.Integer("loss_window", s.lossWindow, 1, 1'000'000);
    v.VisitDuration("publish_delay", s.publishDelay, Duration{}, LONGEST);
    v.VisitDuration("drain_time", s.drainTime, Duration{}, LONGEST);
    v.VisitFlag("restore_from_managers", s.restoreFromManagers);
    Visit(v, s.processing);
}

void
Visit(ScenarioVisitor& v, AcceleratorSection& s)
{
    v.VisitText("name", s.name);
    v.Integer("count", s.count, 1, NODES_MAX);
    v.Integer("entries_max", s.entriesMax, 1, TABLE_MAX);
    Visit(v, s.processing);
}

void
Visit(ScenarioVisitor& v, VipSection& s)
{
    v.VisitAddress("address", s.address, Presence::REQUIRED);
    v.Integer("port", s.port, 1, 65535);
    v.VisitChoice("protocol", s.protocol, {"tcp", "udp"});
}

void
Visit(ScenarioVisitor& v, BackendSection& s)
{
    v.VisitAddress("address", s.address, Presence::REQUIRED);
    v.Integer("port", s.port, 0, 65535);
    v.Integer("weight", s.weight, 1, 1000);
    v.VisitOptionalDuration("drain_at", s.drainAt, PICOSECOND, LONGEST);
    v.VisitOptionalDuration("restore_at", s.restoreAt, PICOSECOND, LONGEST);
}

void
Visit(ScenarioVisitor& v, ReplaySection& s)
{
    v.VisitText("file", s.file, Presence::REQUIRED);
    v.Thousandths("time_scale", s.timeScalePermille, 1, 1'000'000);
}

void
Visit(ScenarioVisitor& v, SessionsSection& s)
{
    v.Integer("sessions", s.sessions, 1, 16'000'000, Presence::REQUIRED);
    v.VisitChoice("arrivals", s.arrivals, {"fixed", "poisson"});
    v.Thousandths("rate", s.ratePerSecondMilli, 1, 1'000'000'000'000, Presence::REQUIRED);
    v.VisitChoice("protocol", s.protocol, {"tcp", "udp"});
    v.Integer("servers", s.servers, 1, 131'072);
    v.Integer("packets", s.packets, 0, 1'000'000);
    v.VisitDuration("gap", s.gap, Duration{}, LONGEST);
    v.Size("payload", s.payloadBytes, 0, PAYLOAD_MAX);
    v.Size("reply", s.replyBytes, 0, PAYLOAD_MAX);
}

void
Visit(ScenarioVisitor& v, WorkloadSection& s)
{
    v.VisitText("name", s.name);
    v.VisitChoice("kind", s.kind, {"replay", "sessions"}, Presence::REQUIRED);
    v.VisitText("service", s.service);
    v.VisitDuration("start", s.start, Duration{}, LONGEST);
    if (s.kind == "replay")
    {
        Visit(v, s.replay);
    }
    else if (s.kind == "sessions")
    {
        Visit(v, s.sessions);
    }
}

void
VisitSwitch(ScenarioVisitor& v,
            const char* key,
            std::optional<std::uint16_t>& number,
            bool isRequired)
{
    constexpr std::int64_t LAST = 255;
    if (!isRequired)
    {
        v.VisitOptionalInteger(key, number, 0, LAST);
        return;
    }
    std::uint16_t value = number.value_or(0);
    v.Integer(key, value, 0, LAST, Presence::REQUIRED);
    number = value;
}

/** When a failure strikes: at an instant, on an event, or by chance. */
void
VisitWhen(ScenarioVisitor& v, FailureSection& s)
{
    v.VisitOptionalText("on", s.on);
    v.VisitOptionalDuration("mtbf", s.mtbf, PICOSECOND, LONGEST);
    const bool isPlain = s.on.empty() && !s.mtbf;
    v.VisitDuration(
        "at", s.at, Duration{}, LONGEST, isPlain ? Presence::REQUIRED : Presence::OPTIONAL);
    if (!s.on.empty())
    {
        v.VisitDuration("delay", s.delay, Duration{}, LONGEST);
    }
    if (s.mtbf)
    {
        v.VisitOptionalDuration("mttr", s.mttr, PICOSECOND, LONGEST);
        v.VisitOptionalDuration("until", s.until, PICOSECOND, LONGEST);
    }
}

void
Visit(ScenarioVisitor& v, FailureSection& s)
{
    Choices kinds;
    for (const FailureKind& kind : FailureKinds())
    {
        kinds.push_back(kind.name);
    }
    v.VisitChoice("kind", s.kind, kinds);
    VisitWhen(v, s);
    const FailureKind& kind = *FindFailureKind(s.kind);
    if (kind.Has(failure_key::NODE))
    {
        if (kind.Needs(failure_key::NODE))
        {
            v.VisitText("node", s.node, Presence::REQUIRED);
        }
        else
        {
            v.VisitOptionalText("node", s.node);
        }
    }
    if (kind.Has(failure_key::BETWEEN))
    {
        v.VisitTexts("between", s.between);
    }
    if (kind.Has(failure_key::LEAF))
    {
        VisitSwitch(v, "leaf", s.leaf, kind.Needs(failure_key::LEAF));
    }
    if (kind.Has(failure_key::SPINE))
    {
        VisitSwitch(v, "spine", s.spine, kind.Needs(failure_key::SPINE));
    }
    if (kind.Has(failure_key::DIRECTION))
    {
        const bool ofNode = kind.Has(failure_key::NODE);
        v.VisitChoice("direction",
                      s.direction,
                      ofNode ? Choices{"both", "to", "from"} : Choices{"both", "one-way"});
    }
    if (kind.Has(failure_key::IMPAIRMENT))
    {
        VisitQuality(v, s.impairment, "extra_delay"); // `delay` is that of an event
    }
    if (kind.Has(failure_key::FACTOR))
    {
        const bool mayQuicken = s.kind == "clock"; // processing is never faster than configured
        v.Thousandths(
            "factor", s.factorPermille, mayQuicken ? 1 : 1'000, 1'000'000, Presence::REQUIRED);
    }
    if (kind.Has(failure_key::STATE))
    {
        v.VisitChoice("state", s.state, {"lost", "kept"});
    }
    if (kind.Has(failure_key::RECOVER_AFTER))
    {
        v.VisitOptionalDuration("recover_after", s.recoverAfter, PICOSECOND, LONGEST);
    }
    if (kind.Has(failure_key::REROUTE_AFTER))
    {
        v.VisitDuration("reroute_after", s.rerouteAfter, Duration{}, LONGEST);
    }
}

void
Visit(ScenarioVisitor& v, OutputSection& s)
{
    v.VisitText("directory", s.directory);
    v.VisitFlag("result", s.result);
    v.Integer("links_max", s.linksMax, 0, TABLE_MAX);
    v.VisitTexts("pcap", s.pcap);
    v.VisitOptionalDuration("series_interval", s.seriesInterval, Duration{}, LONGEST);
}

void
Visit(ScenarioVisitor& v, ExpectSection& s)
{
    v.VisitText("metric", s.metric, Presence::REQUIRED);
    v.VisitComparison(s);
    v.VisitOptionalText("known", s.known);
}

template <typename Section>
void
VisitOne(ScenarioVisitor& v, const char* name, Section& section)
{
    v.Begin(name);
    Visit(v, section);
    v.End();
}

template <typename Section>
void
VisitList(ScenarioVisitor& v, const char* name, std::vector<Section>& sections)
{
    sections.resize(v.CountOf(name, sections.size()));
    for (std::size_t i = 0; i < sections.size(); ++i)
    {
        v.Begin(name, i);
        Visit(v, sections[i]);
        v.End();
    }
}

void
VisitNat(ScenarioVisitor& v, ServiceSection& s)
{
    v.VisitPrefix("external", s.external);
    v.Integer("port_first", s.portFirst, 1, 65535);
    v.Integer("port_last", s.portLast, 1, 65535);
}

void
VisitLb(ScenarioVisitor& v, ServiceSection& s)
{
    v.Integer("table_size", s.tableSize, 2, TABLE_MAX);
    VisitList(v, "vip", s.vips);
    VisitList(v, "backend", s.backends);
}

void
Visit(ScenarioVisitor& v, ServiceSection& s)
{
    Choices kinds;
    for (const FunctionKind& kind : FunctionKinds())
    {
        kinds.push_back(kind.name);
    }
    v.VisitText("name", s.name);
    v.VisitChoice("kind", s.kind, kinds);
    v.Integer("nodes", s.nodes, 1, 64);
    v.VisitPrefix("inside", s.inside);
    v.VisitFlag("tcp_strict", s.tcpStrict);
    v.Integer("sessions_max", s.sessionsMax, 8, TABLE_MAX);
    Visit(v, s.processing);
    if (s.kind == "lb")
    {
        VisitLb(v, s);
    }
    else
    {
        VisitNat(v, s);
    }
    s.ownGroup = v.Has("group", s.ownGroup);
    if (s.ownGroup)
    {
        VisitOne(v, "group", s.group);
    }
    s.ownChain = v.Has("chain", s.ownChain);
    if (s.ownChain)
    {
        v.Begin("chain");
        VisitShape(v, s.chain);
        v.End();
    }
    s.ownAccelerators = v.Has("accelerator", s.ownAccelerators);
    if (s.ownAccelerators)
    {
        VisitList(v, "accelerator", s.accelerators);
    }
}

} // namespace

void
VisitScenario(ScenarioVisitor& v, Scenario& s)
{
    VisitOne(v, "sim", s.sim);
    VisitOne(v, "topology", s.topology);
    VisitList(v, "link", s.links);
    VisitOne(v, "group", s.group);
    VisitOne(v, "chain", s.chain);
    VisitOne(v, "selection", s.selection);
    VisitOne(v, "sync", s.sync);
    VisitOne(v, "session", s.session);
    VisitOne(v, "controller", s.controller);
    s.services.resize(v.CountOf("service", s.services.size()));
    for (std::size_t i = 0; i < s.services.size(); ++i)
    {
        ServiceSection& service = s.services[i];
        if (!service.ownGroup)
        {
            service.group = s.group;
        }
        if (!service.ownChain)
        {
            service.chain = s.chain;
        }
        v.Begin("service", i);
        Visit(v, service);
        v.End();
    }
    VisitList(v, "accelerator", s.accelerators);
    for (ServiceSection& service : s.services)
    {
        if (!service.ownAccelerators)
        {
            service.accelerators = s.accelerators;
        }
    }
    VisitList(v, "workload", s.workloads);
    VisitList(v, "failure", s.failures);
    VisitOne(v, "output", s.output);
    VisitList(v, "expect", s.expectations);
    v.Has("sweep", false); // see ReadSweep()
}

} // namespace flowchain
