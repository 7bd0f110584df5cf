// SPDX-License-Identifier: GPL-2.0-only
#include "maglev.h"

#include "flow-hash.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

/** The paper's h1 and h2. */
constexpr std::uint64_t OFFSET_SEED = 0x9e3779b97f4a7c15ULL;
constexpr std::uint64_t SKIP_SEED = 2 * OFFSET_SEED;

constexpr std::uint16_t FREE = 0xffff;

} // namespace

MaglevTable::MaglevTable(const std::vector<Candidate>& candidates, std::uint32_t size)
{
    if (candidates.empty())
    {
        return;
    }
    assert(IsPrime(size) && candidates.size() < size);
    std::vector<Preference> preferences;
    for (const Candidate& candidate : candidates)
    {
        const auto offset = Mix64(Mix64(candidate.name) + OFFSET_SEED) % size;
        const auto skip = Mix64(Mix64(candidate.name) + SKIP_SEED) % (size - 1) + 1;
        preferences.push_back({static_cast<std::uint32_t>(offset),
                               static_cast<std::uint32_t>(skip),
                               candidate.weight});
    }
    m_slots = Populate(preferences, size);
}

std::vector<std::uint16_t>
MaglevTable::Populate(const std::vector<Preference>& preferences, std::uint32_t size)
{
    assert(!preferences.empty() && preferences.size() <= CANDIDATES_MAX);
    std::uint64_t weightMax = 0;
    for (const Preference& preference : preferences)
    {
        assert(preference.weight >= 1);
        weightMax = std::max<std::uint64_t>(weightMax, preference.weight);
    }
    std::vector<std::uint16_t> slots(size, FREE);
    std::vector<std::uint32_t> next;
    std::vector<std::uint64_t> credit(preferences.size(), 0);
    for (const Preference& preference : preferences)
    {
        next.push_back(preference.offset);
    }
    for (std::uint32_t filled = 0;;)
    {
        for (std::size_t i = 0; i < preferences.size(); ++i)
        {
            credit[i] += preferences[i].weight;
            if (credit[i] < weightMax)
            {
                continue;
            }
            credit[i] -= weightMax;
            while (slots[next[i]] != FREE)
            {
                next[i] = (next[i] + preferences[i].skip) % size;
            }
            slots[next[i]] = static_cast<std::uint16_t>(i);
            if (++filled == size)
            {
                return slots;
            }
        }
    }
}

bool
IsPrime(std::uint32_t number)
{
    if (number < 2)
    {
        return false;
    }
    for (std::uint64_t divisor = 2; divisor * divisor <= number; ++divisor)
    {
        if (number % divisor == 0)
        {
            return false;
        }
    }
    return true;
}

} // namespace flowchain
