// SPDX-License-Identifier: GPL-2.0-only
#include "replay-workload.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <stdexcept>
#include <utility>

namespace flowchain
{

ReplayWorkload::ReplayWorkload(ReplayCapture capture,
                               Instant start,
                               std::uint32_t timeScalePermille,
                               std::uint32_t firstSession)
    : WorkloadBase(firstSession)
    , m_capture(std::move(capture))
    , m_start(start)
    , m_timeScalePermille(timeScalePermille)
{
    const auto& packets = m_capture.Packets();
    if (packets.empty())
    {
        throw std::invalid_argument(
            "the capture has no conversation that starts at an inside address");
    }
    // 1 ns * 1/1000 is 1 ps. Half of the range is left for what comes after the recorded end.
    const std::int64_t left = (NEVER - start).count() / 2;
    if (timeScalePermille > 0 &&
        m_capture.LengthNs() > static_cast<std::uint64_t>(left) / timeScalePermille)
    {
        throw std::invalid_argument("the capture, scaled, lasts longer than 53 days");
    }
    m_sessions.resize(m_capture.Conversations().size());
    m_arrived.resize(packets.size());
    for (std::uint32_t i = 0; i < packets.size(); ++i)
    {
        if (!packets[i].fromServer)
        {
            m_inside.push_back(i);
            ++m_sessions[packets[i].conversation].account.outstanding;
        }
    }
    std::stable_sort(m_inside.begin(),
                     m_inside.end(),
                     [&packets](std::uint32_t a, std::uint32_t b)
                     {
        return packets[a].timeNs < packets[b].timeNs;
    });
}

Duration
ReplayWorkload::Scaled(std::uint64_t recordedNs) const
{
    return Duration{static_cast<std::int64_t>(recordedNs * m_timeScalePermille)};
}

Instant
ReplayWorkload::InsideDue() const
{
    return m_nextInside < m_inside.size()
               ? m_start + Scaled(m_capture.Packets()[m_inside[m_nextInside]].timeNs)
               : NEVER;
}

std::optional<Instant>
ReplayWorkload::NextWakeup() const
{
    const Instant outside = m_answers.empty() ? NEVER : m_answers.top().due;
    const Instant next = std::min(InsideDue(), outside);
    return next == NEVER ? std::nullopt : std::optional(next);
}

void
ReplayWorkload::Wakeup(Instant now,
                       FramePool& pool,
                       PacketLedger& ledger,
                       std::vector<Outgoing>& out)
{
    while (InsideDue() <= now)
    {
        SendPacket(m_inside[m_nextInside++], now, pool, ledger, out);
    }
    while (!m_answers.empty() && m_answers.top().due <= now)
    {
        const std::uint32_t packet = m_answers.top().packet;
        m_answers.pop();
        SendPacket(packet, now, pool, ledger, out);
    }
}

std::optional<std::uint32_t>
ReplayWorkload::SessionOf(const FlowKey& original) const
{
    const auto found = m_sessionOf.find(original);
    return found == m_sessionOf.end() ? std::nullopt
                                      : std::optional(FirstSession() + found->second);
}

FlowKey
ReplayWorkload::KeyOf(std::uint32_t session) const
{
    return LocalKeyOf(session - FirstSession());
}

std::optional<Instant>
ReplayWorkload::StartOf(std::uint32_t session) const
{
    const Instant startedAt = m_sessions[session - FirstSession()].account.startedAt;
    return startedAt == NEVER ? std::nullopt : std::optional(startedAt);
}

bool
ReplayWorkload::HasTrafficLeft(std::uint32_t session) const
{
    return m_sessions[session - FirstSession()].account.outstanding > 0;
}

std::uint32_t
ReplayWorkload::PacketsOf(std::uint32_t session) const
{
    return m_capture.Conversations()[session].packetCount;
}

FlowKey
ReplayWorkload::LocalKeyOf(std::uint32_t session) const
{
    return m_capture.Conversations()[session].key;
}

ExpectedPacket
ReplayWorkload::ExpectedOf(const PacketNote& note)
{
    const ReplayConversation& conversation = m_capture.Conversations()[note.session];
    const ReplayPacket& packet = m_capture.Packets()[conversation.firstPacket + note.packet];
    return {packet.header, packet.payload, packet.fromServer};
}

void
ReplayWorkload::SendPacket(std::uint32_t packet,
                           Instant now,
                           FramePool& pool,
                           PacketLedger& ledger,
                           std::vector<Outgoing>& out)
{
    const ReplayPacket& recorded = m_capture.Packets()[packet];
    const ReplayConversation& conversation = m_capture.Conversations()[recorded.conversation];
    FramePtr frame = pool.Acquire();
    const auto to = frame->Append(recorded.header.size());
    std::copy(recorded.header.begin(), recorded.header.end(), to.begin());
    frame->payload = recorded.payload;
    if (recorded.fromServer)
    {
        const SessionAccount& account = m_sessions[recorded.conversation].account;
        assert(account.isFarKnown);
        RedirectPacket(*frame, recorded.view, {account.farAddress, account.farPort});
    }
    const PacketNote note{now, recorded.conversation, packet - conversation.firstPacket, 0};
    if (note.packet == 0)
    {
        m_sessionOf[conversation.key] = recorded.conversation;
    }
    Inject(std::move(frame), note, recorded.fromServer, ledger, out);
}

void
ReplayWorkload::Delivered(const PacketNote& note, Instant now)
{
    const ReplayConversation& conversation = m_capture.Conversations()[note.session];
    const std::uint32_t arrived = conversation.firstPacket + note.packet;
    if (m_capture.Packets()[arrived].fromServer)
    {
        return;
    }
    m_arrived[arrived] = true;
    Session& session = m_sessions[note.session];
    for (; session.next < conversation.packetCount; ++session.next)
    {
        const std::uint32_t index = conversation.firstPacket + session.next;
        const ReplayPacket& packet = m_capture.Packets()[index];
        if (packet.fromServer)
        {
            const Instant due = now + Scaled(packet.timeNs - session.lastInsideNs);
            session.lastOutside = std::max(session.lastOutside, due);
            m_answers.push({session.lastOutside, m_answerCount++, index});
            ++session.account.outstanding;
        }
        else if (m_arrived[index])
        {
            session.lastInsideNs = packet.timeNs;
        }
        else
        {
            return;
        }
    }
}

} // namespace flowchain
