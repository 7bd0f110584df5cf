// SPDX-License-Identifier: GPL-2.0-only
#include "deterministic-random.h"
#include "session-generator.h"

#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>
#include <limits>
#include <set>
#include <stdexcept>

namespace flowchain
{
namespace
{

constexpr double UNIT = 1.0 / (std::uint64_t{1} << EXPONENTIAL_FRACTION_BITS);

TEST(SplitMix64, FirstNumbersAreThoseOfTheReferenceImplementation)
{
    // Seed 1234567: rosettacode.org, Pseudo-random numbers/Splitmix64.
    SplitMix64 random(1234567);
    EXPECT_EQ(random.Next(), 6457827717110365317ULL);
    EXPECT_EQ(random.Next(), 3203168211198807973ULL);
    EXPECT_EQ(random.Next(), 9817491932198370423ULL);
}

TEST(ExponentialFrom, AgreesWithLibm)
{
    SplitMix64 random(1);
    for (int i = 0; i < 100'000; ++i)
    {
        const std::uint64_t uniform = random.Next() >> (i % 64);
        const double exact = 64 * std::log(2.0) - std::log(static_cast<double>(uniform) + 1);
        ASSERT_NEAR(static_cast<double>(ExponentialFrom(uniform)) * UNIT, exact, 3 * UNIT + 1e-13)
            << uniform;
    }
}

TEST(ExponentialFrom, Ends)
{
    EXPECT_EQ(ExponentialFrom(std::numeric_limits<std::uint64_t>::max()), 0U);
    EXPECT_LE(ExponentialFrom(std::numeric_limits<std::uint64_t>::max() - 1), 1U);
    EXPECT_NEAR(static_cast<double>(ExponentialFrom(0)) * UNIT, 64 * std::log(2.0), 1e-9);
}

TEST(ExponentialFrom, MeanVarianceAndTailOfTheDistribution)
{
    SplitMix64 random(42);
    constexpr int DRAWS = 1'000'000;
    double sum = 0;
    double squares = 0;
    int aboveOne = 0;
    int aboveFour = 0;
    for (int i = 0; i < DRAWS; ++i)
    {
        const double x = static_cast<double>(ExponentialFrom(random.Next())) * UNIT;
        sum += x;
        squares += x * x;
        aboveOne += x > 1 ? 1 : 0;
        aboveFour += x > 4 ? 1 : 0;
    }
    // Standard errors: mean 1/sqrt(n) = 0.001; variance sqrt(8/n) = 0.0028 (fourth central moment
    // 9); a share p sqrt(p(1-p)/n). Four of each are allowed.
    const double mean = sum / DRAWS;
    EXPECT_NEAR(mean, 1, 4 * 0.001);
    EXPECT_NEAR(squares / DRAWS - mean * mean, 1, 4 * 0.0029);
    EXPECT_NEAR(static_cast<double>(aboveOne) / DRAWS, std::exp(-1), 4 * 0.00049);
    EXPECT_NEAR(static_cast<double>(aboveFour) / DRAWS, std::exp(-4), 4 * 0.00014);
}

TEST(ArrivalProcess, FixedArrivalsDoNotDrift)
{
    // 3 a second: 0, 333,333,333,333 ps, 666,666,666,666 ps, 1 s exactly.
    ArrivalProcess arrivals(ArrivalProcess::Kind::FIXED, Instant{Duration{5}}, 3000, SplitMix64(1));
    for (const std::int64_t expected :
         {0LL, 333'333'333'333LL, 666'666'666'666LL, 1'000'000'000'000LL})
    {
        EXPECT_EQ(arrivals.Next(), Instant{Duration{5 + expected}});
    }
}

TEST(ArrivalProcess, PoissonCountsHaveEqualMeanAndVariance)
{
    // 1000 a second; arrivals in each of 2000 windows of 10 ms: mean 10, variance 10.
    ArrivalProcess arrivals(ArrivalProcess::Kind::POISSON, Instant{}, 1'000'000, SplitMix64(7));
    constexpr int WINDOWS = 2000;
    const Duration window{10'000'000'000};
    Instant next = arrivals.Next();
    double sum = 0;
    double squares = 0;
    for (int i = 1; i <= WINDOWS; ++i)
    {
        int count = 0;
        for (; next < Instant{window * i}; ++count)
        {
            const Instant following = arrivals.Next();
            ASSERT_LE(next, following);
            next = following;
        }
        sum += count;
        squares += count * count;
    }
    // Standard errors: mean sqrt(10/2000) = 0.071; variance sqrt((10 + 2 * 100)/2000) = 0.32.
    const double mean = sum / WINDOWS;
    EXPECT_NEAR(mean, 10, 4 * 0.071);
    EXPECT_NEAR(squares / WINDOWS - mean * mean, 10, 4 * 0.33);
}

TEST(ArrivalProcess, BeyondTheRangeOfTimeIsNever)
{
    // One in 1000 s: 9223 arrivals fit into 2^63 ps.
    ArrivalProcess arrivals(ArrivalProcess::Kind::FIXED, Instant{}, 1, SplitMix64(1));
    for (int i = 0; i <= 9223; ++i)
    {
        ASSERT_NE(arrivals.Next(), NEVER) << i;
    }
    EXPECT_EQ(arrivals.Next(), NEVER);
}

TEST(SessionTuples, OneToOneAndInvertible)
{
    struct Case
    {
        Prefix inside;
        std::uint64_t step;
    };

    // A large prefix, and one with two client addresses, where server addresses must differ.
    for (const auto& [inside, step] : {Case{{0x0a000000, 8}, 999'983}, Case{{0x0a0000f0, 30}, 1}})
    {
        const SessionTuples tuples(inside, 3, IpProtocol::TCP, 99);
        std::set<FlowKey> seen;
        for (std::uint64_t i = 0; i < 20'000; ++i)
        {
            const std::uint64_t session = i * step;
            const FlowKey key = tuples.KeyOf(session);
            ASSERT_TRUE(seen.insert(key).second);
            ASSERT_EQ(tuples.SessionOf(key), session);
            ASSERT_TRUE(inside.Contains(key.source.address));
            const std::uint32_t half = std::uint32_t{1} << (31 - inside.length);
            ASSERT_EQ(key.source.address & half, half);
            ASSERT_TRUE((Prefix{0xc6120000, 15}.Contains(key.destination.address)));
            ASSERT_GE(key.source.port, 1024 + 3 * 4032);
            ASSERT_LT(key.source.port, 1024 + 4 * 4032);
        }
    }
}

TEST(SessionTuples, OtherTuplesHaveNoSession)
{
    const SessionTuples tuples({0x0a000000, 8}, 0, IpProtocol::UDP, 99);
    const FlowKey good = tuples.KeyOf(5);
    ASSERT_EQ(tuples.SessionOf(good), 5U);
    FlowKey key = good;
    key.protocol = IpProtocol::TCP;
    EXPECT_EQ(tuples.SessionOf(key), std::nullopt);
    key = good;
    key.source.address = 0x0a000005; // lower half
    EXPECT_EQ(tuples.SessionOf(key), std::nullopt);
    key = good;
    key.source.port = 1023;
    EXPECT_EQ(tuples.SessionOf(key), std::nullopt);
    key = good;
    key.source.port = 1024 + 4032; // of the next generator
    EXPECT_EQ(tuples.SessionOf(key), std::nullopt);
    key = good;
    key.destination.address = 0xc6140000;
    EXPECT_EQ(tuples.SessionOf(key), std::nullopt);
    EXPECT_EQ(tuples.SessionOf(good.Reversed()), std::nullopt);
}

TEST(SessionTuples, ImpossibleParametersAreRefused)
{
    EXPECT_THROW(SessionTuples({0x0a000001, 32}, 0, IpProtocol::TCP, 1), std::invalid_argument);
    EXPECT_THROW(SessionTuples({0x0a000000, 8}, 16, IpProtocol::TCP, 1), std::invalid_argument);
    const SessionTuples last({0x0a000000, 8}, 15, IpProtocol::TCP, 1);
    EXPECT_LE(1024U + 16 * SessionTuples::PORTS, 65'536U);
    EXPECT_GE(last.KeyOf(4031ULL << 16).source.port, 65'535 - 1);
}

} // namespace
} // namespace flowchain
