// SPDX-License-Identifier: GPL-2.0-only
#include "explored-nodes.h"

#include "directory-builder.h"
#include "packet-builder.h"
#include "protocol-trace.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

constexpr std::uint16_t PORTS_EACH = 1000;
constexpr std::uint16_t PORT_FIRST = 1000;

Directory
MakeExploredDirectory(int managers, int services)
{
    Directory directory = DirectoryBuilder()
                              .Clients(1)
                              .Servers(1)
                              .Accelerators(1)
                              .Group(managers)
                              .ServiceNodes(services)
                              .Build();
    directory.controller = static_cast<NodeId>(directory.nodes.size());
    directory.nodes.push_back({NodeRole::CONTROLLER, 0});
    directory.inside = {0x0a000000, 8};
    directory.function.nodes = directory.serviceNodes;
    Nat44Config& nat = directory.function.nat;
    nat.inside = directory.inside;
    nat.external = {0xcb007101, 32};
    nat.portFirst = PORT_FIRST;
    nat.portLast = static_cast<std::uint16_t>(PORT_FIRST + PORTS_EACH * services - 1);
    return directory;
}

} // namespace

FramePtr
ExploredNodes::Pool::Clone(const Frame& frame)
{
    ++copies[frame.packetId];
    return HeapFramePool::Clone(frame);
}

void
ExploredNodes::Pool::Discard(FramePtr frame, DropReason reason)
{
    if (frame->packetId != 0 && reason != DropReason::NONE)
    {
        dropped.push_back(frame->packetId);
    }
    HeapFramePool::Discard(std::move(frame), reason);
}

void
ExploredNodes::Pool::Return(PooledFrame* frame)
{
    --copies[frame->packetId];
    HeapFramePool::Return(frame);
}

ExploredNodes::ExploredNodes(const Config& config)
    : m_config(config)
    , m_directory(MakeExploredDirectory(config.managers, config.services))
    , m_stateIndex(m_directory.nodes.size())
    , m_initial(m_directory.nodes.size(), NO_STATE)
{
    for (NodeId node = 0; node < m_directory.nodes.size(); ++node)
    {
        const NodeRole role = m_directory.nodes[node].role;
        if (role == NodeRole::ACCELERATOR || role == NodeRole::MANAGER ||
            role == NodeRole::SERVICE_NODE)
        {
            m_initial[node] = Register(Start(node), NO_STATE, 0);
        }
    }
}

std::unique_ptr<ProtocolMachine>
ExploredNodes::MakeMachine(NodeId node, FramePool& pool) const
{
    constexpr std::uint32_t SESSIONS = 100;
    NodeConfig config;
    config.self = node;
    config.directory = &m_directory;
    config.pool = &pool;
    config.channel = {Duration{1'000'000'000}, Duration{2'000'000'000}, 6, 8, 16};
    switch (m_directory.nodes[node].role)
    {
    case NodeRole::ACCELERATOR:
        return std::make_unique<AcceleratorMachine>(config,
                                                    AcceleratorConfig{.entriesMax = SESSIONS});
    case NodeRole::MANAGER:
        return std::make_unique<FlowManagerMachine>(config, m_config.manager);
    default:
        break;
    }
    ServiceNodeConfig service;
    static_cast<ReplicaConfig&>(service) = m_config.manager;
    service.sessionsMax = SESSIONS;
    return std::make_unique<ServiceNodeMachine>(
        config, service, MakeFunction(m_directory.function, {node, 0}));
}

ExploredNodes::Living
ExploredNodes::Start(NodeId node)
{
    ++m_replays;
    Living living;
    living.node = node;
    living.pool = std::make_unique<Pool>();
    living.machine = MakeMachine(node, *living.pool);
    living.machine->Step({Event::Kind::START, nullptr}, living.now, living.out);
    assert(living.out.sends.empty());
    return living;
}

ExploredNodes::Living
ExploredNodes::Enter(StateIndex state)
{
    std::vector<FrameIndex> history;
    for (StateIndex at = state; m_states[at].parent != NO_STATE; at = m_states[at].parent)
    {
        history.push_back(m_states[at].input);
    }
    Living living = Start(m_states[state].node);
    for (auto input = history.rbegin(); input != history.rend(); ++input)
    {
        Feed(living, *input);
        living.out.Clear();
    }
    living.pool->dropped.clear();
    return living;
}

