// SPDX-License-Identifier: GPL-2.0-only
#include "packet-builder.h"
#include "replay-workload.h"
#include "workload-capture-builder.h"
#include "workload-harness.h"

#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <vector>

namespace flowchain
{
namespace
{

using namespace flowchain::testing;

ReplayWorkload
RealReplay(std::uint32_t timeScalePermille = 1000, Instant start = {})
{
    return {ReplayCapture(PcapFile::Load(CAPTURE), INSIDE), start, timeScalePermille, 0};
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

TEST(ReplayWorkload, AnswerWaitsForTheLastOfTheInsidePacketsBeforeIt)
{
    // in 0, in 10, out 30, out 31, in 40, out 45 (all ns); the first packet takes 1 us longer.
    const auto in = PacketBuilder().Udp(DNS);
    const auto out = PacketBuilder().Udp(DNS.Reversed());
    ReplayWorkload replay(CaptureBuilder()
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
        CaptureBuilder().Add(0, in).Add(10, out).Add(20, in).Add(30, out).Add(40, in).Parse(),
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
        CaptureBuilder().Add(0, PacketBuilder().Udp(DNS)).Parse(), Instant{}, 1000, 0);
    PacketLedger ledger;
    HeapPool pool(ledger);
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

TEST(ReplayWorkload, NothingToReplayIsAnError)
{
    EXPECT_THROW(ReplayWorkload(CaptureBuilder().Parse(), Instant{}, 1000, 0),
                 std::invalid_argument);
}

} // namespace
} // namespace flowchain
