// SPDX-License-Identifier: GPL-2.0-only
#include "protocol-script.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace flowchain
{
namespace
{

std::vector<std::string>
ScriptFiles()
{
    std::vector<std::string> names;
    for (const auto& file :
         std::filesystem::directory_iterator(FLOWCHAIN_SOURCE_DIR "/test/golden"))
    {
        if (file.path().extension() == ".txt")
        {
            names.push_back(file.path().stem().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

/** Run a script. @returns its text with the output that there was in place of the expected one */
std::string
Replay(const std::string& text)
{
    ProtocolScript script;
    std::istringstream lines(text);
    std::string result;
    std::string output;
    for (std::string line; std::getline(lines, line);)
    {
        result += line + "\n";
        if (line == "----")
        {
            result += output + "\n";
            output.clear();
            while (std::getline(lines, line) && !line.empty())
            {
            }
        }
        else if (!line.empty() && line[0] != '#')
        {
            output += script.Execute(line);
        }
    }
    return result;
}

class ProtocolScriptTest : public testing::TestWithParam<std::string>
{
};

/** FLOWCHAIN_REWRITE_GOLDEN=1 writes what happens into the files instead of comparing. */
TEST_P(ProtocolScriptTest, TraceIsAsWritten)
{
    const std::string path =
        std::string(FLOWCHAIN_SOURCE_DIR "/test/golden/") + GetParam() + ".txt";
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    const std::string result = Replay(text.str());
    const char* rewrite = std::getenv("FLOWCHAIN_REWRITE_GOLDEN");
    if (rewrite != nullptr && std::string(rewrite) == "1")
    {
        std::ofstream(path) << result;
        return;
    }
    EXPECT_EQ(result, text.str());
}

std::string
NameOfScript(const testing::TestParamInfo<std::string>& script)
{
    std::string name = script.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Golden,
                         ProtocolScriptTest,
                         testing::ValuesIn(ScriptFiles()),
                         NameOfScript);

/** Every position of the failure catalogue, in its own words, and the script that shows it. */
TEST(FailureCatalogue, EveryPositionHasAScript)
{
    const std::pair<const char*, const char*> positions[] = {
        {"the first manager dies before the chain starts", "first-manager-dies"},
        {"the first manager dies mid-chain", "first-manager-dies"},
        {"the first manager dies after the second, but before the third has the entry",
         "first-manager-dies-before-third"},
        {"an intermediate dies holding unacknowledged state", "intermediate-dies"},
        {"the second dies mid fan-out (some service nodes have it)", "tail-dies"},
        {"the second recovers with stale members", "second-recovers"},
        {"the third dies before installation", "third-manager-dies"},
        {"the third dies after installation", "third-manager-dies"},
        {"accelerator and first manager hold different views, so the third is guessed wrong",
         "views-differ"},
        {"a reverse packet overtakes its entry", "reverse-overtakes"},
        {"the first service node dies before returning state", "first-service-node-dies"},
        {"the first service node dies after some others applied", "first-service-node-dies-later"},
        {"an accelerator reboots with an empty table", "accelerator-reboots"},
        {"a group is partitioned; two first managers for one flow", "group-partitioned"},
        {"a chain shrinks to 1", "chain-shrinks-to-one"},
        {"scale-in of the node being written", "scale-in"},
        {"a port is reused while its deletion is in flight", "port-reuse"},
        {"a whole group (zone) is lost", "group-lost"},
        {"two failures within one detection time", "two-failures"},
        {"a fault during recovery from a fault", "fault-in-recovery"},
    };
    for (const auto& [words, script] : positions)
    {
        std::ifstream file(std::string(FLOWCHAIN_SOURCE_DIR "/test/golden/") + script + ".txt");
        std::string comments;
        for (std::string line; std::getline(file, line);)
        {
            comments += line.starts_with("#") ? line.substr(1) : "\n";
        }
        EXPECT_NE(comments.find(std::string("Catalogue: ") + words + "."), std::string::npos)
            << script << ".txt should say: Catalogue: " << words << ".";
    }
}

} // namespace
} // namespace flowchain
