// SPDX-License-Identifier: GPL-2.0-only
#include "byte-order.h"
#include "checksum.h"
#include "icmp.h"
#include "ipv4.h"
#include "packet-builder.h"
#include "replay-workload.h"
#include "tcp.h"
#include "udp.h"
#include "workload-harness.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace flowchain
{
namespace
{

using testing::Network;

constexpr Prefix INSIDE{0x0a000000, 8};
constexpr FlowKey WEB{{0x0a010001, 40'000}, {0xc6336401, 80}, IpProtocol::TCP};
constexpr FlowKey DNS{{0x0a010001, 5'000}, {0xc6336402, 53}, IpProtocol::UDP};
constexpr FlowKey PING{{0x0a010001, 77}, {0xc6336401, 0}, IpProtocol::ICMP};

const std::string CAPTURE = FLOWCHAIN_SOURCE_DIR "/scenarios/data/web-dns-udp-icmp.pcap";

ReplayWorkload
RealReplay(std::uint32_t timeScalePermille = 1000, Instant start = {})
{
    return {ReplayCapture(PcapFile::Load(CAPTURE), INSIDE), start, timeScalePermille, 0};
}

/** Makes a capture file in memory, nanosecond, little-endian. */
class CaptureText
{
  public:
    CaptureText()
    {
        for (const std::uint32_t word : {0xa1b23c4du, 0x00040002u, 0u, 0u, 262'144u, 1u})
        {
            Append(word);
        }
    }

    CaptureText& Add(std::uint32_t timeNs, const PacketBuilder& packet)
    {
        Frame frame;
        packet.Build(frame);
        std::vector<std::uint8_t> bytes(frame.Header().begin(), frame.Header().end());
        bytes.resize(frame.Length());
        std::copy_n(frame.payload.bytes,
                    frame.payload.bytes != nullptr ? frame.payload.length : 0,
                    bytes.begin() + static_cast<std::ptrdiff_t>(frame.Header().size()));
        return Add(timeNs, bytes);
    }

    CaptureText&
    Add(std::uint32_t timeNs, const std::vector<std::uint8_t>& bytes, std::uint32_t missing = 0)
    {
        const auto size = static_cast<std::uint32_t>(bytes.size());
        for (const std::uint32_t word : {0u, timeNs, size, size + missing})
        {
            Append(word);
        }
        m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end());
        return *this;
    }

    ReplayCapture Parse() const
    {
        return ReplayCapture(PcapFile::Parse("test.pcap", m_bytes), INSIDE);
    }

  private:
    void Append(std::uint32_t word)
    {
        for (int shift = 0; shift < 32; shift += 8)
        {
            m_bytes.push_back(static_cast<std::uint8_t>(word >> shift));
        }
    }

    std::vector<std::uint8_t> m_bytes;
};

PacketBuilder
Tcp(const FlowKey& key, std::uint8_t flags, std::uint32_t sequence = 1)
{
    return PacketBuilder().Tcp(key).Flags(flags).Sequence(sequence);
}

std::uint64_t
SkippedAs(const ReplayCapture& capture, ReplaySkip reason)
{
    return capture.Skipped()[static_cast<std::size_t>(reason)];
}

// ---------------------------------------------------------------- the real capture

// Numbers from `capinfos` and `tshark -q -z conv,tcp -z conv,udp` on the file; one ping.
TEST(ReplayCapture, RealCaptureIsReplayedCompletely)
{
    const ReplayCapture capture(PcapFile::Load(CAPTURE), INSIDE);
    EXPECT_EQ(capture.Packets().size(), 2527U);
    EXPECT_EQ(capture.Skipped(), ReplaySkips{});
    EXPECT_EQ(capture.LengthNs(), 4'946'002'000U);
    std::map<IpProtocol, int> conversations;
    for (const auto& conversation : capture.Conversations())
    {
        ++conversations[conversation.key.protocol];
    }
    EXPECT_EQ(conversations[IpProtocol::TCP], 99);
    EXPECT_EQ(conversations[IpProtocol::UDP], 25);
    EXPECT_EQ(conversations[IpProtocol::ICMP], 1);
}

TEST(ReplayWorkload, EveryPacketOfTheRealCaptureArrivesVerified)
{
    auto replay = RealReplay();
    Network network(replay);
    network.Run();
    const auto counters = replay.Counters();
    EXPECT_EQ(counters.sessionsStarted, 125U);
    EXPECT_EQ(counters.sessionsEstablished, 125U);
    EXPECT_EQ(counters.sessionsCompleted, 125U);
    EXPECT_EQ(counters.sessionsBroken, 0U);
    EXPECT_EQ(counters.packetsInjected, 2527U);
    EXPECT_EQ(counters.packetsDelivered, 2527U);
    EXPECT_EQ(network.arrivals, (std::map<Arrival, std::uint64_t>{{Arrival::DELIVERED, 2527}}));
    EXPECT_EQ(network.listener.ended.size(), 125U);
    EXPECT_TRUE(network.listener.Unfinished().empty());
    for (std::uint32_t session = 0; session < replay.Sessions(); ++session)
    {
        EXPECT_EQ(network.listener.firstLatency.at(session), network.delay);
        EXPECT_FALSE(replay.HasTrafficLeft(session));
    }
}

TEST(ReplayWorkload, TwoRunsSendTheSameBytesAtTheSameTimes)
{
    auto first = RealReplay();
    Network one(first);
    one.Run();
    auto second = RealReplay();
    Network two(second);
    two.Run();
    ASSERT_EQ(one.sent.size(), two.sent.size());
    for (std::size_t i = 0; i < one.sent.size(); ++i)
    {
        // Payload pointers belong to different copies of the file.
        EXPECT_EQ(one.sent[i].time, two.sent[i].time) << i;
        EXPECT_EQ(one.sent[i].header, two.sent[i].header) << i;
        EXPECT_EQ(one.sent[i].payload.sum, two.sent[i].payload.sum) << i;
    }
}

TEST(ReplayWorkload, InsidePacketsAreSentAtRecordedTimesScaled)
{
    for (const std::uint32_t permille : {500u, 1000u, 3000u})
    {
        auto replay = RealReplay(permille, Instant{Duration{7}});
        Network network(replay);
        network.Run();
        std::vector<std::uint64_t> recorded;
        for (const auto& packet : replay.Capture().Packets())
        {
            if (!packet.fromServer)
            {
                recorded.push_back(packet.timeNs);
            }
        }
        std::sort(recorded.begin(), recorded.end());
        std::vector<std::int64_t> times;
        for (const auto& sent : network.sent)
        {
            if (!sent.fromServer)
            {
                times.push_back(sent.time.time_since_epoch().count());
            }
        }
        ASSERT_EQ(times.size(), recorded.size());
        for (std::size_t i = 0; i < times.size(); ++i)
        {
            ASSERT_EQ(times[i], 7 + static_cast<std::int64_t>(recorded[i] * permille)) << i;
        }
    }
}

TEST(ReplayWorkload, DroppingOnePacketBreaksExactlyItsConversation)
{
    // Any packet may be the one; try a spread of them, of both directions.
    for (std::uint32_t victim = 1; victim <= 2500; victim += 119)
    {
        auto replay = RealReplay();
        Network network(replay);
        std::optional<FlowKey> dropped;
        network.isDropped = [&](std::uint32_t id, const PacketView& view)
        {
            if (id == victim)
            {
                dropped = view.key;
            }
            return id == victim;
        };
        network.Run();
        ASSERT_TRUE(dropped);
        const auto counters = replay.Counters();
        EXPECT_EQ(counters.sessionsBroken, 1U);
        EXPECT_EQ(counters.sessionsCompleted, 124U);
        EXPECT_EQ(counters.packetsDropped, 1U);
        ASSERT_EQ(network.listener.lost.size(), 1U);
        const auto [session, reason] = network.listener.lost.front();
        EXPECT_EQ(reason, DropReason::QUEUE_FULL);
        EXPECT_EQ(network.listener.Unfinished(), std::set<std::uint32_t>{session});
        const FlowKey key = replay.KeyOf(session);
        EXPECT_TRUE(*dropped == key || dropped->source == key.destination);
        EXPECT_EQ(counters.packetsInjected, counters.packetsDelivered + 1);
        EXPECT_FALSE(replay.HasTrafficLeft(session));
    }
}

TEST(ReplayWorkload, TranslationThatChangesMidwayIsAnUnknownConnection)
{
    auto replay = RealReplay();
    Network network(replay);
    // The iperf3 stream: 626 packets from the inside and one back. The third one and all later ones
    // come from another port.
    int seen = 0;
    network.moved = [&](std::uint32_t, const FlowKey& original, Endpoint translated)
    {
        const bool isStream = original.protocol == IpProtocol::UDP && original.source.port == 43576;
        seen += isStream ? 1 : 0;
        return isStream && seen > 2 ? Endpoint{Network::EXTERNAL, 60'000} : translated;
    };
    network.Run();
    EXPECT_EQ(network.arrivals[Arrival::UNKNOWN_CONNECTION], 624U);
    EXPECT_EQ(replay.Counters().packetsUnknown, 624U);
    EXPECT_EQ(replay.Counters().sessionsBroken, 1U);
    EXPECT_EQ(replay.Counters().sessionsCompleted, 124U);
    ASSERT_EQ(network.listener.lost.size(), 624U);
    EXPECT_EQ(network.listener.lost.front().second, DropReason::UNKNOWN_CONNECTION);
    // The ledger's drops of refused packets are not booked a second time.
    EXPECT_EQ(replay.Counters().packetsDropped, 0U);
}

// ---------------------------------------------------------------- bytes

TEST(ReplayWorkload, ChangedBytesAreCorrupt)
{
    static const std::vector<std::uint8_t> request = {1, 2, 3, 4};
    static const std::vector<std::uint8_t> other = {1, 2, 4, 3};
    struct Case
    {
        const char* what;
        std::function<void(Frame&, const PacketView&)> change;
    };

    const auto rebuild = [](Frame& frame, const PacketView& view, auto&& change)
    {
        auto builder = PacketBuilder();
        builder.Udp(view.key).Ttl(63).Identification(9).PayloadBytes(request);
        change(builder);
        const auto id = frame.packetId;
        builder.Build(frame);
        frame.packetId = id;
    };
    const std::vector<Case> cases =
        {
            {"payload bytes",
             [&](Frame& f, const PacketView& v)
             {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.PayloadBytes(other);
        });
             }},
            {"payload replaced by zeros",
             [&](Frame& f, const PacketView& v)
             {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.PayloadLength(4);
        });
             }},
                            {"payload length",
                             [&](Frame& f, const PacketView& v)
                             {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.PayloadBytes(std::span(request).first(2));
        });
                             }},
        {"TTL not decremented",
         [&](Frame& f, const PacketView& v)
         {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.Ttl(64);
        });
         }},
        {"TTL decremented twice",
         [&](Frame& f, const PacketView& v)
         {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.Ttl(62);
        });
         }},
        {"IP identification",
         [&](Frame& f, const PacketView& v)
         {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.Identification(8);
        });
         }},
        {"UDP checksum removed",
         [&](Frame& f, const PacketView& v)
         {
        rebuild(f,
                v,
                [](PacketBuilder& b)
                {
            b.WithoutUdpChecksum();
        });
         }},
        {"destination port",
         [&](Frame& f, const PacketView& v)
         {
        auto key = v.key;
        ++key.destination.port;
        rebuild(f,
                v,
                [&](PacketBuilder& b)
                {
            b.Udp(key);
        });
         }},
        };
    const auto run = [&](const Case* changed)
    {
        ReplayWorkload replay(
            CaptureText()
                .Add(0, PacketBuilder().Udp(DNS).Identification(9).PayloadBytes(request))
                .Parse(),
            Instant{},
            1000,
            0);
        Network network(replay);
        if (changed != nullptr)
        {
            network.spoil = [&](std::uint32_t, Frame& frame, const PacketView& view)
            {
                changed->change(frame, view);
            };
        }
        network.Run();
        return network.arrivals;
    };
    using Arrivals = std::map<Arrival, std::uint64_t>;
    EXPECT_EQ(run(nullptr), (Arrivals{{Arrival::DELIVERED, 1}}));
    const Case same{"nothing",
                    [&](Frame& f, const PacketView& v)
                    {
        rebuild(f, v, [](PacketBuilder&) {});
                    }};
    EXPECT_EQ(run(&same), (Arrivals{{Arrival::DELIVERED, 1}}));
    for (const Case& changed : cases)
    {
        EXPECT_EQ(run(&changed), (Arrivals{{Arrival::CORRUPT, 1}})) << changed.what;
    }
}

