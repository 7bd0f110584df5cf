// SPDX-License-Identifier: GPL-2.0-only
#include "forked-runs.h"

#include "process-pool.h"

#include <cassert>

namespace flowchain
{

std::vector<RunRecord>
RunForked(std::size_t count,
          std::size_t jobs,
          const std::function<RunRecord(std::size_t)>& run,
          const std::function<void(std::size_t)>& onDone)
{
    assert(jobs > 0);
    std::vector<RunRecord> records(count);
    ProcessPool pool;
    std::size_t started = 0;
    std::size_t done = 0;
    const auto onMessage = [&](std::size_t index, const std::string& message)
    {
        records[index] = DecodeRecord(message);
    };
    const auto onEnd = [&](std::size_t index, const std::string& error)
    {
        if (!error.empty())
        {
            records[index] = {};
            records[index].error = error;
        }
        ++done;
        if (onDone)
        {
            onDone(done);
        }
    };
    while (done < count)
    {
        while (started < count && pool.Count() < jobs)
        {
            const std::size_t index = started++;
            pool.Start(index,
                       [&](const ProcessPool::Send& send)
                       {
                send(EncodeRecord(run(index)));
            });
        }
        pool.Wait(onMessage, onEnd);
    }
    return records;
}

} // namespace flowchain
