// SPDX-License-Identifier: GPL-2.0-only
#include "node-pattern.h"

#include "scenario.h"

#include <fmt/format.h>

#include <set>
#include <sstream>

namespace flowchain
{

namespace
{

std::string
Trimmed(const std::string& text)
{
    const auto first = text.find_first_not_of(' ');
    return first == std::string::npos ? ""
                                      : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

bool
Matches(const Directory& directory, NodeId node, const std::string& pattern)
{
    const auto name = NodeName(directory, node);
    const auto owner = name.substr(0, name.find('.') + 1); // "nat." of "nat.manager[0]", or nothing
    const NodeRole role = directory.nodes[node].role;
    const std::uint16_t group = directory.nodes[node].group;
    const bool isAnyOfRole = name.substr(0, name.find('[')) + "[*]" == pattern;
    return pattern == "*" || pattern == name || isAnyOfRole || pattern == owner + "*" ||
           (role == NodeRole::MANAGER && pattern == fmt::format("{}group[{}]", owner, group));
}

} // namespace

std::vector<NodeId>
MatchNodes(const Directory& directory, const std::string& text, std::optional<std::string>& unknown)
{
    unknown.reset();
    std::set<NodeId> nodes;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');)
    {
        const auto pattern = Trimmed(part);
        bool isKnown = false;
        for (std::size_t id = 0; id < directory.nodes.size(); ++id)
        {
            const auto node = static_cast<NodeId>(id);
            if (Matches(directory, node, pattern))
            {
                nodes.insert(node);
                isKnown = true;
            }
        }
        if (!isKnown && !unknown)
        {
            unknown = pattern;
        }
    }
    return {nodes.begin(), nodes.end()};
}

} // namespace flowchain
