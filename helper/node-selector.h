// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_NODE_SELECTOR_H
#define FLOWCHAIN_NODE_SELECTOR_H

#include "deterministic-random.h"
#include "membership-view.h"

#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** What a node is to one session; the source's words. */
enum class SessionPart : std::uint8_t
{
    OWNER,  ///< service node that answers for it
    FIRST,  ///< flow manager that its first packet came to
    SECOND, ///< node of the path that fans out
    TAIL,   ///< last node of the path
    THIRD,  ///< flow manager with the reverse entry
    CHAIN,  ///< node of the path, by its index from 0
};

/** A node that only the run itself can name: "session[4].tail". */
struct SessionRole
{
    std::uint32_t session = 0; ///< of the workloads, in order
    SessionPart part = SessionPart::OWNER;
    std::uint16_t index = 0; ///< of CHAIN

    friend bool operator==(const SessionRole&, const SessionRole&) = default;
};

/** As it is written: "session[4].chain[1]". */
std::string ToString(const SessionRole& role);

/** What a text names. */
struct NodeSelection
{
    std::vector<NodeId> nodes;      ///< ascending, each once
    std::vector<SessionRole> roles; ///< as written
    std::string unknown;            ///< the first part that names nothing; empty: there is none
    std::string why;                ///< more about `unknown`, with candidates; may be empty
};

/**
 * The nodes that a text names, or several, separated by commas:
 * - "manager[0]", "controller": a name;
 * - "manager[*]", "manager[first]", "manager[middle]", "manager[last]": of all nodes of a role; of
 *   two middle ones the later one;
 * - "manager[random(2)]": so many different ones, by chance;
 * - "group[1]", or "group[zone-b]" if it has that name: all managers of a group; "group[1].last",
 *   "group[1].random(2)" and so on: of them, in the order of their chain; "*": all nodes;
 * - "session[4].owner", "first", "second", "tail", "third", "chain[1]": what is so to the session
 *   when the time comes.
 *
 * If there are several service groups, their names stand in front of all but sessions:
 * "nat.group[1]"; "nat.*", all nodes of one.
 * @param random draws for "random"
 */
NodeSelection SelectNodes(const Directory& directory, const std::string& text, SplitMix64 random);

} // namespace flowchain

#endif
