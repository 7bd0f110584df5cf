// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PLANTED_DEFECT_H
#define FLOWCHAIN_PLANTED_DEFECT_H

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace flowchain
{

/**
 * Errors that an implementation of the protocol may well have. Each can be planted on purpose, to
 * prove that who checks the protocol finds it: a checker that never finds anything may be blind.
 */
enum class PlantedDefect : std::uint8_t
{
    RELEASE_BEFORE_ACK,
    ACK_BEFORE_STORE,
    SKIP_LAST_FAN_OUT,
    SKIP_JOINING_NODES,
    FORGET_UNACKED_ON_VIEW_CHANGE,
    ACTIVE_BEFORE_SNAPSHOT,
    REVERSE_ENTRY_WRONG_TUPLE,
    NO_FENCING,
    NO_INCARNATION_CHECK,
    ADOPT_KEEPS_VERSION,
    OLD_VERSION_OVERWRITES,
    EARLY_PORT_REUSE,
    PORTS_OF_LAST_LIFE_REUSED,
    TOMBSTONE_IGNORED,
    STALE_ENTRY_KEPT,
    DUPLICATE_NOT_SUPPRESSED,
    CHECKSUM_NOT_UPDATED,
    PORT_REWRITTEN_ONE_WAY,
    DROP_WITHOUT_REASON,
    TABLE_LIMIT_IGNORED,
    UNBOUNDED_BACKLOG,
};

/** A defect, and what of it people read. */
struct PlantedDefectInfo
{
    PlantedDefect defect;
    const char* name; ///< "release-before-ack"
    const char* what; ///< a sentence without its full stop
};

/** Every defect there is. */
constexpr std::array PLANTED_DEFECTS = {
    PlantedDefectInfo{
        PlantedDefect::RELEASE_BEFORE_ACK,
        "release-before-ack",
        "The first packet is released before chain and fan-out have been acknowledged"},
    PlantedDefectInfo{PlantedDefect::ACK_BEFORE_STORE,
                      "ack-before-store",
                      "A fanned-out copy is acknowledged although the table has no room for it"},
    PlantedDefectInfo{PlantedDefect::SKIP_LAST_FAN_OUT,
                      "skip-last-fan-out",
                      "The second manager leaves the last service node out of its fan-out"},
    PlantedDefectInfo{PlantedDefect::SKIP_JOINING_NODES,
                      "skip-joining-nodes",
                      "Live updates do not go to service nodes that still receive their snapshot"},
    PlantedDefectInfo{
        PlantedDefect::FORGET_UNACKED_ON_VIEW_CHANGE,
        "forget-unacked-on-view-change",
        "What a dead chain member has not acknowledged counts as done and is not taken "
        "to its successor"},
    PlantedDefectInfo{PlantedDefect::ACTIVE_BEFORE_SNAPSHOT,
                      "active-before-snapshot",
                      "A returning service node says that it is ready before it has its snapshot"},
    PlantedDefectInfo{PlantedDefect::REVERSE_ENTRY_WRONG_TUPLE,
                      "reverse-entry-wrong-tuple",
                      "The third manager is selected by the tuple before translation"},
    PlantedDefectInfo{
        PlantedDefect::NO_FENCING, "no-fencing", "Messages of another epoch are acted upon"},
    PlantedDefectInfo{
        PlantedDefect::NO_INCARNATION_CHECK,
        "no-incarnation-check",
        "All lives of a node are taken for one, its messages and what it acknowledges"},
    PlantedDefectInfo{PlantedDefect::ADOPT_KEEPS_VERSION,
                      "adopt-keeps-version",
                      "A session that is adopted gets a new owner, but no new version"},
    PlantedDefectInfo{PlantedDefect::OLD_VERSION_OVERWRITES,
                      "old-version-overwrites",
                      "A copy is replaced by an older version of the session"},
    PlantedDefectInfo{PlantedDefect::EARLY_PORT_REUSE,
                      "early-port-reuse",
                      "A port is free before all have confirmed that its session is deleted"},
    PlantedDefectInfo{PlantedDefect::PORTS_OF_LAST_LIFE_REUSED,
                      "ports-of-last-life-reused",
                      "A restarted node gives out ports that sessions of its last life still have"},
    PlantedDefectInfo{PlantedDefect::TOMBSTONE_IGNORED,
                      "tombstone-ignored",
                      "A late copy of a deleted session is stored again"},
    PlantedDefectInfo{PlantedDefect::STALE_ENTRY_KEPT,
                      "stale-entry-kept",
                      "Accelerators confirm a deletion and keep the flow's entries"},
    PlantedDefectInfo{PlantedDefect::DUPLICATE_NOT_SUPPRESSED,
                      "duplicate-not-suppressed",
                      "A message that comes twice is acted upon twice"},
    PlantedDefectInfo{PlantedDefect::CHECKSUM_NOT_UPDATED,
                      "checksum-not-updated",
                      "The service node translates a packet and leaves the old transport checksum"},
    PlantedDefectInfo{PlantedDefect::PORT_REWRITTEN_ONE_WAY,
                      "port-rewritten-one-way",
                      "The reverse entry translates the address back, but not the port"},
    PlantedDefectInfo{PlantedDefect::DROP_WITHOUT_REASON,
                      "drop-without-reason",
                      "The packets of a session that is given up vanish uncounted"},
    PlantedDefectInfo{PlantedDefect::TABLE_LIMIT_IGNORED,
                      "table-limit-ignored",
                      "Copies are stored beyond the limit of the table"},
    PlantedDefectInfo{PlantedDefect::UNBOUNDED_BACKLOG,
                      "unbounded-backlog",
                      "Messages that wait for a peer's window may be any number"},
};

/** Which defects are planted; none, unless somebody wants them. */
class PlantedDefects
{
  public:
    void Plant(PlantedDefect defect)
    {
        m_bits |= Bit(defect);
    }

    bool Has(PlantedDefect defect) const
    {
        return (m_bits & Bit(defect)) != 0;
    }

    bool IsEmpty() const
    {
        return m_bits == 0;
    }

  private:
    static std::uint64_t Bit(PlantedDefect defect)
    {
        return std::uint64_t{1} << static_cast<unsigned>(defect);
    }

    std::uint64_t m_bits = 0;
};

/** @returns nothing if there is no such defect */
inline std::optional<PlantedDefect>
PlantedDefectByName(std::string_view name)
{
    for (const PlantedDefectInfo& info : PLANTED_DEFECTS)
    {
        if (name == info.name)
        {
            return info.defect;
        }
    }
    return std::nullopt;
}

} // namespace flowchain

#endif
