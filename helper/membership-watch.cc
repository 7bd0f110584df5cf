// SPDX-License-Identifier: GPL-2.0-only
#include "membership-watch.h"

namespace flowchain
{

void
MembershipWatch::OnNote(NodeId node, const Note& note, Instant now)
{
    switch (note.kind)
    {
    case NoteKind::DRAIN_STARTED:
        m_drainSince[note.peer] = now;
        break;
    case NoteKind::DRAINED:
        ++m_drained;
        if (const auto since = m_drainSince.extract(node); !since.empty())
        {
            m_drainTime.Add(now - since.mapped());
        }
        break;
    case NoteKind::REMOVED:
        ++m_removed;
        break;
    case NoteKind::REQUEST_REFUSED:
        ++m_refused;
        break;
    case NoteKind::CONTROL_RESUMED:
        ++m_restarts;
        break;
    default:
        break;
    }
}

void
MembershipWatch::Report(MetricSet& metrics) const
{
    metrics.Set("membership.drained", m_drained);
    metrics.SetLongest("membership.drain_time", m_drainTime);
    metrics.Set("membership.removed_alive", m_removed);
    metrics.Set("membership.requests_refused", m_refused);
    metrics.Set("membership.controller_restarts", m_restarts);
}

} // namespace flowchain
