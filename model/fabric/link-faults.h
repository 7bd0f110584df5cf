// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_LINK_FAULTS_H
#define FLOWCHAIN_LINK_FAULTS_H

#include "fault-plan.h"
#include "leaf-spine.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowchain
{

/** What is decided by chance for a frame on a link. */
enum class LinkEvent : std::uint8_t
{
    LOSS = 0,
    DUPLICATION,
    REORDERING,
    CORRUPTION,
    CORRUPT_BIT, ///< which one
    JITTER,
};

/** Random numbers that are a pure function of seed, event, link and the frame's number on the link,
 * so that they need no generator state and are the same in every fabric. */
class LinkDraws
{
  public:
    explicit LinkDraws(std::uint64_t seed)
        : m_seed(seed)
    {
    }

    /** @param frame number of the frame on the link, counting the accepted ones from 0. @returns
     * 32 random bits. */
    std::uint32_t Draw(LinkEvent event, std::size_t link, std::uint64_t frame) const;

    /** @returns a number from 0 to `max`, each equally likely, for the same. @pre max >= 0 */
    Duration UpTo(Duration max, LinkEvent event, std::size_t link, std::uint64_t frame) const;

    /** @returns whether the event happens. @param perMillion its probability, 0..1000000 */
    bool
    Happens(LinkEvent event, std::uint32_t perMillion, std::size_t link, std::uint64_t frame) const
    {
        return perMillion != 0 &&
               Draw(event, link, frame) < (std::uint64_t{perMillion} << 32) / 1'000'000;
    }

  private:
    std::uint64_t Draw64(LinkEvent event, std::size_t link, std::uint64_t frame) const;

    std::uint64_t m_seed;
};

/** What becomes of a frame on a link. */
struct LinkFate
{
    static constexpr std::uint32_t NO_BIT = ~0U;

    DropReason loss = DropReason::NONE; ///< other than NONE: it does not arrive
    Duration delay{};                   ///< beyond the link's propagation
    std::uint32_t corruptBit = NO_BIT;  ///< to flip, for FlipBit()
};

/** All that ever goes wrong on one directed link. */
class LinkSchedule
{
  public:
    LinkSchedule(std::size_t link, const FabricConfig& config);

    /** @returns whether anything ever goes wrong. */
    bool IsFaulty() const
    {
        return m_isImpaired || !m_outages.empty();
    }

    /** @returns the longest time that a frame may be late. */
    Duration LongestDelay() const;

    /** @returns whether frames may arrive later than the link's rate and propagation say, or
     * changed; if not, a frame's arrival is known when the port accepts it. */
    bool MayDelayOrChange() const
    {
        return m_mayDelayOrChange;
    }

    /**
     * @param frame its number on the link
     * @param start when its first bit is sent
     * @param arrival of its last bit, without further delay
     * @param bits of the frame
     * @param inOrder before which no frame arrives any more unless it is reordered; of the link,
     * kept from frame to frame
     */
    LinkFate Judge(const LinkDraws& draws,
                   std::uint64_t frame,
                   Instant start,
                   Instant arrival,
                   std::uint32_t bits,
                   Instant& inOrder) const;

    /** @returns whether a copy is to follow a frame that a port accepts at `now`. */
    bool Duplicates(const LinkDraws& draws, std::uint64_t frame, Instant now) const;

  private:
    struct Phase
    {
        Instant from;
        Impairment impairment;
        bool keepsOrder = false; ///< there has been jitter
    };

    const Phase& At(Instant instant) const;

    std::size_t m_link;
    std::vector<Phase> m_phases; ///< ascending; the first starts with the run
    std::vector<LinkOutage> m_outages;
    bool m_isImpaired = false;
    bool m_mayDelayOrChange = false;
};

/** All that goes wrong in a network by one plan. */
class LinkFaults
{
  public:
    /** Throws std::invalid_argument with the reason for a plan that makes no sense. */
    LinkFaults(const FabricConfig& config, const LeafSpine& network);

    /** @returns null if nothing ever goes wrong on the link, and no partition begins there. */
    const LinkSchedule* ScheduleOf(std::size_t link) const
    {
        return m_scheduleOfLink[link] == NONE ? nullptr : &m_schedules[m_scheduleOfLink[link]];
    }

    const LinkDraws& Draws() const
    {
        return m_draws;
    }

    /** @returns whether a frame that `source` puts on its link at `instant` is stopped on its way
     * to `destination`. */
    bool Separates(NodeId source, NodeId destination, Instant instant) const;

    /** @returns the longest time that a frame may be late on a link, by what chance does to it. */
    Duration LongestDelay() const;

    /** @returns whether switches must look for the way themselves, because frames may be damaged or
     * spines avoided. */
    bool ChangesRoutes() const
    {
        return m_changesRoutes;
    }

    /** @returns the spine that leaves pick at `instant` for the hash. */
    std::uint32_t PickSpine(std::uint64_t hash, Instant instant) const;

  private:
    static constexpr std::uint32_t NONE = ~0U;

    /** The spines that leaves use from an instant on. */
    struct Choice
    {
        Instant from;
        std::vector<std::uint32_t> spines;
    };

    void PlanDetours(const FabricConfig& config);

    bool HasPartitions() const
    {
        return !m_partitions.empty();
    }

    LinkDraws m_draws;
    std::uint32_t m_spines;
    std::vector<std::uint32_t> m_scheduleOfLink; ///< index: link; NONE or index of m_schedules
    std::vector<LinkSchedule> m_schedules;
    std::vector<Partition> m_partitions;
    std::vector<Choice> m_choices; ///< ascending; empty: all spines, always
    bool m_changesRoutes = false;
};

} // namespace flowchain

#endif
