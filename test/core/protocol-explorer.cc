// SPDX-License-Identifier: GPL-2.0-only
#include "protocol-explorer.h"

#include "packet-view.h"
#include "selector.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

constexpr std::uint32_t NAMED = 1;     ///< a frame of the packet ended under a named reason
constexpr std::uint32_t DELIVERED = 2; ///< the server has got the packet
constexpr std::uint32_t ONE_CRASH = 1 << 16;
constexpr std::uint32_t ONE_LOSS = 1;
constexpr std::size_t SAMPLES_EVERY = 61;

} // namespace

bool
ProtocolExplorer::Visited::Insert(const Digest& digest)
{
    if (2 * (m_size + 1) > m_cells.size())
    {
        Grow();
    }
    std::size_t i = digest.low & (m_cells.size() - 1);
    while (m_cells[i] != Digest{})
    {
        if (m_cells[i] == digest)
        {
            return false;
        }
        i = (i + 1) & (m_cells.size() - 1);
    }
    m_cells[i] = digest;
    ++m_size;
    return true;
}

void
ProtocolExplorer::Visited::Grow()
{
    std::vector<Digest> old(std::max<std::size_t>(1024, 2 * m_cells.size()));
    old.swap(m_cells);
    m_size = 0;
    for (const Digest& digest : old)
    {
        if (digest != Digest{})
        {
            Insert(digest);
        }
    }
}

ProtocolExplorer::ProtocolExplorer(const ExplorerConfig& config)
    : m_config(config)
    , m_nodes(config.nodes)
    , m_faultsAt(m_nodes.Nodes().nodes.size())
    , m_packetsAt(m_faultsAt + 1)
    , m_releasedAt(m_packetsAt + config.packets.size())
    , m_pendingAt(m_releasedAt + config.firsts.size())
{
}

/** The flow's client port is one for which the accelerator selects the wanted first manager. */
FlowKey
ProtocolExplorer::KeyOfFlow(int flow) const
{
    const Directory& nodes = m_nodes.Nodes();
    const MembershipView view = MembershipView::Initial(nodes);
    const NodeId first = nodes.groups.front()[m_config.firsts[flow]];
    FlowKey key;
    key.protocol = IpProtocol::TCP;
    key.source.address = 0x0a000001;
    key.destination = {0xc6336401, 80};
    key.source.port = static_cast<std::uint16_t>(10000 * (flow + 1));
    while (Selector::Manager(key, view) != first)
    {
        ++key.source.port;
    }
    return key;
}

ProtocolExplorer::Words
ProtocolExplorer::MakeRoot()
{
    Words root(m_pendingAt, 0);
    for (NodeId node = 0; node < m_nodes.Nodes().nodes.size(); ++node)
    {
        root[node] = m_nodes.Initial(node);
    }
    root[m_faultsAt] = m_config.crashes * ONE_CRASH + m_config.losses * ONE_LOSS;
    for (std::size_t i = 0; i < m_config.packets.size(); ++i)
    {
        const auto packet = static_cast<std::uint32_t>(i + 1);
        Reach(root, m_nodes.MakeSyn(KeyOfFlow(m_config.packets[i]), packet));
    }
    return root;
}

ExplorerResult
ProtocolExplorer::Run()
{
    m_visited.Insert({1, 1});
    m_origins.push_back({0, {}});
    m_frontier.push_back(MakeRoot());
    m_result.states = 1;
    m_result.complete = true;
    while (!m_frontier.empty() && m_result.violation.empty())
    {
        std::vector<Words> level;
        level.swap(m_frontier);
        const auto first = static_cast<std::uint32_t>(m_origins.size() - level.size());
        for (std::size_t i = 0; i < level.size() && m_result.violation.empty(); ++i)
        {
            m_expanding = first + static_cast<std::uint32_t>(i);
            Expand(level[i]);
        }
        if (m_result.states > m_config.statesMax)
        {
            m_result.complete = false;
            break;
        }
        m_result.depth += m_frontier.empty() ? 0 : 1;
    }
    CheckMerging();
    m_result.machineStates = m_nodes.StateCount();
    return std::move(m_result);
}

