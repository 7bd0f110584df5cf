// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-toml-visitor.h"

#include "scenario-expectation.h"
#include "spelling.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace flowchain
{

namespace
{

const toml::table EMPTY_TABLE;

const char*
TypeName(const toml::node& node)
{
    switch (node.type())
    {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return "an array";
    case toml::node_type::string:
        return "a string";
    case toml::node_type::integer:
        return "an integer";
    case toml::node_type::floating_point:
        return "a floating-point number";
    case toml::node_type::boolean:
        return "a boolean";
    default:
        return "a date or time";
    }
}

std::string
FormatInteger(std::int64_t value)
{
    return fmt::format("{}", value);
}

std::string
FormatPicoseconds(std::int64_t value)
{
    return FormatDuration(Duration{value});
}

std::string
FormatBitRate(std::int64_t value)
{
    return FormatRate(static_cast<std::uint64_t>(value));
}

std::string
FormatSignedThousandths(std::int64_t value)
{
    const auto magnitude = FormatThousandths(static_cast<std::uint64_t>(std::abs(value)));
    return fmt::format("{}{}", value < 0 ? "-" : "", magnitude);
}

/** A section as it is written in a file: "service.group" for service[1].group. */
std::string
HeadingOf(const std::string& path)
{
    std::string heading;
    bool inBrackets = false;
    for (const char c : path)
    {
        inBrackets = c == '[' || (inBrackets && c != ']');
        heading += inBrackets || c == ']' ? "" : std::string(1, c);
    }
    return heading;
}

/** Report every key of `table` that is not in `known`. */
void
ReportUnknown(const toml::table& table,
              const std::string& prefix,
              const char* what,
              const std::vector<std::string>& known,
              ScenarioDiagnostics& diagnostics)
{
    for (const auto& [key, node] : table)
    {
        const std::string name{key.str()};
        if (std::find(known.begin(), known.end(), name) == known.end())
        {
            diagnostics.AddAt(key.source(),
                              prefix + name,
                              fmt::format("unknown {}{}", what, DidYouMean(name, known)));
        }
    }
}

} // namespace

ScenarioTomlVisitor::ScenarioTomlVisitor(const toml::table& root, ScenarioDiagnostics& diagnostics)
    : m_diagnostics(diagnostics)
    , m_sections{{&root, "", {}}}
{
}

void
ScenarioTomlVisitor::Begin(const char* name)
{
    const auto path = PathOf(name);
    const auto* node = Ask(name);
    const auto* table = node == nullptr ? &EMPTY_TABLE : node->as_table();
    if (table == nullptr)
    {
        m_diagnostics.Add(path,
                          fmt::format("expected one table, written [{}], got {}",
                                      HeadingOf(path),
                                      TypeName(*node)));
    }
    m_sections.push_back({table, path, {}});
}

bool
ScenarioTomlVisitor::Has(const char* name, bool)
{
    return Ask(name) != nullptr;
}

std::size_t
ScenarioTomlVisitor::CountOf(const char* name, std::size_t)
{
    const auto* node = Ask(name);
    if (node == nullptr)
    {
        return 0;
    }
    const auto* array = node->as_array();
    if (array == nullptr)
    {
        m_diagnostics.Add(PathOf(name),
                          fmt::format("expected tables, each written [[{}]], got {}",
                                      HeadingOf(PathOf(name)),
                                      TypeName(*node)));
        return 0;
    }
    return array->size();
}

void
ScenarioTomlVisitor::Begin(const char* name, std::size_t index)
{
    const auto path = fmt::format("{}[{}]", PathOf(name), index);
    const auto* node = m_sections.back().table->get(name)->as_array()->get(index);
    if (!node->is_table())
    {
        ReportType(path, "a table", *node);
    }
    m_sections.push_back({node->as_table(), path, {}});
}

void
ScenarioTomlVisitor::End()
{
    const Section& section = m_sections.back();
    // Without a valid kind, nobody knows which keys belong there.
    if (section.table != nullptr && m_diagnostics.Sound({PathOf("kind")}))
    {
        ReportUnknown(*section.table, section.path + ".", "key", section.keys, m_diagnostics);
    }
    m_sections.pop_back();
}

void
ScenarioTomlVisitor::VisitInteger(
    const char* key, std::int64_t& value, std::int64_t min, std::int64_t max, Presence presence)
{
    const auto* node = Find(key, presence);
    if (node == nullptr)
    {
        return;
    }
    if (!node->is_integer())
    {
        ReportType(PathOf(key), "an integer", *node);
    }
    else if (CheckRange(PathOf(key), node->as_integer()->get(), min, max, FormatInteger))
    {
        value = node->as_integer()->get();
    }
}

void
ScenarioTomlVisitor::VisitSize(const char* key,
                               std::int64_t& value,
                               std::int64_t min,
                               std::int64_t max)
{
    const auto* node = Find(key, Presence::OPTIONAL);
    if (node == nullptr || node->is_integer())
    {
        VisitInteger(key, value, min, max, Presence::OPTIONAL);
        return;
    }
    const auto bytes = Parse(
        key, Presence::OPTIONAL, "an integer of bytes or a size such as \"64KiB\"", ParseSize);
    if (bytes.has_value() &&
        CheckRange(PathOf(key), static_cast<std::int64_t>(*bytes), min, max, FormatInteger))
    {
        value = static_cast<std::int64_t>(*bytes);
    }
}

void
ScenarioTomlVisitor::VisitThousandths(
    const char* key, std::int64_t& value, std::int64_t min, std::int64_t max, Presence presence)
{
    const auto* node = Find(key, presence);
    if (node == nullptr)
    {
        return;
    }
    if (!node->is_number())
    {
        ReportType(PathOf(key), "a number", *node);
        return;
    }
    const double number = *node->value<double>();
    constexpr double REPRESENTABLE_MAX = 1e12;
    if (!(std::abs(number) <= REPRESENTABLE_MAX))
    {
        m_diagnostics.Add(PathOf(key),
                          fmt::format("{} is out of range, {} to {}",
                                      number,
                                      FormatSignedThousandths(min),
                                      FormatSignedThousandths(max)));
        return;
    }
    // A decimal number with three decimals reads as exactly the double that this division gives.
    const auto thousandths = std::llround(number * 1000);
    if (static_cast<double>(thousandths) / 1000 != number)
    {
        m_diagnostics.Add(PathOf(key), fmt::format("{} is not a multiple of 0.001", number));
    }
    else if (CheckRange(PathOf(key), thousandths, min, max, FormatSignedThousandths))
    {
        value = thousandths;
    }
}

void
ScenarioTomlVisitor::VisitDuration(
    const char* key, Duration& value, Duration min, Duration max, Presence presence)
{
    const auto duration = Parse(key, presence, "a duration such as \"60ms\"", ParseDuration);
    if (duration.has_value() &&
        CheckRange(PathOf(key), duration->count(), min.count(), max.count(), FormatPicoseconds))
    {
        value = *duration;
    }
}

void
ScenarioTomlVisitor::VisitOptionalDuration(const char* key,
                                           std::optional<Duration>& value,
                                           Duration min,
                                           Duration max)
{
    constexpr Duration ABSENT{-1};
    Duration duration = ABSENT;
    VisitDuration(key, duration, min, max, Presence::OPTIONAL);
    if (duration != ABSENT)
    {
        value = duration;
    }
}

void
ScenarioTomlVisitor::VisitOptionalInteger(const char* key,
                                          std::optional<std::uint16_t>& value,
                                          std::int64_t min,
                                          std::int64_t max)
{
    constexpr std::int64_t ABSENT = -1;
    std::int64_t wide = ABSENT;
    VisitInteger(key, wide, min, max, Presence::OPTIONAL);
    if (wide != ABSENT)
    {
        value = static_cast<std::uint16_t>(wide);
    }
}

void
ScenarioTomlVisitor::VisitOptionalPercent(const char* key, std::optional<std::uint32_t>& perMillion)
{
    const auto parsed =
        Parse(key, Presence::OPTIONAL, "a percentage such as \"0.1%\"", ParsePercent);
    perMillion = parsed.has_value() ? parsed : perMillion;
}

void
ScenarioTomlVisitor::VisitOptionalText(const char* key, std::string& value)
{
    VisitText(key, value, Presence::OPTIONAL);
}

void
ScenarioTomlVisitor::VisitRate(const char* key, std::uint64_t& bitsPerSecond)
{
    constexpr std::int64_t RATE_MAX = 1'000'000'000'000'000; // 1 Pbit/s
    const auto rate = Parse(key, Presence::OPTIONAL, "a rate such as \"10Gbps\"", ParseRate);
    if (rate.has_value() &&
        CheckRange(PathOf(key), static_cast<std::int64_t>(*rate), 1, RATE_MAX, FormatBitRate))
    {
        bitsPerSecond = *rate;
    }
}

void
ScenarioTomlVisitor::VisitPercent(const char* key, std::uint32_t& perMillion)
{
    perMillion = Parse(key, Presence::OPTIONAL, "a percentage such as \"0.1%\"", ParsePercent)
                     .value_or(perMillion);
}

void
ScenarioTomlVisitor::VisitPrefix(const char* key, Prefix& value)
{
    value = Parse(key, Presence::OPTIONAL, "a prefix such as \"10.0.0.0/8\"", ParsePrefix)
                .value_or(value);
}

void
ScenarioTomlVisitor::VisitAddress(const char* key, std::uint32_t& value, Presence presence)
{
    value = Parse(key, presence, "an address such as \"10.0.0.1\"", ParseAddress).value_or(value);
}

void
ScenarioTomlVisitor::VisitText(const char* key, std::string& value, Presence presence)
{
    const auto* text = FindText(key, presence, "a string");
    if (text == nullptr)
    {
        return;
    }
    if (text->empty())
    {
        m_diagnostics.Add(PathOf(key), "must not be empty");
        return;
    }
    value = *text;
}

void
ScenarioTomlVisitor::VisitChoice(const char* key,
                                 std::string& value,
                                 Choices choices,
                                 Presence presence)
{
    const auto* text = FindText(key, presence, "a string");
    if (text == nullptr)
    {
        return;
    }
    const std::vector<std::string> known(choices.begin(), choices.end());
    if (std::find(known.begin(), known.end(), *text) == known.end())
    {
        m_diagnostics.Add(PathOf(key),
                          fmt::format("\"{}\" is not possible ({}){}",
                                      *text,
                                      Join(known, ", "),
                                      DidYouMean(*text, known)));
        return;
    }
    value = *text;
}

void
ScenarioTomlVisitor::VisitFlag(const char* key, bool& value)
{
    const auto* node = Find(key, Presence::OPTIONAL);
    if (node == nullptr)
    {
        return;
    }
    if (!node->is_boolean())
    {
        ReportType(PathOf(key), "true or false", *node);
        return;
    }
    value = node->as_boolean()->get();
}

void
ScenarioTomlVisitor::VisitTexts(const char* key, std::vector<std::string>& values)
{
    const auto* node = Find(key, Presence::OPTIONAL);
    if (node == nullptr)
    {
        return;
    }
    if (!node->is_array())
    {
        ReportType(PathOf(key), "an array of strings", *node);
        return;
    }
    values.clear();
    for (std::size_t i = 0; i < node->as_array()->size(); ++i)
    {
        const auto& element = *node->as_array()->get(i);
        if (!element.is_string())
        {
            ReportType(fmt::format("{}[{}]", PathOf(key), i), "a string", element);
            continue;
        }
        values.push_back(element.as_string()->get());
    }
}

void
ScenarioTomlVisitor::VisitPosition(const char* key, std::uint16_t& value, std::int64_t max)
{
    const auto* node = Find(key, Presence::OPTIONAL);
    if (node == nullptr)
    {
        return;
    }
    if (node->is_string() && node->as_string()->get() == "tail")
    {
        value = 0;
    }
    else if (!node->is_integer())
    {
        m_diagnostics.Add(PathOf(key), "expected \"tail\" or an integer");
    }
    else if (CheckRange(PathOf(key), node->as_integer()->get(), 1, max, FormatInteger))
    {
        value = static_cast<std::uint16_t>(node->as_integer()->get());
    }
}

void
ScenarioTomlVisitor::VisitComparison(ExpectSection& expectation)
{
    const toml::node* found = nullptr;
    for (const char* comparison : {"equals", "at_most", "at_least"})
    {
        const auto* node = Find(comparison, Presence::OPTIONAL);
        if (node == nullptr)
        {
            continue;
        }
        if (found != nullptr)
        {
            m_diagnostics.Add(PathOf(comparison),
                              fmt::format("stands beside {}, only one comparison is possible",
                                          expectation.comparison));
            return;
        }
        found = node;
        expectation.comparison = comparison;
    }
    const Section& section = m_sections.back();
    if (section.table == nullptr || !m_diagnostics.Sound({PathOf("metric")}))
    {
        return;
    }
    expectation.line = section.table->source().begin.line;
    if (found == nullptr)
    {
        m_diagnostics.Add(section.path, "needs one of equals, at_most, at_least");
        return;
    }
    if (!found->is_string() && !found->is_integer())
    {
        ReportType(PathOf(expectation.comparison.c_str()), "an integer or a string", *found);
        return;
    }
    expectation.value =
        found->is_string() ? found->as_string()->get() : FormatInteger(found->as_integer()->get());
    const auto fault = ResolveExpectation(expectation, found->is_string());
    if (!fault.message.empty())
    {
        m_diagnostics.Add(PathOf(fault.key.c_str()), fault.message);
    }
}

void
ScenarioTomlVisitor::ReportUnknownSections()
{
    const Section& file = m_sections.front();
    ReportUnknown(*file.table, "", "section", file.keys, m_diagnostics);
}

std::string
ScenarioTomlVisitor::PathOf(const char* key) const
{
    const std::string& path = m_sections.back().path;
    return path.empty() ? key : path + "." + key;
}

const toml::node*
ScenarioTomlVisitor::Ask(const char* name)
{
    Section& section = m_sections.back();
    section.keys.emplace_back(name);
    return section.table == nullptr ? nullptr : section.table->get(name);
}

const toml::node*
ScenarioTomlVisitor::Find(const char* key, Presence presence)
{
    const auto* node = Ask(key);
    if (node == nullptr && presence == Presence::REQUIRED && m_sections.back().table != nullptr)
    {
        m_diagnostics.Add(PathOf(key), "required, but missing");
    }
    return node;
}

const std::string*
ScenarioTomlVisitor::FindText(const char* key, Presence presence, const char* expected)
{
    const auto* node = Find(key, presence);
    if (node == nullptr)
    {
        return nullptr;
    }
    if (!node->is_string())
    {
        ReportType(PathOf(key), expected, *node);
        return nullptr;
    }
    return &node->as_string()->get();
}

template <typename Quantity>
std::optional<Quantity>
ScenarioTomlVisitor::Parse(const char* key,
                           Presence presence,
                           const char* expected,
                           Quantity (*parse)(std::string_view))
{
    const auto* text = FindText(key, presence, expected);
    if (text == nullptr)
    {
        return std::nullopt;
    }
    try
    {
        return parse(*text);
    }
    catch (const UnitError& error)
    {
        m_diagnostics.Add(PathOf(key), error.what());
        return std::nullopt;
    }
}

void
ScenarioTomlVisitor::ReportType(const std::string& path,
                                const char* expected,
                                const toml::node& node)
{
    m_diagnostics.Add(path, fmt::format("expected {}, got {}", expected, TypeName(node)));
}

bool
ScenarioTomlVisitor::CheckRange(const std::string& path,
                                std::int64_t value,
                                std::int64_t min,
                                std::int64_t max,
                                std::string (*format)(std::int64_t))
{
    if (value >= min && value <= max)
    {
        return true;
    }
    const auto range = max == std::numeric_limits<std::int64_t>::max()
                           ? fmt::format("at least {}", format(min))
                           : fmt::format("{} to {}", format(min), format(max));
    m_diagnostics.Add(path, fmt::format("{} is out of range, {}", format(value), range));
    return false;
}

} // namespace flowchain
