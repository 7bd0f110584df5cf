// SPDX-License-Identifier: GPL-2.0-only
#include "protocol-harness.h"

#include "accelerator-machine.h"
#include "controller-machine.h"
#include "directory-builder.h"
#include "edge-machine.h"
#include "protocol-frame-pool.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

void
HarnessListener::OnSend(NodeId, NodeId, const Frame&, const Fate&, Instant)
{
}

void
HarnessListener::OnNote(NodeId, const Note&, Instant)
{
}

void
HarnessListener::OnDelivered(NodeId, const Frame&, Instant)
{
}

void
HarnessListener::OnDropped(NodeId, const Frame&, DropReason, Instant)
{
}

void
HarnessListener::OnDown(NodeId, Instant)
{
}

void
HarnessListener::OnUp(NodeId, Instant)
{
}

/** Tells the listener what the node that is being stepped discards. */
class ProtocolHarness::Pool : public LedgerFramePool
{
  public:
    explicit Pool(ProtocolHarness& harness)
        : LedgerFramePool(harness.m_ledger)
        , m_harness(harness)
    {
    }

    void Discard(FramePtr frame, DropReason reason) override
    {
        if (reason != DropReason::NONE)
        {
            m_harness.m_listener->OnDropped(m_harness.m_stepping, *frame, reason, m_harness.m_now);
        }
        LedgerFramePool::Discard(std::move(frame), reason);
    }

  private:
    ProtocolHarness& m_harness;
};

namespace
{

constexpr std::uint32_t INSIDE_NETWORK = 0x0a000000;   // 10.0.0.0/8
constexpr std::uint32_t EXTERNAL_ADDRESS = 0xcb007101; // 203.0.113.1/32, RFC 5737
constexpr std::uint16_t PORT_FIRST = 1000;

Directory
MakeHarnessDirectory(const HarnessConfig& config)
{
    DirectoryBuilder builder;
    builder.Clients(config.clients).Servers(config.servers).Accelerators(config.accelerators);
    for (int group = 0; group < config.groups; ++group)
    {
        builder.Group(config.managers);
    }
    Directory directory = builder.ServiceNodes(config.services).Build();
    directory.controller = static_cast<NodeId>(directory.nodes.size());
    directory.nodes.push_back({NodeRole::CONTROLLER, 0});
    directory.inside = {INSIDE_NETWORK, 8};
    directory.selection = config.selection;
    FunctionConfig& function = directory.function;
    function = config.function;
    function.nodes = directory.serviceNodes;
    function.nat.inside = directory.inside;
    function.nat.external = {EXTERNAL_ADDRESS, 32};
    function.nat.portFirst = PORT_FIRST;
    function.nat.portLast =
        static_cast<std::uint16_t>(PORT_FIRST + config.portsEach * config.services - 1);
    return directory;
}

/** The node that an Ethernet address of MacOf() names. */
NodeId
DestinationOf(const Frame& frame)
{
    const auto header = frame.Header();
    assert(header.size() >= 6 && header[0] == 0x02 && header[1] == 0xfc);
    return static_cast<NodeId>(header[4] << 8 | header[5]);
}

const char*
ShortName(NodeRole role)
{
    static constexpr std::array<const char*, 6> NAMES = {
        "client", "server", "acc", "man", "svc", "ctl"};
    return NAMES[static_cast<std::size_t>(role)];
}

} // namespace

ProtocolHarness::ProtocolHarness(const HarnessConfig& config, HarnessListener* listener)
    : m_config(config)
    , m_listener(listener != nullptr ? listener : &m_nobody)
    , m_directory(MakeHarnessDirectory(config))
    , m_steering({&m_directory, 1})
    , m_pool(std::make_unique<Pool>(*this))
    , m_nodes(m_directory.nodes.size())
{
    for (NodeId node = 0; node < m_nodes.size(); ++node)
    {
        const auto& absent = config.absent;
        m_directory.nodes[node].absent =
            std::find(absent.begin(), absent.end(), NameOf(node)) != absent.end();
    }
    for (NodeId node = 0; node < m_nodes.size(); ++node)
    {
        if (!m_directory.nodes[node].absent)
        {
            m_nodes[node].machine = MakeMachine(node);
        }
    }
    for (NodeId node = 0; node < m_nodes.size(); ++node)
    {
        Step(node, {Event::Kind::START, nullptr});
    }
}

