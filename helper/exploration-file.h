// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_EXPLORATION_FILE_H
#define FLOWCHAIN_EXPLORATION_FILE_H

#include "exploration.h"

#include <map>
#include <string>

namespace flowchain
{

/**
 * The outcomes of an exploration in a file, one line of JSON each behind a line that says of what
 * they are. An outcome that was added is on the disk when the call returns; a line that was being
 * written when the machine failed is cut off by the next one who opens the file.
 *
 * All functions throw std::runtime_error, naming the file and the cause.
 */
class ExplorationFile
{
  public:
    /** Open the file, or make it. It is locked until this object ends.
     * @param identity of scenario, build and recovery; that of a file that is there must be it */
    ExplorationFile(const std::string& path, const std::string& identity);
    ~ExplorationFile();
    ExplorationFile(const ExplorationFile&) = delete;
    ExplorationFile& operator=(const ExplorationFile&) = delete;

    /** The outcomes that were there when it was opened. */
    const std::map<PointKey, PointOutcome>& Known() const
    {
        return m_known;
    }

    void Add(const PointOutcome& outcome);

  private:
    [[noreturn]] void Throw(const std::string& why) const;
    void Load(const std::string& identity);
    void Write(const std::string& line);

    std::string m_path;
    int m_file = -1;
    std::map<PointKey, PointOutcome> m_known;
};

} // namespace flowchain

#endif
