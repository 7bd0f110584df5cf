// SPDX-License-Identifier: GPL-2.0-only
#include "boundary.h"

#include "simulation-config.h"

#include <fmt/format.h>
#include <ns3/simulator.h>

#include <array>
#include <stdexcept>

namespace flowchain
{

namespace
{

constexpr std::array<const char*, BOUNDARY_KIND_COUNT> NAMES = {
    "send", "receive", "release", "write"};

} // namespace

const char*
ToString(BoundaryKind kind)
{
    return NAMES[static_cast<std::size_t>(kind)];
}

std::optional<BoundaryKind>
BoundaryKindByName(const std::string& name)
{
    for (std::size_t i = 0; i < NAMES.size(); ++i)
    {
        if (name == NAMES[i])
        {
            return static_cast<BoundaryKind>(i);
        }
    }
    return std::nullopt;
}

std::optional<BoundaryKind>
BoundaryOf(const Note& note)
{
    switch (note.kind)
    {
    case NoteKind::RELEASED:
        return BoundaryKind::RELEASE;
    case NoteKind::ENTRY_INSTALLED:
    case NoteKind::COPY_STORED:
    case NoteKind::COPY_SUPERSEDED:
    case NoteKind::REVERSE_STORED:
    case NoteKind::COPY_REMOVED:
    case NoteKind::ENTRY_REMOVED:
        return BoundaryKind::WRITE;
    default:
        return std::nullopt;
    }
}

void
BoundaryCounter::Begin(const RunContext& context)
{
    m_context.emplace(context);
}

void
BoundaryCounter::OnNote(NodeId node, const Note& note, Instant now)
{
    if (const auto kind = BoundaryOf(note))
    {
        OnBoundary({++m_count, *kind, node, nullptr, &note, now});
    }
}

void
BoundaryCounter::OnReceive(NodeId node, const Frame& frame, Instant now)
{
    MessageKind kind;
    if (PeekKind(frame, kind))
    {
        OnBoundary({++m_count, BoundaryKind::RECEIVE, node, &frame, nullptr, now});
    }
}

void
BoundaryCounter::OnSend(NodeId node, const Frame& frame, Instant now)
{
    MessageKind kind;
    if (PeekKind(frame, kind))
    {
        OnBoundary({++m_count, BoundaryKind::SEND, node, &frame, nullptr, now});
    }
}

void
BoundaryCounter::CrashHere(const Boundary& boundary, const CrashPoint& point)
{
    if (boundary.at < FirstFailureOf(Context().scenario))
    {
        Context().observer.SetFirstFailure(boundary.at);
    }
    NodeApplication* const target = ns3::PeekPointer(Context().applications[point.node]);
    if (point.node == boundary.node)
    {
        target->Crash();
    }
    else
    {
        ns3::Simulator::ScheduleNow(&NodeApplication::Crash, target);
    }
    if (point.recoverAfter)
    {
        ns3::Simulator::Schedule(ns3::TimeStep(point.recoverAfter->count()),
                                 [target]
                                 {
            if (target->IsDown())
            {
                target->Recover();
            }
        });
    }
}

BoundaryCrash::BoundaryCrash(const CrashPoint& point)
    : m_point(point)
{
}

void
BoundaryCrash::OnBoundary(const Boundary& boundary)
{
    if (boundary.number == m_point.boundary)
    {
        m_isDown = Context().applications[m_point.node]->IsDown();
        if (!m_isDown)
        {
            CrashHere(boundary, m_point);
        }
    }
}

void
BoundaryCrash::CheckDone() const
{
    if (Context().observer.Checker().ViolationCount() != 0)
    {
        return;
    }
    if (Count() < m_point.boundary)
    {
        throw std::runtime_error(fmt::format(
            "--crash-at {}: the run has only {} boundaries", m_point.boundary, Count()));
    }
    if (m_isDown)
    {
        throw std::runtime_error(fmt::format("--crash-at {}: {} is down then",
                                             m_point.boundary,
                                             NodeName(Context().directory, m_point.node)));
    }
}

} // namespace flowchain
