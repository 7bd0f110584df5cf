// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_STORY_H
#define FLOWCHAIN_SESSION_STORY_H

#include "run-data.h"
#include "run-probe.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/** Writes down all that a run shows of one session, and what befell nodes meanwhile. */
class SessionStory : public RunProbe
{
  public:
    static constexpr std::size_t LINES_MAX = 10'000; ///< the rest is only counted

    /** @param session of the workload: its number, from 0, or its client's address and port, such
     * as "10.0.0.1:1024" */
    explicit SessionStory(std::string session);

    /** @throws std::runtime_error if the run has no such session, or several */
    void Begin(const RunContext& context) override;
    void OnNote(NodeId node, const Note& note, Instant now) override;
    void OnReceive(NodeId node, const Frame& frame, Instant now) override;
    void OnSend(NodeId node, const Frame& frame, Instant now) override;
    void OnNodeDown(NodeId node, Instant now) override;
    void OnNodeUp(NodeId node, Instant now) override;
    void OnSessionStart(std::uint32_t session, Instant now) override;
    void OnFirstDelivery(std::uint32_t session, Instant injectedAt, Instant now) override;
    void OnPacketLost(std::uint32_t session, DropReason reason) override;
    void OnSessionEnd(std::uint32_t session, bool completed) override;

    /** The run is over: add what befell links, and what was violated. Before Text() and Mermaid().
     * @param timeline of the run, by time */
    void Finish(const std::vector<EventData>& timeline);
    /** The story for people, one line for each thing. */
    std::string Text() const;
    /** The story as a sequenceDiagram of Mermaid. */
    std::string Mermaid() const;

  private:
    struct Line
    {
        Instant at{};
        NodeId node = NO_NODE; ///< sender of a message; NO_NODE: of no node
        NodeId peer = NO_NODE; ///< receiver of a message; NO_NODE: it is none
        std::string what;
        bool isOfSession = true; ///< else it is told because it happens meanwhile
        bool isView = false;     ///< told of nodes that have to do with the session
        // Of messages:
        MessageKind kind = MessageKind::ACK;
        std::uint32_t sequence = 0;
        bool isResend = false;
        Instant arrival = NEVER;
    };

    std::uint32_t FindSession() const;
    void Add(Line line);
    void Tell(NodeId node, std::string what, Instant now, bool isOfSession = true);
    std::string Title() const;
    /** Lines up to the last one of the session itself, or the violation that has ended the run. */
    std::vector<Line> Told() const;
    std::string NameOf(NodeId node) const;

    std::string m_wanted;
    std::uint32_t m_session = SessionInfo::NO_SESSION;
    std::optional<RunContext> m_context;
    Directory m_directory;
    std::string m_title;
    bool m_hasStarted = false;
    std::vector<Line> m_lines;
    std::uint64_t m_leftOut = 0;
};

} // namespace flowchain

#endif
