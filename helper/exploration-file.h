// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_EXPLORATION_FILE_H
#define FLOWCHAIN_EXPLORATION_FILE_H

#include "exploration.h"
#include "outcome-file.h"

#include <map>
#include <string>

namespace flowchain
{

/** The outcomes of an exploration in an OutcomeFile. */
class ExplorationFile
{
  public:
    /** As OutcomeFile. @param identity of scenario, build and recovery */
    ExplorationFile(const std::string& path, const std::string& identity)
        : m_file(path,
                 "explore",
                 identity,
                 [this](const std::string& line)
                 {
        const PointOutcome outcome = ReadPointJson(line);
        m_known[{outcome.boundary, outcome.node}] = outcome;
        })
    {
    }

    /** The outcomes that were there when it was opened. */
    const std::map<PointKey, PointOutcome>& Known() const
    {
        return m_known;
    }

    void Add(const PointOutcome& outcome)
    {
        m_file.Add(PointJson(outcome));
    }

  private:
    std::map<PointKey, PointOutcome> m_known; // before the file, which fills it
    OutcomeFile m_file;
};

} // namespace flowchain

#endif