/** Recompute the checksums of a frame without payload, whatever its header says. */
void
RepairChecksums(Frame& frame, const PacketView& view)
{
    std::uint8_t* const ip = frame.Header().data() + view.ipOffset;
    const std::size_t ipSize = view.l4Offset - view.ipOffset;
    const std::size_t l4Size = frame.Header().size() - view.l4Offset;
    std::uint8_t* const l4 = ip + ipSize;
    Store16(ip + ipv4::CHECKSUM, 0);
    Store16(ip + ipv4::CHECKSUM, static_cast<std::uint16_t>(~OnesComplementSum({ip, ipSize})));
    const bool icmp = view.key.protocol == IpProtocol::ICMP;
    const std::size_t field = icmp                                   ? icmp::CHECKSUM
                              : view.key.protocol == IpProtocol::TCP ? tcp::CHECKSUM
                                                                     : udp::CHECKSUM;
    Store16(l4 + field, 0);
    const std::uint32_t pseudo =
        icmp ? 0 : ipv4::PseudoHeaderSum(ip, static_cast<std::uint16_t>(l4Size));
    Store16(l4 + field,
            static_cast<std::uint16_t>(~FoldSum(OnesComplementSum({l4, l4Size}) + pseudo)));
}

/** Change each header byte of the packet on its way to the far side, with right checksums, and see
 * which changes are accepted there; @returns their offsets. */