void
ExploredNodes::Feed(Living& living, FrameIndex input)
{
    ProtocolMachine& machine = *living.machine;
    if (input != TIMEOUT)
    {
        FramePtr frame = living.pool->Clone(*m_frames[input].frame);
        if (m_config.mutation != nullptr && m_config.mutation->onReceive != nullptr)
        {
            m_config.mutation->onReceive(machine.View(), living.node, 0, *frame);
        }
        machine.Step({Event::Kind::FRAME, std::move(frame)}, living.now, living.out);
    }
    else if (MachineDigest::NextRetransmission(machine) != NEVER)
    {
        living.now = MachineDigest::NextRetransmission(machine);
        machine.Step({Event::Kind::WAKEUP, nullptr}, living.now, living.out);
    }
    if (m_config.mutation != nullptr && m_config.mutation->onSend != nullptr)
    {
        m_config.mutation->onSend(m_directory, *living.pool, living.out.sends);
    }
}

NodeStep
ExploredNodes::Absorb(Living& living)
{
    NodeStep step;
    for (const Note& note : living.out.notes)
    {
        if (note.kind == NoteKind::RELEASED)
        {
            step.released.push_back(note.record);
        }
    }
    for (const FramePtr& frame : living.out.sends)
    {
        FramePtr copy = m_pool.Acquire();
        copy->CopyFrom(*frame);
        step.sends.push_back(Intern(std::move(copy)));
    }
    living.out.Clear();
    step.dropped = std::move(living.pool->dropped);
    return step;
}

const NodeStep&
ExploredNodes::Step(StateIndex state, FrameIndex input)
{
    const std::uint64_t key = static_cast<std::uint64_t>(state) << 32 | input;
    const auto known = m_steps.find(key);
    if (known != m_steps.end())
    {
        return known->second;
    }
    Living living = Enter(state);
    Feed(living, input);
    NodeStep step = Absorb(living);
    step.next = Register(living, state, input);
    return m_steps.emplace(key, std::move(step)).first->second;
}

StateIndex
ExploredNodes::Register(const Living& living, StateIndex parent, FrameIndex input)
{
    const NodeRole role = m_directory.nodes[living.node].role;
    const Digest digest = MachineDigest::Of(*living.machine, role, living.now);
    const auto next = static_cast<StateIndex>(m_states.size());
    const auto [found, isNew] = m_stateIndex[living.node].emplace(digest, next);
    if (isNew)
    {
        NodeState state;
        state.node = living.node;
        state.parent = parent;
        state.input = input;
        state.digest = digest;
        Describe(living, state);
        m_states.push_back(std::move(state));
    }
    return found->second;
}

void
ExploredNodes::Describe(const Living& living, NodeState& state)
{
    const MembershipView& view = living.machine->View();
    state.epoch = view.Epoch();
    for (NodeId node = 0; node < m_directory.nodes.size(); ++node)
    {
        state.active.push_back(view.IsActive(node));
    }
    const SessionStore* store = nullptr;
    if (m_directory.nodes[living.node].role == NodeRole::MANAGER)
    {
        const auto& manager = static_cast<const FlowManagerMachine&>(*living.machine);
        state.pending = manager.PendingCount();
        store = &manager.Store();
    }
    else if (m_directory.nodes[living.node].role == NodeRole::SERVICE_NODE)
    {
        store = &static_cast<const ServiceNodeMachine&>(*living.machine).Store();
    }
    for (std::size_t slot = 0; store != nullptr && slot < store->Slots(); ++slot)
    {
        if (store->At(slot).id != 0)
        {
            state.records.push_back(IndexOf(store->At(slot)));
        }
    }
    std::sort(state.records.begin(), state.records.end());
    state.frames = living.pool->Live();
    for (const auto& [packet, copies] : living.pool->copies)
    {
        if (packet != 0 && copies != 0)
        {
            state.packets.push_back(packet);
        }
    }
}

std::uint32_t
ExploredNodes::IndexOf(const SessionRecord& record)
{
    const auto next = static_cast<std::uint32_t>(m_records.size());
    const auto [found, isNew] = m_recordIndex.emplace(record, next);
    if (isNew)
    {
        m_records.push_back(record);
    }
    return found->second;
}

FrameIndex
ExploredNodes::Intern(FramePtr frame)
{
    Digest digest;
    digest.Add(*frame);
    const auto next = static_cast<FrameIndex>(m_frames.size());
    const auto [found, isNew] = m_frameIndex.emplace(digest, next);
    if (isNew)
    {
        const auto header = frame->Header();
        const auto to = static_cast<NodeId>(header[4] << 8 | header[5]);
        const auto from = static_cast<NodeId>(header[10] << 8 | header[11]);
        const std::uint32_t link = static_cast<std::uint32_t>(from) << 16 | to;
        m_frames.push_back({std::move(frame), to, link});
    }
    return found->second;
}

