// SPDX-License-Identifier: GPL-2.0-only
#include "bench-processes.h"

#include "process-pool.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>
#include <sys/time.h>

namespace flowchain::bench
{
namespace
{

/** CPU time of all processes that have ended and were waited for, s. */
double
ChildrenSeconds()
{
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& time)
    {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

} // namespace

double
MeasureProcess(const std::function<void()>& job)
{
    const double before = ChildrenSeconds();
    ProcessPool pool;
    pool.Start(0,
               [&](const ProcessPool::Send&)
               {
        job();
    });
    while (pool.Count() > 0)
    {
        pool.Wait([](std::size_t, const std::string&) {},
                  [](std::size_t, const std::string& error)
                  {
            if (!error.empty())
            {
                std::fprintf(stderr, "benchmark: %s\n", error.c_str());
                std::exit(2);
            }
        });
    }
    return ChildrenSeconds() - before;
}

double
LeastOfThree(const std::function<void()>& job)
{
    return std::min({MeasureProcess(job), MeasureProcess(job), MeasureProcess(job)});
}

} // namespace flowchain::bench