void
ProtocolExplorer::Expand(const Words& state)
{
    for (std::size_t i = m_pendingAt; i < state.size(); ++i)
    {
        if (i != m_pendingAt &&
            (state[i] == state[i - 1] ||
             (m_config.ordered && m_nodes.LinkOf(state[i]) == m_nodes.LinkOf(state[i - 1]))))
        {
            continue; // a second copy of the same frame, or one that waits behind another
        }
        Words next = state;
        next.erase(next.begin() + static_cast<std::ptrdiff_t>(i));
        MessageKind kind;
        const bool view = PeekKind(m_nodes.FrameAt(state[i]), kind) && kind == MessageKind::VIEW;
        if (state[m_faultsAt] % ONE_CRASH != 0 && !view)
        {
            Words lossy = next;
            lossy[m_faultsAt] -= ONE_LOSS;
            Name(lossy, m_nodes.FrameAt(state[i]).packetId);
            Visit(std::move(lossy), {EventKind::LOSS, state[i]});
        }
        const NodeId to = m_nodes.DestinationOf(state[i]);
        if (Apply(next, to, state[i]))
        {
            CheckCopies(next);
        }
        Visit(std::move(next), {EventKind::ARRIVAL, state[i]});
    }
    if (state.size() == m_pendingAt)
    {
        Words next = state;
        Timeout(next);
        if (next == state)
        {
            Finish(state);
        }
        else
        {
            Visit(std::move(next), {EventKind::TIMEOUT, 0});
        }
    }
    for (const NodeId node : m_nodes.Nodes().groups.front())
    {
        if (state[m_faultsAt] >= ONE_CRASH && IsLive(state, node))
        {
            Words next = state;
            Crash(next, node);
            Visit(std::move(next), {EventKind::CRASH, node});
        }
    }
}

void
ProtocolExplorer::Visit(Words&& next, Event event)
{
    ++m_result.transitions;
    if (!m_result.violation.empty())
    {
        if (m_result.schedule.empty())
        {
            m_result.schedule = ScheduleOf(m_expanding);
            m_result.schedule.push_back(TextOf(event));
        }
        return;
    }
    Digest digest;
    for (const std::uint32_t word : next)
    {
        digest.Add(std::uint64_t{word});
    }
    if (m_visited.Insert(digest))
    {
        ++m_result.states;
        m_origins.push_back({m_expanding, event});
        m_frontier.push_back(std::move(next));
    }
}

/** @returns whether the machine's copies may have changed */
bool
ProtocolExplorer::Apply(Words& state, NodeId node, FrameIndex input)
{
    const NodeStep& step = m_nodes.Step(state[node], input);
    const bool changed = step.next != state[node];
    state[node] = step.next;
    for (const std::uint32_t packet : step.dropped)
    {
        Name(state, packet);
    }
    for (const SessionRecord& record : step.released)
    {
        CheckReleased(state, node, record);
    }
    for (const FrameIndex frame : step.sends)
    {
        Reach(state, frame);
    }
    return changed;
}

/** Does the frame arrive at once? See ExplorerConfig::instantEdge. */
bool
ProtocolExplorer::IsInstant(FrameIndex frame) const
{
    const NodeId to = m_nodes.DestinationOf(frame);
    const NodeId accelerator = m_nodes.Nodes().accelerators.front();
    if (!m_config.instantEdge)
    {
        return false;
    }
    if (to == accelerator)
    {
        return true;
    }
    MessageKind kind;
    if (!PeekKind(m_nodes.FrameAt(frame), kind) || kind != MessageKind::ACK)
    {
        return false;
    }
    const auto mac = m_nodes.FrameAt(frame).Header();
    const NodeId from = static_cast<NodeId>(mac[10] << 8 | mac[11]);
    return from == accelerator || m_nodes.Nodes().nodes[to].role == NodeRole::SERVICE_NODE;
}

/** A frame is sent: it is under way, or what it reaches does not react. */
void
ProtocolExplorer::Reach(Words& state, FrameIndex frame)
{
    const NodeId to = m_nodes.DestinationOf(frame);
    const std::uint32_t packet = m_nodes.FrameAt(frame).packetId;
    if (m_nodes.Nodes().nodes[to].role == NodeRole::CONTROLLER)
    {
        return;
    }
    if (m_nodes.Nodes().nodes[to].role != NodeRole::SERVER)
    {
        if (IsInstant(frame) && IsLive(state, to))
        {
            Apply(state, to, frame);
        }
        else
        {
            AddPending(state, frame);
        }
        return;
    }
    std::uint32_t& fate = state[m_packetsAt + packet - 1];
    if ((fate & DELIVERED) != 0)
    {
        Break("conservation: packet " + std::to_string(packet) + " reaches the server twice");
    }
    fate |= DELIVERED;
    PacketView view;
    const PacketVerdict verdict = ParsePacket(m_nodes.FrameAt(frame), 0, view);
    assert(verdict == PacketVerdict::OK);
    const std::uint32_t released = state[m_releasedAt + m_config.packets[packet - 1]];
    if (released == 0 || m_nodes.RecordAt(released - 1).translated != view.key)
    {
        Break("consistency: packet " + std::to_string(packet) + " is delivered under port " +
              std::to_string(view.key.source.port) + ", which was not released for its flow");
    }
}

