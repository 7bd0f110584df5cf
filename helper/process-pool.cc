// SPDX-License-Identifier: GPL-2.0-only
#include "process-pool.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
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

/** What a message is: a job's own, or the reason why it has failed. */
enum class Tag : char
{
    MESSAGE = 'm',
    ERROR = 'e',
};

constexpr std::size_t HEADER_BYTES = 1 + sizeof(std::uint64_t); // tag, length

[[noreturn]] void
ThrowErrno(const char* what)
{
    throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

void
WriteAll(int pipe, const char* data, std::size_t size)
{
    while (size > 0)
    {
        const auto count = write(pipe, data, size);
        if (count < 0 && errno != EINTR)
        {
            _exit(EXIT_FAILURE); // nobody is left to tell
        }
        const auto written = count > 0 ? static_cast<std::size_t>(count) : 0;
        data += written;
        size -= written;
    }
}

void
SendTagged(int pipe, Tag tag, std::string_view text)
{
    std::array<char, HEADER_BYTES> header{};
    header[0] = static_cast<char>(tag);
    const std::uint64_t length = text.size();
    std::memcpy(header.data() + 1, &length, sizeof length);
    WriteAll(pipe, header.data(), header.size());
    WriteAll(pipe, text.data(), text.size());
}

} // namespace

ProcessPool::~ProcessPool()
{
    for (const Child& child : m_children)
    {
        kill(child.pid, SIGKILL);
        close(child.pipe);
        waitpid(child.pid, nullptr, 0);
    }
}

void
ProcessPool::Parent::Send(std::string_view message) const
{
    SendTagged(m_pipe, Tag::MESSAGE, message);
}

void
ProcessPool::Parent::End(const std::string& error) const
{
    if (!error.empty())
    {
        SendTagged(m_pipe, Tag::ERROR, error);
    }
    _exit(EXIT_SUCCESS);
}

void
ProcessPool::Start(std::size_t number, const Job& job)
{
    const auto parent = Fork(number);
    if (!parent)
    {
        return;
    }
    std::string failure;
    try
    {
        job(
            [&parent](std::string_view text)
            {
            parent->Send(text);
        });
    }
    catch (const std::exception& error)
    {
        failure = error.what();
    }
    parent->End(failure);
}

std::optional<ProcessPool::Parent>
ProcessPool::Fork(std::size_t number)
{
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0)
    {
        ThrowErrno("pipe");
    }
    std::fflush(nullptr); // or both would write what is buffered
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0)
    {
        close(ends[0]);
        close(ends[1]);
        ThrowErrno("fork");
    }
    if (pid != 0)
    {
        close(ends[1]);
        m_children.push_back({number, pid, ends[0], {}, {}});
        return std::nullopt;
    }
    close(ends[0]);
    for (const Child& sibling : m_children)
    {
        close(sibling.pipe);
    }
    m_children.clear();               // they are the parent's
    prctl(PR_SET_PDEATHSIG, SIGKILL); // whoever stops the parent stops its jobs
    if (getppid() != parent)
    {
        _exit(EXIT_FAILURE); // it has ended before that was said
    }
    return Parent(ends[1]);
}

void
ProcessPool::Wait(const OnMessage& onMessage, const OnEnd& onEnd, int timeoutMs)
{
    std::vector<pollfd> files;
    for (const Child& child : m_children)
    {
        files.push_back({child.pipe, POLLIN, 0});
    }
    if (poll(files.data(), files.size(), timeoutMs) < 0)
    {
        if (errno == EINTR)
        {
            return;
        }
        ThrowErrno("poll");
    }
    for (std::size_t i = files.size(); i-- > 0;)
    {
        if (files[i].revents == 0)
        {
            continue;
        }
        const bool isOpen = Receive(m_children[i]);
        TakeMessages(m_children[i], onMessage);
        if (!isOpen)
        {
            const Child child = std::move(m_children[i]);
            m_children.erase(m_children.begin() + static_cast<std::ptrdiff_t>(i));
            onEnd(child.number, Reap(child));
        }
    }
}

/** @returns whether more may come */
bool
ProcessPool::Receive(Child& child)
{
    std::array<char, 65536> buffer;
    const auto count = read(child.pipe, buffer.data(), buffer.size());
    if (count > 0)
    {
        child.received.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return count > 0 || (count < 0 && errno == EINTR);
}

void
ProcessPool::TakeMessages(Child& child, const OnMessage& onMessage)
{
    std::size_t taken = 0;
    while (child.received.size() - taken >= HEADER_BYTES)
    {
        std::uint64_t length = 0;
        std::memcpy(&length, child.received.data() + taken + 1, sizeof length);
        if (child.received.size() - taken - HEADER_BYTES < length)
        {
            break;
        }
        auto text = child.received.substr(taken + HEADER_BYTES, length);
        if (child.received[taken] == static_cast<char>(Tag::ERROR))
        {
            child.error = std::move(text);
        }
        else
        {
            onMessage(child.number, text);
        }
        taken += HEADER_BYTES + length;
    }
    child.received.erase(0, taken);
}

/** @returns what was wrong with the child; empty if nothing */
std::string
ProcessPool::Reap(const Child& child)
{
    close(child.pipe);
    int status = 0;
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
    {
    }
    if (WIFSIGNALED(status))
    {
        return fmt::format(
            "the run was ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS || !child.received.empty())
    {
        return "the run has left no result";
    }
    return child.error;
}

} // namespace flowchain
