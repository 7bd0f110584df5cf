// SPDX-License-Identifier: GPL-2.0-only
#include "node-selector.h"

#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <sstream>

namespace flowchain
{

namespace
{

constexpr const char* PARTS[] = {"owner", "first", "second", "tail", "third"};

std::string
Trimmed(const std::string& text)
{
    const auto first = text.find_first_not_of(' ');
    return first == std::string::npos ? ""
                                      : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

template <typename Number>
std::optional<Number>
NumberIn(std::string_view text)
{
    Number number = 0;
    const auto* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    return result.ec == std::errc{} && result.ptr == end ? std::optional(number) : std::nullopt;
}

/** What stands between `before` and `after`, which the text must begin and end with. */
std::optional<std::string_view>
Between(std::string_view text, std::string_view before, std::string_view after)
{
    if (text.size() < before.size() + after.size() || !text.starts_with(before) ||
        !text.ends_with(after))
    {
        return std::nullopt;
    }
    return text.substr(before.size(), text.size() - before.size() - after.size());
}

/** "nat.manager" of the name "nat.manager[0]". */
std::string
RoleName(const Directory& directory, NodeId node)
{
    const auto name = NodeName(directory, node);
    return name.substr(0, name.find('['));
}

/** Whether a manager's group is called so: "nat.group[1]" or, by its name, "nat.group[zone-b]". */
bool
IsInGroup(const Directory& directory,
          NodeId manager,
          const std::string& owner,
          const std::string& pattern)
{
    const Directory::Node& about = directory.nodes[manager];
    const std::string& name = directory.groupNames[about.service][about.group];
    return pattern == fmt::format("{}group[{}]", owner, about.group) ||
           (!name.empty() && pattern == fmt::format("{}group[{}]", owner, name));
}

bool
Matches(const Directory& directory, NodeId node, const std::string& pattern)
{
    const auto name = NodeName(directory, node);
    const auto owner = name.substr(0, name.find('.') + 1); // "nat." of "nat.manager[0]", or nothing
    return pattern == "*" || pattern == name || pattern == RoleName(directory, node) + "[*]" ||
           pattern == owner + "*" ||
           (directory.nodes[node].role == NodeRole::MANAGER &&
            IsInGroup(directory, node, owner, pattern));
}

/** The groups of managers, as selectors name them: "group[0], group[zone-b]". */
std::string
GroupsOf(const Directory& directory)
{
    std::string text;
    for (std::size_t service = 0; service < directory.groupNames.size(); ++service)
    {
        const auto& names = directory.groupNames[service];
        const auto owner =
            directory.services.size() > 1 ? directory.services[service] + "." : std::string();
        for (std::size_t group = 0; group < names.size(); ++group)
        {
            text += fmt::format("{}{}group[{}]",
                                text.empty() ? "" : ", ",
                                owner,
                                names[group].empty() ? fmt::format("{}", group) : names[group]);
        }
    }
    return text;
}

/** So many different ones of the nodes, by chance. @pre count <= nodes.size() */
std::vector<NodeId>
Draw(std::vector<NodeId> nodes, std::size_t count, SplitMix64& random)
{
    for (std::size_t i = 0; i < count; ++i)
    {
        const std::uint64_t left = nodes.size() - i;
        const std::uint64_t pick = ((random.Next() >> 32) * left) >> 32;
        std::swap(nodes[i], nodes[i + pick]);
    }
    nodes.resize(count);
    return nodes;
}

/** Parts of a text, one after the other. */
class SelectorReader
{
  public:
    SelectorReader(const Directory& directory, SplitMix64 random)
        : m_directory(directory)
        , m_random(random)
    {
    }

    void Read(const std::string& part)
    {
        m_why.clear();
        const bool isKnown = part.starts_with("session[")
                                 ? ReadSession(part)
                                 : ReadNodes(part) || ReadPlace(part) || ReadPlaceInGroup(part);
        if (!isKnown && m_selection.unknown.empty())
        {
            m_selection.unknown = part.empty() ? "nothing" : part;
            m_selection.why = m_why;
        }
    }

    NodeSelection Take()
    {
        m_selection.nodes.assign(m_nodes.begin(), m_nodes.end());
        return std::move(m_selection);
    }

  private:
    bool ReadNodes(const std::string& pattern)
    {
        bool isKnown = false;
        for (NodeId node = 0; node < m_directory.nodes.size(); ++node)
        {
            if (Matches(m_directory, node, pattern))
            {
                m_nodes.insert(node);
                isKnown = true;
            }
        }
        return isKnown;
    }

    /** "manager[last]", "manager[random(2)]" */
    bool ReadPlace(const std::string& part)
    {
        const auto bracket = part.find('[');
        if (bracket == std::string::npos || !part.ends_with(']'))
        {
            return false;
        }
        const auto role = part.substr(0, bracket);
        const auto place = part.substr(bracket + 1, part.size() - bracket - 2);
        std::vector<NodeId> nodes;
        for (NodeId node = 0; node < m_directory.nodes.size(); ++node)
        {
            if (RoleName(m_directory, node) == role && NodeName(m_directory, node) != role)
            {
                nodes.push_back(node);
            }
        }
        if (nodes.empty() || NumberIn<std::size_t>(place))
        {
            return false;
        }
        return ReadPlaceAmong(nodes,
                              place,
                              fmt::format("{}[...] is 0 to {}, *, first, middle, last or random(N)",
                                          role,
                                          nodes.size() - 1));
    }

    /** "group[0].last", "nat.group[1].random(2)" */
    bool ReadPlaceInGroup(const std::string& part)
    {
        if (part.find("group[") == std::string::npos)
        {
            return false;
        }
        const auto group = part.substr(0, part.find(']') + 1);
        std::vector<NodeId> nodes;
        for (NodeId node = 0; node < m_directory.nodes.size(); ++node)
        {
            if (Matches(m_directory, node, group))
            {
                nodes.push_back(node);
            }
        }
        if (nodes.empty())
        {
            m_why = "groups are " + GroupsOf(m_directory);
            return false;
        }
        const auto place = Between(part, group + ".", "");
        return ReadPlaceAmong(nodes,
                              std::string(place.value_or("")),
                              fmt::format("of a group there are {0}.first, {0}.middle, {0}.last "
                                          "and {0}.random(N)",
                                          group));
    }

    /** @param all what the place may be */
    bool ReadPlaceAmong(const std::vector<NodeId>& nodes,
                        const std::string& place,
                        const std::string& all)
    {
        if (const auto count = Between(place, "random(", ")"))
        {
            return ReadRandom(*count, nodes);
        }
        static const std::vector<std::string> PLACES{"first", "middle", "last"};
        const auto found = std::ranges::find(PLACES, place) - PLACES.begin();
        const std::size_t indices[] = {0, nodes.size() / 2, nodes.size() - 1};
        if (found == static_cast<std::ptrdiff_t>(PLACES.size()))
        {
            m_why = all;
            return false;
        }
        m_nodes.insert(nodes[indices[found]]);
        return true;
    }

    bool ReadRandom(std::string_view count, const std::vector<NodeId>& nodes)
    {
        const auto number = NumberIn<std::size_t>(count);
        if (!number || *number == 0 || *number > nodes.size())
        {
            m_why = fmt::format("there are {} to draw from: {} to {}",
                                nodes.size(),
                                NodeName(m_directory, nodes.front()),
                                NodeName(m_directory, nodes.back()));
            return false;
        }
        for (const NodeId node : Draw(nodes, *number, m_random))
        {
            m_nodes.insert(node);
        }
        return true;
    }

    bool ReadSession(const std::string& part)
    {
        m_why = "of a session there are session[K].owner, first, second, tail, third and chain[I]";
        const auto dot = part.find("].");
        if (dot == std::string::npos)
        {
            return false;
        }
        const auto session =
            NumberIn<std::uint32_t>(std::string_view(part).substr(8, dot - 8)); // "session["
        const auto name = part.substr(dot + 2);
        if (!session)
        {
            return false;
        }
        const auto found = std::ranges::find(PARTS, name) - std::begin(PARTS);
        if (found < std::ssize(PARTS))
        {
            m_selection.roles.push_back({*session, static_cast<SessionPart>(found), 0});
            return true;
        }
        const auto index = Between(name, "chain[", "]");
        const auto number = index ? NumberIn<std::uint16_t>(*index) : std::nullopt;
        if (number)
        {
            m_selection.roles.push_back({*session, SessionPart::CHAIN, *number});
        }
        return number.has_value();
    }

    const Directory& m_directory;
    SplitMix64 m_random;
    NodeSelection m_selection;
    std::set<NodeId> m_nodes;
    std::string m_why;
};

} // namespace

std::string
ToString(const SessionRole& role)
{
    const auto part = role.part == SessionPart::CHAIN
                          ? fmt::format("chain[{}]", role.index)
                          : std::string(PARTS[static_cast<std::size_t>(role.part)]);
    return fmt::format("session[{}].{}", role.session, part);
}

NodeSelection
SelectNodes(const Directory& directory, const std::string& text, SplitMix64 random)
{
    SelectorReader reader(directory, random);
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');)
    {
        reader.Read(Trimmed(part));
    }
    return reader.Take();
}

} // namespace flowchain
