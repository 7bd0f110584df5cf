// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_OUTCOME_FILE_H
#define FLOWCHAIN_OUTCOME_FILE_H

#include <functional>
#include <string>

namespace flowchain
{

/**
 * The outcomes of many runs in a file, one line of JSON each behind a line that says of what they
 * are. An outcome that was added is on the disk when the call returns; a line that was being
 * written when the machine failed is cut off by the next one who opens the file.
 *
 * All functions throw std::runtime_error, naming the file and the cause.
 */
class OutcomeFile
{
  public:
    using OnLine = std::function<void(const std::string& line)>;

    /** Open the file, or make it. It is locked until this object ends.
     * @param command of flowchain that writes it
     * @param identity of all that the outcomes depend on; that of a file that is there must be it
     * @param onLine gets the outcomes that are there */
    OutcomeFile(const std::string& path,
                const std::string& command,
                const std::string& identity,
                const OnLine& onLine);
    ~OutcomeFile();
    OutcomeFile(const OutcomeFile&) = delete;
    OutcomeFile& operator=(const OutcomeFile&) = delete;

    /** @param line without its end */
    void Add(const std::string& line);

  private:
    [[noreturn]] void Throw(const std::string& why) const;
    void Load(const std::string& identity, const OnLine& onLine);
    std::string HeaderKey() const;

    std::string m_path;
    std::string m_command;
    int m_file = -1;
};

} // namespace flowchain

#endif
