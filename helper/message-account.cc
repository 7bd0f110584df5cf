// SPDX-License-Identifier: GPL-2.0-only
#include "message-account.h"

#include "message-batch.h"
#include "message-layout.h"

#include <string>

namespace flowchain
{

namespace
{

constexpr std::uint64_t MILLI = 1000;

/** Whether a message would be sent without any session, too. */
bool
IsMembership(MessageKind kind)
{
    return kind == MessageKind::HEARTBEAT || kind == MessageKind::VIEW;
}

} // namespace

void
MessageAccount::Sent(const Frame& frame)
{
    MessageKind kind;
    if (!PeekKind(frame, kind))
    {
        return;
    }
    m_kinds[static_cast<std::size_t>(kind)].bytes += frame.Length();
    if (kind == MessageKind::BATCH)
    {
        ++m_kinds[static_cast<std::size_t>(kind)].messages; // of frames; what is in them follows
    }
    PeekedMessage message;
    for (PeekedMessages messages(frame); messages.Next(message);)
    {
        ++m_kinds[static_cast<std::size_t>(message.kind)].messages;
        if (message.isResend)
        {
            ++m_resent.messages;
            m_resent.bytes += message.bytes;
        }
    }
}

std::uint64_t
MessageAccount::Bytes() const
{
    std::uint64_t bytes = 0;
    for (const Sum& sum : m_kinds)
    {
        bytes += sum.bytes;
    }
    return bytes;
}

void
MessageAccount::Report(std::uint64_t sessions, MetricSet& metrics) const
{
    const auto set = [&](const std::string& name, std::uint64_t value)
    {
        metrics.Set(name, static_cast<std::int64_t>(value));
    };
    Sum perSession;
    for (std::size_t i = 1; i < m_kinds.size(); ++i)
    {
        const auto kind = static_cast<MessageKind>(i);
        const auto& sum = m_kinds[i];
        set(std::string("sync.messages.") + ToString(kind), sum.messages);
        set(std::string("sync.bytes.") + ToString(kind), sum.bytes);
        if (!IsMembership(kind))
        {
            perSession.messages += kind == MessageKind::BATCH ? 0 : sum.messages;
            perSession.bytes += sum.bytes;
        }
    }
    set("sync.bytes", Bytes());
    set("sync.retransmissions", m_resent.messages);
    set("sync.retransmission_bytes", m_resent.bytes);
    if (sessions != 0)
    {
        set("sync.messages_per_session", perSession.messages * MILLI / sessions);
        set("sync.bytes_per_session", perSession.bytes * MILLI / sessions);
    }
}

} // namespace flowchain
