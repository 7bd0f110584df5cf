// SPDX-License-Identifier: GPL-2.0-only
#include "quaternary-heap-scheduler.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace flowchain
{

namespace
{

constexpr std::size_t ARITY = 4;
constexpr std::align_val_t CACHE_LINE{64};
constexpr std::size_t ROOT = ARITY - 1; ///< so that siblings begin at multiples of 4
constexpr std::size_t CAPACITY_MIN = 1024;

__extension__ typedef unsigned __int128 Uint128;
/** With a slot's number in its low 32 bits, a key behind those of all events. */
constexpr Uint128 BEHIND_ALL = ~Uint128{std::numeric_limits<std::uint32_t>::max()};

constexpr std::size_t
FirstChildOf(std::size_t index)
{
    return (index - ROOT + 1) * ARITY;
}

constexpr std::size_t
ParentOf(std::size_t index)
{
    return index / ARITY + ROOT - 1;
}

static_assert(FirstChildOf(ROOT) == ROOT + 1 && ParentOf(ROOT + 1) == ROOT &&
              ParentOf(ROOT + ARITY) == ROOT && ParentOf(FirstChildOf(ROOT + 2)) == ROOT + 2);

} // namespace

void
QuaternaryHeapScheduler::Deleter::operator()(Key* keys) const
{
    ::operator delete[](keys, CACHE_LINE);
}

ns3::TypeId
QuaternaryHeapScheduler::GetTypeId()
{
    static const ns3::TypeId tid = ns3::TypeId("flowchain::QuaternaryHeapScheduler")
                                       .SetParent<ns3::Scheduler>()
                                       .SetGroupName("Core")
                                       .AddConstructor<QuaternaryHeapScheduler>();
    return tid;
}

QuaternaryHeapScheduler::QuaternaryHeapScheduler()
    : m_end(ROOT)
{
    Grow();
}

QuaternaryHeapScheduler::~QuaternaryHeapScheduler() = default;

void
QuaternaryHeapScheduler::Grow()
{
    const std::size_t larger = std::max(CAPACITY_MIN, 2 * m_capacity);
    std::unique_ptr<Key[], Deleter> keys(new (CACHE_LINE) Key[larger]);
    std::copy(m_keys.get(), m_keys.get() + m_capacity, keys.get());
    for (std::size_t i = m_capacity; i < larger; ++i)
    {
        keys[i] = BEHIND_ALL | i;
    }
    m_keys = std::move(keys);
    m_slots.resize(larger);
    m_capacity = larger;
}

ns3::Scheduler::Event
QuaternaryHeapScheduler::EventOf(Key key) const
{
    const Slot& slot = m_slots[static_cast<std::uint32_t>(key)];
    Event event;
    event.impl = slot.impl;
    event.key.m_ts = static_cast<std::uint64_t>(key >> 64);
    event.key.m_uid = static_cast<std::uint32_t>(key >> 32);
    event.key.m_context = slot.context;
    return event;
}

inline std::size_t
QuaternaryHeapScheduler::LeastChild(std::size_t first) const
{
    const Key* keys = m_keys.get();
    const std::size_t low = first + (keys[first + 1] < keys[first] ? 1 : 0);
    const std::size_t high = first + 2 + (keys[first + 3] < keys[first + 2] ? 1 : 0);
    // A mask, since the compiler makes a branch of a product.
    const std::size_t mask = std::size_t{0} - (keys[high] < keys[low] ? 1 : 0);
    return low ^ ((low ^ high) & mask);
}

void
QuaternaryHeapScheduler::SiftUp(std::size_t hole, Key key)
{
    while (hole != ROOT)
    {
        const std::size_t parent = ParentOf(hole);
        if (m_keys[parent] < key)
        {
            break;
        }
        m_keys[hole] = m_keys[parent];
        hole = parent;
    }
    m_keys[hole] = key;
}

void
QuaternaryHeapScheduler::SiftDown(std::size_t hole, Key key)
{
    Key* keys = m_keys.get();
    const std::size_t end = m_end;
    for (std::size_t child = FirstChildOf(hole); child < end; child = FirstChildOf(hole))
    {
        // Whichever child is least, its children are under way while the four are compared.
        const std::size_t grandchild = FirstChildOf(child);
        if (grandchild < end)
        {
            for (std::size_t i = 0; i < ARITY; ++i)
            {
                __builtin_prefetch(keys + grandchild + i * ARITY);
            }
        }
        const std::size_t least = LeastChild(child);
        if (key < keys[least])
        {
            break;
        }
        keys[hole] = keys[least];
        hole = least;
    }
    keys[hole] = key;
}

void
QuaternaryHeapScheduler::Insert(const Event& event)
{
    if (m_end == m_capacity)
    {
        Grow();
    }
    const auto free = static_cast<std::uint32_t>(m_keys[m_end]);
    m_slots[free] = {event.impl, event.key.m_context};
    const std::uint64_t low = (std::uint64_t{event.key.m_uid} << 32) | free;
    SiftUp(m_end++, (static_cast<Key>(event.key.m_ts) << 64) | low);
}

bool
QuaternaryHeapScheduler::IsEmpty() const
{
    return m_end == ROOT;
}

ns3::Scheduler::Event
QuaternaryHeapScheduler::PeekNext() const
{
    assert(!IsEmpty());
    return EventOf(m_keys[ROOT]);
}

ns3::Scheduler::Event
QuaternaryHeapScheduler::RemoveNext()
{
    assert(!IsEmpty());
    const Event next = EventOf(m_keys[ROOT]);
    Take(ROOT);
    // The event that comes next is fetched while this one runs.
    __builtin_prefetch(m_slots[static_cast<std::uint32_t>(m_keys[ROOT])].impl);
    return next;
}

void
QuaternaryHeapScheduler::Take(std::size_t index)
{
    const Key taken = m_keys[index];
    const Key last = m_keys[--m_end];
    m_keys[m_end] = BEHIND_ALL | static_cast<std::uint32_t>(taken);
    if (index == m_end)
    {
        return;
    }
    if (index != ROOT && last < m_keys[ParentOf(index)])
    {
        SiftUp(index, last);
        return;
    }
    SiftDown(index, last);
}

void
QuaternaryHeapScheduler::Remove(const Event& event)
{
    const std::uint64_t uid = event.key.m_uid;
    const Key* begin = m_keys.get() + ROOT;
    const Key* end = m_keys.get() + m_end;
    const Key* found = std::find_if(begin,
                                    end,
                                    [uid](Key key)
                                    {
        return static_cast<std::uint32_t>(key >> 32) == uid;
    });
    assert(found != end);
    Take(static_cast<std::size_t>(found - m_keys.get()));
}

} // namespace flowchain
