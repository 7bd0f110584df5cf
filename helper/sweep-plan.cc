// SPDX-License-Identifier: GPL-2.0-only
#include "sweep-plan.h"

#include "scenario-diagnostics.h"
#include "scenario-reader.h"
#include "spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <map>
#include <optional>

namespace flowchain
{

namespace
{

using Parameters = std::vector<std::pair<std::string, SweepValue>>;

constexpr std::size_t ERRORS_SHOWN_MAX = 5;

std::string
LabelOf(const Parameters& parameters)
{
    std::string label;
    for (const auto& [key, value] : parameters)
    {
        label += fmt::format("{}{}={}", label.empty() ? "" : " ", key, value.label);
    }
    return label.empty() ? "base" : label;
}

/** Every combination of the blocks, the last one fastest. */
std::vector<Parameters>
CombinationsOf(const SweepSection& sweep)
{
    std::vector<Parameters> points(1);
    for (const auto& block : sweep.blocks)
    {
        std::vector<Parameters> longer;
        for (const auto& point : points)
        {
            for (std::size_t i = 0; i < block.front().values.size(); ++i)
            {
                longer.push_back(point);
                for (const SweepAxis& axis : block)
                {
                    longer.back().emplace_back(axis.key, axis.values[i]);
                }
            }
        }
        points = std::move(longer);
    }
    return points;
}

std::vector<std::string>
OverridesOf(const std::vector<std::string>& overrides, const Parameters& parameters)
{
    auto all = overrides;
    for (const auto& [key, value] : parameters)
    {
        all.push_back(key + "=" + value.toml);
    }
    return all;
}

SweepValue
ValueOf(const toml::node& node)
{
    if (const auto integer = node.value_exact<std::int64_t>())
    {
        return MakeSweepValue(SweepValue::Kind::INTEGER, *integer);
    }
    if (const auto text = node.value_exact<std::string>())
    {
        return MakeSweepValue(*text);
    }
    if (const auto real = node.value_exact<double>())
    {
        return MakeSweepValue(SweepValue::Kind::DECIMAL, static_cast<std::int64_t>(*real * 1000));
    }
    const bool truth = node.value_or(false);
    return {SweepValue::Kind::TEXT, 0, truth ? "true" : "false", truth ? "true" : "false"};
}

/** The values that filters name: of the point, or else of a scenario of the file. */
class FilterValues
{
  public:
    explicit FilterValues(toml::table resolved)
        : m_resolved(std::move(resolved))
    {
    }

    /** @throws ScenarioError if a filter names a key that no scenario has */
    bool Holds(const SweepFilter& filter, const Parameters& point) const
    {
        return std::any_of(filter.choices.begin(),
                           filter.choices.end(),
                           [&](const auto& comparison)
                           {
            return Holds(filter, comparison, point);
        });
    }

  private:
    bool Holds(const SweepFilter& filter,
               const SweepFilter::Comparison& comparison,
               const Parameters& point) const
    {
        const auto left = Operand(filter, comparison.left, point);
        const auto right = Operand(filter, comparison.right, point);
        const auto order = CompareSweepValues(left, right);
        const auto& op = comparison.op;
        if (op == "==" || op == "!=")
        {
            return (order == SweepOrder::EQUAL) == (op == "==");
        }
        if (order == SweepOrder::UNORDERED)
        {
            throw ScenarioError(
                {fmt::format("{}: error: sweep.where: \"{}\": {} and {} have no order",
                             filter.place,
                             filter.text,
                             left.label,
                             right.label)});
        }
        const bool isLess = op.front() == '<';
        return order == (isLess ? SweepOrder::LESS : SweepOrder::GREATER) ||
               (op.size() == 2 && order == SweepOrder::EQUAL);
    }

    SweepValue
    Operand(const SweepFilter& filter, const std::string& text, const Parameters& point) const
    {
        for (const auto& [key, value] : point)
        {
            if (key == text)
            {
                return value;
            }
        }
        if (const auto* node = Find(text))
        {
            return ValueOf(*node);
        }
        try
        {
            const auto table = toml::parse("value = " + text);
            if (table.size() == 1 && table.get("value")->is_value())
            {
                return ValueOf(*table.get("value"));
            }
        }
        catch (const toml::parse_error&)
        {
            // a bare word
        }
        auto value = MakeSweepValue(text);
        const bool isWord = std::isalpha(static_cast<unsigned char>(text.front())) != 0;
        if (!value.IsNumber() && isWord && text.find_first_of(".[") != std::string::npos)
        {
            std::vector<std::string> known;
            for (const auto& [key, swept] : point)
            {
                known.push_back(key);
            }
            Collect(m_resolved, "", known);
            throw ScenarioError({fmt::format("{}: error: sweep.where: no key '{}'{}",
                                             filter.place,
                                             text,
                                             DidYouMean(text, known))});
        }
        return value;
    }

