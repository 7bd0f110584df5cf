// SPDX-License-Identifier: GPL-2.0-only
#include "outcome-file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <sys/file.h>
#include <unistd.h>

namespace flowchain
{

namespace
{

constexpr int VERSION = 1;
constexpr mode_t MODE = 0666; // less the umask

} // namespace

void
OutcomeFile::Throw(const std::string& why) const
{
    throw std::runtime_error(fmt::format("{}: {}", m_path, why));
}

OutcomeFile::OutcomeFile(const std::string& path,
                         const std::string& command,
                         const std::string& identity,
                         const OnLine& onLine)
    : m_path(path)
    , m_command(command)
{
    const auto folder = std::filesystem::path(path).parent_path();
    std::error_code ignored; // open() says what is wrong
    if (!folder.empty())
    {
        std::filesystem::create_directories(folder, ignored);
    }
    m_file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, MODE);
    if (m_file < 0)
    {
        Throw(std::strerror(errno));
    }
    try
    {
        if (flock(m_file, LOCK_EX | LOCK_NB) != 0)
        {
            Throw(errno == EWOULDBLOCK
                      ? fmt::format("another `flowchain {}` writes to it", m_command)
                      : std::strerror(errno));
        }
        Load(identity, onLine);
    }
    catch (...)
    {
        close(m_file);
        throw;
    }
}

OutcomeFile::~OutcomeFile()
{
    close(m_file);
}

void
OutcomeFile::Load(const std::string& identity, const OnLine& onLine)
{
    std::string text;
    std::array<char, 65536> buffer;
    for (;;)
    {
        const auto count = read(m_file, buffer.data(), buffer.size());
        if (count < 0)
        {
            Throw(std::strerror(errno));
        }
        if (count == 0)
        {
            break;
        }
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    {
        const std::string line = text.substr(begin, end - begin);
        if (begin != 0)
        {
            onLine(line);
            continue;
        }
        const auto header = nlohmann::json::parse(line, nullptr, false);
        if (header.is_discarded() || !header.is_object() || header.value(HeaderKey(), 0) != VERSION)
        {
            Throw(fmt::format("not a file of `flowchain {}`", m_command));
        }
        if (header.value("identity", "") != identity)
        {
            Throw(
                "has outcomes of another scenario, of other options or another build: name another "
                "file with --output, or remove it");
        }
    }
    if (begin == 0 && !text.empty() && text.front() != '{')
    {
        Throw(fmt::format("not a file of `flowchain {}`", m_command));
    }
    if (ftruncate(m_file, static_cast<off_t>(begin)) != 0 ||
        lseek(m_file, static_cast<off_t>(begin), SEEK_SET) < 0)
    {
        Throw(std::strerror(errno));
    }
    if (begin == 0)
    {
        Add(nlohmann::json{{HeaderKey(), VERSION}, {"identity", identity}}.dump());
    }
}

std::string
OutcomeFile::HeaderKey() const
{
    return "flowchain_" + m_command;
}

void
OutcomeFile::Add(const std::string& line)
{
    const std::string text = line + "\n";
    for (std::size_t done = 0; done < text.size();)
    {
        const auto count = write(m_file, text.data() + done, text.size() - done);
        if (count < 0 && errno != EINTR)
        {
            Throw(std::strerror(errno));
        }
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    if (fdatasync(m_file) != 0)
    {
        Throw(std::strerror(errno));
    }
}

} // namespace flowchain
