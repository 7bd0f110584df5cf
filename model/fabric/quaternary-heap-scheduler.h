// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_QUATERNARY_HEAP_SCHEDULER_H
#define FLOWCHAIN_QUATERNARY_HEAP_SCHEDULER_H

#include <ns3/event-impl.h>
#include <ns3/scheduler.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace flowchain
{

/**
 * An ns-3 scheduler for large numbers of short-lived events: an implicit 4-ary heap.
 *
 * Orders events by (timestamp, uid), as every scheduler of ns-3. The heap holds 16-byte keys only;
 * the rest of an event stays in a slot that its key names. The four children of a key share a cache
 * line and are compared without a branch, since which of them is least cannot be predicted. Memory
 * grows by doubling and is never given back; nothing is allocated for an event. Remove() takes time
 * in proportion to the number of events, as with ns3::PriorityQueueScheduler.
 *
 * Reference: A. LaMarca and R. Ladner, "The influence of caches on the performance of heaps", ACM
 * Journal of Experimental Algorithmics 1, 1996.
 */
class QuaternaryHeapScheduler final : public ns3::Scheduler
{
  public:
    static ns3::TypeId GetTypeId();

    QuaternaryHeapScheduler();
    ~QuaternaryHeapScheduler() override;

    /** @pre the timestamp is at most 2^63 - 1, the end of ns-3's time. */
    void Insert(const Event& event) override;
    bool IsEmpty() const override;
    /** @pre !IsEmpty() */
    Event PeekNext() const override;
    /** @pre !IsEmpty() */
    Event RemoveNext() override;
    /** @pre the event of this uid and timestamp is in the scheduler */
    void Remove(const Event& event) override;

  private:
    __extension__ typedef unsigned __int128 Key; ///< timestamp 64 bits, uid 32, slot 32

    /** What of an event has no part in its order. */
    struct Slot
    {
        ns3::EventImpl* impl;
        std::uint32_t context;
    };

    struct Deleter
    {
        void operator()(Key* keys) const;
    };

    Event EventOf(Key key) const;
    std::size_t LeastChild(std::size_t first) const;
    void SiftUp(std::size_t hole, Key key);
    void SiftDown(std::size_t hole, Key key);
    /** Take the key at an index out of the heap, and its slot. */
    void Take(std::size_t index);
    void Grow();

    /** From index ROOT on, m_end - ROOT keys in heap order; behind them, and up to the capacity,
     * keys that are greater than any event's and whose slots are free. */
    std::unique_ptr<Key[], Deleter> m_keys;
    std::vector<Slot> m_slots;
    std::size_t m_end;
    std::size_t m_capacity = 0; ///< keys, a multiple of 4
};

} // namespace flowchain

#endif
