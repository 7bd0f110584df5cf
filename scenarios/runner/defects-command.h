// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_DEFECTS_COMMAND_H
#define FLOWCHAIN_DEFECTS_COMMAND_H

#include "defect-hunt.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** `flowchain defects`: what its command line says. */
class DefectsCommand
{
  public:
    void AddTo(CLI::App& app);

    bool Parsed() const
    {
        return m_command->parsed();
    }

    /** @returns EXIT_ALL_HOLD if every defect was found, by all means that were tried;
     * EXIT_EXPECTATION_FAILED if one was not
     * @throws ScenarioError, std::runtime_error if the input cannot be used */
    int Run() const;

  private:
    static std::string ListText();
    HuntTask ReadTask() const;
    std::vector<const PlantedDefectInfo*> Wanted() const;
    void Write(const DefectFinding& finding) const;

    CLI::App* m_command = nullptr;
    std::string m_file;
    std::vector<std::string> m_overrides;
    std::vector<std::string> m_names;
    std::uint64_t m_seeds = 100;
    std::string m_exploreFile;
    std::string m_window;
    std::string m_recoverAfter;
    std::uint64_t m_pointsMax = 64;
    unsigned m_jobs = 0;
    unsigned m_limitSeconds = 60;
    std::string m_write;
    std::string m_shrunk;
    std::string m_format = "text";
    bool m_list = false;
    bool m_quiet = false;
};

} // namespace flowchain

#endif
