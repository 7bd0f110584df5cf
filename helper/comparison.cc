// SPDX-License-Identifier: GPL-2.0-only
#include "comparison.h"

#include "scenario-reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace flowchain
{

namespace
{

std::vector<std::string>
SplitAtCommas(const std::string& text)
{
    std::vector<std::string> parts(1);
    char quote = 0;
    int depth = 0;
    for (const char c : text)
    {
        if (quote != 0)
        {
            quote = c == quote ? 0 : quote;
        }
        else if (c == '"' || c == '\'')
        {
            quote = c;
        }
        depth += quote != 0 ? 0 : (c == '[' || c == '{') - (c == ']' || c == '}');
        if (c == ',' && quote == 0 && depth == 0)
        {
            parts.emplace_back();
        }
        else
        {
            parts.back() += c;
        }
    }
    return parts;
}

/** Call `visit` with every combination of one value of each axis, the last axis fastest. */
template <typename Visit>
void
ForEachCombination(const std::vector<ComparisonAxis>& axes, Visit visit)
{
    std::vector<std::size_t> place(axes.size());
    for (bool more = true; more;)
    {
        std::vector<std::string> values;
        for (std::size_t i = 0; i < axes.size(); ++i)
        {
            values.push_back(axes[i].values[place[i]]);
        }
        visit(values);
        more = false;
        for (std::size_t i = axes.size(); i > 0 && !more; --i)
        {
            place[i - 1] = (place[i - 1] + 1) % axes[i - 1].values.size();
            more = place[i - 1] != 0;
        }
    }
}

void
CheckAxes(const ComparisonPlan& plan)
{
    std::set<std::string> keys;
    std::size_t variants = plan.faults == FaultSelection::BOTH ? 2 : 1;
    for (const auto& axis : plan.axes)
    {
        if (!keys.insert(axis.key).second)
        {
            throw ScenarioError({fmt::format("--vary {}: is varied twice", axis.key)});
        }
        variants *= axis.values.size();
        if (variants > COMPARISON_VARIANTS_MAX)
        {
            throw ScenarioError({fmt::format("more than {} variants", COMPARISON_VARIANTS_MAX)});
        }
    }
}

/** @throws ScenarioError for a value that no variant can have */
void
CheckValues(const std::vector<ComparisonAxis>& axes, const std::vector<ComparisonVariant>& variants)
{
    const auto isPossible = [](const ComparisonVariant& variant)
    {
        return variant.error.empty();
    };
    if (std::none_of(variants.begin(), variants.end(), isPossible))
    {
        throw ScenarioError({variants.front().error});
    }
    for (std::size_t i = 0; i < axes.size(); ++i)
    {
        for (const auto& value : axes[i].values)
        {
            const auto has = [&](const ComparisonVariant& variant)
            {
                return variant.values[i] == value;
            };
            if (!axes[i].isDefault && std::none_of(variants.begin(),
                                                   variants.end(),
                                                   [&](const auto& variant)
                                                   {
                return has(variant) && isPossible(variant);
                }))
            {
                throw ScenarioError({std::find_if(variants.begin(), variants.end(), has)->error});
            }
        }
    }
}

void
NameVariants(std::vector<ComparisonVariant>& variants, FaultSelection faults)
{
    std::set<std::string> names;
    for (auto& variant : variants)
    {
        std::string name;
        for (const auto& value : variant.values)
        {
            name += name.empty() ? "" : "-";
            for (const char c : value)
            {
                name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ? c : '_';
            }
        }
        if (faults == FaultSelection::BOTH)
        {
            name += variant.hasFaults ? "-fault" : "-steady";
        }
        variant.name = name.empty() ? "run" : name;
        for (int i = 2; !names.insert(variant.name).second; ++i)
        {
            variant.name = fmt::format("{}-{}", name, i);
        }
    }
}

} // namespace

ComparisonAxis
ParseAxis(const std::string& text)
{
    const auto equals = text.find('=');
    ComparisonAxis axis;
    axis.key = text.substr(0, equals);
    if (equals == std::string::npos || axis.key.empty())
    {
        throw ScenarioError({fmt::format("--vary {}: expected section.key=value,value,...", text)});
    }
    axis.values = SplitAtCommas(text.substr(equals + 1));
    std::set<std::string> seen;
    for (const auto& value : axis.values)
    {
        if (value.empty())
        {
            throw ScenarioError({fmt::format("--vary {}: a value is empty", text)});
        }
        if (!seen.insert(value).second)
        {
            throw ScenarioError({fmt::format("--vary {}: {} stands there twice", text, value)});
        }
    }
    return axis;
}

std::vector<ComparisonVariant>
PlanComparison(const ComparisonPlan& plan)
{
    CheckAxes(plan);
    std::vector<ComparisonVariant> variants;
    ForEachCombination(plan.axes,
                       [&](const std::vector<std::string>& values)
                       {
        ComparisonVariant variant;
        variant.values = values;
        auto overrides = plan.overrides;
        for (std::size_t i = 0; i < values.size(); ++i)
        {
            overrides.push_back(plan.axes[i].key + "=" + values[i]);
        }
        try
        {
            variant.scenario = ReadScenario(plan.file, overrides);
            if (!variant.scenario.sim.defects.empty())
            {
                variant.error = fmt::format(
                    "{}: sim.defects: a protocol with planted defects is not measured", plan.file);
            }
        }
        catch (const ScenarioError& error)
        {
            variant.error = error.what();
        }
        if (plan.faults != FaultSelection::WITH)
        {
            auto steady = variant;
            steady.hasFaults = false;
            steady.scenario.failures.clear();
            variants.push_back(std::move(steady));
        }
        if (plan.faults != FaultSelection::WITHOUT)
        {
            variants.push_back(std::move(variant));
        }
    });
    CheckValues(plan.axes, variants);
    const bool hasFailures = std::any_of(variants.begin(),
                                         variants.end(),
                                         [](const auto& variant)
                                         {
        return !variant.scenario.failures.empty();
    });
    if (plan.faults == FaultSelection::BOTH && !hasFailures)
    {
        throw ScenarioError(
            {fmt::format("{}: has no [[failure]] to compare with a steady run", plan.file)});
    }
    NameVariants(variants, plan.faults);
    return variants;
}

} // namespace flowchain