ProtocolHarness::~ProtocolHarness()
{
    m_pool->SetReturnReason(DropReason::END_OF_RUN);
    m_nodes.clear();
    m_queue.clear();
    m_held.clear();
    assert(m_pool->Live() == 0);
}

std::unique_ptr<ProtocolMachine>
ProtocolHarness::MakeServiceNode(const NodeConfig& config)
{
    ServiceNodeConfig service = m_config.service;
    static_cast<ReplicaConfig&>(service) = m_config.manager;
    service.sessionsMax = m_config.sessionsMax;
    return std::make_unique<ServiceNodeMachine>(
        config, service, MakeFunction(m_directory.function, {config.self, config.incarnation}));
}

std::unique_ptr<ProtocolMachine>
ProtocolHarness::MakeMachine(NodeId node)
{
    NodeConfig config;
    config.self = node;
    config.incarnation = m_nodes[node].incarnation;
    config.directory = &m_directory;
    config.pool = m_pool.get();
    config.channel = m_config.channel;
    switch (m_directory.nodes[node].role)
    {
    case NodeRole::CLIENT:
    case NodeRole::SERVER:
        return std::make_unique<EdgeMachine>(config, m_steering);
    case NodeRole::CONTROLLER:
        return std::make_unique<ControllerMachine>(
            config,
            ControllerConfig{
                {.timeout = m_config.detectionTimeout, .interval = m_config.heartbeatInterval},
                m_config.manager.scheme->Promise(m_config.manager).everyServiceNode,
                m_config.publishDelay,
                m_config.drainTime,
                m_config.manager.scheme->Promise(m_config.manager).Restores()});
    case NodeRole::ACCELERATOR:
        config.heartbeatInterval = m_config.heartbeatInterval;
        return std::make_unique<AcceleratorMachine>(config, m_config.accelerator);
    case NodeRole::MANAGER:
        config.heartbeatInterval = m_config.heartbeatInterval;
        return std::make_unique<FlowManagerMachine>(config, m_config.manager);
    case NodeRole::SERVICE_NODE:
        config.heartbeatInterval = m_config.heartbeatInterval;
        return MakeServiceNode(config);
    }
    return nullptr;
}

void
ProtocolHarness::SetListener(HarnessListener* listener)
{
    m_listener = listener != nullptr ? listener : &m_nobody;
}

void
ProtocolHarness::SetFate(FateFunction fate)
{
    m_fate = std::move(fate);
}

FramePtr
ProtocolHarness::MakePacket(const PacketSpec& packet)
{
    FramePtr frame = m_pool->Acquire();
    PacketBuilder builder;
    switch (packet.key.protocol)
    {
    case IpProtocol::TCP:
        builder.Tcp(packet.key).Flags(packet.flags);
        break;
    case IpProtocol::UDP:
        builder.Udp(packet.key);
        break;
    default:
        builder.IcmpEcho(packet.key, packet.key.source.port == 0);
        break;
    }
    builder.Ttl(packet.ttl).PayloadLength(100).Build(*frame);
    frame->packetId = m_ledger.Inject();
    return frame;
}

std::uint32_t
ProtocolHarness::Inject(NodeId host, const PacketSpec& packet)
{
    FramePtr frame = MakePacket(packet);
    const std::uint32_t id = frame->packetId;
    Step(host, {Event::Kind::INJECT, std::move(frame)});
    return id;
}

