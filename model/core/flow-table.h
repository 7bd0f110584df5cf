// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FLOW_TABLE_H
#define FLOWCHAIN_FLOW_TABLE_H

#include "flow-hash.h"

#include <cassert>
#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * Open-addressing index from FlowKey to a 32-bit slot number: linear probing, 8 bytes an entry (tag of
 * the hash, slot), load at most 3/4, power-of-two growth, backward-shift deletion. The keys themselves
 * stay with the owner of the slots, who passes a predicate.
 */
class FlowIndex
{
  public:
    static constexpr std::uint32_t NOT_FOUND = 0xffffffff;

    FlowIndex();

    /** @param matches bool(std::uint32_t slot): does the slot have the key that was hashed? */
    template <typename Matches>
    std::uint32_t Find(std::uint64_t hash, Matches&& matches) const
    {
        const auto tag = static_cast<std::uint32_t>(hash >> 32);
        for (std::size_t i = hash & m_mask;; i = (i + 1) & m_mask)
        {
            const Cell& cell = m_cells[i];
            if (cell.slot == NOT_FOUND)
            {
                return NOT_FOUND;
            }
            if (cell.tag == tag && matches(cell.slot))
            {
                return cell.slot;
            }
        }
    }

    /** Add an entry. @pre no entry of this key is there. */
    void Insert(std::uint64_t hash, std::uint32_t slot);
    /** Remove the entry of exactly this hash and slot. @pre it is there. */
    void Erase(std::uint64_t hash, std::uint32_t slot);
    /** Bring the bucket of `hash` into the cache; worth it some hundred cycles ahead of Find(). */
    void Prefetch(std::uint64_t hash) const
    {
        __builtin_prefetch(&m_cells[hash & m_mask]);
    }

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
    /** `tag` is the upper half of the hash; the lower bits give the home bucket, and 32 bits of it are
     * kept too where growth needs them: the home bucket is recomputed from `home`. */
    struct Cell
    {
        std::uint32_t tag = 0;
        std::uint32_t slot = NOT_FOUND;
    };

    void Grow();

    std::vector<Cell> m_cells;
    std::size_t m_mask;
    std::size_t m_size = 0;
};

/**
 * Bounded table of values by FlowKey. Value must have a member function or be reachable through
 * `KeyOf(value)`; slots are dense and stable until erased.
 */
template <typename Value, const FlowKey& (*KeyOf)(const Value&)>
class FlowTable
{
  public:
    explicit FlowTable(std::uint32_t entriesMax)
        : m_entriesMax(entriesMax)
    {
    }

    Value* Find(const FlowKey& key)
    {
        const std::uint32_t slot =
            m_index.Find(FlowHash(key), [&](std::uint32_t s) { return KeyOf(m_slots[s]) == key; });
        return slot == FlowIndex::NOT_FOUND ? nullptr : &m_slots[slot];
    }

    /** @returns the new value, or null if the table is full. @pre Find(KeyOf(value)) is null.
     * Pointers from earlier calls become invalid. */
    Value* Insert(const Value& value)
    {
        if (Size() >= m_entriesMax)
        {
            return nullptr;
        }
        std::uint32_t slot;
        if (m_free.empty())
        {
            slot = static_cast<std::uint32_t>(m_slots.size());
            m_slots.push_back(value);
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

    /** @pre `value` came from Find() or Insert() and is still there. */
    void Erase(Value* value)
    {
        const auto slot = static_cast<std::uint32_t>(value - m_slots.data());
        m_index.Erase(FlowHash(KeyOf(*value)), slot);
        m_free.push_back(slot);
    }

    std::size_t Size() const
    {
        return m_index.Size();
    }

    std::size_t Bytes() const
    {
        return m_index.Bytes() + m_slots.capacity() * sizeof(Value) +
               m_free.capacity() * sizeof(std::uint32_t);
    }

    void Prefetch(const FlowKey& key) const
    {
        m_index.Prefetch(FlowHash(key));
    }

  private:
    std::uint32_t m_entriesMax;
    FlowIndex m_index;
    std::vector<Value> m_slots;
    std::vector<std::uint32_t> m_free;
};

} // namespace flowchain

#endif