    const toml::node* Find(const std::string& path) const
    {
        const toml::node* node = &m_resolved;
        for (const auto& step : SplitPath(path))
        {
            node = step.isIndex && node->is_array()    ? node->as_array()->get(step.index)
                   : !step.isIndex && node->is_table() ? node->as_table()->get(step.key)
                                                       : nullptr;
            if (node == nullptr)
            {
                return nullptr;
            }
        }
        return node->is_value() ? node : nullptr;
    }

    static void
    Collect(const toml::table& table, const std::string& prefix, std::vector<std::string>& keys)
    {
        for (const auto& [key, node] : table)
        {
            const auto path = prefix + std::string(key.str());
            if (const auto* inner = node.as_table())
            {
                Collect(*inner, path + ".", keys);
            }
            else if (node.is_value())
            {
                keys.push_back(path);
            }
        }
    }

    toml::table m_resolved;
};

/** The first scenario that can be read: the file as it is, or else one of its points. */
toml::table
ResolvedTable(const SweepPlan& plan, const std::vector<Parameters>& points)
{
    std::optional<ScenarioError> first;
    const auto read = [&](const Parameters& point) -> std::optional<toml::table>
    {
        try
        {
            return toml::parse(ResolvedToml(ScenarioOf(plan, point)));
        }
        catch (const ScenarioError& error)
        {
            first = first ? first : error;
            return std::nullopt;
        }
    };
    auto table = read({});
    for (std::size_t i = 0; !table && i < points.size(); ++i)
    {
        table = read(points[i]);
    }
    if (!table)
    {
        throw ScenarioError(*first);
    }
    return std::move(*table);
}

/** @throws ScenarioError if an option of the command line sets a key that is swept */
void
CheckOverrides(const std::vector<std::string>& overrides, const SweepSection& sweep)
{
    for (const auto& block : sweep.blocks)
    {
        for (const auto& axis : block)
        {
            for (const auto& override : overrides)
            {
                if (override.starts_with(axis.key + "="))
                {
                    throw ScenarioError({fmt::format("-s {}: this key is swept", axis.key)});
                }
            }
        }
    }
}

} // namespace

std::string
SweepPoint::Label() const
{
    return LabelOf(parameters);
}

Scenario
SweepPoint::ScenarioOf(std::uint32_t replication) const
{
    Scenario replicated = scenario;
    replicated.sim.seed += replication;
    return replicated;
}

Scenario
ScenarioOf(const SweepPlan& plan, const Parameters& parameters)
{
    return ParseScenario(plan.toml, plan.file, OverridesOf(plan.overrides, parameters));
}

SweepPlan
PlanSweep(const std::string& file, const std::vector<std::string>& overrides)
{
    return PlanSweepText(ReadScenarioText(file), file, overrides);
}

SweepPlan
PlanSweepText(const std::string& text,
              const std::string& file,
              const std::vector<std::string>& overrides)
{
    SweepPlan plan;
    plan.file = file;
    plan.toml = text;
    plan.overrides = overrides;
    const SweepSection sweep = ReadSweepOf(plan.toml, file, overrides);
    CheckOverrides(overrides, sweep);
    plan.replications = sweep.replications;
    for (const auto& block : sweep.blocks)
    {
        for (const auto& axis : block)
        {
            plan.axes.push_back(axis.key);
        }
    }
    auto points = CombinationsOf(sweep);
    if (!sweep.where.empty())
    {
        const FilterValues values(ResolvedTable(plan, points));
        plan.leftOut = std::erase_if(points,
                                     [&](const Parameters& point)
                                     {
            return !std::all_of(sweep.where.begin(),
                                sweep.where.end(),
                                [&](const SweepFilter& filter)
                                {
                return values.Holds(filter, point);
            });
        });
    }
    std::vector<std::string> errors;
    for (auto& parameters : points)
    {
        SweepPoint point{std::move(parameters), {}};
        try
        {
            point.scenario = ScenarioOf(plan, point.parameters);
            if (!point.scenario.sim.defects.empty())
            {
                throw ScenarioError({fmt::format(
                    "{}: sim.defects: a protocol with planted defects is not measured", file)});
            }
            plan.points.push_back(std::move(point));
        }
        catch (const ScenarioError& error)
        {
            errors.push_back(sweep.blocks.empty()
                                 ? error.what()
                                 : fmt::format("{}: {}", point.Label(), error.what()));
        }
    }
    if (!errors.empty())
    {
        const auto count = errors.size();
        if (count > ERRORS_SHOWN_MAX)
        {
            errors.resize(ERRORS_SHOWN_MAX);
            errors.push_back(fmt::format("and {} more points", count - ERRORS_SHOWN_MAX));
        }
        if (!sweep.blocks.empty())
        {
            errors.push_back("a filter in sweep.where can leave impossible points out");
        }
        throw ScenarioError(errors);
    }
    if (plan.points.empty())
    {
        throw ScenarioError({fmt::format("{}: sweep.where leaves no point", file)});
    }
    return plan;
}

} // namespace flowchain
