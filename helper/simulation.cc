// SPDX-License-Identifier: GPL-2.0-only
#include "simulation.h"

#include "boundary.h"
#include "edge-application.h"
#include "fabric.h"
#include "failure-kinds.h"
#include "failure-plan.h"
#include "fault-injector.h"
#include "leaf-spine.h"
#include "link-capture.h"
#include "node-installer.h"
#include "packet-ledger.h"
#include "planned-events.h"
#include "resource-report.h"
#include "run-observer.h"
#include "run-probe.h"
#include "simulation-config.h"
#include "workload-set.h"

#include <fmt/format.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <functional>
#include <numeric>

namespace flowchain
{

namespace
{

constexpr std::int64_t PROGRESS_STEPS = 1000;

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

/** Only a failure that waits for an event needs the injector to listen. */
NodeListener*
ListenerOf(const Scenario& scenario, FaultInjector& injector, NodeListener& onlooker)
{
    const bool waits = std::ranges::any_of(scenario.failures,
                                           [](const FailureSection& failure)
                                           {
        return !failure.on.empty();
    });
    return waits ? static_cast<NodeListener*>(&injector) : &onlooker;
}

/** A scenario while it runs. */
class Simulation : public FabricSink, public HostSink
{
  public:
    using Applications = std::vector<ns3::Ptr<NodeApplication>>;

    Simulation(const Scenario& scenario,
               ProgressListener* progress,
               std::vector<RunProbe*> probes = {});
    ~Simulation() override;

    /** Schedule what happens from the start on.
     * @param scheduleFailures does so for the failures */
    void Begin(const std::function<void(FaultInjector&)>& scheduleFailures);
    /** Run what is scheduled, to the end of the run or its pause. */
    void Go();
    /** Go on as a run of another scenario, which has been the same up to now. */
    void Become(const Scenario& scenario);
    /** The run is over. @param events of the simulator that are not the run's */
    RunOutcome Finish(std::uint64_t events);

    const Fabric& Network() const
    {
        return *m_fabric;
    }

  private:
    // FabricSink
    Admission Admit(NodeId host, PooledFrame& frame, Instant arrival) override;
    void Receive(NodeId host, FramePtr frame) override;
    // HostSink
    void OnHostPacket(NodeId host, FramePtr frame, Instant now) override;

    void OnUnplanned(const FailureSection& failure);
    std::int64_t LinkFailures() const;
    /** Who sees the nodes. */
    NodeListener* Onlooker();
    bool IsAddressOf(NodeId host, std::uint32_t address) const;
    void ScheduleWorkload();
    void RunWorkload(Instant due);
    void ScheduleProgress();
    void CheckBounds();
    void CheckConservation();
    std::vector<EventData> FailureEvents() const;
    void ReportPackets(MetricSet& metrics) const;

