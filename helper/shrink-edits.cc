// SPDX-License-Identifier: GPL-2.0-only
#include "shrink-edits.h"

#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace flowchain
{

namespace
{

/** Keys that say how much there is of something. */
struct SizeKey
{
    const char* block;
    const char* key;
    std::uint64_t lowest;
};

constexpr SizeKey SIZE_KEYS[] = {
    {"workload", "sessions", 1},
    {"workload", "packets", 0},
    {"chain", "length", 1},
    {"group", "count", 1},
    {"group", "managers", 1},
    {"service", "nodes", 1},
    {"accelerator", "count", 1},
    {"topology", "leaves", 1},
    {"topology", "spines", 1},
    {"topology", "clients", 1},
    {"topology", "servers", 1},
};

bool
IsSizeKey(const std::string& block, const std::string& key)
{
    return std::ranges::any_of(SIZE_KEYS,
                               [&](const SizeKey& size)
                               {
        return block == size.block && key == size.key;
    });
}

std::string
ValueOf(const std::string& line)
{
    const auto begin = line.find(" = ");
    return begin == std::string::npos ? "" : line.substr(begin + 3);
}

/** The text between quotation marks. */
std::optional<std::string>
TextOf(const std::string& line)
{
    const std::string value = ValueOf(line);
    const bool isText = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return isText ? std::optional(value.substr(1, value.size() - 2)) : std::nullopt;
}

std::optional<std::uint64_t>
NumberIn(std::string_view text)
{
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && last == end ? std::optional(number) : std::nullopt;
}

TomlBlocks
WithLine(const TomlBlocks& blocks,
         std::size_t block,
         const std::string& key,
         const std::string& value)
{
    TomlBlocks changed = blocks;
    auto& lines = changed[block].lines;
    const auto line = key + " = " + value;
    const auto found = std::ranges::find(lines, key, TomlBlock::KeyOf);
    if (found == lines.end())
    {
        lines.push_back(line);
    }
    else
    {
        *found = line;
    }
    return changed;
}

/** From the lowest on in steps that double, and the next lower one. */
std::vector<std::uint64_t>
Lower(std::uint64_t number, std::uint64_t lowest)
{
    std::vector<std::uint64_t> lower;
    for (std::uint64_t step = 0; lowest + step < number; step = step == 0 ? 1 : 2 * step)
    {
        lower.push_back(lowest + step);
    }
    if (number > lowest && lower.back() != number - 1)
    {
        lower.push_back(number - 1);
    }
    return lower;
}

/** Where a block of the same name and place is; made if it is a table that stands there once. */
std::size_t
Counterpart(const TomlBlocks& resolved, std::size_t index, TomlBlocks& blocks)
{
    const auto before = std::count_if(resolved.begin(),
                                      resolved.begin() + static_cast<std::ptrdiff_t>(index),
                                      [&](const TomlBlock& block)
                                      {
        return block.header == resolved[index].header;
    });
    std::ptrdiff_t seen = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i)
    {
        if (blocks[i].header == resolved[index].header && seen++ == before)
        {
            return i;
        }
    }
    blocks.insert(blocks.begin(), {resolved[index].header, {}});
    return 0;
}

/** Durations with fewer digits. */
std::vector<std::string>
RounderDurations(Duration duration)
{
    std::vector<std::string> rounder;
    const auto number = static_cast<std::uint64_t>(duration.count());
    for (unsigned digits = 1; digits < SignificantDigits(number); ++digits)
    {
        for (const std::uint64_t rounded : RoundedTo(number, digits))
        {
            rounder.push_back('"' + FormatDuration(Duration{static_cast<std::int64_t>(rounded)}) +
                              '"');
        }
    }
    return rounder;
}

std::vector<std::string>
EarlierStops(Duration stop, Duration violated)
{
    std::vector<std::string> earlier;
    for (unsigned digits = 1; digits <= 3; ++digits)
    {
        const auto until =
            RoundedTo(static_cast<std::uint64_t>(violated.count()) + 1, digits).back();
        if (until < static_cast<std::uint64_t>(stop.count()))
        {
            earlier.push_back('"' + FormatDuration(Duration{static_cast<std::int64_t>(until)}) +
                              '"');
        }
    }
    return earlier;
}

/** "service[3]" with 0 to 2, "session[9].tail", "store#12": the number behind `mark` lower. */
std::vector<std::string>
LowerIndices(const std::string& text, char mark, std::uint64_t lowest)
{
    std::vector<std::string> lower;
    const auto begin = text.find(mark);
    const auto end = text.find_first_not_of("0123456789", begin + 1);
    if (begin == std::string::npos)
    {
        return lower;
    }
    const auto number = NumberIn(std::string_view(text).substr(
        begin + 1, (end == std::string::npos ? text.size() : end) - begin - 1));
    for (const std::uint64_t value : number ? Lower(*number, lowest) : std::vector<std::uint64_t>{})
    {
        lower.push_back('"' + text.substr(0, begin + 1) + fmt::to_string(value) +
                        (end == std::string::npos ? "" : text.substr(end)) + '"');
    }
    return lower;
}

std::vector<std::string>
SimplerTexts(const std::string& block,
             const std::string& key,
             const std::string& text,
             Duration violated)
{
    if (block == "failure" && key == "node")
    {
        return LowerIndices(text, '[', 0);
    }
    if (block == "failure" && key == "on")
    {
        return LowerIndices(text, '#', 1);
    }
    try
    {
        const Duration duration = ParseDuration(text);
        return block == "sim" && key == "stop" ? EarlierStops(duration, violated)
                                               : RounderDurations(duration);
    }
    catch (const UnitError&)
    {
        return {};
    }
}

/** `rate = 1000.0` in thousandths; 0: it is none */
std::uint64_t
ThousandthsIn(const std::string& value)
{
    const auto point = value.find('.');
    if (point == std::string::npos)
    {
        return 0;
    }
    std::string digits = value.substr(0, point) + value.substr(point + 1);
    digits.append(3 - std::min<std::size_t>(3, value.size() - point - 1), '0');
    return NumberIn(digits).value_or(0);
}

/** Decimals, such as rates, with fewer digits. */
std::vector<std::string>
RounderDecimals(const std::string& value)
{
    std::vector<std::string> rounder;
    const std::uint64_t thousandths = ThousandthsIn(value);
    for (unsigned count = 1; count < SignificantDigits(thousandths); ++count)
    {
        for (const std::uint64_t rounded : RoundedTo(thousandths, count))
        {
            rounder.push_back(FormatThousandths(rounded));
        }
    }
    return rounder;
}

/** When a workload begins that leaves out its first sessions, as it is written. */
std::string
LaterStart(const TomlBlock& workload, std::uint64_t leftOut)
{
    const auto value = [&workload](const char* key)
    {
        return ValueOf(*std::ranges::find(workload.lines, key, TomlBlock::KeyOf));
    };
    constexpr std::uint64_t PICOSECONDS = 1'000'000'000'000;
    const std::uint64_t rate = std::max<std::uint64_t>(1, ThousandthsIn(value("rate")));
    const std::string start = value("start");
    const Duration between{static_cast<std::int64_t>(PICOSECONDS * 1000 / rate)};
    return '"' +
           FormatDuration(ParseDuration(std::string_view(start).substr(1, start.size() - 2)) +
                          between * static_cast<std::int64_t>(leftOut)) +
           '"';
}

} // namespace

