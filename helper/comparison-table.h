// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_COMPARISON_TABLE_H
#define FLOWCHAIN_COMPARISON_TABLE_H

#include "comparison.h"
#include "forked-runs.h"
#include "result-writer.h"

#include <string>
#include <vector>

namespace flowchain
{

/** A comparison whose runs have ended. */
struct Comparison
{
    ComparisonPlan plan;
    std::vector<ComparisonVariant> variants;
    std::vector<RunRecord> results;   ///< index: as of `variants`
    std::vector<std::string> metrics; ///< columns wanted besides the usual ones

    /** EXIT_INVARIANT_VIOLATED if a variant has violated one, else EXIT_BAD_INPUT if one has failed
     * or is impossible. */
    ExitCode Exit() const;
};

/** What became of one variant. */
enum class VariantOutcome : std::uint8_t
{
    OK,
    VIOLATED,   ///< an invariant was found broken; that has ended the run
    FAILED,     ///< the run has not come to its end
    IMPOSSIBLE, ///< its values together are no scenario
};

/** @returns "ok", "violated", "failed", "impossible" */
const char* ToString(VariantOutcome outcome);
VariantOutcome OutcomeOf(const Comparison& comparison, std::size_t variant);

/** Metrics of the usual columns, in their order. */
std::vector<std::string> ComparisonMetrics();

/** One row for each variant, for people: units in the heading, then what went wrong. */
std::string ComparisonText(const Comparison& comparison);
/** RFC 4180; the heading has name and unit of each metric, as in the dictionary. */
std::string ComparisonCsv(const Comparison& comparison);
/** {schema, scenario, columns: [{metric, unit, meaning}], variants: [{name, values, faults,
 * outcome, metrics: {metric: value}, violations, error}]} */
std::string ComparisonJson(const Comparison& comparison);

} // namespace flowchain

#endif
