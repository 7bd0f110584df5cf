// SPDX-License-Identifier: GPL-2.0-only
#include "flow-table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace flowchain
{
namespace
{

/** Halves of a hash that crowd a few buckets, at both ends of every table: runs that wrap around.
 */
std::uint64_t
CrowdedHash(std::uint32_t choice)
{
    const std::uint32_t low = choice % 4;
    const std::uint32_t high = choice / 4 % 3;
    const std::uint32_t half = choice % 2 == 0 ? low + (high << 20) : 0xfffffffe + low % 2;
    return (std::uint64_t{half} << 32) | choice;
}

/** FlowIndex beside a std::map from hash to slot: one key for each hash. */
class IndexAndOracle
{
  public:
    void Toggle(std::uint64_t hash)
    {
        const auto known = m_oracle.find(hash);
        if (known != m_oracle.end())
        {
            m_index.Erase(hash, known->second);
            m_oracle.erase(known);
            return;
        }
        const auto slot = static_cast<std::uint32_t>(m_hashes.size());
        m_hashes.push_back(hash);
        m_index.Insert(hash, slot);
        m_oracle.emplace(hash, slot);
    }

    std::uint32_t Find(std::uint64_t hash)
    {
        return m_index.Find(hash,
                            [&](std::uint32_t slot)
                            {
            return m_hashes[slot] == hash;
        });
    }

    void Check(const std::vector<std::uint64_t>& hashes)
    {
        RC_ASSERT(m_index.Size() == m_oracle.size());
        RC_ASSERT(m_index.Size() * sizeof(std::uint64_t) * 4 <= m_index.Bytes() * 3);
        for (const std::uint64_t hash : hashes)
        {
            const auto known = m_oracle.find(hash);
            RC_ASSERT(Find(hash) ==
                      (known == m_oracle.end() ? FlowIndex::NOT_FOUND : known->second));
        }
    }

  private:
    FlowIndex m_index;
    std::map<std::uint64_t, std::uint32_t> m_oracle;
    std::vector<std::uint64_t> m_hashes; ///< index: slot
};

RC_GTEST_PROP(FlowIndex, AgreesWithAMapWhenBucketsAreCrowded, ())
{
    const auto choices =
        *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, 48));
    std::vector<std::uint64_t> all;
    for (std::uint32_t choice = 0; choice < 48; ++choice)
    {
        all.push_back(CrowdedHash(choice));
    }
    IndexAndOracle both;
    for (const std::uint32_t choice : choices)
    {
        both.Toggle(CrowdedHash(choice));
        both.Check(all);
    }
}

RC_GTEST_PROP(FlowIndex, AgreesWithAMapOnMixedHashes, ())
{
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto keys = *rc::gen::inRange<std::uint64_t>(1, 2000);
    const auto toggles = *rc::gen::inRange<std::uint64_t>(0, 6000);
    IndexAndOracle both;
    for (std::uint64_t i = 0; i < toggles; ++i)
    {
        both.Toggle(Mix64(Mix64(seed + i) % keys));
    }
    std::vector<std::uint64_t> hashes;
    for (std::uint64_t key = 0; key < keys; ++key)
    {
        hashes.push_back(Mix64(key));
    }
    both.Check(hashes);
}

TEST(FlowIndex, TakesNoMemoryBeforeTheFirstEntry)
{
    FlowIndex index;
    EXPECT_EQ(index.Bytes(), 0U);
    EXPECT_EQ(index.Find(7,
                         [](std::uint32_t)
                         {
        return true;
    }),
              FlowIndex::NOT_FOUND);
    index.Insert(7, 0);
    EXPECT_GT(index.Bytes(), 0U);
    EXPECT_LE(index.Bytes(), 128U);
}

TEST(FlowIndex, HalfAHashSparesComparisonsWithOtherKeys)
{
    constexpr std::uint64_t ENTRIES = 200'000;
    FlowIndex index;
    for (std::uint64_t i = 0; i < ENTRIES; ++i)
    {
        index.Insert(Mix64(i), static_cast<std::uint32_t>(i));
    }
    std::uint64_t comparisons = 0;
    for (std::uint64_t i = 0; i < ENTRIES; ++i)
    {
        const auto compare = [&](std::uint32_t slot)
        {
            ++comparisons;
            return slot == i;
        };
        ASSERT_EQ(index.Find(Mix64(i), compare), i);
        ASSERT_EQ(index.Find(Mix64(i + ENTRIES),
                             [&](std::uint32_t)
                             {
            ++comparisons;
            return false;
        }),
                  FlowIndex::NOT_FOUND);
    }
    // One for each entry that is there. Pairs of equal halves: 1.5 * ENTRIES^2 / 2^32, that is 14.
    EXPECT_LT(comparisons, ENTRIES + 100);
}