FrameIndex
ExploredNodes::MakeSyn(const FlowKey& key, std::uint32_t packet)
{
    FramePtr frame = m_pool.Acquire();
    PacketBuilder().Tcp(key).Flags(tcp_flag::SYN).Ttl(64).PayloadLength(100).Build(*frame);
    frame->packetId = packet;
    SetMacAddresses(
        *frame, 0, MacOf(m_directory.clients.front()), MacOf(m_directory.accelerators.front()));
    return Intern(std::move(frame));
}

FrameIndex
ExploredNodes::MakeView(NodeId to, const std::vector<NodeId>& dead)
{
    ViewBody body = MembershipView::Initial(m_directory).Body();
    body.epoch = static_cast<std::uint32_t>(1 + dead.size());
    for (const NodeId node : dead)
    {
        body.members[node].status = MemberStatus::DOWN;
    }
    MessageHeader header;
    header.kind = MessageKind::VIEW;
    header.source = m_directory.controller;
    header.epoch = body.epoch;
    header.sequence = body.epoch - 1;
    Underlay underlay;
    underlay.sourceMac = MacOf(m_directory.controller);
    underlay.destinationMac = MacOf(to);
    underlay.sourceAddress = UnderlayAddressOf(m_directory.controller);
    underlay.destinationAddress = UnderlayAddressOf(to);
    FramePtr frame = m_pool.Acquire();
    EncapsulateView(header, body, underlay, *frame);
    return Intern(std::move(frame));
}

std::string
ExploredNodes::NameOf(NodeId node) const
{
    const auto nth = [node](const char* role, const std::vector<NodeId>& nodes)
    {
        return role + std::to_string(node - nodes.front());
    };
    switch (m_directory.nodes[node].role)
    {
    case NodeRole::ACCELERATOR:
        return nth("acc", m_directory.accelerators);
    case NodeRole::MANAGER:
        return nth("man", m_directory.groups.front());
    case NodeRole::SERVICE_NODE:
        return nth("svc", m_directory.serviceNodes);
    case NodeRole::CONTROLLER:
        return "ctl";
    default:
        return "host";
    }
}

std::string
ExploredNodes::TextOf(FrameIndex frame) const
{
    const KnownFrame& known = m_frames[frame];
    SyncMessage message;
    std::size_t outerLength = 0;
    if (Decode(*known.frame, message, outerLength) != DecodeVerdict::OK)
    {
        return NameOf(known.to) + " <- packet " + std::to_string(known.frame->packetId);
    }
    const MessageHeader& header = message.header;
    std::string text = NameOf(known.to) + " <- " + NameOf(header.source) + " " +
                       ProtocolTrace::NameOf(header.kind) + " e" + std::to_string(header.epoch);
    text += header.sequence != 0 ? " #" + std::to_string(header.sequence) : "";
    text += header.kind == MessageKind::ACK ? " of #" + std::to_string(header.acknowledged) : "";
    const std::uint64_t session =
        message.record.id != 0 ? message.record.id : message.entry.session;
    if (session != 0 && header.kind != MessageKind::PROCESS &&
        header.kind != MessageKind::PACKET_IN)
    {
        text += " session " + NameOf(static_cast<NodeId>(session >> 48)) + "/" +
                std::to_string(session & 0xffff);
    }
    text += known.frame->packetId != 0 ? " packet " + std::to_string(known.frame->packetId) : "";
    return text;
}

bool
ExploredNodes::Agrees(NodeId node, const std::vector<FrameIndex>& inputs)
{
    Living living = Start(node);
    living.pool->dropped.clear();
    StateIndex state = m_initial[node];
    for (const FrameIndex input : inputs)
    {
        Feed(living, input);
        const NodeStep step = Absorb(living);
        const NodeStep& expected = Step(state, input);
        if (step.sends != expected.sends || step.released != expected.released ||
            step.dropped != expected.dropped)
        {
            return false;
        }
        state = expected.next;
        const Digest digest =
            MachineDigest::Of(*living.machine, m_directory.nodes[node].role, living.now);
        if (digest != m_states[state].digest)
        {
            return false;
        }
    }
    return true;
}

} // namespace flowchain
