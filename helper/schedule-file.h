// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCHEDULE_FILE_H
#define FLOWCHAIN_SCHEDULE_FILE_H

#include "outcome-file.h"
#include "swarm.h"

#include <cstdint>
#include <map>
#include <string>

namespace flowchain
{

/** The outcomes of a swarm's schedules in an OutcomeFile, by seed. */
class ScheduleFile
{
  public:
    /** As OutcomeFile. @param identity of base scenario and build */
    ScheduleFile(const std::string& path, const std::string& identity)
        : m_file(path,
                 "swarm",
                 identity,
                 [this](const std::string& line)
                 {
        const ScheduleOutcome outcome = ReadScheduleJson(line);
        m_known[outcome.seed] = outcome;
        })
    {
    }

    /** The outcomes that were there when it was opened. */
    const std::map<std::uint64_t, ScheduleOutcome>& Known() const
    {
        return m_known;
    }

    void Add(const ScheduleOutcome& outcome)
    {
        m_file.Add(ScheduleJson(outcome));
    }

  private:
    std::map<std::uint64_t, ScheduleOutcome> m_known; // before the file, which fills it
    OutcomeFile m_file;
};

} // namespace flowchain

#endif
