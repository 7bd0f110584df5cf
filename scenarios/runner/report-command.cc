// SPDX-License-Identifier: GPL-2.0-only
#include "report-command.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <unistd.h>
#include <vector>

namespace flowchain
{

namespace
{

std::string
FromEnvironment(const char* name, const char* otherwise)
{
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : otherwise;
}

/** The folder that the package is in. */
std::string
AnalysisFolder()
{
    const std::string folder = FromEnvironment("FLOWCHAIN_ANALYSIS", FLOWCHAIN_ANALYSIS_DIR);
    if (!std::filesystem::exists(folder + "/flowchain_analysis/__main__.py"))
    {
        throw std::runtime_error(
            fmt::format("{}: no folder 'flowchain_analysis' in it; set FLOWCHAIN_ANALYSIS to the "
                        "folder analysis/ of the source",
                        folder));
    }
    return folder;
}

} // namespace

void
ReportCommands::AddTo(CLI::App& app)
{
    m_report = app.add_subcommand("report", "Make one HTML file of a campaign's results");
    m_figures = app.add_subcommand("figures", "Make a campaign's figures for a paper");
    for (CLI::App* command : {m_report, m_figures})
    {
        command->add_option("CAMPAIGN", m_campaign, "The database that a sweep wrote")->required();
        command->footer("Exit codes: 0 written; 2 bad command line or database, or something is "
                        "missing.");
    }
    m_report->add_option("-o,--output", m_output, "default: CAMPAIGN with .html for .db")
        ->type_name("FILE");
    m_figures->add_option("-o,--output", m_output, "default: CAMPAIGN with -figures for .db")
        ->type_name("DIR");
    m_figures->add_option("--format", m_format, "pdf,svg (the default), png")->type_name("NAMES");
}

bool
ReportCommands::Parsed() const
{
    return m_report->parsed() || m_figures->parsed();
}

void
ReportCommands::Run() const
{
    const std::string folder = AnalysisFolder();
    const std::string python = FromEnvironment("FLOWCHAIN_PYTHON", "/usr/bin/python3");
    const char* const before = std::getenv("PYTHONPATH");
    const std::string path =
        before != nullptr && *before != '\0' ? fmt::format("{}:{}", folder, before) : folder;
    setenv("PYTHONPATH", path.c_str(), 1);
    std::vector<std::string> words = {
        python, "-P", "-m", "flowchain_analysis", m_report->parsed() ? "report" : "figures"};
    if (!m_output.empty())
    {
        words.push_back("--output=" + m_output);
    }
    if (!m_format.empty())
    {
        words.push_back("--format=" + m_format);
    }
    words.insert(words.end(), {"--", m_campaign});
    std::vector<char*> arguments;
    for (std::string& word : words)
    {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    std::fflush(stdout);
    execvp(python.c_str(), arguments.data());
    throw std::runtime_error(
        fmt::format("cannot run {} ({}). Install it: apt-get install python3 python3-pandas "
                    "python3-numpy python3-scipy python3-matplotlib",
                    python,
                    std::strerror(errno)));
}

} // namespace flowchain
