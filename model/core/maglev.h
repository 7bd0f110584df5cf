// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_MAGLEV_H
#define FLOWCHAIN_MAGLEV_H

#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * Lookup table of Maglev hashing (Eisenbud et al., NSDI'16, section 3.4): the candidates take turns
 * to claim their next preferred slot. All shares are nearly equal (by at most one slot with equal
 * weights), and when a candidate leaves, few slots of the others change hands.
 *
 * Weights alter how often a candidate's turn comes, as the paper suggests: one of half the largest
 * weight has every second turn.
 */
class MaglevTable
{
  public:
    struct Candidate
    {
        std::uint64_t name = 0;   ///< decides on the order of preference; of no two the same
        std::uint32_t weight = 1; ///< at least 1
    };

    /** Slots offset, offset + skip, ... modulo the table's size, in order of preference. */
    struct Preference
    {
        std::uint32_t offset = 0; ///< below the size
        std::uint32_t skip = 1;   ///< 1 to size - 1
        std::uint32_t weight = 1;
    };

    static constexpr std::uint32_t CANDIDATES_MAX = 65535;

    /** No candidate. */
    MaglevTable() = default;

    /** @param size a prime, larger than the number of candidates */
    MaglevTable(const std::vector<Candidate>& candidates, std::uint32_t size);

    /** The table's slots, each with the index of a candidate; at least one candidate. */
    static std::vector<std::uint16_t> Populate(const std::vector<Preference>& preferences,
                                               std::uint32_t size);

    bool IsEmpty() const
    {
        return m_slots.empty();
    }

    /** @returns the index of a candidate. @pre !IsEmpty() */
    std::uint16_t Find(std::uint64_t hash) const
    {
        return m_slots[hash % m_slots.size()];
    }

    const std::vector<std::uint16_t>& Slots() const
    {
        return m_slots;
    }

  private:
    std::vector<std::uint16_t> m_slots;
};

/** Whether `number` is a prime, by trial division. */
bool IsPrime(std::uint32_t number);

} // namespace flowchain

#endif