    const Scenario* m_scenario;
    ProgressListener* m_progress;
    Directories m_directories;
    const Directory& m_directory; ///< of the whole network
    Steering m_steering;
    PacketLedger m_ledger;
    std::unique_ptr<Fabric> m_fabric;
    RunObserver m_observer;
    std::unique_ptr<RunAudience> m_audience; ///< null: only the observer looks
    FaultInjector m_injector;
    WorkloadSet m_workload;
    Applications m_applications;
    std::vector<EdgeApplication*> m_hosts; ///< index: NodeId; null: not a host
    std::unique_ptr<LinkCapture> m_capture;
    std::vector<Outgoing> m_outgoing;
    Instant m_workloadAt = NEVER; ///< pending wakeup of the workload
    std::chrono::steady_clock::time_point m_wallStart = std::chrono::steady_clock::now();
    double m_cpuStart = CpuSeconds();
};

Simulation::Simulation(const Scenario& scenario,
                       ProgressListener* progress,
                       std::vector<RunProbe*> probes)
    : m_scenario(&scenario)
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
, m_audience(probes.empty() ? nullptr : std::make_unique<RunAudience>(m_observer, probes))
, m_injector(*Onlooker())
, m_workload(scenario.workloads, scenario.services, scenario.sim.seed)
, m_applications(InstallNodes(
      scenario, m_directory, m_steering, *m_fabric, ListenerOf(scenario, m_injector, *Onlooker())))
, m_hosts(m_directory.nodes.size())
{
    m_fabric->SetSink(this);
    m_ledger.SetDropListener(&m_workload);
    m_workload.SetListener(m_audience ? static_cast<WorkloadListener*>(m_audience.get())
                                      : &m_observer);
    m_observer.SetWorkload(&m_workload, &m_ledger);
    m_injector.Attach(
        m_applications,
        [this](const SessionRole& role)
        {
        return m_observer.NodeOf(role);
        },
        [this](const FailureSection& failure)
        {
        OnUnplanned(failure);
    });
    for (RunProbe* probe : probes)
    {
        probe->Begin({scenario, m_applications, m_directory, m_workload, m_observer});
    }
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

void
Simulation::OnUnplanned(const FailureSection& failure)
{
    if (Now() < FirstFailureOf(*m_scenario) && m_injector.Unplanned().size() == 1)
    {
        m_observer.SetFirstFailure(Now());
    }
    if (FindFailureKind(failure.kind)->isOfLinks)
    {
        m_fabric->ChangeFaults(MakeFabricConfig(*m_scenario, m_directory, m_injector.Unplanned()));
    }
}

/** Failures of links that have begun. */
std::int64_t
Simulation::LinkFailures() const
{
    const auto hasBegun = [](const FailureSection& failure)
    {
        return FindFailureKind(failure.kind)->isOfLinks && Instant(failure.at) <= Now();
    };
    return std::ranges::count_if(PlannedFailures(*m_scenario), hasBegun) +
           std::ranges::count_if(m_injector.Unplanned(), hasBegun);
}

NodeListener*
Simulation::Onlooker()
{
    return m_audience ? static_cast<NodeListener*>(m_audience.get()) : &m_observer;
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
        if (id != 0)
        {
            m_observer.OnMalformedArrival(host, now);
        }
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
        m_progress->Progress(Now(), Instant(m_scenario->sim.stop));
    }
    const std::int64_t step =
        std::max<std::int64_t>(1, m_scenario->sim.stop.count() / PROGRESS_STEPS);
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
            link.name + " queue", link.queueFramesMax, m_scenario->topology.queueFrames, Now());
    }
}

void
Simulation::Begin(const std::function<void(FaultInjector&)>& scheduleFailures)
{
    scheduleFailures(m_injector);
    ScheduleProgress();
    // One event later, so that every application has started when the first packet comes.
    ns3::Simulator::ScheduleNow(&Simulation::ScheduleWorkload, this);
    ns3::Simulator::Stop(ns3::TimeStep(m_scenario->sim.stop.count()));
}

void
Simulation::Go()
{
    ns3::Simulator::Run();
}

void
Simulation::Become(const Scenario& scenario)
{
    m_scenario = &scenario;
    m_fabric->ReplaceFaults(MakeFabricConfig(scenario, m_directory));
    m_observer.SetFirstFailure(FirstFailureOf(scenario));
    m_wallStart = std::chrono::steady_clock::now();
    m_cpuStart = CpuSeconds();
}

std::vector<EventData>
Simulation::FailureEvents() const
{
    auto events = PlannedEvents(*m_scenario, m_directory, m_injector.Unplanned());
    const auto& without = m_injector.WithoutTarget();
    events.insert(events.end(), without.begin(), without.end());
    std::ranges::stable_sort(events, {}, &EventData::time);
    return events;
}