std::uint32_t
ProtocolHarness::InjectAt(NodeId host, NodeId accelerator, const PacketSpec& packet)
{
    FramePtr frame = MakePacket(packet);
    const std::uint32_t id = frame->packetId;
    SetMacAddresses(*frame, 0, MacOf(host), MacOf(accelerator));
    Send(host, std::move(frame));
    return id;
}

bool
ProtocolHarness::RunOne(Instant end)
{
    const auto earliest = std::min_element(m_nodes.begin(),
                                           m_nodes.end(),
                                           [](const Node& a, const Node& b)
                                           {
        return a.wakeup < b.wakeup;
    });
    if (!m_queue.empty() && m_queue.begin()->first.first <= std::min(earliest->wakeup, end))
    {
        auto first = m_queue.extract(m_queue.begin());
        m_now = first.key().first;
        Arrive(std::move(first.mapped()));
        return true;
    }
    if (earliest->wakeup > end)
    {
        return false;
    }
    m_now = std::max(m_now, earliest->wakeup);
    Step(static_cast<NodeId>(earliest - m_nodes.begin()), {Event::Kind::WAKEUP, nullptr});
    return true;
}

void
ProtocolHarness::RunUntil(Instant end)
{
    while (RunOne(end))
    {
    }
    m_now = std::max(m_now, end);
}

void
ProtocolHarness::Arrive(InFlight message)
{
    if (IsDown(message.to))
    {
        Drop(message.to, std::move(message.frame), DropReason::NODE_DOWN);
        return;
    }
    if (m_mutation != nullptr && m_mutation->onReceive != nullptr)
    {
        m_mutation->onReceive(
            Machine(message.to).View(), message.to, Incarnation(message.to), *message.frame);
    }
    Step(message.to, {Event::Kind::FRAME, std::move(message.frame)});
}

void
ProtocolHarness::Drop(NodeId node, FramePtr frame, DropReason reason)
{
    const NodeId stepping = std::exchange(m_stepping, node);
    m_pool->Discard(std::move(frame), reason);
    m_stepping = stepping;
}

void
ProtocolHarness::Step(NodeId node, Event event)
{
    if (IsDown(node))
    {
        if (event.frame != nullptr)
        {
            Drop(node, std::move(event.frame), DropReason::NODE_DOWN);
        }
        return;
    }
    m_stepping = node;
    m_nodes[node].machine->Step(std::move(event), m_now, m_actions);
    m_nodes[node].wakeup = m_nodes[node].machine->NextWakeup();
    CarryOut(node);
    m_stepping = NO_NODE;
}

void
ProtocolHarness::CarryOut(NodeId node)
{
    Actions actions = std::move(m_actions);
    m_actions.Clear();
    bool removed = false;
    bool drained = false;
    for (const Note& note : actions.notes)
    {
        removed = removed || note.kind == NoteKind::REMOVED;
        drained = drained || note.kind == NoteKind::DRAINED;
        m_listener->OnNote(node, note, m_now);
    }
    if (m_mutation != nullptr && m_mutation->onSend != nullptr)
    {
        m_mutation->onSend(m_directory, *m_pool, actions.sends);
    }
    for (FramePtr& frame : actions.sends)
    {
        Send(node, std::move(frame));
    }
    for (FramePtr& frame : actions.deliveries)
    {
        m_listener->OnDelivered(node, *frame, m_now);
        m_ledger.Deliver(frame->packetId);
        m_pool->Discard(std::move(frame), DropReason::NONE);
    }
    if (removed || drained)
    {
        Crash(node);
    }
    if (removed)
    {
        Recover(node);
    }
}