void
ProtocolExplorer::AddPending(Words& state, FrameIndex frame)
{
    const NodeId to = m_nodes.DestinationOf(frame);
    if (!IsLive(state, to))
    {
        Name(state, m_nodes.FrameAt(frame).packetId);
        return;
    }
    const auto behind = [this](FrameIndex a, FrameIndex b)
    {
        return m_config.ordered ? m_nodes.LinkOf(a) < m_nodes.LinkOf(b) : a < b;
    };
    const auto pending = state.begin() + static_cast<std::ptrdiff_t>(m_pendingAt);
    state.insert(std::upper_bound(pending, state.end(), frame, behind), frame);
}

void
ProtocolExplorer::Crash(Words& state, NodeId node)
{
    for (const std::uint32_t packet : m_nodes.State(state[node]).packets)
    {
        Name(state, packet);
    }
    state[node] = NO_STATE;
    state[m_faultsAt] -= ONE_CRASH;
    Words before;
    before.assign(state.begin() + static_cast<std::ptrdiff_t>(m_pendingAt), state.end());
    state.resize(m_pendingAt);
    for (const FrameIndex frame : before)
    {
        AddPending(state, frame);
    }
    std::vector<NodeId> dead;
    for (const NodeId manager : m_nodes.Nodes().groups.front())
    {
        if (!IsLive(state, manager))
        {
            dead.push_back(manager);
        }
    }
    for (NodeId to = 0; to < m_nodes.Nodes().nodes.size(); ++to)
    {
        if (m_nodes.Initial(to) != NO_STATE && IsLive(state, to))
        {
            Reach(state, m_nodes.MakeView(to, dead));
        }
    }
}

void
ProtocolExplorer::Timeout(Words& state)
{
    for (NodeId node = 0; node < m_nodes.Nodes().nodes.size(); ++node)
    {
        if (m_nodes.Initial(node) != NO_STATE && IsLive(state, node))
        {
            Apply(state, node, ExploredNodes::TIMEOUT);
        }
    }
}

/** Nothing more can happen: nobody waits, and every packet has an outcome. */
void
ProtocolExplorer::Finish(const Words& state)
{
    ++m_result.terminals;
    if (m_result.terminals % SAMPLES_EVERY == 1)
    {
        m_samples.push_back(m_expanding);
    }
    for (NodeId node = 0; node < m_nodes.Nodes().nodes.size(); ++node)
    {
        if (m_nodes.Initial(node) == NO_STATE || !IsLive(state, node))
        {
            continue;
        }
        const NodeState& machine = m_nodes.State(state[node]);
        if (machine.pending != 0)
        {
            Break("progress: " + m_nodes.NameOf(node) + " waits for ever");
        }
        if (machine.frames != 0)
        {
            Break("leak: " + m_nodes.NameOf(node) + " keeps frames");
        }
    }
    std::string outcome;
    for (std::size_t i = 0; i < m_config.packets.size(); ++i)
    {
        const std::uint32_t fate = state[m_packetsAt + i];
        if (fate == 0)
        {
            Break("conservation: packet " + std::to_string(i + 1) + " is lost without a name");
        }
        outcome += outcome.empty() ? "" : ", ";
        outcome += (fate & DELIVERED) != 0 ? "delivered" : "dropped";
    }
    ++m_result.outcomes[outcome];
    if (!m_result.violation.empty() && m_result.schedule.empty())
    {
        m_result.schedule = ScheduleOf(m_expanding);
    }
}

void
ProtocolExplorer::Name(Words& state, std::uint32_t packet) const
{
    if (packet != 0)
    {
        state[m_packetsAt + packet - 1] |= NAMED;
    }
}

bool
ProtocolExplorer::IsLive(const Words& state, NodeId node) const
{
    return state[node] != NO_STATE;
}

bool
ProtocolExplorer::Holds(const Words& state, NodeId node, SessionId session) const
{
    const auto& records = m_nodes.State(state[node]).records;
    return std::any_of(records.begin(),
                       records.end(),
                       [&](std::uint32_t record)
                       {
        return m_nodes.RecordAt(record).id == session;
    });
}