unsigned
SignificantDigits(std::uint64_t number)
{
    unsigned digits = 0;
    while (number != 0 && number % 10 == 0)
    {
        number /= 10;
    }
    for (; number != 0; number /= 10)
    {
        ++digits;
    }
    return digits;
}

std::vector<std::uint64_t>
RoundedTo(std::uint64_t number, unsigned digits)
{
    std::uint64_t unit = 1;
    for (std::uint64_t rest = number; rest >= 10; rest /= 10)
    {
        unit *= 10;
    }
    for (unsigned i = 1; i < digits && unit >= 10; ++i)
    {
        unit /= 10;
    }
    const std::uint64_t down = number / unit * unit;
    return down == number ? std::vector{down} : std::vector{down, down + unit};
}

std::vector<std::size_t>
BlocksNamed(const TomlBlocks& blocks, const std::vector<std::string_view>& names)
{
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < blocks.size(); ++i)
    {
        if (std::ranges::find(names, blocks[i].Name()) != names.end())
        {
            found.push_back(i);
        }
    }
    return found;
}

TomlBlocks
WithoutBlocks(const TomlBlocks& blocks, const std::vector<std::size_t>& left)
{
    TomlBlocks rest;
    for (std::size_t i = 0; i < blocks.size(); ++i)
    {
        if (std::ranges::find(left, i) == left.end())
        {
            rest.push_back(blocks[i]);
        }
    }
    return rest;
}

