// SPDX-License-Identifier: GPL-2.0-only
#include "session-story.h"

#include "session-finder.h"
#include "units.h"

#include <fmt/format.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <stdexcept>

namespace flowchain
{

namespace
{

std::string
TimeText(Instant at)
{
    return fmt::format("{:.6f} ms", static_cast<double>(at.time_since_epoch().count()) * 1e-9);
}

std::string
VersionText(const SessionRecord& record)
{
    return fmt::format(
        "version {}.{}", record.version >> 32, static_cast<std::uint32_t>(record.version));
}

/** What a note about the session says; empty: nothing that is worth a line. */
std::string
NoteText(const Note& note)
{
    const SessionRecord& record = note.record;
    switch (note.kind)
    {
    case NoteKind::ENTRY_INSTALLED:
        return "has the flow entry of " + KeyText(record.original);
    case NoteKind::ENTRY_REFUSED:
        return "refuses the flow entry: table full";
    case NoteKind::ENTRY_REMOVED:
        return "has taken out a flow entry";
    case NoteKind::SLOW_REVERSE:
        return "has no entry for the reverse packet";
    case NoteKind::CREATED:
        return fmt::format("makes the session, translated {}, {}",
                           KeyText(record.translated),
                           VersionText(record));
    case NoteKind::ADOPTED:
        return "takes the session over from a dead node";
    case NoteKind::STATE_RECEIVED:
        return "has got the state, " + VersionText(record);
    case NoteKind::COPY_STORED:
        return "stores a copy, " + VersionText(record);
    case NoteKind::COPY_CONFLICT:
        return "does not store the copy: a newer session has the tuple";
    case NoteKind::COPY_SUPERSEDED:
        return "gives up its copy for a newer session";
    case NoteKind::COPY_REFUSED:
        return "does not store the copy: table full";
    case NoteKind::COPY_REMOVED:
        return "has taken out its copy";
    case NoteKind::REVERSE_STORED:
        return "stores the reverse entry";
    case NoteKind::RELEASED:
        return "releases the packets";
    case NoteKind::STATE_CHANGED:
        return "notes a new state of the connection";
    case NoteKind::DELETED:
        return "begins to delete the session";
    case NoteKind::DELETION_CONFIRMED:
        return "knows that nobody has the session any more";
    default:
        return "";
    }
}

/** @returns the number that a text is from its first to its last character, if it is one */
std::optional<std::uint32_t>
NumberOf(const std::string& text)
{
    std::uint32_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    return error == std::errc{} && end == last ? std::optional(number) : std::nullopt;
}

/** Whether the story has it from its own sources, or does without. */
bool
IsToldAlready(const EventData& event)
{
    static constexpr std::string_view KINDS[] = {
        "crash", "stop", "add", "restart", "suspected", "view", "view-complete"};
    return std::ranges::find(KINDS, event.kind) != std::end(KINDS);
}

} // namespace

SessionStory::SessionStory(std::string session)
    : m_wanted(std::move(session))
{
}

std::uint32_t
SessionStory::FindSession() const
{
    const WorkloadSet& workload = m_context->workload;
    if (const auto number = NumberOf(m_wanted))
    {
        if (*number >= workload.Sessions())
        {
            throw std::runtime_error(fmt::format(
                "session {}: the run has {} sessions, from 0 on", *number, workload.Sessions()));
        }
        return *number;
    }
    std::vector<std::uint32_t> found;
    std::string numbers;
    for (std::uint32_t session = 0; session < workload.Sessions(); ++session)
    {
        const std::string key = KeyText(workload.KeyOf(session));
        if (key.substr(0, key.find(' ')) == m_wanted)
        {
            found.push_back(session);
            numbers += fmt::format(" {}", session);
        }
    }
    if (found.empty())
    {
        throw std::runtime_error(
            fmt::format("session {}: no client has this address and port; expected those, such as "
                        "{}, or a number from 0 to {}",
                        m_wanted,
                        KeyText(workload.KeyOf(0)),
                        workload.Sessions() - 1));
    }
    if (found.size() > 1)
    {
        throw std::runtime_error(fmt::format(
            "session {}: there are {} of them, name one:{}", m_wanted, found.size(), numbers));
    }
    return found.front();
}

void
SessionStory::Begin(const RunContext& context)
{
    m_context.emplace(context);
    m_directory = context.directory;
    m_session = FindSession();
    m_title = fmt::format("session {}, {}", m_session, KeyText(context.workload.KeyOf(m_session)));
}

void
SessionStory::Add(Line line)
{
    if (m_lines.size() == LINES_MAX)
    {
        ++m_leftOut;
        return;
    }
    m_lines.push_back(std::move(line));
}

void
SessionStory::Tell(NodeId node, std::string what, Instant now, bool isOfSession)
{
    if (m_hasStarted)
    {
        Line line;
        line.at = now;
        line.node = node;
        line.what = std::move(what);
        line.isOfSession = isOfSession;
        Add(std::move(line));
    }
}

void
SessionStory::OnNote(NodeId node, const Note& note, Instant now)
{
    if (note.kind == NoteKind::SUSPECTED)
    {
        Tell(node, "suspects " + NameOf(note.peer), now, false);
    }
    else if (note.kind == NoteKind::VIEW_ADOPTED)
    {
        Line line;
        line.at = now;
        line.node = node;
        line.what = fmt::format("has the view of epoch {}", note.value);
        line.isOfSession = false;
        line.isView = true;
        if (m_hasStarted)
        {
            Add(std::move(line));
        }
    }
    else if (SessionFinder(*m_context).SessionOf(note) == m_session)
    {
        if (std::string text = NoteText(note); !text.empty())
        {
            Tell(node, std::move(text), now);
        }
    }
}

void
SessionStory::OnSend(NodeId node, const Frame& frame, Instant now)
{
    MessageKind kind;
    if (!m_hasStarted || !PeekKind(frame, kind))
    {
        return;
    }
    for (const FoundMessage& found : SessionFinder(*m_context).MessagesOf(frame))
    {
        if (found.session == m_session)
        {
            const MessageHeader& header = found.message.header;
            Line line;
            line.at = now;
            line.node = node;
            line.peer = SessionFinder::TargetOf(frame);
            line.kind = header.kind;
            line.sequence = header.sequence;
            line.isResend = (header.flags & message_flag::RESEND) != 0;
            line.what = ToString(header.kind);
            line.what += (header.flags & message_flag::REFUSED) != 0 ? ", refused" : "";
            line.what += line.isResend ? ", again" : "";
            Add(std::move(line));
        }
    }
}

void
SessionStory::OnReceive(NodeId node, const Frame& frame, Instant now)
{
    MessageKind kind;
    if (!m_hasStarted || !PeekKind(frame, kind))
    {
        return;
    }
    for (const FoundMessage& found : SessionFinder(*m_context).MessagesOf(frame))
    {
        const MessageHeader& header = found.message.header;
        const bool isResend = (header.flags & message_flag::RESEND) != 0;
        // The latest one: an earlier one that has not come was lost.
        const auto sent = std::find_if(m_lines.rbegin(),
                                       m_lines.rend(),
                                       [&](const Line& line)
                                       {
            return line.peer == node && line.node == header.source && line.kind == header.kind &&
                   line.sequence == header.sequence && line.isResend == isResend;
        });
        if (found.session == m_session && sent != m_lines.rend() && sent->arrival == NEVER)
        {
            sent->arrival = now;
        }
    }
}

void
SessionStory::OnNodeDown(NodeId node, Instant now)
{
    Tell(node, "goes down", now, false);
}

void
SessionStory::OnNodeUp(NodeId node, Instant now)
{
    Tell(node, "is up again", now, false);
}

void
SessionStory::OnSessionStart(std::uint32_t session, Instant now)
{
    if (session == m_session)
    {
        m_hasStarted = true;
        Tell(NO_NODE, "the first packet leaves its client", now);
    }
}

void
SessionStory::OnFirstDelivery(std::uint32_t session, Instant, Instant now)
{
    if (session == m_session)
    {
        Tell(NO_NODE, "the first packet reaches the far side", now);
    }
}

void
SessionStory::OnPacketLost(std::uint32_t session, DropReason reason)
{
    if (session == m_session)
    {
        Tell(NO_NODE,
             fmt::format("a packet is dropped, {}", ToString(reason)),
             Instant(Duration(ns3::Simulator::Now().GetTimeStep())));
    }
}

void
SessionStory::OnSessionEnd(std::uint32_t session, bool completed)
{
    if (session == m_session)
    {
        Tell(NO_NODE,
             completed ? "every packet has arrived" : "nothing more is sent, packets are missing",
             Instant(Duration(ns3::Simulator::Now().GetTimeStep())));
    }
}

void
SessionStory::Finish(const std::vector<EventData>& timeline)
{
    for (const EventData& event : timeline)
    {
        if (m_hasStarted && !m_lines.empty() && event.time >= m_lines.front().at &&
            !IsToldAlready(event))
        {
            Line line;
            line.at = event.time;
            line.isOfSession = event.kind == "violation";
            line.what = line.isOfSession
                            ? fmt::format("VIOLATED {}", event.detail)
                            : fmt::format("{} {} {}", event.kind, event.node, event.detail);
            const auto place = std::ranges::upper_bound(m_lines, line.at, {}, &Line::at);
            m_lines.insert(place, std::move(line));
        }
    }
}

std::string
SessionStory::NameOf(NodeId node) const
{
    return node == NO_NODE ? "" : NodeName(m_directory, node);
}

std::string
SessionStory::Title() const
{
    return m_title + (m_hasStarted ? "" : ": it has not started");
}

std::vector<SessionStory::Line>
SessionStory::Told() const
{
    const auto last =
        std::find_if(m_lines.rbegin(), m_lines.rend(), std::mem_fn(&Line::isOfSession));
    std::set<NodeId> involved;
    for (const Line& line : m_lines)
    {
        if (line.isOfSession)
        {
            involved.insert({line.node, line.peer});
        }
    }
    std::vector<Line> told;
    std::copy_if(m_lines.begin(),
                 last.base(),
                 std::back_inserter(told),
                 [&](const Line& line)
                 {
        return !line.isView || involved.contains(line.node);
    });
    return told;
}

std::string
SessionStory::Text() const
{
    std::string text = Title() + "\n";
    for (const Line& line : Told())
    {
        std::string what = NameOf(line.node) + (line.node == NO_NODE ? "" : " ") + line.what;
        if (line.peer != NO_NODE)
        {
            what = fmt::format("{} -> {}: {}, {}",
                               NameOf(line.node),
                               NameOf(line.peer),
                               line.what,
                               line.arrival == NEVER ? "does not arrive"
                                                     : "arrives " + TimeText(line.arrival));
        }
        text += fmt::format("{:>16}  {}\n", TimeText(line.at), what);
    }
    return text + (m_leftOut == 0 ? "" : fmt::format("and {} lines more\n", m_leftOut));
}

std::string
SessionStory::Mermaid() const
{
    const auto told = Told();
    std::set<NodeId> nodes;
    for (const Line& line : told)
    {
        nodes.insert(line.node);
        nodes.insert(line.peer);
    }
    nodes.erase(NO_NODE);
    std::string text = "sequenceDiagram\n    participant hosts\n";
    for (const NodeId node : nodes)
    {
        text += fmt::format("    participant n{} as {}\n", node, NameOf(node));
    }
    text += fmt::format("    Note over hosts: {}\n", Title());
    for (const Line& line : told)
    {
        const std::string node =
            line.node == NO_NODE ? std::string("hosts") : fmt::format("n{}", line.node);
        if (line.peer == NO_NODE)
        {
            text += fmt::format("    Note over {}: {} {}\n", node, TimeText(line.at), line.what);
            continue;
        }
        const bool isLost = line.arrival == NEVER;
        text += fmt::format("    {}{}n{}: {} {}{}\n",
                            node,
                            isLost ? "-x" : "->>",
                            line.peer,
                            TimeText(line.at),
                            line.what,
                            isLost ? "" : " arrives " + TimeText(line.arrival));
    }
    return text + (m_leftOut == 0
                       ? ""
                       : fmt::format("    Note over hosts: and {} lines more\n", m_leftOut));
}

} // namespace flowchain
