// SPDX-License-Identifier: GPL-2.0-only
#include "packet-builder.h"
#include "workload-harness.h"
#include "workload-sessions.h"
#include "workload-set.h"

#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace flowchain
{
namespace
{

using testing::Network;
using testing::Sent;

constexpr Prefix INSIDE{0x0a000000, 8};

SessionsSection
Section(const std::string& protocol, std::uint64_t sessions, std::uint32_t packets)
{
    SessionsSection section;
    section.protocol = protocol;
    section.sessions = sessions;
    section.packets = packets;
    section.ratePerSecondMilli = 1'000'000; // one each ms
    section.gap = Duration{3'000'000};      // 3 us
    section.payloadBytes = 100;
    section.replyBytes = 700;
    return section;
}

SessionsWorkload
Make(const SessionsSection& section, std::uint64_t seed = 1)
{
    return {section, INSIDE, Instant{}, seed, 0, 0};
}

/** Times of what the network saw, in us. */
std::vector<std::int64_t>
Microseconds(const std::vector<Sent>& sent)
{
    std::vector<std::int64_t> times;
    for (const Sent& packet : sent)
    {
        times.push_back(packet.time.time_since_epoch().count() / 1'000'000);
    }
    return times;
}

std::uint32_t
Word(const Sent& packet, std::size_t offset)
{
    const auto* at = packet.header.data() + offset;
    return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
           at[3];
}

TEST(SessionsWorkload, OneTcpSessionPacketByPacket)
{
    using namespace tcp_flag;
    auto workload = Make(Section("tcp", 1, 2));
    Network network(workload); // 5 us one way
    network.Run();

    struct Expected
    {
        std::int64_t us;
        bool fromServer;
        std::uint8_t flags;
        std::uint32_t sequence;        ///< after the sender's initial one
        std::uint32_t acknowledgement; ///< after the other's initial one
        std::uint32_t payload;
    };

    const std::vector<Expected> expected = {
        {0, false, SYN, 0, 0, 0},
        {5, true, SYN | ACK, 0, 1, 0},
        {10, false, ACK, 1, 1, 0},
        {10, false, PSH | ACK, 1, 1, 100},   // first data with the ACK
        {13, false, PSH | ACK, 101, 1, 100}, // one gap later; no reply has arrived yet
        {15, true, PSH | ACK, 1, 101, 700},
        {18, true, PSH | ACK, 701, 201, 700},
        {23, false, FIN | ACK, 201, 1401, 0}, // both replies have arrived
        {28, true, FIN | ACK, 1401, 202, 0},
        {33, false, ACK, 202, 1402, 0},
    };
    ASSERT_EQ(network.sent.size(), expected.size());
    const std::uint32_t client = Word(network.sent[0], 38);
    const std::uint32_t server = Word(network.sent[1], 38);
    for (std::size_t i = 0; i < expected.size(); ++i)
    {
        const Sent& packet = network.sent[i];
        const Expected& e = expected[i];
        EXPECT_EQ(Microseconds(network.sent)[i], e.us) << i;
        EXPECT_EQ(packet.fromServer, e.fromServer) << i;
        EXPECT_EQ(packet.tcpFlags, e.flags) << i;
        EXPECT_EQ(Word(packet, 38) - (e.fromServer ? server : client), e.sequence) << i;
        const std::uint32_t other = i == 0 ? 0 : e.fromServer ? client : server;
        EXPECT_EQ(Word(packet, 42) - other, e.acknowledgement) << i;
        EXPECT_EQ(packet.payload.length, e.payload) << i;
        EXPECT_EQ(packet.payload.bytes, nullptr) << i;
        const Endpoint& inside = e.fromServer ? packet.key.destination : packet.key.source;
        EXPECT_EQ(inside,
                  e.fromServer ? (Endpoint{Network::EXTERNAL, 1024}) : workload.KeyOf(0).source);
    }
    EXPECT_EQ(workload.Counters().sessionsCompleted, 1U);
    EXPECT_EQ(network.listener.firstLatency.at(0), network.delay);
}

TEST(SessionsWorkload, OneUdpSessionPacketByPacket)
{
    auto workload = Make(Section("udp", 1, 3));
    Network network(workload);
    network.Run();
    EXPECT_EQ(Microseconds(network.sent), (std::vector<std::int64_t>{0, 3, 5, 6, 8, 11}));
    EXPECT_EQ(workload.Counters().packetsDelivered, 6U);
    EXPECT_EQ(workload.Counters().sessionsCompleted, 1U);
}

TEST(SessionsWorkload, PatchedTemplatesEqualBuiltPackets)
{
    for (const std::string protocol : {"tcp", "udp"})
    {
        auto workload = Make(Section(protocol, 200, 3));
        Network network(workload);
        network.Run();
        for (const Sent& packet : network.sent)
        {
            PacketBuilder builder;
            protocol == "tcp" ? builder.Tcp(packet.key)
                                    .Flags(packet.tcpFlags)
                                    .Sequence(Word(packet, 38), Word(packet, 42))
                              : builder.Udp(packet.key);
            Frame frame;
            builder.PayloadLength(packet.payload.length).Build(frame);
            ASSERT_TRUE(std::equal(packet.header.begin(),
                                   packet.header.end(),
                                   frame.Header().begin(),
                                   frame.Header().end()));
        }
    }
}

TEST(SessionsWorkload, ManySessionsComplete)
{
    for (const std::string protocol : {"tcp", "udp"})
    {
        for (const std::string arrivals : {"fixed", "poisson"})
        {
            for (const Duration gap : {Duration{0}, Duration{50'000'000}})
            {
                auto section = Section(protocol, 3000, 4);
                section.arrivals = arrivals;
                section.gap = gap;
                section.ratePerSecondMilli = 100'000'000; // 100,000 a second: sessions overlap
                auto workload = Make(section);
                Network network(workload);
                network.Run();
                const auto counters = workload.Counters();
                EXPECT_EQ(counters.sessionsCompleted, 3000U);
                EXPECT_EQ(counters.sessionsEstablished, 3000U);
                EXPECT_EQ(counters.sessionsBroken, 0U);
                EXPECT_EQ(counters.packetsInjected, 3000U * (protocol == "tcp" ? 14 : 8));
                EXPECT_EQ(counters.packetsDelivered, counters.packetsInjected);
                EXPECT_EQ(network.listener.ended.size(), 3000U);
            }
        }
    }
}

TEST(SessionsWorkload, NoDataAtAllIsOpenAndClose)
{
    auto workload = Make(Section("tcp", 1, 0));
    Network network(workload);
    network.Run();
    EXPECT_EQ(network.sent.size(), 6U);
    EXPECT_EQ(workload.Counters().sessionsCompleted, 1U);
}

TEST(SessionsWorkload, TwoRunsSendTheSameAndAnotherSeedDoesNot)
{
    auto section = Section("tcp", 500, 2);
    section.arrivals = "poisson";
    const auto run = [&section](std::uint64_t seed)
    {
        auto workload = Make(section, seed);
        Network network(workload);
        network.Run();
        return network.sent;
    };
    const auto first = run(11);
    EXPECT_EQ(first, run(11));
    EXPECT_NE(first, run(12));
}

TEST(SessionsWorkload, LossOfEachPacketBreaksTheSessionAndOnlyIt)
{
    struct Case
    {
        std::uint32_t victim;   ///< by order of injection
        std::uint32_t injected; ///< packets that are sent in all
    };

    // Order: SYN, SYN/ACK, ACK, D0, D1, R0, R1, FIN, FIN/ACK, ACK; as in the test above.
    for (const auto& [victim, injected] : {Case{1, 1},
                                           Case{2, 2},
                                           Case{3, 10},
                                           Case{4, 6}, // no R0, so no FIN
                                           Case{5, 6},
                                           Case{6, 7},
                                           Case{7, 7},
                                           Case{8, 8},
                                           Case{9, 9},
                                           Case{10, 10}})
    {
        auto workload = Make(Section("tcp", 1, 2));
        Network network(workload);
        network.isDropped = [victim = victim](std::uint32_t id, const PacketView&)
        {
            return id == victim;
        };
        network.Run();
        EXPECT_EQ(workload.Counters().packetsInjected, injected) << victim;
        EXPECT_EQ(workload.Counters().packetsDelivered, injected - 1) << victim;
        EXPECT_EQ(workload.Counters().sessionsBroken, 1U) << victim;
        EXPECT_EQ(network.listener.ended, (std::map<std::uint32_t, bool>{{0, false}})) << victim;
        EXPECT_EQ(workload.Counters().sessionsEstablished, victim == 1 ? 0U : 1U);
        EXPECT_FALSE(workload.HasTrafficLeft(0));
    }
}

TEST(SessionsWorkload, OneLossAmongManyBreaksOneSession)
{
    auto section = Section("tcp", 1000, 2);
    section.ratePerSecondMilli = 1'000'000'000;
    auto workload = Make(section);
    Network network(workload);
    network.isDropped = [](std::uint32_t id, const PacketView&)
    {
        return id == 4321;
    };
    network.Run();
    EXPECT_EQ(workload.Counters().sessionsBroken, 1U);
    EXPECT_EQ(workload.Counters().sessionsCompleted, 999U);
}

TEST(SessionsWorkload, ChangedTranslationIsAnUnknownConnectionThatIsNotAnswered)
{
    auto workload = Make(Section("udp", 2, 4));
    Network network(workload);
    const FlowKey victim = workload.KeyOf(0);
    int seen = 0;
    network.moved = [&](std::uint32_t, const FlowKey& original, Endpoint translated)
    {
        seen += original == victim ? 1 : 0;
        return original == victim && seen == 3 ? Endpoint{Network::EXTERNAL, 50'000} : translated;
    };
    network.Run();
    EXPECT_EQ(network.arrivals[Arrival::UNKNOWN_CONNECTION], 1U);
    EXPECT_EQ(workload.Counters().packetsUnknown, 1U);
    EXPECT_EQ(workload.Counters().packetsInjected, 15U); // no answer to the third request
    EXPECT_EQ(network.listener.Unfinished(), (std::set<std::uint32_t>{0}));
}

TEST(SessionsWorkload, StatesOfASessionOverTime)
{
    const SessionsWorkload fresh = Make(Section("tcp", 2, 1));
    const FlowKey key = fresh.KeyOf(1);
    EXPECT_EQ(fresh.SessionOf(key), std::nullopt); // not started
    EXPECT_EQ(fresh.StartOf(1), std::nullopt);
    EXPECT_TRUE(fresh.HasTrafficLeft(1));

    auto workload = Make(Section("tcp", 2, 1));
    Network network(workload);
    network.Run();
    EXPECT_EQ(workload.SessionOf(key), 1U);
    EXPECT_EQ(workload.StartOf(1), Instant{Duration{1'000'000'000}});
    EXPECT_FALSE(workload.HasTrafficLeft(1));
    EXPECT_EQ(workload.NextWakeup(), std::nullopt);
}

TEST(SessionsWorkload, ImpossibleParametersAreRefused)
{
    const auto refused = [](auto&& change)
    {
        auto section = Section("tcp", 1, 1);
        change(section);
        EXPECT_THROW(Make(section), std::invalid_argument);
    };
    refused(
        [](SessionsSection& s)
        {
        s.protocol = "sctp";
    });
    refused(
        [](SessionsSection& s)
        {
        s.arrivals = "bursts";
    });
    refused(
        [](SessionsSection& s)
        {
        s.sessions = 0;
    });
    refused(
        [](SessionsSection& s)
        {
        s.sessions = 16'000'001;
    });
    refused(
        [](SessionsSection& s)
        {
        s.ratePerSecondMilli = 0;
    });
    refused(
        [](SessionsSection& s)
        {
        s.payloadBytes = 65'496;
    });
    refused(
        [](SessionsSection& s)
        {
        s.gap = Duration{-1};
    });
    refused(
        [](SessionsSection& s)
        {
        s.protocol = "udp";
        s.packets = 0;
    });
}

std::vector<ServiceSection>
OneService()
{
    std::vector<ServiceSection> services(1);
    services[0].inside = INSIDE;
    return services;
}

TEST(WorkloadSet, SeveralWorkloadsShareARun)
{
    std::vector<WorkloadSection> sections(3);
    sections[0].name = "tcp";
    sections[0].kind = "sessions";
    sections[0].sessions = Section("tcp", 300, 2);
    sections[0].start = Duration{1'000'000'000'000};
    sections[1].name = "capture";
    sections[1].kind = "replay";
    sections[1].replay.fileResolved = FLOWCHAIN_SOURCE_DIR "/scenarios/data/web-dns-udp-icmp.pcap";
    sections[2].name = "udp";
    sections[2].kind = "sessions";
    sections[2].sessions = Section("udp", 400, 2);
    WorkloadSet set(sections, OneService(), 1);
    EXPECT_EQ(set.Sessions(), 825U);
    Network network(set);
    network.Run();
    EXPECT_EQ(set.Counters().sessionsStarted, 825U);
    EXPECT_EQ(set.Counters().sessionsCompleted, 825U);
    EXPECT_EQ(set.Counters().packetsDelivered, 300U * 10 + 2527 + 400 * 4);
    EXPECT_EQ(set.Skipped(), ReplaySkips{});
    std::set<FlowKey> keys;
    for (std::uint32_t session = 0; session < set.Sessions(); ++session)
    {
        keys.insert(set.KeyOf(session));
        EXPECT_EQ(set.SessionOf(set.KeyOf(session)), session);
        EXPECT_EQ(set.StartOf(session), network.listener.started.at(session));
    }
    EXPECT_EQ(keys.size(), 825U);
}

TEST(WorkloadSet, TheSameCaptureTwiceIsTwoSetsOfSessions)
{
    std::vector<WorkloadSection> sections(2);
    for (auto& section : sections)
    {
        section.kind = "replay";
        section.replay.fileResolved = FLOWCHAIN_SOURCE_DIR "/scenarios/data/web-dns-udp-icmp.pcap";
    }
    sections[1].start = Duration{10'000'000'000'000};
    WorkloadSet set(sections, OneService(), 1);
    Network network(set);
    network.Run();
    EXPECT_EQ(set.Counters().sessionsCompleted, 250U);
    EXPECT_EQ(set.KeyOf(0), set.KeyOf(125));
    EXPECT_EQ(set.SessionOf(set.KeyOf(0)), 125U); // the one that started last
}

TEST(WorkloadSet, ErrorsNameTheWorkload)
{
    std::vector<WorkloadSection> sections(1);
    sections[0].name = "burst";
    sections[0].kind = "sessions";
    try
    {
        WorkloadSet set(sections, OneService(), 1);
        FAIL();
    }
    catch (const std::invalid_argument& error)
    {
        EXPECT_EQ(std::string(error.what()), "workload \"burst\": sessions are 1 to 16000000");
    }
}

} // namespace
} // namespace flowchain
