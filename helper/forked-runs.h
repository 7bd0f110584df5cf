// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FORKED_RUNS_H
#define FLOWCHAIN_FORKED_RUNS_H

#include "run-record.h"

#include <cstddef>
#include <functional>
#include <vector>

namespace flowchain
{

/**
 * Runs many simulations, each in a fork of this process, because two in one process differ. The
 * parent must not have run one itself.
 * @param jobs children at the same time, at least 1
 * @param run is called in the child; what it throws becomes the error
 * @param onDone is called in the parent after each run, with the number of finished ones; may be
 * empty
 * @returns one record for each of 0..count-1, whatever order they have finished in
 * @throws std::runtime_error if no process can be made
 */
std::vector<RunRecord> RunForked(std::size_t count,
                                 std::size_t jobs,
                                 const std::function<RunRecord(std::size_t)>& run,
                                 const std::function<void(std::size_t)>& onDone);

} // namespace flowchain

#endif
