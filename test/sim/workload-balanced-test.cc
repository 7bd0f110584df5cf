// SPDX-License-Identifier: GPL-2.0-only
#include "workload-harness.h"
#include "workload-sessions.h"

#include <gtest/gtest.h>
#include <set>

namespace flowchain
{
namespace
{

using namespace flowchain::testing;

constexpr Prefix INSIDE{0x0a000000, 8};
constexpr Endpoint VIP{0xcb00710a, 80};
constexpr Endpoint OTHER_VIP{0xcb00710b, 443};
constexpr Endpoint BACKEND_A{0xc6336401, 8080};
constexpr Endpoint BACKEND_B{0xc6336402, 8080};
constexpr Endpoint STRANGER{0xc6336403, 8080};

SessionsSection
Section(const char* protocol)
{
    SessionsSection section;
    section.sessions = 100;
    section.ratePerSecondMilli = 1'000'000;
    section.protocol = protocol;
    section.packets = 3;
    return section;
}

SessionsWorkload
Balanced(const char* protocol)
{
    return {
        Section(protocol), INSIDE, Instant{}, 1, 0, 0, {{VIP, OTHER_VIP}, {BACKEND_A, BACKEND_B}}};
}

/** The backend of a session: of every other client port the second one. */
FlowKey
Right(const FlowKey& original)
{
    FlowKey key = original;
    key.destination = original.source.port % 2 == 0 ? BACKEND_A : BACKEND_B;
    return key;
}

TEST(BalancedWorkload, ClientsKnowTheVipAndServersTheBackend)
{
    for (const char* protocol : {"tcp", "udp"})
    {
        auto workload = Balanced(protocol);
        Network network(workload);
        network.balanced = [](std::uint32_t, const FlowKey& original)
        {
            return Right(original);
        };
        network.Run();
        EXPECT_EQ(workload.Counters().sessionsCompleted, 100U);
        EXPECT_EQ(workload.Counters().sessionsBroken, 0U);
        std::set<Endpoint> vips;
        for (const Sent& sent : network.sent)
        {
            if (sent.fromServer)
            {
                EXPECT_TRUE(sent.key.source == BACKEND_A || sent.key.source == BACKEND_B);
                EXPECT_TRUE(INSIDE.Contains(sent.key.destination.address));
            }
            else
            {
                vips.insert(sent.key.destination);
            }
        }
        EXPECT_EQ(vips, (std::set<Endpoint>{VIP, OTHER_VIP}));
        for (std::uint32_t session = 0; session < 100; ++session)
        {
            EXPECT_EQ(workload.SessionOf(workload.KeyOf(session)), session);
        }
    }
}

/** Of 100 UDP sessions of 6 packets each; a lost request has no answer. */
std::map<Arrival, std::uint64_t>
ArrivalsIf(std::function<FlowKey(std::uint32_t, const FlowKey&)> balanced,
           std::function<FlowKey(std::uint32_t, const FlowKey&)> answered = {})
{
    auto workload = Balanced("udp");
    Network network(workload);
    network.balanced = std::move(balanced);
    network.answered = std::move(answered);
    network.Run();
    return network.arrivals;
}

TEST(BalancedWorkload, ASessionThatMovesToAnotherBackendIsUnknownThere)
{
    // The packets of a session are sent at once, at the same time: 1, 2 and 3 are the first one's.
    const auto arrivals = ArrivalsIf(
        [](std::uint32_t id, const FlowKey& original)
        {
        FlowKey key = Right(original);
        key.destination =
            id == 2 ? (key.destination == BACKEND_A ? BACKEND_B : BACKEND_A) : key.destination;
        return key;
    });
    EXPECT_EQ(arrivals.at(Arrival::UNKNOWN_CONNECTION), 1U);
    EXPECT_EQ(arrivals.at(Arrival::DELIVERED), 598U);
}

TEST(BalancedWorkload, OnlyABackendTakesTheSession)
{
    const auto arrivals = ArrivalsIf(
        [](std::uint32_t id, const FlowKey& original)
        {
        FlowKey key = Right(original);
        key.destination = id == 1 ? STRANGER : key.destination;
        return key;
    });
    EXPECT_EQ(arrivals.at(Arrival::UNKNOWN_CONNECTION), 1U);
    EXPECT_EQ(arrivals.at(Arrival::DELIVERED), 598U);
}

TEST(BalancedWorkload, TheClientsEndpointStays)
{
    const auto arrivals = ArrivalsIf(
        [](std::uint32_t id, const FlowKey& original)
        {
        FlowKey key = Right(original);
        key.source.port = static_cast<std::uint16_t>(key.source.port + (id == 1 ? 1 : 0));
        return key;
    });
    EXPECT_EQ(arrivals.at(Arrival::CORRUPT), 1U);
    EXPECT_EQ(arrivals.at(Arrival::DELIVERED), 598U);
}

TEST(BalancedWorkload, AnAnswerThatDoesNotComeFromTheVipIsUnknown)
{
    const auto arrivals = ArrivalsIf(
        [](std::uint32_t, const FlowKey& original)
        {
        return Right(original);
        },
        [count = 0](std::uint32_t, const FlowKey& right) mutable
        {
        FlowKey key = right;
        key.source = count++ == 0 ? BACKEND_A : key.source;
        return key;
    });
    EXPECT_EQ(arrivals.at(Arrival::UNKNOWN_CONNECTION), 1U);
    EXPECT_EQ(arrivals.at(Arrival::DELIVERED), 599U);
}

} // namespace
} // namespace flowchain
