// SPDX-License-Identifier: GPL-2.0-only
#include "run-identity.h"

#include "scenario-reader.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <stdexcept>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace flowchain
{

namespace
{

/** @throws std::runtime_error if the file cannot be read */
std::string
DigestOfFile(const std::string& path)
{
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    XXH3_state_t* state = XXH3_createState();
    XXH3_64bits_reset(state);
    std::array<char, 65536> buffer;
    while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0)
    {
        XXH3_64bits_update(state, buffer.data(), static_cast<std::size_t>(file.gcount()));
    }
    const auto digest = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    if (!file.eof())
    {
        throw std::runtime_error(fmt::format("{}: {}", path, std::strerror(errno)));
    }
    return fmt::format("{:016x}", digest);
}

/** Many runs replay one capture. */
const std::string&
DigestOfCapture(const std::string& path)
{
    static std::map<std::string, std::string> known;
    auto place = known.find(path);
    if (place == known.end())
    {
        place = known.emplace(path, DigestOfFile(path)).first;
    }
    return place->second;
}

} // namespace

std::string
BuildId(const BuildInfo& build)
{
    auto text = fmt::format("{}\n{}\n{}\n{}\n{}\n",
                            build.version,
                            build.compiler,
                            build.buildType,
                            build.commit,
                            build.ns3Version);
    const bool isExact = build.commit.find("dirty") == std::string::npos &&
                         build.commit.find("unknown") == std::string::npos;
    if (!isExact)
    {
        text += DigestOfFile("/proc/self/exe");
    }
    return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

Scenario
WithoutOutput(const Scenario& scenario)
{
    Scenario bare = scenario;
    bare.output.directory = "results";
    bare.output.result = true;
    bare.output.pcap.clear();
    return bare;
}

std::string
RunId(const Scenario& scenario, const std::string& buildId)
{
    std::string text = ResolvedToml(WithoutOutput(scenario)) + "\n" + buildId + "\n";
    for (const WorkloadSection& workload : scenario.workloads)
    {
        if (workload.kind == "replay")
        {
            text += DigestOfCapture(workload.replay.fileResolved) + "\n";
        }
    }
    const auto hash = XXH3_128bits(text.data(), text.size());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

} // namespace flowchain
