// SPDX-License-Identifier: GPL-2.0-only
#include "slurm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace flowchain
{

namespace
{

struct Said
{
    int exitCode = 0;
    std::string output;
    std::string error;
};

using Words = std::vector<std::string>;

constexpr int NOT_FOUND = 127;

/** A pipe that no program inherits unless it is told to. */
struct Pipe
{
    Pipe()
    {
        if (pipe2(ends.data(), O_CLOEXEC) != 0)
        {
            throw std::runtime_error(fmt::format("pipe: {}", std::strerror(errno)));
        }
    }

    ~Pipe()
    {
        CloseWriter();
        close(ends[0]);
    }

    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    void CloseWriter()
    {
        if (ends[1] >= 0)
        {
            close(ends[1]);
            ends[1] = -1;
        }
    }

    std::array<int, 2> ends{-1, -1};
};

/** Read both to their ends, whichever has something. */
void
ReadAll(const Pipe& output, const Pipe& error, Said& said)
{
    std::array<pollfd, 2> files{{{output.ends[0], POLLIN, 0}, {error.ends[0], POLLIN, 0}}};
    std::array<std::string*, 2> texts{&said.output, &said.error};
    while (files[0].fd >= 0 || files[1].fd >= 0)
    {
        if (poll(files.data(), files.size(), -1) < 0)
        {
            continue; // a signal
        }
        for (std::size_t i = 0; i < files.size(); ++i)
        {
            std::array<char, 4096> buffer;
            const auto count = files[i].fd >= 0 && files[i].revents != 0
                                   ? read(files[i].fd, buffer.data(), buffer.size())
                                   : -1;
            if (count > 0)
            {
                texts[i]->append(buffer.data(), static_cast<std::size_t>(count));
            }
            else if (count == 0)
            {
                files[i].fd = -1;
            }
        }
    }
}

/** Run a program of PATH, without a shell. Its exit code is NOT_FOUND if there is none. */
Said
Execute(const Words& words)
{
    std::vector<char*> arguments;
    for (const std::string& word : words)
    {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    Pipe output;
    Pipe error;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output.ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, error.ends[1], STDERR_FILENO);
    pid_t pid = -1;
    const int failure =
        posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    Said said;
    if (failure != 0)
    {
        said.exitCode = failure == ENOENT ? NOT_FOUND : EXIT_FAILURE;
        said.error = std::strerror(failure);
        return said;
    }
    output.CloseWriter();
    error.CloseWriter();
    ReadAll(output, error, said);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    {
    }
    said.exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
    return said;
}

std::string
Trimmed(std::string text)
{
    text.erase(text.find_last_not_of(" \n") + 1);
    return text;
}

[[noreturn]] void
ThrowSaid(const Words& words, const Said& said)
{
    if (said.exitCode == NOT_FOUND)
    {
        throw std::runtime_error(
            fmt::format("no {} in PATH: Slurm's commands are in Debian's package slurm-client; "
                        "without Slurm, --print-commands prints commands for GNU parallel or ssh",
                        words.front()));
    }
    const auto text = Trimmed(said.error);
    throw std::runtime_error(fmt::format(
        "{} has failed: {}", words.front(), text.empty() ? Trimmed(said.output) : text));
}

std::string
OutputOf(const Words& words)
{
    Said said = Execute(words);
    if (said.exitCode != 0)
    {
        ThrowSaid(words, said);
    }
    return std::move(said.output);
}

std::optional<std::uint32_t>
NumberOf(std::string_view text)
{
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number)
                                                                    : std::nullopt;
}

std::string
Joined(const Words& words)
{
    std::string text;
    for (const std::string& word : words)
    {
        text += (text.empty() ? "" : ",") + word;
    }
    return text;
}

} // namespace

bool
HasSlurm()
{
    const char* path = std::getenv("PATH");
    std::istringstream folders(path != nullptr ? path : "");
    for (std::string folder; std::getline(folders, folder, ':');)
    {
        if (access((std::filesystem::path(folder) / "squeue").c_str(), X_OK) == 0)
        {
            return true;
        }
    }
    return false;
}

std::uint32_t
SlurmArrayMax()
{
    std::istringstream lines(OutputOf({"scontrol", "show", "config"}));
    for (std::string line; std::getline(lines, line);)
    {
        if (line.starts_with("MaxArraySize"))
        {
            const auto start = line.find_first_of("0123456789");
            const auto number =
                start == std::string::npos ? std::nullopt : NumberOf(Trimmed(line.substr(start)));
            if (number && *number > 0)
            {
                return *number;
            }
            throw std::runtime_error(
                fmt::format("Slurm takes no job arrays ({}); see --print-commands", Trimmed(line)));
        }
    }
    throw std::runtime_error("`scontrol show config` says no MaxArraySize; give --array-max");
}

std::string
SubmitToSlurm(const std::string& script, const std::vector<std::string>& options)
{
    Words words{"sbatch", "--parsable"};
    words.insert(words.end(), options.begin(), options.end());
    words.push_back(script);
    // "123", or "123;name of the cluster"
    const auto output = Trimmed(OutputOf(words));
    const auto id = output.substr(output.rfind('\n') + 1);
    const auto number = id.substr(0, id.find(';'));
    if (!NumberOf(number))
    {
        throw std::runtime_error(fmt::format("sbatch said no job id, but: {}", output));
    }
    return number;
}

std::vector<QueuedTask>
SlurmQueue(const std::vector<std::string>& jobs)
{
    std::vector<QueuedTask> tasks;
    if (jobs.empty())
    {
        return tasks;
    }
    // One line a task. A job that Slurm has forgotten is an error only if it is the only one.
    const Words words{
        "squeue", "--noheader", "--array", "--jobs=" + Joined(jobs), "--format=%F|%K|%T|%r"};
    const Said said = Execute(words);
    if (said.exitCode != 0 && said.error.find("Invalid job id") != std::string::npos)
    {
        return tasks;
    }
    if (said.exitCode != 0)
    {
        ThrowSaid(words, said);
    }
    std::istringstream lines(said.output);
    for (std::string line; std::getline(lines, line);)
    {
        std::istringstream fields(line);
        QueuedTask task;
        std::string index;
        std::getline(fields, task.job, '|');
        std::getline(fields, index, '|');
        std::getline(fields, task.state, '|');
        std::getline(fields, task.reason);
        const auto number = NumberOf(index);
        if (!number || std::find(jobs.begin(), jobs.end(), task.job) == jobs.end())
        {
            throw std::runtime_error(fmt::format("squeue said: {}", line));
        }
        task.index = *number;
        tasks.push_back(std::move(task));
    }
    return tasks;
}

void
CancelInSlurm(const std::vector<std::string>& jobs)
{
    if (!jobs.empty())
    {
        Words words{"scancel"};
        words.insert(words.end(), jobs.begin(), jobs.end());
        OutputOf(words);
    }
}

} // namespace flowchain
