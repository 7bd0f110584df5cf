// SPDX-License-Identifier: GPL-2.0-only
#include "workload-base.h"

#include "byte-order.h"
#include "checksum.h"
#include "ethernet.h"
#include "icmp.h"
#include "ipv4.h"
#include "tcp.h"
#include "udp.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace flowchain
{

namespace
{

bool
IsSameIpHeader(const std::uint8_t* sent, const std::uint8_t* arrived, std::size_t size)
{
    return std::memcmp(sent, arrived, ipv4::TTL) == 0 &&
           sent[ipv4::TTL] == arrived[ipv4::TTL] + 1 &&
           sent[ipv4::PROTOCOL] == arrived[ipv4::PROTOCOL] &&
           std::memcmp(sent + ipv4::HEADER_SIZE,
                       arrived + ipv4::HEADER_SIZE,
                       size - ipv4::HEADER_SIZE) == 0;
}

/** Compare transport headers, from the first byte to the end of the header bytes. */
bool
IsSameTransportHeader(IpProtocol protocol,
                      const std::uint8_t* sent,
                      const std::uint8_t* arrived,
                      std::size_t size)
{
    const auto isSame = [=](std::size_t from, std::size_t to)
    {
        return std::memcmp(sent + from, arrived + from, to - from) == 0;
    };
    switch (protocol)
    {
    case IpProtocol::TCP:
        return isSame(tcp::SEQUENCE, tcp::CHECKSUM) && isSame(tcp::URGENT_POINTER, size);
    case IpProtocol::UDP:
        return isSame(udp::LENGTH, udp::CHECKSUM) && isSame(udp::HEADER_SIZE, size) &&
               (Load16(sent + udp::CHECKSUM) == 0) == (Load16(arrived + udp::CHECKSUM) == 0);
    case IpProtocol::ICMP:
        return isSame(icmp::TYPE, icmp::CHECKSUM) && isSame(icmp::SEQUENCE, size);
    case IpProtocol::NONE:
        break;
    }
    return false;
}

bool
IsZero(std::uint8_t byte)
{
    return byte == 0;
}

bool
IsSamePayload(const Payload& sent, const Payload& arrived)
{
    if (sent.length != arrived.length || (sent.bytes == arrived.bytes && sent.sum != arrived.sum))
    {
        return false; // FlipBit() leaves the bytes of a damaged payload as they are
    }
    if (sent.bytes == arrived.bytes)
    {
        return true;
    }
    if (sent.bytes != nullptr && arrived.bytes != nullptr)
    {
        return std::memcmp(sent.bytes, arrived.bytes, sent.length) == 0;
    }
    const std::uint8_t* real = sent.bytes != nullptr ? sent.bytes : arrived.bytes;
    return std::all_of(real, real + sent.length, IsZero);
}

} // namespace

WorkloadCounters&
WorkloadCounters::operator+=(const WorkloadCounters& other)
{
    sessionsStarted += other.sessionsStarted;
    sessionsEstablished += other.sessionsEstablished;
    sessionsCompleted += other.sessionsCompleted;
    sessionsBroken += other.sessionsBroken;
    packetsInjected += other.packetsInjected;
    packetsDelivered += other.packetsDelivered;
    packetsDropped += other.packetsDropped;
    packetsUnknown += other.packetsUnknown;
    packetsCorrupt += other.packetsCorrupt;
    return *this;
}

bool
IsSamePacket(const ExpectedPacket& expected, const Frame& frame, const PacketView& view)
{
    const std::size_t begin = view.ipOffset - ethernet::HEADER_SIZE;
    const auto arrived = frame.Header().subspan(begin);
    if (arrived.size() != expected.header.size())
    {
        return false;
    }
    const std::size_t ip = ethernet::HEADER_SIZE;
    const std::size_t l4 = view.l4Offset - begin;
    const std::uint8_t* sent = expected.header.data();
    // The first byte of the IPv4 header is the same, so l4 is the same offset in both.
    return IsSameIpHeader(sent + ip, arrived.data() + ip, l4 - ip) &&
           IsSameTransportHeader(
               view.key.protocol, sent + l4, arrived.data() + l4, arrived.size() - l4) &&
           IsSamePayload(expected.payload, frame.payload);
}

void
RedirectPacket(Frame& frame, const PacketView& view, const Endpoint& destination)
{
    PacketView rewritten = view;
    FlowKey to = view.key;
    to.destination = destination;
    // RewritePacket() takes the TTL down by one: give it one more, whatever it was.
    std::uint8_t* const ip = frame.Header().data() + view.ipOffset;
    const std::uint16_t ttlWord = Load16(ip + ipv4::TTL);
    const auto setTtlWord = [ip](std::uint16_t word)
    {
        const auto update =
            ChecksumUpdate(Load16(ip + ipv4::CHECKSUM)).Replace16(Load16(ip + ipv4::TTL), word);
        Store16(ip + ipv4::TTL, word);
        Store16(ip + ipv4::CHECKSUM, update.Checksum());
    };
    setTtlWord(static_cast<std::uint16_t>(0xff00 | (ttlWord & 0xff)));
    rewritten.ttl = 0xff;
    RewritePacket(frame, rewritten, to);
    setTtlWord(ttlWord);
}

WorkloadBase::WorkloadBase(std::uint32_t firstSession, Translation translation)
    : m_firstSession(firstSession)
    , m_translation(std::move(translation))
{
}

FlowKey
WorkloadBase::ServerKeyOf(const FlowKey& local, const SessionAccount& account) const
{
    assert(account.isFarKnown);
    FlowKey key = local;
    Endpoint& translated = m_translation.OfDestination() ? key.destination : key.source;
    translated = {account.farAddress, account.farPort};
    return key;
}

bool
WorkloadBase::MayBeFar(const Endpoint& endpoint) const
{
    const auto& backends = m_translation.backends;
    return backends.empty() ||
           std::find(backends.begin(), backends.end(), endpoint) != backends.end();
}

void
WorkloadBase::Inject(FramePtr frame,
                     const PacketNote& note,
                     bool fromServer,
                     PacketLedger& ledger,
                     std::vector<Outgoing>& out)
{
    SessionAccount& account = AccountOf(note.session);
    assert(account.outstanding > 0);
    if (account.startedAt == NEVER)
    {
        account.startedAt = note.injectedAt;
        ++m_counters.sessionsStarted;
        m_listener->OnSessionStart(m_firstSession + note.session, note.injectedAt);
    }
    ++m_counters.packetsInjected;
    m_listener->OnInjection(m_firstSession + note.session, !fromServer, note.injectedAt);
    frame->packetId = ledger.Inject();
    m_inFlight.Add(frame->packetId, note);
    const std::uint8_t* const ip = frame->Header().data() + ethernet::HEADER_SIZE;
    const std::uint32_t source = Load32(ip + ipv4::SOURCE);
    out.push_back({std::move(frame), source, fromServer});
}

Arrival
WorkloadBase::Receive(const Frame& frame, const PacketView& view, bool atServer, Instant now)
{
    const auto note = m_inFlight.Take(frame.packetId);
    if (!note)
    {
        return Arrival::DUPLICATE;
    }
    const Arrival arrival = Judge(*note, frame, view, atServer);
    if (arrival == Arrival::DELIVERED || (arrival == Arrival::UNKNOWN_CONNECTION && atServer))
    {
        m_listener->OnArrival(
            m_firstSession + note->session,
            atServer ? view.key : ServerKeyOf(LocalKeyOf(note->session), AccountOf(note->session)),
            note->injectedAt,
            now);
    }
    switch (arrival)
    {
    case Arrival::DELIVERED:
        BookDelivery(*note, atServer, now);
        break;
    case Arrival::UNKNOWN_CONNECTION:
        ++m_counters.packetsUnknown;
        BookLoss(*note, DropReason::UNKNOWN_CONNECTION);
        break;
    case Arrival::CORRUPT:
    case Arrival::DUPLICATE:
        ++m_counters.packetsCorrupt;
        BookLoss(*note, DropReason::MALFORMED);
        break;
    }
    return arrival;
}

void
WorkloadBase::PacketDropped(std::uint32_t packetId, DropReason reason)
{
    // A packet that a host refused has been booked by Receive().
    if (const auto note = m_inFlight.Take(packetId))
    {
        ++m_counters.packetsDropped;
        BookLoss(*note, reason);
    }
}

Arrival
WorkloadBase::Judge(const PacketNote& note,
                    const Frame& frame,
                    const PacketView& view,
                    bool atServer)
{
    const ExpectedPacket expected = ExpectedOf(note);
    if (expected.fromServer == atServer)
    {
        return Arrival::UNKNOWN_CONNECTION;
    }
    const FlowKey local = LocalKeyOf(note.session);
    const FlowKey arrived = atServer ? view.key : view.key.Reversed();
    const bool ofDestination = m_translation.OfDestination();
    const Endpoint& kept = ofDestination ? arrived.source : arrived.destination;
    const Endpoint& translated = ofDestination ? arrived.destination : arrived.source;
    if (arrived.protocol != local.protocol ||
        kept != (ofDestination ? local.source : local.destination) ||
        !IsSamePacket(expected, frame, view))
    {
        return Arrival::CORRUPT;
    }
    SessionAccount& account = AccountOf(note.session);
    if (!atServer)
    {
        return arrived == local ? Arrival::DELIVERED : Arrival::UNKNOWN_CONNECTION;
    }
    if (!account.isFarKnown && MayBeFar(translated))
    {
        account.isFarKnown = true;
        account.farAddress = translated.address;
        account.farPort = translated.port;
    }
    return account.isFarKnown && arrived == ServerKeyOf(local, account)
               ? Arrival::DELIVERED
               : Arrival::UNKNOWN_CONNECTION;
}

void
WorkloadBase::BookDelivery(const PacketNote& note, bool atServer, Instant now)
{
    const std::uint32_t session = m_firstSession + note.session;
    SessionAccount& account = AccountOf(note.session);
    ++account.delivered;
    ++m_counters.packetsDelivered;
    if (note.packet == 0)
    {
        ++m_counters.sessionsEstablished;
        m_listener->OnFirstDelivery(session, note.injectedAt, now);
    }
    m_listener->OnDelivery(session, atServer, note.injectedAt, now);
    Delivered(note, now);
    Settle(note.session);
}

void
WorkloadBase::BookLoss(const PacketNote& note, DropReason reason)
{
    SessionAccount& account = AccountOf(note.session);
    if (!account.isBroken)
    {
        account.isBroken = true;
        ++m_counters.sessionsBroken;
    }
    m_listener->OnPacketLost(m_firstSession + note.session, reason);
    Settle(note.session);
}

void
WorkloadBase::Settle(std::uint32_t session)
{
    SessionAccount& account = AccountOf(session);
    assert(account.outstanding > 0);
    if (--account.outstanding == 0)
    {
        const bool completed = account.delivered == PacketsOf(session);
        m_counters.sessionsCompleted += completed ? 1 : 0;
        m_listener->OnSessionEnd(m_firstSession + session, completed);
    }
}

} // namespace flowchain
