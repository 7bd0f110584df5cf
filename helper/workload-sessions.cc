// SPDX-License-Identifier: GPL-2.0-only
#include "workload-sessions.h"

#include "byte-order.h"
#include "checksum.h"
#include "ethernet.h"
#include "ipv4.h"
#include "packet-builder.h"
#include "tcp.h"
#include "udp.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace flowchain
{

namespace
{

constexpr std::uint32_t SESSIONS_MAX = 16'000'000;
constexpr std::uint32_t PACKETS_MAX = 1'000'000;
constexpr std::uint32_t HANDSHAKE_PACKETS = 3;
constexpr std::uint32_t CLOSE_PACKETS = 3;
constexpr std::uint32_t PAYLOAD_MAX = ipv4::MAX_TOTAL_LENGTH - ipv4::HEADER_SIZE - tcp::HEADER_SIZE;
constexpr std::size_t IP = ethernet::HEADER_SIZE;
constexpr std::size_t L4 = IP + ipv4::HEADER_SIZE;

/** Different random streams of one seed. */
constexpr std::uint64_t STREAM_ARRIVALS = 0;
constexpr std::uint64_t STREAM_SEQUENCE = 1;
constexpr std::uint64_t STREAMS = 2;

void
Require(bool condition, const char* what)
{
    if (!condition)
    {
        throw std::invalid_argument(what);
    }
}

} // namespace

SessionsWorkload::SessionsWorkload(const SessionsSection& section,
                                   const Prefix& inside,
                                   Instant start,
                                   std::uint64_t seed,
                                   std::uint32_t generator,
                                   std::uint32_t firstSession,
                                   const BalancedService& balanced)
    : WorkloadBase(firstSession, {balanced.backends})
    , m_protocol(section.protocol == "tcp" ? IpProtocol::TCP : IpProtocol::UDP)
    , m_sessionCount(static_cast<std::uint32_t>(section.sessions))
    , m_packets(section.packets)
    , m_gap(section.gap)
    , m_payloadBytes(section.payloadBytes)
    , m_replyBytes(section.replyBytes)
    , m_seed(SplitMix64(seed, generator * STREAMS + STREAM_SEQUENCE).Next())
    , m_tuples(inside, generator, m_protocol, m_seed, balanced.vips, section.servers)
    , m_arrivals(section.arrivals == "poisson" ? ArrivalProcess::Kind::POISSON
                                               : ArrivalProcess::Kind::FIXED,
                 start,
                 std::max<std::uint64_t>(section.ratePerSecondMilli, 1),
                 SplitMix64(seed, generator * STREAMS + STREAM_ARRIVALS))
{
    Require(section.protocol == "tcp" || section.protocol == "udp", "protocol is tcp or udp");
    Require(section.arrivals == "fixed" || section.arrivals == "poisson",
            "arrivals are fixed or poisson");
    Require(section.sessions >= 1 && section.sessions <= SESSIONS_MAX,
            "sessions are 1 to 16000000");
    Require(section.sessions <= m_tuples.Capacity(),
            "there are too few tuples of the inside prefix and `servers` for so many sessions");
    Require(section.ratePerSecondMilli > 0, "rate is positive");
    Require(m_packets <= PACKETS_MAX, "packets are at most 1000000");
    Require(IsTcp() || m_packets > 0, "a udp session has at least one packet");
    Require(m_gap >= Duration{0}, "gap is not negative");
    Require(std::max(m_payloadBytes, m_replyBytes) <= PAYLOAD_MAX,
            "a payload is at most 65495 bytes");
    m_nextArrival = m_arrivals.Next();
    m_sessions.reserve(m_sessionCount);
    for (std::size_t step = 0; step < STEP_COUNT; ++step)
    {
        MakeTemplate(static_cast<Step>(step));
    }
}

std::optional<Instant>
SessionsWorkload::NextWakeup() const
{
    Instant next = m_sessions.size() < m_sessionCount ? m_nextArrival : NEVER;
    next = m_answers.empty() ? next : std::min(next, m_answers.front().due);
    next = m_paced.empty() ? next : std::min(next, m_paced.front().due);
    return next == NEVER ? std::nullopt : std::optional(next);
}

void
SessionsWorkload::Wakeup(Instant now,
                         FramePool& pool,
                         PacketLedger& ledger,
                         std::vector<Outgoing>& out)
{
    // Data that is paced comes last, because sending data schedules more of it.
    while (!m_answers.empty() && m_answers.front().due <= now)
    {
        const Send send = m_answers.front();
        m_answers.pop_front();
        SendPacket(send, now, pool, ledger, out);
    }
    while (m_sessions.size() < m_sessionCount && m_nextArrival <= now)
    {
        m_nextArrival = m_arrivals.Next();
        StartSession(now, pool, ledger, out);
    }
    while (!m_paced.empty() && m_paced.front().due <= now)
    {
        const Send send = m_paced.front();
        m_paced.pop_front();
        SendPacket(send, now, pool, ledger, out);
    }
}

std::optional<std::uint32_t>
SessionsWorkload::SessionOf(const FlowKey& original) const
{
    const auto session = m_tuples.SessionOf(original);
    if (!session || *session >= m_sessions.size())
    {
        return std::nullopt;
    }
    return FirstSession() + static_cast<std::uint32_t>(*session);
}

FlowKey
SessionsWorkload::KeyOf(std::uint32_t session) const
{
    return LocalKeyOf(session - FirstSession());
}

std::optional<Instant>
SessionsWorkload::StartOf(std::uint32_t session) const
{
    const std::uint32_t local = session - FirstSession();
    return local < m_sessions.size() ? std::optional(m_sessions[local].account.startedAt)
                                     : std::nullopt;
}

bool
SessionsWorkload::HasTrafficLeft(std::uint32_t session) const
{
    const std::uint32_t local = session - FirstSession();
    return local >= m_sessions.size() || m_sessions[local].account.outstanding > 0;
}

std::uint32_t
SessionsWorkload::PacketsOf(std::uint32_t) const
{
    return 2 * m_packets + (IsTcp() ? HANDSHAKE_PACKETS + CLOSE_PACKETS : 0);
}

FlowKey
SessionsWorkload::LocalKeyOf(std::uint32_t session) const
{
    return m_tuples.KeyOf(session);
}

std::uint32_t
SessionsWorkload::PacketOf(Step step, std::uint32_t k) const
{
    const std::uint32_t firstData = IsTcp() ? HANDSHAKE_PACKETS : 0;
    switch (step)
    {
    case Step::SYN:
    case Step::SYN_ACK:
    case Step::ACK:
        return static_cast<std::uint32_t>(step);
    case Step::DATA:
        return firstData + 2 * k;
    case Step::REPLY:
        return firstData + 2 * k + 1;
    case Step::FIN:
    case Step::FIN_ACK:
    case Step::LAST_ACK:
        break;
    }
    return firstData + 2 * m_packets + static_cast<std::uint32_t>(step) -
           static_cast<std::uint32_t>(Step::FIN);
}

SessionsWorkload::Step
SessionsWorkload::StepOf(std::uint32_t packet) const
{
    const std::uint32_t firstData = IsTcp() ? HANDSHAKE_PACKETS : 0;
    if (packet < firstData)
    {
        return static_cast<Step>(packet);
    }
    const std::uint32_t data = packet - firstData;
    if (data < 2 * m_packets)
    {
        return data % 2 == 0 ? Step::DATA : Step::REPLY;
    }
    return static_cast<Step>(static_cast<std::uint32_t>(Step::FIN) + data - 2 * m_packets);
}

std::uint32_t
SessionsWorkload::DataIndexOf(std::uint32_t packet) const
{
    return (packet - (IsTcp() ? HANDSHAKE_PACKETS : 0)) / 2;
}

bool
SessionsWorkload::IsFromServer(Step step)
{
    return step == Step::SYN_ACK || step == Step::REPLY || step == Step::FIN_ACK;
}

void
SessionsWorkload::MakeTemplate(Step step)
{
    using namespace tcp_flag;
    static constexpr std::array<std::uint8_t, STEP_COUNT> FLAGS = {
        SYN, SYN | ACK, ACK, PSH | ACK, PSH | ACK, FIN | ACK, FIN | ACK, ACK};
    const auto index = static_cast<std::size_t>(step);
    Template& made = m_templates[index];
    made.payloadLength = step == Step::DATA    ? m_payloadBytes
                         : step == Step::REPLY ? m_replyBytes
                                               : 0;
    PacketBuilder builder;
    IsTcp() ? builder.Tcp({}).Flags(FLAGS[index]) : builder.Udp({});
    Frame frame;
    builder.PayloadLength(made.payloadLength).Build(frame);
    const auto header = frame.Header();
    assert(header.size() <= made.header.size());
    made.headerSize = static_cast<std::uint16_t>(header.size());
    std::copy(header.begin(), header.end(), made.header.begin());
    made.ipChecksum = Load16(header.data() + IP + ipv4::CHECKSUM);
    made.l4Checksum = Load16(header.data() + L4 + (IsTcp() ? tcp::CHECKSUM : udp::CHECKSUM));
}

SessionsWorkload::Numbers
SessionsWorkload::NumbersOf(std::uint32_t session, std::uint32_t packet, std::uint32_t detail) const
{
    const std::uint64_t initial = Mix64(m_seed + session);
    const auto client = static_cast<std::uint32_t>(initial);
    const auto server = static_cast<std::uint32_t>(initial >> 32);
    // SYN and FIN take one number each (RFC 9293, section 3.4); all arithmetic is modulo 2^32.
    const std::uint32_t clientEnd = client + 1 + m_packets * m_payloadBytes;
    const std::uint32_t serverEnd = server + 1 + m_packets * m_replyBytes;
    switch (StepOf(packet))
    {
    case Step::SYN:
        return {client, 0};
    case Step::SYN_ACK:
        return {server, client + 1};
    case Step::ACK:
        return {client + 1, server + 1};
    case Step::DATA:
        return {client + 1 + DataIndexOf(packet) * m_payloadBytes,
                server + 1 + detail * m_replyBytes};
    case Step::REPLY:
        return {server + 1 + DataIndexOf(packet) * m_replyBytes,
                client + 1 + detail * m_payloadBytes};
    case Step::FIN:
        return {clientEnd, serverEnd};
    case Step::FIN_ACK:
        return {serverEnd, clientEnd + 1};
    case Step::LAST_ACK:
        break;
    }
    return {clientEnd + 1, serverEnd + 1};
}

std::uint32_t
SessionsWorkload::DetailOf(const Session& session, Step step) const
{
    return step == Step::REPLY ? session.dataArrived : session.repliesArrived;
}

void
SessionsWorkload::BuildFrame(const PacketNote& note, Frame& frame) const
{
    const Step step = StepOf(note.packet);
    const Template& from = m_templates[static_cast<std::size_t>(step)];
    FlowKey key = LocalKeyOf(note.session);
    if (IsFromServer(step))
    {
        key = ServerKeyOf(key, m_sessions[note.session].account).Reversed();
    }
    std::uint8_t* const at = frame.Append(from.headerSize).data();
    std::memcpy(at, from.header.data(), from.headerSize);
    frame.payload = {nullptr, from.payloadLength, 0};

    ChecksumUpdate ip(from.ipChecksum);
    ChecksumUpdate l4(from.l4Checksum);
    const auto put32 = [&](std::size_t offset, std::uint32_t value)
    {
        Store32(at + offset, value);
        l4.Replace32(0, value);
    };
    put32(IP + ipv4::SOURCE, key.source.address);
    put32(IP + ipv4::DESTINATION, key.destination.address);
    ip.Replace32(0, key.source.address).Replace32(0, key.destination.address);
    Store16(at + IP + ipv4::CHECKSUM, ip.Checksum());
    // TCP and UDP have their ports at the same place.
    put32(L4 + tcp::SOURCE_PORT,
          static_cast<std::uint32_t>(key.source.port) << 16 | key.destination.port);
    if (!IsTcp())
    {
        Store16(at + L4 + udp::CHECKSUM, UdpChecksumToSend(l4.Checksum()));
        return;
    }
    const Numbers numbers = NumbersOf(note.session, note.packet, note.detail);
    put32(L4 + tcp::SEQUENCE, numbers.sequence);
    put32(L4 + tcp::ACKNOWLEDGEMENT, numbers.acknowledgement);
    Store16(at + L4 + tcp::CHECKSUM, l4.Checksum());
}

ExpectedPacket
SessionsWorkload::ExpectedOf(const PacketNote& note)
{
    const Step step = StepOf(note.packet);
    const Template& from = m_templates[static_cast<std::size_t>(step)];
    m_expected = from.header;
    if (IsTcp())
    {
        const Numbers numbers = NumbersOf(note.session, note.packet, note.detail);
        Store32(m_expected.data() + L4 + tcp::SEQUENCE, numbers.sequence);
        Store32(m_expected.data() + L4 + tcp::ACKNOWLEDGEMENT, numbers.acknowledgement);
    }
    return {
        {m_expected.data(), from.headerSize}, {nullptr, from.payloadLength, 0}, IsFromServer(step)};
}

void
SessionsWorkload::StartSession(Instant now,
                               FramePool& pool,
                               PacketLedger& ledger,
                               std::vector<Outgoing>& out)
{
    const auto session = static_cast<std::uint32_t>(m_sessions.size());
    Session& state = m_sessions.emplace_back();
    state.account.outstanding = 1;
    SendPacket({now, session, 0}, now, pool, ledger, out);
}

void
SessionsWorkload::SendPacket(const Send& send,
                             Instant now,
                             FramePool& pool,
                             PacketLedger& ledger,
                             std::vector<Outgoing>& out)
{
    const Step step = StepOf(send.packet);
    const PacketNote note{now, send.session, send.packet, DetailOf(m_sessions[send.session], step)};
    FramePtr frame = pool.Acquire();
    BuildFrame(note, *frame);
    Inject(std::move(frame), note, IsFromServer(step), ledger, out);
    if (step == Step::DATA && DataIndexOf(send.packet) + 1 < m_packets)
    {
        Schedule(m_paced, now + m_gap, send.session, send.packet + 2);
    }
}

void
SessionsWorkload::Schedule(std::deque<Send>& queue,
                           Instant due,
                           std::uint32_t session,
                           std::uint32_t packet)
{
    assert(queue.empty() || queue.back().due <= due);
    queue.push_back({due, session, packet});
    ++m_sessions[session].account.outstanding;
}

void
SessionsWorkload::Delivered(const PacketNote& note, Instant now)
{
    const Step step = StepOf(note.packet);
    Session& session = m_sessions[note.session];
    switch (step)
    {
    case Step::DATA:
        ++session.dataArrived;
        Schedule(m_answers, now, note.session, note.packet + 1);
        break;
    case Step::REPLY:
        ++session.repliesArrived;
        break;
    default:
        break;
    }
    if (IsTcp())
    {
        DeliveredTcp(note, step, session, now);
    }
}

void
SessionsWorkload::DeliveredTcp(const PacketNote& note, Step step, Session& session, Instant now)
{
    const auto answer = [&](Step next)
    {
        Schedule(m_answers, now, note.session, PacketOf(next));
    };
    switch (step)
    {
    case Step::SYN:
        answer(Step::SYN_ACK);
        break;
    case Step::SYN_ACK:
        answer(Step::ACK);
        answer(m_packets > 0 ? Step::DATA : Step::FIN);
        break;
    case Step::REPLY:
        if (session.repliesArrived == m_packets)
        {
            answer(Step::FIN);
        }
        break;
    case Step::FIN:
        answer(Step::FIN_ACK);
        break;
    case Step::FIN_ACK:
        answer(Step::LAST_ACK);
        break;
    case Step::ACK:
    case Step::DATA:
    case Step::LAST_ACK:
        break;
    }
}

} // namespace flowchain