std::set<std::size_t>
AcceptedChanges(const std::vector<std::uint8_t>& packet)
{
    std::set<std::size_t> accepted;
    for (std::size_t offset = 0; offset < packet.size(); ++offset)
    {
        ReplayWorkload replay(CaptureText().Add(0, packet).Parse(), Instant{}, 1000, 0);
        PacketLedger ledger;
        testing::HeapPool pool(ledger);
        pool.SetReturnReason(DropReason::END_OF_RUN);
        std::vector<Outgoing> out;
        replay.Wakeup(Instant{}, pool, ledger, out);
        Frame& frame = *out.at(0).frame;
        PacketView view;
        EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
        FlowKey to = view.key;
        to.source = {Network::EXTERNAL, 1024};
        RewritePacket(frame, view, to);
        const auto before = frame.Header()[offset];
        frame.Header()[offset] ^= 0x04;
        RepairChecksums(frame, view);
        if (frame.Header()[offset] == before || ParsePacket(frame, 0, view) != PacketVerdict::OK)
        {
            continue; // a checksum byte, or a change that any host would refuse
        }
        if (replay.Receive(frame, view, true, Instant{}) == Arrival::DELIVERED)
        {
            accepted.insert(offset);
        }
    }
    return accepted;
}

TEST(ReplayWorkload, OnlyWhatATranslatorChangesMayDiffer)
{
    // Offsets of MAC addresses, source address and, by protocol, source port or identifier.
    std::set<std::size_t> macAndAddress = {26, 27, 28, 29};
    for (std::size_t i = 0; i < 12; ++i)
    {
        macAndAddress.insert(i);
    }
    const auto with = [&](std::size_t first, std::size_t second)
    {
        auto all = macAndAddress;
        all.insert({first, second});
        return all;
    };
    // The first packet of the capture: a SYN with 20 bytes of options.
    const auto file = PcapFile::Load(CAPTURE);
    const auto syn = file.Records()[0].bytes;
    ASSERT_EQ(syn.size(), 74U);
    EXPECT_EQ(AcceptedChanges({syn.begin(), syn.end()}), with(34, 35));
    Frame frame;
    PacketBuilder().Udp(DNS).Build(frame);
    EXPECT_EQ(AcceptedChanges({frame.Header().begin(), frame.Header().end()}), with(34, 35));
    PacketBuilder().IcmpEcho(PING, false).Build(frame);
    EXPECT_EQ(AcceptedChanges({frame.Header().begin(), frame.Header().end()}), with(38, 39));
}

