// SPDX-License-Identifier: GPL-2.0-only
#include "link-faults.h"

#include "flow-hash.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace flowchain
{

namespace
{

constexpr std::uint64_t GOLDEN = 0x9e3779b97f4a7c15ULL; ///< of splitmix64
constexpr std::uint64_t EVENT_STEP = 0xd1b54a32d192ed03ULL;
constexpr std::uint32_t CERTAIN = 1'000'000; ///< parts per million

void
Need(bool condition, const char* what)
{
    if (!condition)
    {
        throw std::invalid_argument(std::string("fabric: ") + what);
    }
}

void
Check(const Impairment& impairment)
{
    Need(impairment.lossPerMillion <= CERTAIN && impairment.duplicatePerMillion <= CERTAIN &&
             impairment.reorderPerMillion <= CERTAIN && impairment.corruptPerMillion <= CERTAIN,
         "a probability above 1000000 per million");
    Need(impairment.reorderDelay >= Duration::zero() && impairment.extraDelay >= Duration::zero() &&
             impairment.jitter >= Duration::zero(),
         "a negative delay");
}

bool
Names(const std::vector<std::uint32_t>& links, std::size_t link)
{
    return std::ranges::find(links, link) != links.end();
}

template <typename T>
void
Override(T& value, const std::optional<T>& by)
{
    value = by.value_or(value);
}

/** @returns what holds at `instant` on a link that all the rules name. */
Impairment
Resolve(Impairment impairment, const std::vector<const LinkRule*>& rules, Instant instant)
{
    for (const LinkRule* const each : rules)
    {
        const LinkRule& rule = *each;
        if (rule.from <= instant && instant < rule.until)
        {
            Override(impairment.lossPerMillion, rule.lossPerMillion);
            Override(impairment.duplicatePerMillion, rule.duplicatePerMillion);
            Override(impairment.reorderPerMillion, rule.reorderPerMillion);
            Override(impairment.corruptPerMillion, rule.corruptPerMillion);
            Override(impairment.reorderDelay, rule.reorderDelay);
            Override(impairment.extraDelay, rule.extraDelay);
            Override(impairment.jitter, rule.jitter);
        }
    }
    return impairment;
}

} // namespace

std::uint64_t
LinkDraws::Draw64(LinkEvent event, std::size_t link, std::uint64_t frame) const
{
    const std::uint64_t stream =
        Mix64(m_seed + GOLDEN * (link + 1) + EVENT_STEP * static_cast<std::uint64_t>(event));
    return Mix64(stream + GOLDEN * (frame + 1));
}

std::uint32_t
LinkDraws::Draw(LinkEvent event, std::size_t link, std::uint64_t frame) const
{
    return static_cast<std::uint32_t>(Draw64(event, link, frame) >> 32);
}

Duration
LinkDraws::UpTo(Duration max, LinkEvent event, std::size_t link, std::uint64_t frame) const
{
    __extension__ using Uint128 = unsigned __int128;
    const auto count = static_cast<std::uint64_t>(max.count()) + 1;
    const Uint128 scaled = Uint128{Draw64(event, link, frame)} * count;
    return Duration{static_cast<std::int64_t>(scaled >> 64)};
}

LinkSchedule::LinkSchedule(std::size_t link, const FabricConfig& config)
    : m_link(link)
{
    const FaultPlan& plan = config.faults;
    std::vector<Instant> starts{Instant{}};
    std::vector<const LinkRule*> rules;
    for (const LinkRule& rule : plan.rules)
    {
        if (Names(rule.links, link))
        {
            rules.push_back(&rule);
            starts.push_back(rule.from);
            starts.push_back(rule.until);
        }
    }
    std::ranges::sort(starts);
    starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
    bool hasJitter = false;
    for (const Instant start : starts)
    {
        const Impairment impairment = Resolve(plan.everywhere, rules, start);
        Check(impairment);
        hasJitter = hasJitter || impairment.jitter > Duration::zero();
        m_phases.push_back({start, impairment, hasJitter});
        m_isImpaired = m_isImpaired || !impairment.IsNone();
        m_mayDelayOrChange = m_mayDelayOrChange || impairment.reorderPerMillion > 0 ||
                             impairment.corruptPerMillion > 0 ||
                             impairment.extraDelay > Duration::zero() || hasJitter;
    }
    for (const LinkOutage& outage : plan.outages)
    {
        if (Names(outage.links, link))
        {
            m_outages.push_back(outage);
        }
    }
}

Duration
LinkSchedule::LongestDelay() const
{
    Duration longest{};
    for (const Phase& phase : m_phases)
    {
        const Impairment& impairment = phase.impairment;
        const bool reorders = impairment.reorderPerMillion > 0;
        longest = std::max(longest,
                           impairment.extraDelay + impairment.jitter +
                               (reorders ? impairment.reorderDelay : Duration::zero()));
    }
    return longest;
}

const LinkSchedule::Phase&
LinkSchedule::At(Instant instant) const
{
    const auto next = std::ranges::upper_bound(m_phases, instant, {}, &Phase::from);
    return *std::prev(next);
}

LinkFate
LinkSchedule::Judge(const LinkDraws& draws,
                    std::uint64_t frame,
                    Instant start,
                    Instant arrival,
                    std::uint32_t bits,
                    Instant& inOrder) const
{
    const Phase& phase = At(start);
    const Impairment& impairment = phase.impairment;
    if (draws.Happens(LinkEvent::LOSS, impairment.lossPerMillion, m_link, frame))
    {
        return {.loss = DropReason::LINK_LOSS};
    }
    LinkFate fate;
    fate.delay = impairment.extraDelay;
    if (phase.keepsOrder)
    {
        fate.delay += draws.UpTo(impairment.jitter, LinkEvent::JITTER, m_link, frame);
        inOrder = std::max(inOrder, arrival + fate.delay);
        fate.delay = inOrder - arrival;
    }
    if (draws.Happens(LinkEvent::REORDERING, impairment.reorderPerMillion, m_link, frame))
    {
        fate.delay += impairment.reorderDelay;
    }
    if (draws.Happens(LinkEvent::CORRUPTION, impairment.corruptPerMillion, m_link, frame))
    {
        const std::uint64_t random = draws.Draw(LinkEvent::CORRUPT_BIT, m_link, frame);
        fate.corruptBit = static_cast<std::uint32_t>((random * bits) >> 32);
    }
    for (const LinkOutage& outage : m_outages)
    {
        if (outage.from <= arrival + fate.delay && start < outage.until)
        {
            return {.loss = outage.reason};
        }
    }
    return fate;
}

bool
LinkSchedule::Duplicates(const LinkDraws& draws, std::uint64_t frame, Instant now) const
{
    return draws.Happens(
        LinkEvent::DUPLICATION, At(now).impairment.duplicatePerMillion, m_link, frame);
}

LinkFaults::LinkFaults(const FabricConfig& config, const LeafSpine& network)
    : m_draws(config.seed)
    , m_spines(network.Spines())
    , m_scheduleOfLink(network.Links(), NONE)
    , m_partitions(config.faults.partitions)
{
    const auto needLinks = [&network](const std::vector<std::uint32_t>& links)
    {
        Need(std::ranges::all_of(links,
                                 [&network](auto link)
                                 {
            return link < network.Links();
             }),
             "a fault on a link that does not exist");
    };
    std::ranges::for_each(config.faults.rules, needLinks, &LinkRule::links);
    std::ranges::for_each(config.faults.outages, needLinks, &LinkOutage::links);
    for (std::size_t link = 0; link < network.Links(); ++link)
    {
        LinkSchedule schedule(link, config);
        const bool maySeparate = HasPartitions() && link < network.Hosts();
        if (schedule.IsFaulty() || maySeparate)
        {
            m_changesRoutes = m_changesRoutes || schedule.MayDelayOrChange();
            m_scheduleOfLink[link] = static_cast<std::uint32_t>(m_schedules.size());
            m_schedules.push_back(std::move(schedule));
        }
    }
    for (const Partition& partition : m_partitions)
    {
        Need(partition.first.size() == network.Hosts() &&
                 partition.second.size() == network.Hosts(),
             "a partition of other hosts");
    }
    PlanDetours(config);
}

void
LinkFaults::PlanDetours(const FabricConfig& config)
{
    const auto& detours = config.faults.detours;
    if (detours.empty())
    {
        return;
    }
    m_changesRoutes = true;
    std::vector<Instant> starts{Instant{}};
    for (const SpineDetour& detour : detours)
    {
        Need(detour.spine < m_spines, "a detour around a spine that does not exist");
        starts.push_back(detour.from);
        starts.push_back(detour.until);
    }
    std::ranges::sort(starts);
    starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
    for (const Instant start : starts)
    {
        Choice choice{start, {}};
        for (std::uint32_t spine = 0; spine < m_spines; ++spine)
        {
            const bool isAvoided = std::ranges::any_of(detours,
                                                       [&](const SpineDetour& detour)
                                                       {
                return detour.spine == spine && detour.from <= start && start < detour.until;
            });
            if (!isAvoided)
            {
                choice.spines.push_back(spine);
            }
        }
        m_choices.push_back(std::move(choice));
    }
}

Duration
LinkFaults::LongestDelay() const
{
    Duration longest{};
    for (const LinkSchedule& schedule : m_schedules)
    {
        longest = std::max(longest, schedule.LongestDelay());
    }
    return longest;
}

bool
LinkFaults::Separates(NodeId source, NodeId destination, Instant instant) const
{
    return std::ranges::any_of(m_partitions,
                               [&](const Partition& partition)
                               {
        const bool there = partition.first[source] && partition.second[destination];
        const bool back = partition.second[source] && partition.first[destination];
        return (there || (back && !partition.isOneWay)) && partition.from <= instant &&
               instant < partition.until;
    });
}

std::uint32_t
LinkFaults::PickSpine(std::uint64_t hash, Instant instant) const
{
    if (!m_choices.empty())
    {
        const auto next = std::ranges::upper_bound(m_choices, instant, {}, &Choice::from);
        const auto& spines = std::prev(next)->spines;
        if (!spines.empty())
        {
            return spines[flowchain::PickSpine(hash, static_cast<std::uint32_t>(spines.size()))];
        }
    }
    return flowchain::PickSpine(hash, m_spines);
}

} // namespace flowchain
