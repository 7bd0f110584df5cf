// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FORKED_RUNS_H
#define FLOWCHAIN_FORKED_RUNS_H

#include "metric-set.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace flowchain
{

/** What a run in a process of its own has left behind. */
struct ForkedResult
{
    MetricSet metrics;
    std::vector<std::string> violations;
    std::string error; ///< not empty: the run has not come to its end, and this is why
};

/**
 * Runs many simulations, each in a fork of this process, because two in one process differ. The
 * parent must not have run one itself.
 * @param jobs children at the same time, at least 1
 * @param run is called in the child; what it throws becomes the error
 * @param onDone is called in the parent after each run, with the number of finished ones; may be
 * empty
 * @returns one result for each of 0..count-1, whatever order they have finished in
 * @throws std::runtime_error if no process can be made
 */
std::vector<ForkedResult> RunForked(std::size_t count,
                                    std::size_t jobs,
                                    const std::function<ForkedResult(std::size_t)>& run,
                                    const std::function<void(std::size_t)>& onDone);

} // namespace flowchain

#endif