TEST(FlowIndexDeathTest, ErasingWhatIsNotThereIsABrokenInvariant)
{
    FlowIndex index;
    EXPECT_DEATH(index.Erase(1, 1), "");
    index.Insert(Mix64(1), 1);
    EXPECT_DEATH(index.Erase(Mix64(1), 2), "");
    EXPECT_DEATH(index.Erase(Mix64(2), 1), "");
    EXPECT_DEATH(index.Insert(Mix64(2), FlowIndex::NOT_FOUND), "");
}

struct Counter
{
    FlowKey key;
    int count = 0;
};

const FlowKey&
KeyOf(const Counter& counter)
{
    return counter.key;
}

using CounterTable = FlowTable<Counter, KeyOf>;

FlowKey
KeyNumber(std::uint32_t i)
{
    return {{0x0a000000 + i / 100, static_cast<std::uint16_t>(1024 + i % 100)},
            {0xc6336401, 443},
            i % 2 == 0 ? IpProtocol::TCP : IpProtocol::UDP};
}

TEST(FlowTable, RefusesAtItsLimitAndTakesAgainAfterAnErasure)
{
    CounterTable table(3);
    for (std::uint32_t i = 0; i < 3; ++i)
    {
        ASSERT_NE(table.Insert({KeyNumber(i), 1}), nullptr);
    }
    EXPECT_EQ(table.Insert({KeyNumber(3), 1}), nullptr);
    EXPECT_EQ(table.Size(), 3U);
    EXPECT_EQ(table.Find(KeyNumber(3)), nullptr);

    table.Erase(table.Find(KeyNumber(1)));
    EXPECT_EQ(table.Size(), 2U);
    EXPECT_EQ(table.Find(KeyNumber(1)), nullptr);
    ASSERT_NE(table.Insert({KeyNumber(3), 7}), nullptr);
    EXPECT_EQ(table.Find(KeyNumber(3))->count, 7);
    EXPECT_EQ(table.Insert({KeyNumber(1), 1}), nullptr);
}

TEST(FlowTable, ValuesKeepTheirAddressWhileTheTableGrows)
{
    constexpr std::uint32_t ENTRIES = 20'000;
    CounterTable table(ENTRIES);
    std::vector<Counter*> values;
    for (std::uint32_t i = 0; i < ENTRIES; ++i)
    {
        values.push_back(table.Insert({KeyNumber(i), static_cast<int>(i)}));
    }
    for (std::uint32_t i = 0; i < ENTRIES; ++i)
    {
        ASSERT_EQ(table.Find(KeyNumber(i)), values[i]);
        ASSERT_EQ(values[i]->count, static_cast<int>(i));
    }
}

TEST(FlowTableDeathTest, ErasingTwiceIsABrokenInvariant)
{
    CounterTable table(3);
    Counter* value = table.Insert({KeyNumber(0), 1});
    table.Insert({KeyNumber(1), 1});
    table.Erase(value);
    EXPECT_DEATH(table.Erase(value), "");
}

RC_GTEST_PROP(FlowTable, AgreesWithAMap, ())
{
    const auto limit = *rc::gen::inRange<std::uint32_t>(0, 40);
    const auto ops = *rc::gen::container<std::vector<std::pair<std::uint32_t, bool>>>(
        rc::gen::pair(rc::gen::inRange<std::uint32_t>(0, 60), rc::gen::arbitrary<bool>()));
    CounterTable table(limit);
    std::map<FlowKey, int> oracle;
    int count = 0;
    for (const auto& [number, erase] : ops)
    {
        const FlowKey key = KeyNumber(number);
        Counter* found = table.Find(key);
        RC_ASSERT((found != nullptr) == oracle.contains(key));
        if (found != nullptr)
        {
            RC_ASSERT(found->count == oracle[key]);
        }
        if (erase && found != nullptr)
        {
            table.Erase(found);
            oracle.erase(key);
        }
        else if (found == nullptr)
        {
            const bool inserted = table.Insert({key, ++count}) != nullptr;
            RC_ASSERT(inserted == (oracle.size() < limit));
            if (inserted)
            {
                oracle[key] = count;
            }
        }
        RC_ASSERT(table.Size() == oracle.size());
    }
}

} // namespace
} // namespace flowchain