RunOutcome
Simulation::Finish(std::uint64_t events)
{
    RunOutcome outcome;
    outcome.events = ns3::Simulator::GetEventCount() - events;
    if (outcome.events > m_scenario->sim.eventsMax) // the fabric looks from time to time only
    {
        throw std::runtime_error(fmt::format("{} events are more than events_max", outcome.events));
    }
    outcome.series = m_observer.FinishSeries(Now()); // before the observer closes its books
    CheckBounds();
    CheckConservation();
    m_observer.JudgeHistories();
    ReportPackets(outcome.metrics);
    ReportFabric(*m_fabric, outcome.metrics);
    const LeafSpine network(MakeFabricConfig(*m_scenario, m_directory));
    outcome.links = LinksOf(
        *m_fabric, network, m_directory, Now().time_since_epoch(), m_scenario->output.linksMax);
    outcome.linksLeftOut = network.Links() - outcome.links.size();
    ReportNodes(m_directory, m_applications, Now(), outcome.metrics);
    m_observer.Report(Now(), outcome.metrics);
    outcome.metrics.Set("failures.struck", static_cast<std::int64_t>(m_injector.Struck()));
    outcome.metrics.Set("failures.of_links", LinkFailures());
    outcome.metrics.Set("failures.missed", static_cast<std::int64_t>(m_injector.Missed()));
    outcome.histograms = outcome.metrics.TakeHistograms();
    outcome.metrics.Set("run.events", static_cast<std::int64_t>(outcome.events));
    outcome.digest = m_observer.Digest();
    outcome.ended = Now();
    for (std::uint16_t i = 0; i < m_scenario->services.size(); ++i)
    {
        const ServiceSection& service = m_scenario->services[i];
        outcome.services.push_back({.name = service.name,
                                    .kind = service.kind,
                                    .traffic = m_workload.CountersOf(i),
                                    .sessionsLost = m_observer.LostOf(i)});
    }
    outcome.timeline = m_observer.FinishTimeline(Now(), FailureEvents());
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
        std::chrono::duration<double>(std::chrono::steady_clock::now() - m_wallStart).count();
    outcome.cpuSeconds = CpuSeconds() - m_cpuStart;
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

/** Up to the pause, one simulation of all branches: each one's failures are scheduled, and all but
 * one's taken out again. So the rest are in the order in which they would be without the others. */
class Trunk : public TrunkRun
{
  public:
    Trunk(const Scenario& trunk, const std::vector<const Scenario*>& branches, Instant until)
        : m_branches(branches)
        , m_until(until)
        , m_simulation(trunk, nullptr)
    {
        m_simulation.Begin(
            [this](FaultInjector& injector)
            {
            Schedule(injector);
        });
        m_simulation.Go();
    }

    Instant JudgedUntil() const override
    {
        return m_simulation.Network().JudgedUntil();
    }

    RunOutcome Branch(std::size_t branch) override
    {
        for (std::size_t other = 0; other < m_events.size(); ++other)
        {
            if (other != branch)
            {
                std::ranges::for_each(m_events[other], &ns3::Simulator::Remove);
            }
        }
        m_simulation.Become(*m_branches[branch]);
        const bool isPaused = Now() == m_until; // else a violation has ended the run
        if (isPaused)
        {
            m_simulation.Go();
        }
        return m_simulation.Finish(isPaused ? 1 : 0);
    }

  private:
    /** The pause comes before anything else that happens then. */
    void Schedule(FaultInjector& injector)
    {
        ns3::Simulator::Schedule(ns3::TimeStep(m_until.time_since_epoch().count()),
                                 []
                                 {
            ns3::Simulator::Stop();
        });
        for (const Scenario* branch : m_branches)
        {
            // What comes earlier is the same for all: the first one's happens.
            m_events.push_back(injector.Schedule(*branch, m_events.empty() ? Instant{} : m_until));
        }
    }

    std::vector<const Scenario*> m_branches;
    Instant m_until;
    std::vector<std::vector<ns3::EventId>> m_events; ///< index: branch
    Simulation m_simulation;
};

} // namespace

RunOutcome
RunScenario(const Scenario& scenario, ProgressListener* listener, std::vector<RunProbe*> probes)
{
    std::unique_ptr<BoundaryCrash> crash;
    if (scenario.crashPoint)
    {
        crash = std::make_unique<BoundaryCrash>(*scenario.crashPoint);
        probes.push_back(crash.get()); // last: the others see the boundary first
    }
    PrepareSimulator(scenario);
    Simulation simulation(scenario, listener, std::move(probes));
    simulation.Begin(
        [&scenario](FaultInjector& injector)
        {
        injector.Schedule(scenario);
    });
    simulation.Go();
    if (crash != nullptr)
    {
        crash->CheckDone();
    }
    return simulation.Finish(0);
}

std::unique_ptr<TrunkRun>
RunTrunk(const Scenario& trunk, const std::vector<const Scenario*>& branches, Instant until)
{
    PrepareSimulator(trunk);
    return std::make_unique<Trunk>(trunk, branches, until);
}

} // namespace flowchain
