// SPDX-License-Identifier: GPL-2.0-only
#include "catalogue-command.h"

#include "failure-catalogue-table.h"
#include "failure-catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <unistd.h>

namespace flowchain
{

void
CatalogueCommand::AddTo(CLI::App& app)
{
    m_command = app.add_subcommand(
        "catalogue", "Run every scenario of a folder under several schemes, print one table");
    CLI::App& command = *m_command;
    command.add_option("DIR", m_folder, "The folder; those in it are not looked at")->required();
    command.add_option("-s,--set", m_overrides, "Set a value of every scenario before its check")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    command.add_option("--schemes", m_schemes, "Schemes; without it all that there are")
        ->type_name("NAMES")
        ->delimiter(',')
        ->allow_extra_args(false);
    command
        .add_option("--matrix",
                    m_matrix,
                    "A row for every scenario and a column for every scheme, with this alone:\n"
                    "outcome, faults, lost, broken, disruption or gap")
        ->type_name("COLUMN")
        ->check(CLI::IsMember(CatalogueColumns()));
    command.add_option("--format", m_format, "text, rst, csv or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "rst", "csv", "json"}));
    command
        .add_option("-j,--jobs", m_jobs, "Runs at the same time; default: one for each processor")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    command.add_flag("--quiet", m_quiet, "Do not count the runs on a terminal");
    command.footer("Expectations are not judged.\n"
                   "Exit codes: 0 every run has come to its end; 2 bad command line or scenario, "
                   "or a run has\nfailed; 3 an invariant was violated (outweighs 2).");
}

int
CatalogueCommand::Run() const
{
    Catalogue catalogue = ReadCatalogue(m_folder, m_schemes, m_overrides);
    const bool isTold = !m_quiet && isatty(STDERR_FILENO) == 1;
    RunCatalogue(catalogue,
                 m_jobs != 0 ? m_jobs : std::max(1U, std::thread::hardware_concurrency()),
                 [&](std::size_t done, std::size_t all)
                 {
        if (isTold)
        {
            fmt::print(stderr, "\r{} of {} runs{}", done, all, done == all ? "\n" : "");
        }
    });
    fmt::print("{}", CatalogueTable(catalogue, m_format, m_matrix));
    return catalogue.Exit();
}

} // namespace flowchain
