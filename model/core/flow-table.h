// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FLOW_TABLE_H
#define FLOWCHAIN_FLOW_TABLE_H

#include "chunked-vector.h"
#include "flow-hash.h"

#include <cassert>
#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * Open-addressing index from FlowKey to a 32-bit slot number: linear probing, 8 bytes an entry
 * (half of the hash, slot), load at most 3/4, power-of-two growth, backward-shift deletion. The
 * keys themselves stay with the owner of the slots, who passes a predicate. Memory is first taken
 * at the first Insert().
 */
class FlowIndex
{
  public:
    static constexpr std::uint32_t NOT_FOUND = 0xffffffff;

    /** @param matches bool(std::uint32_t slot): does the slot have the key that was hashed? */
    template <typename Matches>
    std::uint32_t Find(std::uint64_t hash, Matches&& matches) const
    {
        if (m_size == 0)
        {
            return NOT_FOUND;
        }
        const std::uint32_t half = HalfOf(hash);
        const Cell* const cells = m_cells.data();
        for (std::size_t i = half & m_mask;; i = (i + 1) & m_mask)
        {
            const Cell cell = cells[i];
            if (cell.slot == NOT_FOUND)
            {
                return NOT_FOUND;
            }
            if (cell.half == half && matches(cell.slot))
            {
                return cell.slot;
            }
        }
    }

    /** Add an entry. @pre no entry of this key is there, and slot is not NOT_FOUND. */
    void Insert(std::uint64_t hash, std::uint32_t slot);
    /** Remove the entry of exactly this hash and slot. @pre it is there. */
    void Erase(std::uint64_t hash, std::uint32_t slot);

    std::size_t Size() const
    {
        return m_size;
    }

    /** Memory held, in bytes. */
    std::size_t Bytes() const
    {
        return m_cells.capacity() * sizeof(Cell);
    }

  private:
    /** The home bucket of an entry is `half & m_mask`, so growth and deletion need no key; the bits
     * of `half` above the mask spare nearly every comparison with the key of another entry. */
    struct Cell
    {
        std::uint32_t half = 0;         ///< upper half of the hash
        std::uint32_t slot = NOT_FOUND; ///< NOT_FOUND: the cell is free
    };

    static constexpr std::size_t CELLS_MIN = 16;

    static constexpr std::uint32_t HalfOf(std::uint64_t hash)
    {
        return static_cast<std::uint32_t>(hash >> 32);
    }

    void Grow();
    void Place(Cell cell);

    std::vector<Cell> m_cells; ///< empty, or a power of two of them
    std::size_t m_mask = 0;    ///< number of cells - 1
    std::size_t m_size = 0;
};

/**
 * Bounded table of values, found by the FlowKey that `KeyOf(value)` refers to. A value keeps its
 * address until it is erased.
 */
template <typename Value, const FlowKey& (*KeyOf)(const Value&)>
class FlowTable
{
  public:
    explicit FlowTable(std::uint32_t entriesMax)
        : m_entriesMax(entriesMax)
    {
        assert(entriesMax < FlowIndex::NOT_FOUND);
    }

    Value* Find(const FlowKey& key)
    {
        const std::uint32_t slot = m_index.Find(FlowHash(key),
                                                [&](std::uint32_t s)
                                                {
            return KeyOf(m_slots[s]) == key;
        });
        return slot == FlowIndex::NOT_FOUND ? nullptr : &m_slots[slot];
    }

    /** @returns the new value, or null if the table is full. @pre Find(KeyOf(value)) is null. */
    Value* Insert(const Value& value)
    {
        if (Size() >= m_entriesMax)
        {
            return nullptr;
        }
        std::uint32_t slot;
        if (m_free.empty())
        {
            slot = static_cast<std::uint32_t>(m_slots.Size());
            m_slots.PushBack(value);
        }
        else
        {
            slot = m_free.back();
            m_free.pop_back();
            m_slots[slot] = value;
        }
        m_index.Insert(FlowHash(KeyOf(value)), slot);
        return &m_slots[slot];
    }

    /** The slot is used again by a later Insert(); until then the value is not destroyed.
     * @pre `value` came from Find() or Insert(), is still there and has the key that it had then.
     */
    void Erase(Value* value)
    {
        const std::uint64_t hash = FlowHash(KeyOf(*value));
        const std::uint32_t slot = m_index.Find(hash,
                                                [&](std::uint32_t s)
                                                {
            return &m_slots[s] == value;
        });
        assert(slot != FlowIndex::NOT_FOUND);
        m_index.Erase(hash, slot);
        m_free.push_back(slot);
    }

    std::size_t Size() const
    {
        return m_index.Size();
    }

    /** Memory held, in bytes. */
    std::size_t Bytes() const
    {
        return m_index.Bytes() + m_slots.Bytes() + m_free.capacity() * sizeof(std::uint32_t);
    }

    /** Slots that have been used so far: a walk over the table, with At(). */
    std::size_t Slots() const
    {
        return m_slots.Size();
    }

    /** What the slot holds, even if it was erased since. @pre slot < Slots() */
    Value& At(std::size_t slot)
    {
        return m_slots[slot];
    }

    const Value& At(std::size_t slot) const
    {
        return m_slots[slot];
    }

    /** Whether the slot's value is there. @pre slot < Slots() */
    bool IsUsed(std::size_t slot) const
    {
        return m_index.Find(FlowHash(KeyOf(m_slots[slot])),
                            [slot](std::uint32_t s)
                            {
            return s == slot;
        }) != FlowIndex::NOT_FOUND;
    }

  private:
    friend class MachineDigest; ///< of tests

    std::uint32_t m_entriesMax;
    FlowIndex m_index;
    ChunkedVector<Value> m_slots;
    std::vector<std::uint32_t> m_free; ///< erased slots
};

} // namespace flowchain

#endif
