// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROCESS_POOL_H
#define FLOWCHAIN_PROCESS_POOL_H

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace flowchain
{

/**
 * Forks of this process that each do one job and send messages back. They end with their parent,
 * whatever ends it; those that still run when the pool is destroyed are ended.
 */
class ProcessPool
{
  public:
    /** Sends one message to the parent. For the child. */
    using Send = std::function<void(std::string_view)>;
    /** What a child does. What it throws becomes the job's error. */
    using Job = std::function<void(const Send&)>;
    /** A whole message of a job has come. */
    using OnMessage = std::function<void(std::size_t job, const std::string& message)>;
    /** A job has ended; `error` says why it came to no good end, or is empty. */
    using OnEnd = std::function<void(std::size_t job, const std::string& error)>;

    /** A child's way back to its parent. */
    class Parent
    {
      public:
        explicit Parent(int pipe)
            : m_pipe(pipe)
        {
        }

        /** Send one message. */
        void Send(std::string_view message) const;
        /** The job is done; nothing of the parent's is cleaned up.
         * @param error why it came to no good end; empty: it did */
        [[noreturn]] void End(const std::string& error = {}) const;

      private:
        int m_pipe;
    };

    ProcessPool() = default;
    ~ProcessPool();
    ProcessPool(const ProcessPool&) = delete;
    ProcessPool& operator=(const ProcessPool&) = delete;

    /** How many jobs run. */
    std::size_t Count() const
    {
        return m_children.size();
    }

    /** @param number whatever tells the caller which job it is
     * @throws std::runtime_error if no process can be made */
    void Start(std::size_t number, const Job& job);

    /** As Start(), of a job that begins where the caller is: returns twice, in the child with its
     * way back, which is to be used to its Parent::End().
     * @throws std::runtime_error if no process can be made */
    std::optional<Parent> Fork(std::size_t number);

    /**
     * Wait until something comes from a job, or one ends, and tell of it. Every message of a job
     * is told before its end.
     * @param timeoutMs at most so long, in milliseconds; -1: for ever
     * @throws std::runtime_error if that is impossible
     */
    void Wait(const OnMessage& onMessage, const OnEnd& onEnd, int timeoutMs = -1);

  private:
    struct Child
    {
        std::size_t number = 0;
        pid_t pid = -1;
        int pipe = -1;
        std::string received; ///< of which no message was made yet
        std::string error;    ///< that it has sent
    };

    static bool Receive(Child& child);
    static void TakeMessages(Child& child, const OnMessage& onMessage);
    static std::string Reap(const Child& child);

    std::vector<Child> m_children;
};

} // namespace flowchain

#endif
