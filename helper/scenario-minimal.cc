// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-minimal.h"

#include "scenario-reader.h"

#include <cassert>
#include <sstream>

namespace flowchain
{

std::string
TomlBlock::Name() const
{
    const auto first = header.find_first_not_of('[');
    return header.substr(first, header.find(']') - first);
}

std::string
TomlBlock::KeyOf(const std::string& line)
{
    return line.substr(0, line.find(' '));
}

std::vector<TomlBlock>
SplitToml(const std::string& text)
{
    std::vector<TomlBlock> blocks;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
    {
        if (line.starts_with('['))
        {
            blocks.push_back({line, {}});
        }
        else if (!line.empty() && !line.starts_with('#'))
        {
            assert(!blocks.empty());
            blocks.back().lines.push_back(line);
        }
    }
    return blocks;
}

std::string
JoinToml(const std::vector<TomlBlock>& blocks)
{
    std::string text;
    for (const TomlBlock& block : blocks)
    {
        text += (text.empty() ? "" : "\n") + block.header + "\n";
        for (const std::string& line : block.lines)
        {
            text += line + "\n";
        }
    }
    return text;
}

std::optional<std::string>
ResolvedTextOf(const std::vector<TomlBlock>& blocks, const std::string& path)
{
    try
    {
        return ResolvedToml(ParseScenario(JoinToml(blocks), path));
    }
    catch (const ScenarioError&)
    {
        return std::nullopt;
    }
}

std::vector<TomlBlock>
MinimalBlocks(const Scenario& scenario)
{
    const std::string resolved = ResolvedToml(scenario);
    std::vector<TomlBlock> blocks = SplitToml(resolved);
    const auto isSame = [&](const std::vector<TomlBlock>& candidate)
    {
        return ResolvedTextOf(candidate, scenario.path) == resolved;
    };
    for (std::size_t i = blocks.size(); i-- > 0;)
    {
        auto without = blocks;
        without[i].lines.clear();
        if (isSame(without))
        {
            blocks = std::move(without);
        }
        for (std::size_t k = blocks[i].lines.size(); k-- > 0;)
        {
            without = blocks;
            without[i].lines.erase(without[i].lines.begin() + static_cast<std::ptrdiff_t>(k));
            if (isSame(without))
            {
                blocks = std::move(without);
            }
        }
        if (blocks[i].lines.empty() && !blocks[i].IsOfList())
        {
            without = blocks;
            without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
            if (isSame(without))
            {
                blocks = std::move(without);
            }
        }
    }
    return blocks;
}

} // namespace flowchain
