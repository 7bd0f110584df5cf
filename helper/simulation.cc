// SPDX-License-Identifier: GPL-2.0-only
#include "simulation.h"

#include "edge-application.h"
#include "fabric.h"
#include "fault-injector.h"
#include "fault-planner.h"
#include "leaf-spine.h"
#include "link-capture.h"
#include "node-installer.h"
#include "packet-ledger.h"
#include "planned-events.h"
#include "resource-report.h"
#include "run-observer.h"
#include "sync-scheme.h"
#include "workload-set.h"

#include <ns3/object-factory.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <numeric>
#include <stdexcept>

namespace flowchain
{

namespace
{

constexpr std::int64_t PROGRESS_STEPS = 1000;

/** The scheme and what it is configured with. */
struct ConfiguredScheme
{
    explicit ConfiguredScheme(const ChainSection& chain)
        : scheme(*SyncSchemeByName(chain.scheme))
        , release(scheme.Release(*ReleaseRuleByName(chain.release)))
        , promise(scheme.Promise({release, chain.length, SecondPosition(chain)}))
    {
    }

    const SyncScheme& scheme;
    ReleaseRule release;
    SchemePromise promise;
};

Promises
PromisesOf(const ConfiguredScheme& configured)
{
    const SchemePromise& promise = configured.promise;
    const SchemeRoot root = configured.scheme.Root();
    const bool all = configured.release == ReleaseRule::ALL;
    const bool waits = configured.release != ReleaseRule::IMMEDIATE;
    Promises promises;
    // Where service nodes spread along a path, whoever waits for the path waits for all of them.
    promises.copiesAtServiceNodes =
        promise.everyServiceNode && (all || (waits && root == SchemeRoot::OWNER));
    promises.copiesInChain = promise.chain && waits;
    promises.reverseEntry = promise.reverseEntry && all;
    promises.uniqueness = root != SchemeRoot::NOBODY;
    promises.consistency = promises.copiesAtServiceNodes;
    return promises;
}

ObserverConfig
MakeObserverConfig(const Scenario& scenario)
{
    ObserverConfig config;
    for (const ServiceSection& service : scenario.services)
    {
        const ConfiguredScheme configured(service.chain);
        config.services.push_back(
            {.promises = PromisesOf(configured),
             .chainLength = service.chain.length,
             .position = SecondPosition(service.chain),
             .copies = {.managers = configured.promise.managers,
                        .serviceNodes = configured.promise.serviceNodes,
                        .everyServiceNode = configured.promise.everyServiceNode}});
        // The scheme itself is that of all service groups.
        config.hasReverseEntries = configured.scheme.HasReverseEntry();
        config.managersServe = configured.promise.managersServe;
    }
    for (const FailureSection& failure : scenario.failures)
    {
        config.firstFailure = std::min(config.firstFailure, Instant(failure.at));
    }
    config.warmup = Instant(scenario.sim.warmup);
    config.seriesInterval = scenario.output.seriesInterval.value();
    config.linksDuplicate = scenario.topology.duplicatePerMillion > 0;
    config.linksDamage = scenario.topology.corruptPerMillion > 0;
    for (const LinkSection& link : scenario.links)
    {
        config.linksDuplicate = config.linksDuplicate || link.duplicatePerMillion.value_or(0) > 0;
        config.linksDamage = config.linksDamage || link.corruptPerMillion.value_or(0) > 0;
    }
    return config;
}

FabricConfig
MakeFabricConfig(const Scenario& scenario, const Directory& directory)
{
    const TopologySection& topology = scenario.topology;
    FabricConfig config;
    config.leaves = topology.leaves;
    config.spines = topology.spines;
    config.leafOfHost = LeavesOfNodes(scenario, directory);
    config.hostRateBps = topology.hostRateBps;
    config.fabricRateBps = topology.fabricRateBps;
    config.hostDelay = topology.hostDelay;
    config.fabricDelay = topology.fabricDelay;
    config.queueFrames = topology.queueFrames;
    config.seed = scenario.sim.seed;
    config.framesMax = topology.framesMax;
    config.faults = MakeFaultPlan(scenario, LeafSpine(config));
    return config;
}

const char*
SchedulerType(const std::string& name)
{
    static constexpr std::pair<const char*, const char*> TYPES[] = {
        {"quaternary-heap", "flowchain::QuaternaryHeapScheduler"},
        {"priority-queue", "ns3::PriorityQueueScheduler"},
        {"map", "ns3::MapScheduler"},
        {"heap", "ns3::HeapScheduler"},
        {"calendar", "ns3::CalendarScheduler"},
        {"list", "ns3::ListScheduler"},
    };
    for (const auto& [key, type] : TYPES)
    {
        if (name == key)
        {
            return type;
        }
    }
    throw std::runtime_error("no scheduler '" + name + "'");
}

/** Global state of ns-3 that must be set before anything else of it is used. */
void
PrepareSimulator(const Scenario& scenario)
{
    if (ns3::Time::GetResolution() != ns3::Time::PS) // ns-3 cannot set it after a run
    {
        ns3::Time::SetResolution(ns3::Time::PS);
    }
    ns3::ObjectFactory scheduler;
    scheduler.SetTypeId(SchedulerType(scenario.sim.scheduler));
    ns3::Simulator::SetScheduler(scheduler);
}

Instant
Now()
{
    return Instant(Duration(ns3::Simulator::Now().GetTimeStep()));
}

double
CpuSeconds()
{
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/** A scenario while it runs. */
class Simulation : public FabricSink, public HostSink
{
  public:
    Simulation(const Scenario& scenario, ProgressListener* progress);
    ~Simulation() override;

    RunOutcome Run();

  private:
    // FabricSink
    Admission Admit(NodeId host, PooledFrame& frame, Instant arrival) override;
    void Receive(NodeId host, FramePtr frame) override;
    // HostSink
    void OnHostPacket(NodeId host, FramePtr frame, Instant now) override;

    bool IsAddressOf(NodeId host, std::uint32_t address) const;
    void ScheduleWorkload();
    void RunWorkload(Instant due);
    void ScheduleProgress();
    void CheckBounds();
    void CheckConservation();
    void ReportPackets(MetricSet& metrics) const;

    const Scenario& m_scenario;
    ProgressListener* m_progress;
    Directories m_directories;
    const Directory& m_directory; ///< of the whole network
    Steering m_steering;
    PacketLedger m_ledger;
    std::unique_ptr<Fabric> m_fabric;
    RunObserver m_observer;
    WorkloadSet m_workload;
    std::vector<ns3::Ptr<NodeApplication>> m_applications;
    std::vector<EdgeApplication*> m_hosts; ///< index: NodeId; null: not a host
    std::unique_ptr<LinkCapture> m_capture;
    std::vector<Outgoing> m_outgoing;
    Instant m_workloadAt = NEVER; ///< pending wakeup of the workload
};

Simulation::Simulation(const Scenario& scenario, ProgressListener* progress)
    : m_scenario(scenario)
    , m_progress(progress)
    , m_directories(MakeDirectories(scenario))
    , m_directory(m_directories.network)
    , m_steering(m_directories.services)
    , m_fabric(
          MakeFabric(scenario.topology.fabric, MakeFabricConfig(scenario, m_directory), &m_ledger))
    , m_observer(
          MakeObserverConfig(scenario),
          m_directory,
          [this](NodeId node)
          {
    return NodeName(m_directory, node);
          },
          []
          {
    ns3::Simulator::Stop();
    },
    Now)
, m_workload(scenario.workloads, scenario.services, scenario.sim.seed)
, m_applications(InstallNodes(scenario, m_directory, m_steering, *m_fabric, &m_observer))
, m_hosts(m_directory.nodes.size())
{
    m_fabric->SetSink(this);
    m_ledger.SetDropListener(&m_workload);
    m_workload.SetListener(&m_observer);
    m_observer.SetWorkload(&m_workload, &m_ledger);
    for (const auto& application : m_applications)
    {
        m_observer.Watch(ns3::PeekPointer(application));
        if (auto* host = dynamic_cast<EdgeApplication*>(ns3::PeekPointer(application)))
        {
            host->SetHostSink(this);
            m_hosts[host->Id()] = host;
        }
    }
    if (!scenario.output.pcap.empty())
    {
        std::filesystem::create_directories(scenario.output.directory);
        m_capture = std::make_unique<LinkCapture>(
            *m_fabric, m_directory, scenario.output.pcap, scenario.output.directory);
    }
}

Simulation::~Simulation()
{
    m_ledger.SetDropListener(nullptr);
    for (const auto& application : m_applications)
    {
        application->Dispose();
    }
    ns3::Simulator::Destroy();
}

Admission
Simulation::Admit(NodeId host, PooledFrame& frame, Instant arrival)
{
    return m_applications[host]->Admit(frame, arrival);
}

void
Simulation::Receive(NodeId host, FramePtr frame)
{
    m_applications[host]->Receive(std::move(frame));
}

bool
Simulation::IsAddressOf(NodeId host, std::uint32_t address) const
{
    const auto isInside = [address](const Directory& service)
    {
        return service.inside.Contains(address);
    };
    const auto& services = m_directories.services;
    const bool atClient = m_directory.nodes[host].role == NodeRole::CLIENT;
    const auto& hosts = atClient ? m_directory.clients : m_directory.servers;
    return atClient == std::any_of(services.begin(), services.end(), isInside) &&
           !m_steering.IsExternal(address) && Directory::HostAmong(hosts, address) == host;
}

void
Simulation::OnHostPacket(NodeId host, FramePtr frame, Instant now)
{
    PacketView view;
    const std::uint32_t id = frame->packetId;
    if (id == 0 || ParsePacket(*frame, 0, view) != PacketVerdict::OK)
    {
        m_fabric->Discard(std::move(frame), DropReason::MALFORMED);
        return;
    }
    if (!IsAddressOf(host, view.key.destination.address))
    {
        m_fabric->Discard(std::move(frame), DropReason::NOT_FOR_ME);
        return;
    }
    const bool atServer = m_directory.nodes[host].role == NodeRole::SERVER;
    const Arrival arrival = m_workload.Receive(*frame, view, atServer, now);
    m_observer.OnHostArrival(
        host, m_workload.ServiceOfPacket(id), arrival, view, frame->payload.length, now);
    switch (arrival)
    {
    case Arrival::DELIVERED:
        m_ledger.Deliver(id);
        m_fabric->Discard(std::move(frame), DropReason::NONE);
        break;
    case Arrival::UNKNOWN_CONNECTION:
        m_fabric->Discard(std::move(frame), DropReason::UNKNOWN_CONNECTION);
        break;
    case Arrival::CORRUPT:
        m_fabric->Discard(std::move(frame), DropReason::MALFORMED);
        break;
    case Arrival::DUPLICATE:
        m_fabric->Discard(std::move(frame), DropReason::DUPLICATE);
        break;
    }
    ScheduleWorkload();
}

void
Simulation::ScheduleWorkload()
{
    const auto next = m_workload.NextWakeup();
    if (next && *next < m_workloadAt)
    {
        m_workloadAt = *next;
        const std::int64_t delay = std::max<std::int64_t>(0, (*next - Now()).count());
        ns3::Simulator::Schedule(ns3::TimeStep(delay), &Simulation::RunWorkload, this, *next);
    }
}

void
Simulation::RunWorkload(Instant due)
{
    if (due != m_workloadAt)
    {
        return; // an earlier one was scheduled since, and has run
    }
    m_workloadAt = NEVER;
    m_workload.Wakeup(Now(), *m_fabric, m_ledger, m_outgoing);
    for (Outgoing& outgoing : m_outgoing)
    {
        const auto& hosts = outgoing.fromServer ? m_directory.servers : m_directory.clients;
        m_hosts[Directory::HostAmong(hosts, outgoing.ip)]->Inject(std::move(outgoing.frame));
    }
    m_outgoing.clear();
    ScheduleWorkload();
}

void
Simulation::ScheduleProgress()
{
    CheckBounds();
    if (m_progress != nullptr)
    {
        m_progress->Progress(Now(), Instant(m_scenario.sim.stop));
    }
    const std::int64_t step =
        std::max<std::int64_t>(1, m_scenario.sim.stop.count() / PROGRESS_STEPS);
    ns3::Simulator::Schedule(ns3::TimeStep(step), &Simulation::ScheduleProgress, this);
}

void
Simulation::CheckBounds()
{
    for (const auto& application : m_applications)
    {
        if (!application->IsDown())
        {
            const ProtocolMachine& machine = application->Machine();
            m_observer.CheckBound(NodeName(m_directory, application->Id()) + " table", // entries
                                  machine.TableEntries(),
                                  machine.TableLimit(),
                                  Now());
            m_observer.CheckBound(NodeName(m_directory, application->Id()) + " processing queue",
                                  application->Queue().QueueFramesMax(),
                                  application->QueueLimit(),
                                  Now());
            m_observer.CheckBound(NodeName(m_directory, application->Id()) + " backlog",
                                  application->BacklogPeak(),
                                  application->BacklogLimit(),
                                  Now());
        }
    }
}

void
Simulation::CheckConservation()
{
    InvariantChecker& checker = m_observer.Checker();
    checker.Conservation(
        m_ledger.Check(), "injected is not delivered + dropped + in flight", Now());
    for (const PacketLedger::Violation& violation : m_ledger.Violations())
    {
        checker.Conservation(
            false, "packet " + std::to_string(violation.packetId) + ": " + violation.what, Now());
    }
    for (const LinkCounters& link : m_fabric->Links())
    {
        checker.Bounded(
            link.name + " queue", link.queueFramesMax, m_scenario.topology.queueFrames, Now());
    }
}

RunOutcome
Simulation::Run()
{
    const auto wallStart = std::chrono::steady_clock::now();
    const double cpuStart = CpuSeconds();
    ScheduleFailures(m_scenario, m_applications);
    ScheduleProgress();
    // One event later, so that every application has started when the first packet comes.
    ns3::Simulator::ScheduleNow(&Simulation::ScheduleWorkload, this);
    ns3::Simulator::Stop(ns3::TimeStep(m_scenario.sim.stop.count()));
    ns3::Simulator::Run();

    RunOutcome outcome;
    outcome.series = m_observer.FinishSeries(Now()); // before the observer closes its books
    CheckBounds();
    CheckConservation();
    ReportPackets(outcome.metrics);
    ReportFabric(*m_fabric, outcome.metrics);
    const LeafSpine network(MakeFabricConfig(m_scenario, m_directory));
    outcome.links = LinksOf(
        *m_fabric, network, m_directory, Now().time_since_epoch(), m_scenario.output.linksMax);
    outcome.linksLeftOut = network.Links() - outcome.links.size();
    ReportNodes(m_directory, m_applications, Now(), outcome.metrics);
    m_observer.Report(Now(), outcome.metrics);
    outcome.histograms = outcome.metrics.TakeHistograms();
    outcome.events = ns3::Simulator::GetEventCount();
    outcome.metrics.Set("run.events", static_cast<std::int64_t>(outcome.events));
    outcome.digest = m_observer.Digest();
    for (std::uint16_t i = 0; i < m_scenario.services.size(); ++i)
    {
        const ServiceSection& service = m_scenario.services[i];
        outcome.services.push_back({.name = service.name,
                                    .kind = service.kind,
                                    .traffic = m_workload.CountersOf(i),
                                    .sessionsLost = m_observer.LostOf(i)});
    }
    outcome.timeline = m_observer.FinishTimeline(Now(), PlannedEvents(m_scenario, m_directory));
    for (const Violation& violation : m_observer.Checker().Violations())
    {
        outcome.violations.push_back(violation.Text());
    }
    m_fabric->Finish();
    if (m_capture != nullptr)
    {
        m_capture->Close();
    }
    outcome.wallSeconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - wallStart).count();
    outcome.cpuSeconds = CpuSeconds() - cpuStart;
    return outcome;
}

void
Simulation::ReportPackets(MetricSet& metrics) const
{
    const auto set = [&](const std::string& name, std::uint64_t value)
    {
        metrics.Set(name, static_cast<std::int64_t>(value));
    };
    const WorkloadCounters counters = m_workload.Counters();
    set("sessions.started", counters.sessionsStarted);
    set("sessions.established", counters.sessionsEstablished);
    set("sessions.completed", counters.sessionsCompleted);
    set("sessions.broken", counters.sessionsBroken);
    const ReplaySkips& skipped = m_workload.Skipped();
    set("packets.not_replayed", std::accumulate(skipped.begin(), skipped.end(), std::uint64_t{0}));
    set("packets.injected", m_ledger.Injected());
    set("packets.delivered", m_ledger.Delivered());
    set("packets.dropped", m_ledger.Dropped());
    set("packets.in_flight", m_ledger.InFlight());
    for (std::size_t i = 1; i < DROP_REASON_COUNT; ++i)
    {
        const auto reason = static_cast<DropReason>(i);
        if (reason != DropReason::END_OF_RUN)
        {
            set(std::string("packets.dropped.") + ToString(reason), m_ledger.Dropped(reason));
        }
    }
}

} // namespace

RunOutcome
RunScenario(const Scenario& scenario, ProgressListener* listener)
{
    PrepareSimulator(scenario);
    Simulation simulation(scenario, listener);
    return simulation.Run();
}

} // namespace flowchain
