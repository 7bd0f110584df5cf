// SPDX-License-Identifier: GPL-2.0-only
#include "forked-runs.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <poll.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace flowchain
{

namespace
{

using Json = nlohmann::json;

/** For the pipe: every value as it is kept, picoseconds included. */
std::string
Encode(const ForkedResult& result)
{
    auto metrics = Json::object();
    for (const auto& [place, metric] : result.metrics.All())
    {
        metrics[metric.declaration->name] =
            metric.declaration->type == MetricType::TEXT ? Json(metric.text) : Json(metric.value);
    }
    const Json json = {
        {"metrics", metrics}, {"violations", result.violations}, {"error", result.error}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ForkedResult
Decode(const std::string& text)
{
    const auto json = Json::parse(text);
    ForkedResult result;
    for (const auto& [name, value] : json.at("metrics").items())
    {
        const auto* declaration = FindMetric(name);
        assert(declaration != nullptr);
        switch (declaration->type)
        {
        case MetricType::INTEGER:
            result.metrics.Set(name, value.get<std::int64_t>());
            break;
        case MetricType::DURATION:
            result.metrics.Set(name, Duration{value.get<std::int64_t>()});
            break;
        case MetricType::TEXT:
            result.metrics.SetText(name, value.get<std::string>());
            break;
        }
    }
    result.violations = json.at("violations").get<std::vector<std::string>>();
    result.error = json.at("error").get<std::string>();
    return result;
}

/** The child: run, write, end. Nothing of the parent's is cleaned up. */
[[noreturn]] void
BeChild(std::size_t index, int pipe, const std::function<ForkedResult(std::size_t)>& run)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); // whoever stops the parent stops its runs
    ForkedResult result;
    try
    {
        result = run(index);
    }
    catch (const std::exception& error)
    {
        result = {};
        result.error = error.what();
    }
    const auto text = Encode(result);
    std::size_t written = 0;
    while (written < text.size())
    {
        const auto count = write(pipe, text.data() + written, text.size() - written);
        if (count < 0 && errno != EINTR)
        {
            _exit(EXIT_FAILURE);
        }
        written += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    _exit(EXIT_SUCCESS);
}

[[noreturn]] void
ThrowErrno(const char* what)
{
    throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

/** A run that is going on. */
struct Child
{
    std::size_t index = 0;
    pid_t pid = -1;
    int pipe = -1;
    std::string text; ///< that has come through the pipe so far
};

/** The children of one call. Those that still run when it is left by an exception are ended. */
class Children
{
  public:
    ~Children()
    {
        for (const auto& child : m_running)
        {
            kill(child.pid, SIGKILL);
            close(child.pipe);
            waitpid(child.pid, nullptr, 0);
        }
    }

    std::size_t Count() const
    {
        return m_running.size();
    }

    void Start(std::size_t index, const std::function<ForkedResult(std::size_t)>& run)
    {
        std::array<int, 2> ends{};
        if (pipe(ends.data()) != 0)
        {
            ThrowErrno("pipe");
        }
        std::fflush(nullptr); // or both would write what is buffered
        const pid_t pid = fork();
        if (pid < 0)
        {
            ThrowErrno("fork");
        }
        if (pid == 0)
        {
            close(ends[0]);
            BeChild(index, ends[1], run);
        }
        close(ends[1]);
        m_running.push_back({index, pid, ends[0], {}});
    }

    /** Read on until at least one child has ended; `ended` gets its index and result. */
    template <typename Ended>
    void Wait(Ended ended)
    {
        std::vector<pollfd> files;
        for (const auto& child : m_running)
        {
            files.push_back({child.pipe, POLLIN, 0});
        }
        if (poll(files.data(), files.size(), -1) < 0 && errno != EINTR)
        {
            ThrowErrno("poll");
        }
        for (std::size_t i = files.size(); i-- > 0;)
        {
            if (files[i].revents != 0 && IsAtEnd(m_running[i]))
            {
                const auto child = std::move(m_running[i]);
                m_running.erase(m_running.begin() + static_cast<std::ptrdiff_t>(i));
                ended(child.index, Reap(child));
            }
        }
    }

  private:
    static bool IsAtEnd(Child& child)
    {
        std::array<char, 65536> buffer;
        const auto count = read(child.pipe, buffer.data(), buffer.size());
        if (count > 0)
        {
            child.text.append(buffer.data(), static_cast<std::size_t>(count));
        }
        return count == 0 || (count < 0 && errno != EINTR);
    }

    static ForkedResult Reap(const Child& child)
    {
        close(child.pipe);
        int status = 0;
        while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
        {
        }
        ForkedResult result;
        if (WIFSIGNALED(status))
        {
            result.error = fmt::format("the run was ended by signal {} ({})",
                                       WTERMSIG(status),
                                       strsignal(WTERMSIG(status)));
        }
        else if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
        {
            result.error = "the run has left no result";
        }
        return result.error.empty() ? Decode(child.text) : result;
    }

    std::vector<Child> m_running;
};

} // namespace

std::vector<ForkedResult>
RunForked(std::size_t count,
          std::size_t jobs,
          const std::function<ForkedResult(std::size_t)>& run,
          const std::function<void(std::size_t)>& onDone)
{
    assert(jobs > 0);
    std::vector<ForkedResult> results(count);
    Children children;
    std::size_t started = 0;
    std::size_t done = 0;
    while (done < count)
    {
        while (started < count && children.Count() < jobs)
        {
            children.Start(started++, run);
        }
        children.Wait(
            [&](std::size_t index, ForkedResult result)
            {
            results[index] = std::move(result);
            ++done;
            if (onDone)
            {
                onDone(done);
            }
        });
    }
    return results;
}

} // namespace flowchain
