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

} // namespace
} // namespace flowchain
