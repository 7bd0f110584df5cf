// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_NODE_PATTERN_H
#define FLOWCHAIN_NODE_PATTERN_H

#include "membership-view.h"

#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/**
 * The nodes that a text names: "manager[0]", "controller"; "manager[*]", all of a role; "group[1]",
 * all managers of a group; "*", all nodes; or several of these, separated by commas. If there are
 * several service groups, their names stand in front: "nat.group[1]"; "nat.*", all nodes of one.
 * @param[out] unknown the first part that names no node, if any
 * @returns ascending, each once
 */
std::vector<NodeId> MatchNodes(const Directory& directory,
                               const std::string& text,
                               std::optional<std::string>& unknown);

} // namespace flowchain

#endif
