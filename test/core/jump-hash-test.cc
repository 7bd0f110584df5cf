// SPDX-License-Identifier: GPL-2.0-only
#include "jump-hash.h"

#include "flow-hash.h"

#include <boost/math/distributions/chi_squared.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace flowchain
{
namespace
{

/** Figure 1 of Lamping & Veach 2014, in its doubles. */
std::uint32_t
PaperJumpHash(std::uint64_t key, std::uint32_t buckets)
{
    std::int64_t b = -1;
    std::int64_t j = 0;
    while (j < buckets)
    {
        b = j;
        key = key * 2862933555777941757ULL + 1;
        j = static_cast<std::int64_t>(
            static_cast<double>(b + 1) *
            (static_cast<double>(1LL << 31) / static_cast<double>((key >> 33) + 1)));
    }
    return static_cast<std::uint32_t>(b);
}

struct Vector
{
    std::uint64_t key;
    std::uint32_t buckets;
    std::uint32_t bucket;
};

/** Known answers of others: ClickHouse, tests/queries/0_stateless/
 * 00580_consistent_hashing_functions (.sql and .reference). */
TEST(JumpHash, AgreesWithClickHouse)
{
    for (const Vector& v : {Vector{1, 1, 0},
                            Vector{42, 57, 43},
                            Vector{256, 1024, 520},
                            Vector{3735883980, 1, 0},
                            Vector{3735883980, 666, 361},
                            Vector{16045690984833335023ULL, 255, 237}})
    {
        EXPECT_EQ(JumpHash(v.key, v.buckets), v.bucket) << v.key;
    }
}

/** Guava, HashingTest.java, testConsistentHash_linearCongruentialGeneratorCompatibility (keys 1-5);
 * microsoft/accessibility-insights-service, jump-consistent-hash.spec.ts (all). */
TEST(JumpHash, AgreesWithGuavaAndOthers)
{
    const std::vector<std::uint32_t> of100 = {0,  55, 62, 8,  45, 59, 86, 97, 82, 59,
                                              73, 37, 17, 56, 86, 21, 90, 37, 38, 83};
    for (std::uint64_t key = 0; key < of100.size(); ++key)
    {
        EXPECT_EQ(JumpHash(key, 100), of100[key]) << key;
    }
    for (const Vector& v : {Vector{10863919174838991ULL, 11, 6},
                            Vector{2016238256797177309ULL, 11, 3},
                            Vector{1673758223894951030ULL, 11, 5},
                            Vector{2, 100001, 80343},
                            Vector{2201, 100001, 22152},
                            Vector{2202, 100001, 15018}})
    {
        EXPECT_EQ(JumpHash(v.key, v.buckets), v.bucket) << v.key;
    }
}

/** Where the paper's doubles round a whole quotient down, the integers do not: 64 * 49 * 2^25 / 49
 * / 2^25 = 64. */
TEST(JumpHash, DiffersFromDoublesOnlyByTheirRounding)
{
    const auto exact = (49ULL << 31) / (49ULL << 25);
    const auto rounded = static_cast<std::uint64_t>(
        49.0 * (static_cast<double>(1LL << 31) / static_cast<double>(49ULL << 25)));
    EXPECT_EQ(exact, 64U);
    EXPECT_EQ(rounded, 63U);
}

RC_GTEST_PROP(JumpHash, AgreesWithThePaper, ())
{
    const auto key = *rc::gen::arbitrary<std::uint64_t>();
    const auto buckets = *rc::gen::inRange<std::uint32_t>(1, 1 << 20);
    for (std::uint64_t i = 0; i < 100; ++i)
    {
        RC_ASSERT(JumpHash(Mix64(key + i), buckets) == PaperJumpHash(Mix64(key + i), buckets));
    }
}

RC_GTEST_PROP(JumpHash, AKeyMovesOnlyToANewBucket, ())
{
    const auto key = *rc::gen::arbitrary<std::uint64_t>();
    std::uint32_t bucket = 0;
    for (std::uint32_t buckets = 1; buckets <= 300; ++buckets)
    {
        const std::uint32_t now = JumpHash(key, buckets);
        RC_ASSERT(now == bucket || now == buckets - 1);
        bucket = now;
    }
}

TEST(JumpHash, BucketsHaveEqualShares)
{
    for (const std::uint32_t buckets : {2U, 7U, 64U, 160U})
    {
        std::vector<std::uint32_t> counts(buckets, 0);
        constexpr std::uint32_t KEYS = 200'000;
        for (std::uint64_t key = 0; key < KEYS; ++key)
        {
            ++counts[JumpHash(Mix64(key), buckets)];
        }
        const double expected = static_cast<double>(KEYS) / buckets;
        double chiSquare = 0;
        for (const std::uint32_t count : counts)
        {
            chiSquare += (count - expected) * (count - expected) / expected;
        }
        const boost::math::chi_squared distribution(buckets - 1);
        EXPECT_LT(chiSquare, boost::math::quantile(distribution, 0.9999)) << buckets;
    }
}

} // namespace
} // namespace flowchain
