// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_COMPARISON_H
#define FLOWCHAIN_COMPARISON_H

#include "scenario.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** The scenario key that names the synchronisation scheme. */
constexpr const char* SCHEME_KEY = "chain.scheme";

/** A key of the scenario, and the values that it takes one after the other. */
struct ComparisonAxis
{
    std::string key;                 ///< as in an override: "chain.length", "workload[0].rate"
    std::vector<std::string> values; ///< as in an override
    bool isDefault = false;          ///< nobody asked for just these values
};

/** Which runs of a variant are wanted. */
enum class FaultSelection : std::uint8_t
{
    WITH,    ///< as the file says
    WITHOUT, ///< all [[failure]]s are left out
    BOTH,    ///< first without, then with them
};

/** What is compared. */
struct ComparisonPlan
{
    std::string file;
    std::vector<std::string> overrides; ///< of every variant, applied before the axes' values
    std::vector<ComparisonAxis> axes;   ///< the last one varies fastest
    FaultSelection faults = FaultSelection::WITH;
};

/** One run of a comparison. */
struct ComparisonVariant
{
    std::vector<std::string> values; ///< one of each axis
    bool hasFaults = true;           ///< the [[failure]]s of the file happen
    Scenario scenario;
    std::string error; ///< not empty: these values together are no scenario, and this is why

    /** A name for files, unique within the comparison: "chain-2", "none-steady". */
    std::string name;
};

constexpr std::size_t COMPARISON_VARIANTS_MAX = 1000;

/** "chain.length=1,2,3"; a comma within quotation marks or brackets separates nothing.
 * @throws ScenarioError if there is no key, no value, an empty value or one twice */
ComparisonAxis ParseAxis(const std::string& text);

/**
 * Every combination of the axes' values as a scenario, in the order of the axes.
 *
 * Values that are impossible together make a variant with an error. A value that is possible with
 * no combination of the others is a mistake of whoever asked for it, unless it is a default.
 * @throws ScenarioError for such a mistake, if no variant is possible, a key has two axes, there
 * are more than COMPARISON_VARIANTS_MAX variants, or BOTH is wanted of a file without failures
 */
std::vector<ComparisonVariant> PlanComparison(const ComparisonPlan& plan);

} // namespace flowchain

#endif