void
ProtocolHarness::Send(NodeId from, FramePtr frame)
{
    const NodeId to = DestinationOf(*frame);
    const Fate fate = m_fate ? m_fate(from, to, *frame, m_now) : Fate{};
    m_listener->OnSend(from, to, *frame, fate, m_now);
    if (fate.lost)
    {
        Drop(NO_NODE, std::move(frame), DropReason::LINK_LOSS);
        return;
    }
    if (fate.held)
    {
        m_held.push_back({from, to, std::move(frame)});
        return;
    }
    FramePtr second = fate.twice ? m_pool->Clone(*frame) : nullptr;
    Enqueue(from, to, std::move(frame), m_config.linkDelay + fate.late);
    if (second != nullptr)
    {
        Enqueue(from, to, std::move(second), m_config.linkDelay + fate.late);
    }
}

void
ProtocolHarness::Enqueue(NodeId from, NodeId to, FramePtr frame, Duration delay)
{
    m_queue.emplace(std::pair(m_now + delay, ++m_sequence), InFlight{from, to, std::move(frame)});
}

void
ProtocolHarness::FreeHeld(NodeId to)
{
    std::vector<InFlight> held = std::move(m_held);
    m_held.clear();
    for (InFlight& message : held)
    {
        if (to == NO_NODE || to == message.to)
        {
            m_listener->OnSend(message.from, message.to, *message.frame, {}, m_now);
            Enqueue(message.from, message.to, std::move(message.frame), m_config.linkDelay);
        }
        else
        {
            m_held.push_back(std::move(message));
        }
    }
}

void
ProtocolHarness::Crash(NodeId node)
{
    assert(!IsDown(node));
    m_pool->SetReturnReason(DropReason::NODE_DOWN);
    m_nodes[node].machine.reset();
    m_pool->SetReturnReason(DropReason::NONE);
    m_nodes[node].wakeup = NEVER;
    m_listener->OnDown(node, m_now);
}

void
ProtocolHarness::Recover(NodeId node)
{
    assert(IsDown(node));
    m_nodes[node].incarnation = static_cast<std::uint8_t>((m_nodes[node].incarnation + 1) & 63);
    m_nodes[node].machine = MakeMachine(node);
    m_listener->OnUp(node, m_now);
    Step(node, {Event::Kind::START, nullptr});
}

void
ProtocolHarness::Request(OperatorRequest request, NodeId subject)
{
    Step(m_directory.controller, {Event::Kind::REQUEST, nullptr, request, subject});
}

const SessionStore*
ProtocolHarness::StoreOf(NodeId node) const
{
    switch (m_directory.nodes[node].role)
    {
    case NodeRole::MANAGER:
        return &static_cast<const FlowManagerMachine&>(Machine(node)).Store();
    case NodeRole::SERVICE_NODE:
        return &static_cast<const ServiceNodeMachine&>(Machine(node)).Store();
    default:
        return nullptr;
    }
}

const FlowManagerMachine*
ProtocolHarness::ManagerAt(NodeId node) const
{
    const bool manager = m_directory.nodes[node].role == NodeRole::MANAGER;
    return manager && !IsDown(node) ? static_cast<const FlowManagerMachine*>(&Machine(node))
                                    : nullptr;
}

std::size_t
ProtocolHarness::LiveFrames() const
{
    return m_pool->Live();
}

std::string
ProtocolHarness::NameOf(NodeId node) const
{
    const NodeRole role = m_directory.nodes[node].role;
    const auto isRole = [role](const Directory::Node& other)
    {
        return other.role == role;
    };
    const auto& nodes = m_directory.nodes;
    const auto count = std::count_if(nodes.begin(), nodes.end(), isRole);
    const bool host = role == NodeRole::CLIENT || role == NodeRole::SERVER;
    if (role == NodeRole::CONTROLLER || (host && count == 1))
    {
        return ShortName(role);
    }
    return ShortName(role) +
           std::to_string(std::count_if(nodes.begin(), nodes.begin() + node, isRole));
}

NodeId
ProtocolHarness::NodeNamed(const std::string& name) const
{
    for (NodeId node = 0; node < m_nodes.size(); ++node)
    {
        if (NameOf(node) == name)
        {
            return node;
        }
    }
    return NO_NODE;
}

} // namespace flowchain