TEST(ReplayWorkload, AnswersGoToTheTranslatedEndpointAndArriveAtTheOriginalOne)
{
    for (const FlowKey& key : {DNS, PING})
    {
        const bool ping = key.protocol == IpProtocol::ICMP;
        PacketBuilder request;
        PacketBuilder reply;
        ping ? request.IcmpEcho(key, false) : request.Udp(key);
        ping ? reply.IcmpEcho(key.Reversed(), true) : reply.Udp(key.Reversed());
        ReplayWorkload replay(
            CaptureText().Add(100, request).Add(350, reply.Ttl(1)).Parse(), Instant{}, 2000, 0);
        Network network(replay);
        // A TTL of 1 is the recorded host's business, but the translator may not forward it.
        network.isDropped = [](std::uint32_t, const PacketView& view)
        {
            return view.ttl == 1;
        };
        network.Run();
        ASSERT_EQ(network.sent.size(), 2U);
        EXPECT_EQ(network.sent[1].key.source, key.destination);
        EXPECT_EQ(network.sent[1].key.destination, (Endpoint{Network::EXTERNAL, 1024}));
        EXPECT_EQ(replay.Counters().packetsDropped, 1U);
        // Sent at 0 (the capture's first packet), arrived after the delay, 250 ns later times two.
        EXPECT_EQ(network.sent[1].time, Instant{network.delay + Duration{500'000}});
    }
}

TEST(ReplayWorkload, ReverseTranslationToAnotherHostIsAnUnknownConnection)
{
    ReplayWorkload replay(CaptureText()
                              .Add(0, PacketBuilder().Udp(DNS))
                              .Add(9, PacketBuilder().Udp(DNS.Reversed()))
                              .Parse(),
                          Instant{},
                          1000,
                          0);
    Network network(replay);
    network.spoil = [](std::uint32_t id, Frame& frame, const PacketView& view)
    {
        if (id == 2)
        {
            FlowKey other = view.key;
            ++other.destination.address;
            PacketBuilder().Udp(other).Ttl(63).Build(frame);
            frame.packetId = id;
        }
    };
    network.Run();
    EXPECT_EQ(replay.Counters().packetsUnknown, 1U);
    EXPECT_EQ(replay.Counters().sessionsBroken, 1U);
}

// ---------------------------------------------------------------- timing of the far side

TEST(ReplayWorkload, AnswerWaitsForTheLastOfTheInsidePacketsBeforeIt)
{
    // in 0, in 10, out 30, out 31, in 40, out 45 (all ns); the first packet takes 1 us longer.
    const auto in = PacketBuilder().Udp(DNS);
    const auto out = PacketBuilder().Udp(DNS.Reversed());
    ReplayWorkload replay(CaptureText()
                              .Add(0, in)
                              .Add(10, in)
                              .Add(30, out)
                              .Add(31, out)
                              .Add(40, in)
                              .Add(45, out)
                              .Parse(),
                          Instant{},
                          1000,
                          0);
    Network network(replay);
    network.delay = Duration{100'000};
    network.extraDelay = [](std::uint32_t id)
    {
        return Duration{id == 1 ? 1'000'000 : 0};
    };
    network.Run();
    std::vector<std::int64_t> answers;
    for (const auto& sent : network.sent)
    {
        if (sent.fromServer)
        {
            answers.push_back(sent.time.time_since_epoch().count());
        }
    }
    // All inside packets have arrived when the first one has, at 1,100,000 ps. The first two
    // answers were recorded 20 and 21 ns after the last inside packet before them. The third, 5 ns
    // after its own, would overtake them: it goes with the second.
    EXPECT_EQ(answers, (std::vector<std::int64_t>{1'120'000, 1'121'000, 1'121'000}));
    EXPECT_EQ(replay.Counters().sessionsCompleted, 1U);
}

TEST(ReplayWorkload, LossOfAnInsidePacketSilencesTheFarSide)
{
    const auto in = PacketBuilder().Udp(DNS);
    const auto out = PacketBuilder().Udp(DNS.Reversed());
    ReplayWorkload replay(
        CaptureText().Add(0, in).Add(10, out).Add(20, in).Add(30, out).Add(40, in).Parse(),
        Instant{},
        1000,
        0);
    Network network(replay);
    network.isDropped = [](std::uint32_t, const PacketView& view)
    {
        static int inside = 0;
        return view.key == DNS && ++inside == 2;
    };
    network.Run();
    EXPECT_EQ(replay.Counters().packetsInjected, 4U); // three from inside, one answer
    EXPECT_EQ(replay.Counters().packetsDelivered, 3U);
    EXPECT_FALSE(network.listener.ended.at(0));
}

TEST(ReplayWorkload, SecondCopyOfAPacketIsADuplicate)
{
    ReplayWorkload replay(
        CaptureText().Add(0, PacketBuilder().Udp(DNS)).Parse(), Instant{}, 1000, 0);
    PacketLedger ledger;
    testing::HeapPool pool(ledger);
    std::vector<Outgoing> out;
    replay.Wakeup(Instant{}, pool, ledger, out);
    ASSERT_EQ(out.size(), 1U);
    Frame& frame = *out[0].frame;
    PacketView view;
    ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
    FlowKey to = view.key;
    to.source = {Network::EXTERNAL, 1024};
    RewritePacket(frame, view, to);
    EXPECT_EQ(replay.Receive(frame, view, true, Instant{}), Arrival::DELIVERED);
    EXPECT_EQ(replay.Receive(frame, view, true, Instant{}), Arrival::DUPLICATE);
    EXPECT_EQ(replay.Counters().packetsDelivered, 1U);
    pool.SetReturnReason(DropReason::END_OF_RUN);
}

// ---------------------------------------------------------------- what is not replayed

TEST(ReplayCapture, EverySkippedPacketIsCountedByItsReason)
{
    const auto bytesOf = [](const PacketBuilder& builder)
    {
        Frame frame;
        builder.Build(frame);
        return std::vector<std::uint8_t>(frame.Header().begin(), frame.Header().end());
    };
    const auto good = bytesOf(PacketBuilder().Udp(DNS));
    auto arp = good;
    Store16(arp.data() + 12, 0x0806);
    auto badLength = good;
    badLength[14 + 3] = 200; // total length beyond the frame
    Store16(badLength.data() + 14 + 10,
            static_cast<std::uint16_t>(Load16(badLength.data() + 14 + 10) - (200 - 28)));
    auto badSum = good;
    badSum[14 + 20 + 7] ^= 1;
    auto fragment = good;
    fragment[14 + 6] = 0x20; // MF instead of DF
    Store16(fragment.data() + 14 + 10,
            static_cast<std::uint16_t>(Load16(fragment.data() + 14 + 10) + 0x2000));
    auto esp = good;
    esp[14 + 9] = 50;
    Store16(esp.data() + 14 + 10, static_cast<std::uint16_t>(Load16(esp.data() + 14 + 10) - 33));
    const FlowKey insideOnly{DNS.source, {0x0a020202, 53}, IpProtocol::UDP};
    const FlowKey other{{0x0a010009, 9}, WEB.destination, IpProtocol::TCP};

    const auto capture = CaptureText()
                             .Add(0, good)
                             .Add(1, good, 4)
                             .Add(2, arp)
                             .Add(3, std::vector<std::uint8_t>(good.begin(), good.begin() + 30))
                             .Add(4, badLength)
                             .Add(5, fragment)
                             .Add(6, esp)
                             .Add(7, badSum)
                             .Add(8, PacketBuilder().Udp(insideOnly))
                             .Add(9, Tcp(WEB.Reversed(), tcp_flag::SYN))
                             .Add(10, Tcp(WEB, tcp_flag::SYN | tcp_flag::ACK))
                             .Add(11, Tcp(other, tcp_flag::ACK))
                             .Add(12, Tcp(other.Reversed(), tcp_flag::ACK))
                             .Add(13, PacketBuilder().IcmpEcho(PING.Reversed(), true))
                             .Parse();
    EXPECT_EQ(capture.Conversations().size(), 1U);
    EXPECT_EQ(capture.Packets().size(), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::CUT_SHORT), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::NOT_IPV4), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::MALFORMED), 2U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::FRAGMENT), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::UNSUPPORTED), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::BAD_CHECKSUM), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::NOT_CROSSING), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::STARTS_OUTSIDE), 3U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::MID_STREAM), 2U);
}