/** Durability at the moment of release, uniqueness and consistency of what is released. */
void
ProtocolExplorer::CheckReleased(Words& state, NodeId node, const SessionRecord& record)
{
    const NodeState& machine = m_nodes.State(state[node]);
    const Directory& nodes = m_nodes.Nodes();
    std::vector<NodeId> holders;
    if (m_config.nodes.manager.release == ReleaseRule::ALL)
    {
        holders = nodes.serviceNodes;
    }
    if (m_config.nodes.manager.release != ReleaseRule::IMMEDIATE &&
        m_config.nodes.manager.length >= m_config.nodes.managers)
    {
        holders.insert(holders.end(), nodes.groups.front().begin(), nodes.groups.front().end());
    }
    for (const NodeId holder : holders)
    {
        if (machine.active[holder] && IsLive(state, holder) && !Holds(state, holder, record.id))
        {
            Break("durability: " + m_nodes.NameOf(node) + " releases a session of which " +
                  m_nodes.NameOf(holder) + " has no copy");
        }
    }
    const auto index = m_nodes.IndexOf(record);
    for (std::size_t flow = 0; flow < m_config.firsts.size(); ++flow)
    {
        std::uint32_t& released = state[m_releasedAt + flow];
        const bool mine = KeyOfFlow(static_cast<int>(flow)) == record.original;
        if (released == 0)
        {
            released = mine ? index + 1 : 0;
            continue;
        }
        const SessionRecord& other = m_nodes.RecordAt(released - 1);
        if (mine ? other.translated != record.translated : other.translated == record.translated)
        {
            Break(mine ? "consistency: a flow is released under a second port"
                       : "uniqueness: two flows are released under one port");
        }
    }
}

/** Agreement of all copies, and durability of what was released. */
void
ProtocolExplorer::CheckCopies(const Words& state)
{
    std::vector<std::uint32_t> seen;
    for (NodeId node = 0; node < m_nodes.Nodes().nodes.size(); ++node)
    {
        if (m_nodes.Initial(node) == NO_STATE || !IsLive(state, node))
        {
            continue;
        }
        for (const std::uint32_t record : m_nodes.State(state[node]).records)
        {
            if (std::find(seen.begin(), seen.end(), record) == seen.end())
            {
                for (const std::uint32_t other : seen)
                {
                    CheckPair(record, other);
                }
                seen.push_back(record);
            }
        }
    }
    if (m_config.nodes.manager.release != ReleaseRule::ALL)
    {
        return;
    }
    for (std::size_t flow = 0; flow < m_config.firsts.size(); ++flow)
    {
        const std::uint32_t released = state[m_releasedAt + flow];
        for (const NodeId node : m_nodes.Nodes().serviceNodes)
        {
            if (released != 0 && !Holds(state, node, m_nodes.RecordAt(released - 1).id))
            {
                Break("durability: " + m_nodes.NameOf(node) + " lacks a released session");
            }
        }
    }
}

void
ProtocolExplorer::CheckPair(std::uint32_t a, std::uint32_t b)
{
    const SessionRecord& one = m_nodes.RecordAt(a);
    const SessionRecord& other = m_nodes.RecordAt(b);
    if (one.id == other.id && (one.version == other.version || one.translated != other.translated))
    {
        Break("agreement: two contents of one session");
    }
    if (one.id != other.id && one.translated == other.translated)
    {
        Break("uniqueness: two sessions have one external tuple");
    }
}

void
ProtocolExplorer::Break(const std::string& what)
{
    m_result.violation += m_result.violation.empty() ? what : "; " + what;
}

std::string
ProtocolExplorer::TextOf(Event event) const
{
    switch (event.kind)
    {
    case EventKind::ARRIVAL:
        return m_nodes.TextOf(event.what);
    case EventKind::LOSS:
        return m_nodes.TextOf(event.what) + " LOST";
    case EventKind::CRASH:
        return m_nodes.NameOf(static_cast<NodeId>(event.what)) + " crashes";
    case EventKind::TIMEOUT:
        return "timers run out";
    }
    return "";
}

std::vector<std::string>
ProtocolExplorer::ScheduleOf(std::uint32_t index) const
{
    std::vector<std::string> schedule;
    for (; index != 0; index = m_origins[index].parent)
    {
        schedule.push_back(TextOf(m_origins[index].event));
    }
    std::reverse(schedule.begin(), schedule.end());
    return schedule;
}

/** Replay some schedules node by node without merging of histories, and compare. */
void
ProtocolExplorer::CheckMerging()
{
    for (const std::uint32_t sample : m_samples)
    {
        std::vector<Event> events;
        for (std::uint32_t index = sample; index != 0; index = m_origins[index].parent)
        {
            events.push_back(m_origins[index].event);
        }
        std::vector<std::vector<FrameIndex>> inputs(m_nodes.Nodes().nodes.size());
        for (auto event = events.rbegin(); event != events.rend(); ++event)
        {
            if (event->kind == EventKind::ARRIVAL)
            {
                inputs[m_nodes.DestinationOf(event->what)].push_back(event->what);
            }
            for (NodeId node = 0; event->kind == EventKind::TIMEOUT && node < inputs.size(); ++node)
            {
                inputs[node].push_back(ExploredNodes::TIMEOUT);
            }
        }
        for (NodeId node = 0; node < inputs.size(); ++node)
        {
            if (m_nodes.Initial(node) != NO_STATE && !m_nodes.Agrees(node, inputs[node]))
            {
                Break("the digest of " + m_nodes.NameOf(node) + " leaves something out");
            }
        }
    }
}

} // namespace flowchain
