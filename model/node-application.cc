// SPDX-License-Identifier: GPL-2.0-only
#include "node-application.h"

#include "message-batch.h"
#include "traffic-class.h"

#include <ns3/simulator.h>
#include <ns3/string.h>
#include <ns3/uinteger.h>

#include <algorithm>
#include <cassert>
#include <sstream>
#include <stdexcept>
#include <string>

namespace flowchain
{

namespace
{

Duration
ToDuration(const ns3::Time& time)
{
    return Duration(time.GetTimeStep());
}

WorkKind
WorkOf(MessageKind kind)
{
    switch (ClassOf(kind))
    {
    case TrafficClass::DATA:
    case TrafficClass::ENCAPSULATED:
        break;
    case TrafficClass::SYNC:
        return WorkKind::MESSAGE;
    case TrafficClass::CONTROL:
        return WorkKind::ACK;
    }
    return WorkKind::PACKET;
}

PlantedDefects
DefectsOf(const std::string& names)
{
    PlantedDefects defects;
    std::istringstream words(names);
    for (std::string name; words >> name;)
    {
        const auto defect = PlantedDefectByName(name);
        if (!defect)
        {
            NS_FATAL_ERROR("no planted defect '" << name << "'");
        }
        defects.Plant(*defect);
    }
    return defects;
}

} // namespace

NS_OBJECT_ENSURE_REGISTERED(NodeApplication);

ns3::TypeId
NodeApplication::GetTypeId()
{
    using ns3::MakeTimeAccessor;
    using ns3::MakeTimeChecker;
    using ns3::MakeUintegerAccessor;
    using ns3::MakeUintegerChecker;
    using ns3::PicoSeconds;
    using ns3::TimeValue;
    using ns3::UintegerValue;
    static ns3::TypeId tid =
        ns3::TypeId("flowchain::NodeApplication")
            .SetParent<ns3::Application>()
            .SetGroupName("flowchain")
            .AddAttribute("Cores",
                          "Frames that are processed at the same time",
                          UintegerValue(1),
                          MakeUintegerAccessor(&NodeApplication::m_cores),
                          MakeUintegerChecker<std::uint16_t>(1, 1024))
            .AddAttribute("QueueFrames",
                          "Frames that wait for a core, at most; more are dropped",
                          UintegerValue(4096),
                          MakeUintegerAccessor(&NodeApplication::m_queueFrames),
                          MakeUintegerChecker<std::uint32_t>())
            .AddAttribute("PacketCost",
                          "Time that a core spends on a data packet, bare or encapsulated",
                          TimeValue(PicoSeconds(0)),
                          MakeTimeAccessor(&NodeApplication::m_packetCost),
                          MakeTimeChecker(PicoSeconds(0)))
            .AddAttribute("MessageCost",
                          "Time that a core spends on a synchronisation message",
                          TimeValue(PicoSeconds(0)),
                          MakeTimeAccessor(&NodeApplication::m_messageCost),
                          MakeTimeChecker(PicoSeconds(0)))
            .AddAttribute("AckCost",
                          "Time that a core spends on an acknowledgement, heartbeat or view",
                          TimeValue(PicoSeconds(0)),
                          MakeTimeAccessor(&NodeApplication::m_ackCost),
                          MakeTimeChecker(PicoSeconds(0)))
            .AddAttribute("RetransmitTimeout",
                          "Time without acknowledgement before a message is sent again; doubled "
                          "with each retransmission (RFC 6298, section 5.5)",
                          TimeValue(ns3::MicroSeconds(500)),
                          MakeTimeAccessor(&NodeApplication::m_retransmitTimeout),
                          MakeTimeChecker(PicoSeconds(1)))
            .AddAttribute("RetransmitTimeoutMax",
                          "Upper bound of the doubled timeout",
                          TimeValue(ns3::MilliSeconds(50)),
                          MakeTimeAccessor(&NodeApplication::m_retransmitTimeoutMax),
                          MakeTimeChecker(PicoSeconds(1)))
            .AddAttribute("RetriesMax",
                          "Retransmissions of a message before it is given up",
                          UintegerValue(30),
                          MakeUintegerAccessor(&NodeApplication::m_retriesMax),
                          MakeUintegerChecker<std::uint16_t>(1))
            .AddAttribute("Window",
                          "Messages to one peer that may be unacknowledged",
                          UintegerValue(64),
                          MakeUintegerAccessor(&NodeApplication::m_window),
                          MakeUintegerChecker<std::uint16_t>(1, 64))
            .AddAttribute("BacklogMax",
                          "Messages to one peer that wait for the window, at most",
                          UintegerValue(65536),
                          MakeUintegerAccessor(&NodeApplication::m_backlogMax),
                          MakeUintegerChecker<std::uint32_t>())
            .AddAttribute(
                "BacklogHigh",
                "Back-pressure: once so many messages wait for the window to a manager "
                "of its group or a service node, a manager opens no new session; 0: never",
                UintegerValue(0),
                MakeUintegerAccessor(&NodeApplication::m_backlogHigh),
                MakeUintegerChecker<std::uint32_t>())
            .AddAttribute("BacklogLow",
                          "Back-pressure ends when only so many are left; less than BacklogHigh",
                          UintegerValue(0),
                          MakeUintegerAccessor(&NodeApplication::m_backlogLow),
                          MakeUintegerChecker<std::uint32_t>())
            .AddAttribute("AckDelay",
                          "Time that an acknowledgement waits for a message to ride on, unless "
                          "half a window is to be acknowledged (the idea of RFC 1122, section "
                          "4.2.3.2); far below RetransmitTimeout",
                          TimeValue(PicoSeconds(0)),
                          MakeTimeAccessor(&NodeApplication::m_ackDelay),
                          MakeTimeChecker(PicoSeconds(0)))
            .AddAttribute("BatchCount",
                          "Messages to one peer in one frame, at most; 1: no batches",
                          UintegerValue(1),
                          MakeUintegerAccessor(&NodeApplication::m_batchCount),
                          MakeUintegerChecker<std::uint16_t>(1, BATCH_MESSAGES_MAX))
            .AddAttribute("BatchDelay",
                          "Time that a message waits for others to the same peer; 0: those of the "
                          "same step only; far below RetransmitTimeout",
                          TimeValue(PicoSeconds(0)),
                          MakeTimeAccessor(&NodeApplication::m_batchDelay),
                          MakeTimeChecker(PicoSeconds(0)))
            .AddAttribute("BatchBytes",
                          "Length of a frame with several messages, outer headers included and FCS "
                          "not, in bytes",
                          UintegerValue(1400),
                          MakeUintegerAccessor(&NodeApplication::m_batchBytes),
                          MakeUintegerChecker<std::uint32_t>(BATCH_BYTES_MIN, BATCH_BYTES_MAX))
            .AddAttribute("HeartbeatInterval",
                          "Time between heartbeats to the controller; 0: none",
                          TimeValue(PicoSeconds(0)),
                          MakeTimeAccessor(&NodeApplication::m_heartbeatInterval),
                          MakeTimeChecker(PicoSeconds(0)))
            .AddAttribute(
                "PlantedDefects",
                "Names of the errors that the protocol is to have on purpose, with blanks "
                "between them",
                ns3::StringValue(""),
                ns3::MakeStringAccessor(&NodeApplication::m_plantedDefects),
                ns3::MakeStringChecker());
    return tid;
}

NodeApplication::NodeApplication() = default;

NodeApplication::~NodeApplication() = default;

void
NodeApplication::Attach(NodeId node,
                        const Directory* directory,
                        Fabric* fabric,
                        NodeListener* listener)
{
    m_node = node;
    m_directory = directory;
    m_fabric = fabric;
    m_listener = listener;
}

void
NodeApplication::DoDispose()
{
    TearDown(DropReason::END_OF_RUN);
    ns3::Application::DoDispose();
}

Instant
NodeApplication::Now() const
{
    return Instant(Duration(ns3::Simulator::Now().GetTimeStep()));
}

void
NodeApplication::Create()
{
    NodeConfig config;
    config.self = m_node;
    config.incarnation = m_incarnation;
    config.directory = m_directory;
    config.pool = m_fabric;
    config.channel.retransmitTimeout = ToDuration(m_retransmitTimeout);
    config.channel.retransmitTimeoutMax = ToDuration(m_retransmitTimeoutMax);
    config.channel.retriesMax = m_retriesMax;
    config.channel.window = m_window;
    config.channel.backlogMax = m_backlogMax;
    config.channel.backlogHigh = m_backlogHigh;
    config.channel.backlogLow = m_backlogLow;
    config.channel.ackDelay = ToDuration(m_ackDelay);
    config.channel.batchCount = m_batchCount;
    config.channel.batchDelay = ToDuration(m_batchDelay);
    config.channel.batchBytes = m_batchBytes;
    config.heartbeatInterval = ToDuration(m_heartbeatInterval);
    config.defects = DefectsOf(m_plantedDefects);
    m_machine = MakeMachine(config);
}

void
NodeApplication::StartApplication()
{
    ProcessingConfig processing;
    processing.cores = m_cores;
    processing.queueFrames = m_queueFrames;
    processing.packetCost = ToDuration(m_packetCost);
    processing.messageCost = ToDuration(m_messageCost);
    processing.ackCost = ToDuration(m_ackCost);
    m_queue = std::make_unique<ServiceQueue>(processing);
    if (!m_directory->nodes[m_node].absent)
    {
        Create();
        Step({Event::Kind::START, nullptr});
    }
}

Admission
NodeApplication::Admit(PooledFrame& frame, Instant arrival)
{
    if (IsDown() || m_isDeaf)
    {
        return {arrival, DropReason::NODE_DOWN};
    }
    const auto done = m_queue->Admit(CostOf(frame), arrival);
    if (!done)
    {
        return {arrival, DropReason::NODE_QUEUE_FULL};
    }
    frame.mark = m_era;
    return {*done};
}

Duration
NodeApplication::CostOf(const Frame& frame) const
{
    PeekedMessages messages(frame);
    PeekedMessage message;
    if (!messages.Next(message))
    {
        return m_queue->CostOf(WorkKind::PACKET);
    }
    Duration cost{};
    do
    {
        cost += m_queue->CostOf(WorkOf(message.kind));
    } while (messages.Next(message));
    return cost;
}

void
NodeApplication::Receive(FramePtr frame)
{
    if (IsDown() || frame->mark < m_firstEra)
    {
        m_fabric->Discard(std::move(frame), DropReason::NODE_DOWN);
        return;
    }
    const Instant now = Now();
    if (const Instant end = EndOfProcessing(*frame, now); end > now)
    {
        frame->mark = m_era;
        ns3::Simulator::Schedule(ns3::TimeStep((end - now).count()),
                                 [this, held = frame.release()]
                                 {
            Receive(FramePtr(held));
        });
        return;
    }
    if (m_listener != nullptr)
    {
        m_listener->OnReceive(m_node, *frame, now);
    }
    Step({Event::Kind::FRAME, std::move(frame)});
}

void
NodeApplication::Step(Event event)
{
    if (IsDown())
    {
        if (event.frame != nullptr)
        {
            m_fabric->Discard(std::move(event.frame), DropReason::NODE_DOWN);
        }
        return;
    }
    assert(!IsStopped());
    const Instant now = Now();
    m_machine->Step(std::move(event), m_clock.Read(now), m_actions);
    CarryOut(now);
}

void
NodeApplication::DoActions(Instant now, std::optional<NoteKind>& last)
{
    for (const Note& note : m_actions.notes)
    {
        if (note.kind == NoteKind::REMOVED || (note.kind == NoteKind::DRAINED && !last))
        {
            last = note.kind;
        }
        if (m_listener != nullptr)
        {
            m_listener->OnNote(m_node, note, now);
        }
        if (m_hasCrashed)
        {
            return;
        }
    }
    for (FramePtr& frame : m_actions.sends)
    {
        if (m_listener != nullptr)
        {
            m_listener->OnSend(m_node, *frame, now);
        }
        m_fabric->Send(m_node, std::move(frame));
        if (m_hasCrashed)
        {
            return;
        }
    }
    for (FramePtr& frame : m_actions.deliveries)
    {
        Deliver(std::move(frame), now);
    }
}

void
NodeApplication::CarryOut(Instant now)
{
    std::optional<NoteKind> last;
    m_isActing = true;
    DoActions(now, last);
    m_isActing = false;
    if (std::exchange(m_hasCrashed, false))
    {
        Crash();
        return;
    }
    m_actions.Clear();
    if (last == NoteKind::REMOVED)
    {
        // The others have gone on without this node: only a fresh start can join them.
        Crash();
        Recover();
        return;
    }
    if (last == NoteKind::DRAINED)
    {
        StopDrained();
        return;
    }
    ScheduleWakeup();
}

void
NodeApplication::RestartAfterDrain(Duration after)
{
    m_restartAfterDrain = after;
}

void
NodeApplication::StopDrained()
{
    Crash();
    if (const auto after = std::exchange(m_restartAfterDrain, std::nullopt))
    {
        ns3::Simulator::Schedule(ns3::TimeStep(after->count()),
                                 [this]
                                 {
            if (IsDown())
            {
                Recover();
            }
        });
    }
}

void
NodeApplication::Deliver(FramePtr frame, Instant)
{
    m_fabric->Discard(std::move(frame), DropReason::NOT_FOR_ME);
}

void
NodeApplication::ScheduleWakeup()
{
    const Instant next = m_clock.When(m_machine->NextWakeup());
    if (next < m_wakeupAt)
    {
        m_wakeupAt = next;
        const std::int64_t delay = (next - Now()).count();
        ns3::Simulator::Schedule(
            ns3::TimeStep(delay > 0 ? delay : 0), &NodeApplication::HandleWakeup, this, next);
    }
}

void
NodeApplication::HandleWakeup(Instant due)
{
    if (due != m_wakeupAt)
    {
        return; // an earlier one was scheduled since, and has run
    }
    m_wakeupAt = NEVER;
    if (!IsStopped())
    {
        Step({Event::Kind::WAKEUP, nullptr});
    }
}

std::uint32_t
NodeApplication::BacklogPeak() const
{
    return IsDown() ? m_backlogPeak : std::max(m_backlogPeak, m_machine->Transport().BacklogMax());
}

std::uint32_t
NodeApplication::OutstandingPeak() const
{
    return IsDown() ? m_outstandingPeak
                    : std::max(m_outstandingPeak, m_machine->Transport().OutstandingMax());
}

void
NodeApplication::TearDown(DropReason reason)
{
    if (m_machine != nullptr)
    {
        m_backlogPeak = BacklogPeak();
        m_outstandingPeak = OutstandingPeak();
        m_fabric->SetReturnReason(reason);
        m_machine.reset();
        m_actions.Clear();
        m_fabric->SetReturnReason(DropReason::NONE);
    }
}

void
NodeApplication::Crash()
{
    if (IsDown())
    {
        return;
    }
    if (m_isActing)
    {
        m_hasCrashed = true; // CarryOut() comes back to it
        return;
    }
    TearDown(DropReason::NODE_DOWN);
    LoseFrames();
    m_stoppedUntil = NEVER;
    m_isDeaf = false;
    m_wakeupAt = NEVER;
    if (m_listener != nullptr)
    {
        m_listener->OnNodeDown(m_node, Now());
    }
}

/** Those that it holds. */
void
NodeApplication::LoseFrames()
{
    m_queue->Reset(Now());
    m_firstEra = ++m_era;
    m_pauses.clear();
}

void
NodeApplication::Stop(Instant until)
{
    assert(!IsDown() && !IsStopped() && !m_isActing && until > Now());
    m_stoppedUntil = until;
    ns3::Simulator::Schedule(ns3::TimeStep((until - Now()).count()),
                             [this, era = m_era]
                             {
        if (m_era == era) // else the node has crashed since
        {
            GoOn();
        }
    });
}

void
NodeApplication::GoOn()
{
    m_stoppedUntil = NEVER;
    m_isDeaf = false;
    ScheduleWakeup();
}

void
NodeApplication::Pause(Instant until)
{
    const Instant now = Now();
    m_queue->Pause(now, until);
    m_pauses.push_back({now, until - now});
    ++m_era;
    Stop(until);
}

void
NodeApplication::CrashKeepingState(Instant until)
{
    LoseFrames();
    m_isDeaf = true;
    Stop(until);
}

Instant
NodeApplication::EndOfProcessing(const PooledFrame& frame, Instant announced) const
{
    Instant end = announced;
    for (std::size_t i = frame.mark - m_firstEra; i < m_pauses.size(); ++i)
    {
        end += end >= m_pauses[i].from ? m_pauses[i].length : Duration{};
    }
    return end;
}

void
NodeApplication::SetClockRate(std::uint32_t permille)
{
    m_clock.SetRate(Now(), permille);
    if (!IsDown() && !IsStopped())
    {
        m_wakeupAt = NEVER; // the one that is scheduled may come too late now, or too early
        ScheduleWakeup();
    }
}

void
NodeApplication::Recover()
{
    assert(IsDown());
    if (m_incarnation == INCARNATION_MAX)
    {
        throw std::runtime_error("node " + std::to_string(m_node) + " restarts more than " +
                                 std::to_string(INCARNATION_MAX) +
                                 " times: messages and names of sessions could not tell its lives "
                                 "apart");
    }
    ++m_incarnation;
    Create();
    if (m_listener != nullptr)
    {
        m_listener->OnNodeUp(m_node, Now());
    }
    Step({Event::Kind::START, nullptr});
}

} // namespace flowchain
