// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_BENCH_PROCESSES_H
#define FLOWCHAIN_BENCH_PROCESSES_H

#include <functional>

namespace flowchain::bench
{

/** @returns CPU time of the job in a process of its own, that one's children included, s.
 * Ends the program if the job fails. */
double MeasureProcess(const std::function<void()>& job);

/** The least of three measurements: what else runs on the machine only ever adds. */
double LeastOfThree(const std::function<void()>& job);

} // namespace flowchain::bench

#endif
