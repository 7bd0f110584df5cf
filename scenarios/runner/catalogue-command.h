// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CATALOGUE_COMMAND_H
#define FLOWCHAIN_CATALOGUE_COMMAND_H

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace flowchain
{

/** `flowchain catalogue`: what its command line says. */
class CatalogueCommand
{
  public:
    void AddTo(CLI::App& app);

    bool Parsed() const
    {
        return m_command->parsed();
    }

    /** @returns as Catalogue::Exit() says
     * @throws ScenarioError, std::runtime_error if the input cannot be used */
    int Run() const;

  private:
    CLI::App* m_command = nullptr;
    std::string m_folder;
    std::vector<std::string> m_overrides;
    std::vector<std::string> m_schemes;
    std::string m_matrix;
    std::string m_format = "text";
    unsigned m_jobs = 0; ///< 0: as many as there are processors
    bool m_quiet = false;
};

} // namespace flowchain

#endif
