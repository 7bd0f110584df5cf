// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_EXPECTATION_H
#define FLOWCHAIN_SCENARIO_EXPECTATION_H

#include "metric-set.h"
#include "scenario.h"

#include <string>
#include <vector>

namespace flowchain
{

/** What is wrong with an expectation; an empty message: nothing. */
struct ExpectationFault
{
    std::string key; ///< "metric", or the comparison
    std::string message;
};

/**
 * Find the metric of an expectation and understand its value, in the metric's unit: sets `number`
 * and `isDuration`. A duration needs a unit, a count must not have one, a text can only be equal.
 * @param quoted the value was written as a string
 */
ExpectationFault ResolveExpectation(ExpectSection& expectation, bool quoted);

/** What became of one expectation. */
struct ExpectationOutcome
{
    ExpectSection expectation;
    std::string actual; ///< the measured value with its unit, or "not measured"
    bool holds = false;

    /** It fails and was to hold, or holds and is known to fail: that mark must go. */
    bool IsWrong() const
    {
        return holds != expectation.known.empty();
    }

    /** "sessions.lost equals 0" */
    std::string Text() const;
};

/** Whether one of them says that violations are known: that their number does not equal 0. */
bool KnowsViolations(const std::vector<ExpectationOutcome>& outcomes);

/** Judge every expectation. A metric that the run did not measure holds nothing. */
std::vector<ExpectationOutcome> EvaluateExpectations(const Scenario& scenario,
                                                     const MetricSet& metrics);

} // namespace flowchain

#endif