TEST(ReplayCapture, EthernetPaddingIsCut)
{
    Frame frame;
    PacketBuilder().Udp(DNS).PayloadLength(3).Build(frame);
    std::vector<std::uint8_t> padded(frame.Header().begin(), frame.Header().end());
    padded.resize(60, 0xee);
    std::fill_n(padded.begin() + 42, 3, 0);
    const auto capture = CaptureText().Add(0, padded).Parse();
    ASSERT_EQ(capture.Packets().size(), 1U);
    EXPECT_EQ(capture.Packets()[0].header.size(), 42U);
    EXPECT_EQ(capture.Packets()[0].payload.length, 3U);
}

TEST(ReplayCapture, NewSynOnAUsedTupleIsANewConversation)
{
    auto capture = CaptureText()
                       .Add(0, Tcp(WEB, tcp_flag::SYN, 100))
                       .Add(1, Tcp(WEB, tcp_flag::SYN, 100)) // retransmitted
                       .Add(2, Tcp(WEB.Reversed(), tcp_flag::RST | tcp_flag::ACK))
                       .Add(3, Tcp(WEB, tcp_flag::SYN, 777))
                       .Add(4, Tcp(WEB.Reversed(), tcp_flag::SYN | tcp_flag::ACK))
                       .Parse();
    ASSERT_EQ(capture.Conversations().size(), 2U);
    EXPECT_EQ(capture.Conversations()[0].packetCount, 3U);
    EXPECT_EQ(capture.Conversations()[1].packetCount, 2U);

    ReplayWorkload replay(std::move(capture), Instant{}, 1000, 40);
    EXPECT_EQ(replay.SessionOf(WEB), std::nullopt);
    Network network(replay);
    network.delay = Duration{100};
    network.Run(Instant{Duration{1'500}});
    EXPECT_EQ(replay.SessionOf(WEB), 40U);
    EXPECT_EQ(replay.StartOf(41), std::nullopt);
    EXPECT_TRUE(replay.HasTrafficLeft(41));
}

TEST(ReplayCapture, PacketsAreOrderedByTime)
{
    const auto capture = CaptureText()
                             .Add(50, PacketBuilder().Udp(DNS.Reversed()))
                             .Add(20, PacketBuilder().Udp(DNS))
                             .Parse();
    ASSERT_EQ(capture.Packets().size(), 2U);
    EXPECT_FALSE(capture.Packets()[0].fromServer);
    EXPECT_EQ(capture.Packets()[1].timeNs, 30U);
}

TEST(ReplayWorkload, NothingToReplayIsAnError)
{
    EXPECT_THROW(ReplayWorkload(CaptureText().Parse(), Instant{}, 1000, 0), std::invalid_argument);
}

} // namespace
} // namespace flowchain
