// SPDX-License-Identifier: GPL-2.0-only
#include "maglev.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace flowchain
{
namespace
{

using Slots = std::vector<std::uint16_t>;

std::vector<MaglevTable::Candidate>
Candidates(std::size_t count, std::uint64_t first = 0xc6336400)
{
    std::vector<MaglevTable::Candidate> candidates;
    for (std::size_t i = 0; i < count; ++i)
    {
        candidates.push_back({first + i, 1});
    }
    return candidates;
}

/** Slots of each candidate. */
std::vector<std::uint32_t>
Shares(const Slots& slots, std::size_t candidates)
{
    std::vector<std::uint32_t> shares(candidates, 0);
    for (const std::uint16_t candidate : slots)
    {
        ++shares.at(candidate);
    }
    return shares;
}

/** Table 1 of the paper: permutations and lookup tables before and after B1 is removed. */
TEST(Maglev, GivesTheTableOfThePaper)
{
    const MaglevTable::Preference b0{3, 4};
    const MaglevTable::Preference b1{0, 2};
    const MaglevTable::Preference b2{3, 1};
    EXPECT_EQ(MaglevTable::Populate({b0, b1, b2}, 7), (Slots{1, 0, 1, 0, 2, 2, 0}));
    EXPECT_EQ(MaglevTable::Populate({b0, b2}, 7), (Slots{0, 0, 0, 0, 1, 1, 1}));
}

/** Section 5.3: "the number of table entries assigned to backends can differ by at most 1": with a
 * table of 100 times the backends, by at most 1 % of a share. */
TEST(Maglev, SharesDifferByOneSlotAtMost)
{
    for (const std::uint32_t size : {251U, 65537U, 655373U})
    {
        for (const std::size_t count : {1U, 2U, 3U, 7U, 64U, 250U})
        {
            const auto shares = Shares(MaglevTable(Candidates(count), size).Slots(), count);
            const auto [least, most] = std::minmax_element(shares.begin(), shares.end());
            EXPECT_LE(*most - *least, 1U) << count << " in " << size;
            EXPECT_GE(*least, size / count) << count << " in " << size;
            if (size >= 100 * count)
            {
                EXPECT_LE((*most - *least) * 100, *least) << count << " in " << size;
            }
        }
    }
}

/** When one of n leaves, its share must move; what moves beyond is the disruption. Figure 12 of the
 * paper: small, and smaller in a larger table. */
TEST(Maglev, FewSlotsOfTheOthersMoveWhenOneLeaves)
{
    constexpr std::size_t COUNT = 100;
    std::vector<std::uint64_t> perMillion;
    for (const std::uint32_t size : {65537U, 655373U})
    {
        const auto all = Candidates(COUNT);
        const Slots before = MaglevTable(all, size).Slots();
        std::uint64_t disrupted = 0;
        for (std::size_t gone = 0; gone < COUNT; gone += 10)
        {
            auto rest = all;
            rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(gone));
            const Slots after = MaglevTable(rest, size).Slots();
            for (std::uint32_t i = 0; i < size; ++i)
            {
                const std::size_t now = after[i] + (after[i] >= gone ? 1U : 0U);
                disrupted += before[i] != gone && before[i] != now ? 1 : 0;
            }
        }
        perMillion.push_back(disrupted * 1'000'000 / (std::uint64_t{size} * COUNT / 10));
    }
    EXPECT_LT(perMillion[0], 30'000U);
    EXPECT_LT(perMillion[1], 10'000U);
    EXPECT_GT(perMillion[0], perMillion[1]);
}

TEST(Maglev, WeightsAreShares)
{
    auto candidates = Candidates(3);
    candidates[0].weight = 1;
    candidates[1].weight = 2;
    candidates[2].weight = 4;
    const auto shares = Shares(MaglevTable(candidates, 65537).Slots(), 3);
    EXPECT_NEAR(shares[0], 65537.0 / 7, 2);
    EXPECT_NEAR(shares[1], 65537.0 * 2 / 7, 2);
    EXPECT_NEAR(shares[2], 65537.0 * 4 / 7, 2);
}

TEST(Maglev, NobodyToFindInAnEmptyTable)
{
    EXPECT_TRUE(MaglevTable().IsEmpty());
    EXPECT_TRUE(MaglevTable({}, 65537).IsEmpty());
    EXPECT_EQ(MaglevTable(Candidates(1), 2).Find(12345), 0);
}

TEST(MaglevDeathTest, TheSizeIsAPrimeAboveTheCandidates)
{
    EXPECT_DEATH(MaglevTable(Candidates(2), 65536), "");
    EXPECT_DEATH(MaglevTable(Candidates(7), 7), "");
}

TEST(Maglev, KnowsPrimes)
{
    std::set<std::uint32_t> primes;
    for (std::uint32_t number = 0; number < 60; ++number)
    {
        if (IsPrime(number))
        {
            primes.insert(number);
        }
    }
    EXPECT_EQ(
        primes,
        (std::set<std::uint32_t>{2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59}));
    EXPECT_TRUE(IsPrime(65537));
    EXPECT_TRUE(IsPrime(4294967291));
    EXPECT_FALSE(IsPrime(65521U * 65519U));
}

/** The paper's pseudocode, with the permutations written out. */
Slots
PaperPopulate(const std::vector<MaglevTable::Preference>& preferences, std::uint32_t size)
{
    std::vector<std::vector<std::uint32_t>> permutation;
    for (const auto& preference : preferences)
    {
        auto& row = permutation.emplace_back();
        for (std::uint64_t j = 0; j < size; ++j)
        {
            row.push_back(
                static_cast<std::uint32_t>((preference.offset + j * preference.skip) % size));
        }
    }
    std::vector<std::uint32_t> next(preferences.size(), 0);
    std::vector<int> entry(size, -1);
    for (std::uint32_t n = 0;;)
    {
        for (std::size_t i = 0; i < preferences.size(); ++i)
        {
            std::uint32_t c = permutation[i][next[i]];
            while (entry[c] >= 0)
            {
                c = permutation[i][++next[i]];
            }
            entry[c] = static_cast<int>(i);
            ++next[i];
            if (++n == size)
            {
                return {entry.begin(), entry.end()};
            }
        }
    }
}

RC_GTEST_PROP(Maglev, AgreesWithThePapersPseudocode, ())
{
    const auto size = *rc::gen::element<std::uint32_t>(2, 3, 5, 7, 31, 101, 251);
    const auto count = *rc::gen::inRange<std::size_t>(1, size);
    std::vector<MaglevTable::Preference> preferences;
    for (std::size_t i = 0; i < count; ++i)
    {
        preferences.push_back({*rc::gen::inRange<std::uint32_t>(0, size),
                               *rc::gen::inRange<std::uint32_t>(1, size),
                               1});
    }
    RC_ASSERT(MaglevTable::Populate(preferences, size) == PaperPopulate(preferences, size));
}

RC_GTEST_PROP(Maglev, EverybodyHasASlot, ())
{
    const auto count = *rc::gen::inRange<std::size_t>(1, 251);
    const auto names =
        *rc::gen::unique<std::vector<std::uint64_t>>(count, rc::gen::arbitrary<std::uint64_t>());
    std::vector<MaglevTable::Candidate> candidates;
    for (const std::uint64_t name : names)
    {
        candidates.push_back({name, 1});
    }
    const auto shares = Shares(MaglevTable(candidates, 251).Slots(), count);
    RC_ASSERT(*std::min_element(shares.begin(), shares.end()) > 0U);
}

} // namespace
} // namespace flowchain
