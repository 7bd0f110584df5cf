// SPDX-License-Identifier: GPL-2.0-only
#include "run-timeline.h"

#include "units.h"

#include <fmt/format.h>

#include <algorithm>

namespace flowchain
{

namespace
{

std::string
TimeText(Instant time)
{
    return ReadableDuration(time.time_since_epoch().count());
}

std::string
Counted(std::uint64_t count, const char* one, const char* many)
{
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

} // namespace

RunTimeline::RunTimeline(const Directory& directory, NodeNamer nameOf)
    : m_directory(directory)
    , m_nameOf(std::move(nameOf))
    , m_epochOf(directory.nodes.size())
{
    for (NodeId node = 0; node < directory.nodes.size(); ++node)
    {
        m_absent.set(node, directory.nodes[node].absent);
    }
    m_down = m_absent;
}

void
RunTimeline::Add(Instant now, const char* kind, NodeId node, std::string detail)
{
    if (m_events.size() == EVENTS_MAX)
    {
        ++m_missing;
        return;
    }
    m_events.push_back({now, kind, node == NO_NODE ? "" : m_nameOf(node), std::move(detail)});
}

void
RunTimeline::OnNote(NodeId node, const Note& note, Instant now)
{
    switch (note.kind)
    {
    case NoteKind::VIEW_ADOPTED:
        NoteView(node, note.value, now);
        break;
    case NoteKind::SUSPECTED:
        NoteSuspected(note.peer, now);
        break;
    case NoteKind::READMITTED:
        Add(now, "readmitted", note.peer);
        break;
    case NoteKind::DRAIN_STARTED:
        Add(now, "draining", note.peer);
        break;
    case NoteKind::REQUEST_REFUSED:
        Add(now, "refused", note.peer, "the controller cannot do what was asked for");
        break;
    case NoteKind::CONTROL_RESUMED:
        Add(now,
            "resumed",
            node,
            fmt::format("knows {} again", Counted(note.value, "node", "nodes")));
        break;
    case NoteKind::REMOVED:
        m_removed.set(node);
        Add(now, "removed", node, "learns that it is taken to be down");
        break;
    case NoteKind::DRAINED:
        m_drained.set(node);
        break;
    case NoteKind::SNAPSHOT_STARTED:
        Add(now, "snapshot", note.peer, "from " + m_nameOf(node));
        break;
    case NoteKind::SNAPSHOT_ENDED:
        Add(now,
            "snapshot-end",
            node,
            note.peer == NO_NODE ? "given up: not every manager has sent what it has"
                                 : "from " + m_nameOf(note.peer));
        break;
    case NoteKind::ADOPTED:
        Extend(m_adopted, {m_epoch, node}, now);
        break;
    default:
        break;
    }
}

void
RunTimeline::NoteSuspected(NodeId node, Instant now)
{
    Add(now, "suspected", node, m_down.test(node) ? "" : "wrongly: it is up");
}

void
RunTimeline::NoteView(NodeId node, std::uint64_t epoch, Instant now)
{
    if (node == m_directory.controller)
    {
        m_epoch = epoch;
        m_isViewComplete = false;
        Add(now, "view", node, fmt::format("epoch {}", epoch));
    }
    m_epochOf[node] = epoch;
    CheckViewComplete(now);
}

void
RunTimeline::CheckViewComplete(Instant now)
{
    if (m_isViewComplete)
    {
        return;
    }
    for (NodeId node = 0; node < m_directory.nodes.size(); ++node)
    {
        if (IsOfService(m_directory.nodes[node].role) && !m_down.test(node) &&
            m_epochOf[node] < m_epoch)
        {
            return;
        }
    }
    m_isViewComplete = true;
    Add(now, "view-complete", NO_NODE, fmt::format("every live node has epoch {}", m_epoch));
}

void
RunTimeline::OnNodeDown(NodeId node, std::uint64_t lost, std::uint64_t lostSoFar, Instant now)
{
    m_down.set(node);
    m_epochOf[node] = 0;
    if (m_drained.test(node))
    {
        Add(now, "stop", node, "drained");
    }
    else if (!m_removed.test(node))
    {
        Add(now, "crash", node);
    }
    m_crashed.emplace(now, node);
    if (lost != 0)
    {
        Add(now,
            "sessions-lost",
            node,
            fmt::format("{}, {} so far", Counted(lost, "session", "sessions"), lostSoFar));
    }
    CheckViewComplete(now);
}

void
RunTimeline::OnRestored(std::size_t nodes, std::uint64_t lost, std::uint64_t lostSoFar, Instant now)
{
    Add(now,
        "restored",
        NO_NODE,
        fmt::format("{} again; not restored: {}, {} so far",
                    nodes == 1 ? "1 service node serves"
                               : fmt::format("{} service nodes serve", nodes),
                    Counted(lost, "session", "sessions"),
                    lostSoFar));
}

void
RunTimeline::OnNodeUp(NodeId node, Instant now)
{
    Add(now, m_absent.test(node) ? "add" : "restart", node);
    m_down.reset(node);
    m_absent.reset(node);
    m_drained.reset(node);
    m_removed.reset(node);
}

template <typename Key>
void
RunTimeline::Extend(std::map<Key, Span>& spans, const Key& key, Instant now)
{
    auto found = spans.find(key);
    if (found == spans.end())
    {
        if (spans.size() == EVENTS_MAX)
        {
            ++m_missing;
            return;
        }
        found = spans.emplace(key, Span{now, now}).first;
    }
    found->second.last = now;
    ++found->second.count;
}

void
RunTimeline::OnWentOn(Instant crash, Instant now)
{
    Extend(m_wentOn, crash, now);
}

void
RunTimeline::OnViolation(const std::string& what, Instant now)
{
    Add(now, "violation", NO_NODE, what);
}

void
RunTimeline::AddSpans()
{
    for (const auto& [crash, span] : m_wentOn)
    {
        const auto node = m_crashed.find(crash);
        Add(span.last,
            "recovered",
            node == m_crashed.end() ? NO_NODE : node->second,
            fmt::format("the last of {} goes on that waited since the crash at {}",
                        Counted(span.count, "first packet", "first packets"),
                        TimeText(crash)));
    }
    for (const auto& [key, span] : m_adopted)
    {
        Add(span.last,
            "adopted",
            key.second,
            fmt::format("the last of {} that it takes over under epoch {}, the first at {}",
                        Counted(span.count, "session", "sessions"),
                        key.first,
                        TimeText(span.first)));
    }
}

std::vector<EventData>
RunTimeline::Finish(Instant now, std::vector<EventData> planned)
{
    AddSpans();
    std::erase_if(planned,
                  [now](const EventData& event)
                  {
        return event.time > now;
    });
    std::vector<EventData> all = std::move(planned);
    std::ranges::move(m_events, std::back_inserter(all));
    m_events.clear();
    std::ranges::stable_sort(all, {}, &EventData::time);
    if (all.size() > EVENTS_MAX)
    {
        m_missing += all.size() - EVENTS_MAX;
        all.resize(EVENTS_MAX);
    }
    if (m_missing != 0)
    {
        all.push_back({now,
                       "truncated",
                       "",
                       fmt::format("{} more, which are not kept", //
                                   Counted(m_missing, "event", "events"))});
    }
    return all;
}

} // namespace flowchain
