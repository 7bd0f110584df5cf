// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROTOCOL_EXPLORER_H
#define FLOWCHAIN_PROTOCOL_EXPLORER_H

#include "explored-nodes.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace flowchain
{

/** A small network and the faults that may happen to it. */
struct ExplorerConfig
{
    ExploredNodes::Config nodes;
    /** One SYN each: the flow that it belongs to. A second one of a flow is the client's retry. */
    std::vector<int> packets{0, 1};
    /** First manager of each flow in epoch 1. */
    std::vector<int> firsts{0, 0};
    int crashes = 1;      ///< of managers
    int losses = 0;       ///< of any frames but views, which the controller repeats for ever
    bool ordered = false; ///< frames from one node to another arrive in their order
    /** Frames to the accelerator, its acknowledgements, and acknowledgements to service nodes take
     * no time: schedules in which they are late are left out. */
    bool instantEdge = false;
    std::size_t statesMax = 10'000'000; ///< the search ends after the level that passes it
};

struct ExplorerResult
{
    std::uint64_t states = 0;
    std::uint64_t transitions = 0;
    std::uint64_t terminals = 0;
    std::uint64_t machineStates = 0; ///< of all machines together
    std::uint32_t depth = 0;         ///< events of the longest shortest schedule
    bool complete = false;           ///< all states were visited
    /** Terminal states by what became of the packets: "delivered, dropped". */
    std::map<std::string, std::uint64_t> outcomes;
    std::string violation;             ///< the first one in breadth-first order; empty: none
    std::vector<std::string> schedule; ///< shortest that leads to it
};

/**
 * Breadth-first search of every state that a network of real machines can reach when the frames
 * under way may arrive in any order, nodes may crash at any moment, and frames may be lost.
 *
 * A state is one state of each machine (see ExploredNodes), the frames under way, what has been
 * delivered, dropped and released, and how many faults may still come. Events are: a frame under
 * way arrives; a manager crashes, and views without it go out to all others; a frame is lost; and,
 * only while no frame is under way, all retransmission timers run out. So a retransmission never
 * overtakes the original message; the random schedules do that. Nodes do not restart, and nobody
 * is suspected wrongly. Clients and the controller do not react; what they get has arrived.
 *
 * In each state the promises of the release rule are checked: durability, agreement, uniqueness and
 * consistency; where nothing more can happen, that nobody waits and that each packet has been
 * delivered or was dropped under a name. States are told apart by 128 bits of hash.
 */
class ProtocolExplorer
{
  public:
    explicit ProtocolExplorer(const ExplorerConfig& config);

    ExplorerResult Run();

  private:
    /** Words: a StateIndex for each node; faults left; a fate for each packet; for each flow the
     * released record + 1; then the frames under way, ascending. */
    using Words = std::vector<std::uint32_t>;

    enum class EventKind : std::uint8_t
    {
        ARRIVAL,
        LOSS,
        CRASH,
        TIMEOUT,
    };

    struct Event
    {
        EventKind kind = EventKind::ARRIVAL;
        std::uint32_t what = 0; ///< frame or node
    };

    /** How a state was reached first. */
    struct Origin
    {
        std::uint32_t parent;
        Event event;
    };

    /** Set of digests, open addressing. */
    class Visited
    {
      public:
        bool Insert(const Digest& digest);

      private:
        void Grow();

        std::vector<Digest> m_cells;
        std::size_t m_size = 0;
    };

    Words MakeRoot();
    FlowKey KeyOfFlow(int flow) const;
    void Expand(const Words& state);
    void Visit(Words&& next, Event event);
    bool Apply(Words& state, NodeId node, FrameIndex input);
    void AddPending(Words& state, FrameIndex frame);
    bool IsInstant(FrameIndex frame) const;
    void Reach(Words& state, FrameIndex frame);
    void Crash(Words& state, NodeId node);
    void Timeout(Words& state);
    void Finish(const Words& state);
    void Name(Words& state, std::uint32_t packet) const;
    void CheckReleased(Words& state, NodeId node, const SessionRecord& record);
    void CheckCopies(const Words& state);
    void CheckPair(std::uint32_t a, std::uint32_t b);
    bool Holds(const Words& state, NodeId node, SessionId session) const;
    bool IsLive(const Words& state, NodeId node) const;
    void Break(const std::string& what);
    std::vector<std::string> ScheduleOf(std::uint32_t index) const;
    std::string TextOf(Event event) const;
    void CheckMerging();

    ExplorerConfig m_config;
    ExploredNodes m_nodes;
    std::size_t m_faultsAt; ///< index into Words
    std::size_t m_packetsAt;
    std::size_t m_releasedAt;
    std::size_t m_pendingAt;
    Visited m_visited;
    std::vector<Origin> m_origins; ///< index: number of a state in the order of the visits
    std::vector<Words> m_frontier;
    std::uint32_t m_expanding = 0;        ///< number of the state that is being expanded
    std::vector<std::uint32_t> m_samples; ///< terminal states whose schedules are replayed
    ExplorerResult m_result;
};

} // namespace flowchain

#endif