std::vector<std::size_t>
RemovableTables(const TomlBlocks& blocks)
{
    std::vector<std::size_t> tables;
    for (std::size_t i = 0; i < blocks.size(); ++i)
    {
        const bool hasSize = std::ranges::any_of(blocks[i].lines,
                                                 [&](const std::string& line)
                                                 {
            return IsSizeKey(blocks[i].Name(), TomlBlock::KeyOf(line));
        });
        if (!blocks[i].IsOfList() && !hasSize)
        {
            tables.push_back(i);
        }
    }
    return tables;
}

std::vector<KeyPlace>
RemovableKeys(const TomlBlocks& blocks)
{
    std::vector<KeyPlace> keys;
    for (std::size_t i = 0; i < blocks.size(); ++i)
    {
        const std::string name = blocks[i].Name();
        for (std::size_t k = 0; k < blocks[i].lines.size() && name != "expect"; ++k)
        {
            if (!IsSizeKey(name, TomlBlock::KeyOf(blocks[i].lines[k])))
            {
                keys.push_back({i, k});
            }
        }
    }
    return keys;
}

TomlBlocks
WithoutKey(const TomlBlocks& blocks, const KeyPlace& place)
{
    TomlBlocks rest = blocks;
    auto& lines = rest[place.block].lines;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(place.line));
    return rest;
}

std::vector<Alternatives>
SmallerNumbers(const TomlBlocks& blocks, const TomlBlocks& resolved)
{
    std::vector<Alternatives> all;
    for (const SizeKey& size : SIZE_KEYS)
    {
        for (std::size_t i = 0; i < resolved.size(); ++i)
        {
            const auto& lines = resolved[i].lines;
            const auto line = std::ranges::find(lines, size.key, TomlBlock::KeyOf);
            if (resolved[i].Name() != size.block || line == lines.end())
            {
                continue;
            }
            const std::uint64_t number = NumberIn(ValueOf(*line)).value_or(size.lowest);
            Alternatives smaller;
            for (const std::uint64_t value : Lower(number, size.lowest))
            {
                TomlBlocks candidate = blocks;
                const std::size_t place = Counterpart(resolved, i, candidate);
                smaller.push_back(WithLine(candidate, place, size.key, fmt::to_string(value)));
                if (size.key == std::string_view("sessions"))
                {
                    // The last ones instead of the first ones.
                    smaller.push_back(WithLine(
                        smaller.back(), place, "start", LaterStart(resolved[i], number - value)));
                }
            }
            if (!smaller.empty())
            {
                all.push_back(std::move(smaller));
            }
        }
    }
    return all;
}

std::vector<Alternatives>
SimplerValues(const TomlBlocks& blocks, Duration violated)
{
    std::vector<Alternatives> all;
    for (std::size_t i = 0; i < blocks.size(); ++i)
    {
        const std::string name = blocks[i].Name();
        for (std::size_t k = 0; k < blocks[i].lines.size() && name != "expect"; ++k)
        {
            const std::string& line = blocks[i].lines[k];
            const std::string key = TomlBlock::KeyOf(line);
            const auto text = TextOf(line);
            Alternatives simpler;
            for (const std::string& value :
                 text ? SimplerTexts(name, key, *text, violated) : RounderDecimals(ValueOf(line)))
            {
                simpler.push_back(WithLine(blocks, i, key, value));
            }
            if (!simpler.empty())
            {
                all.push_back(std::move(simpler));
            }
        }
    }
    return all;
}

} // namespace flowchain
