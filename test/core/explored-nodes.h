// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_EXPLORED_NODES_H
#define FLOWCHAIN_EXPLORED_NODES_H

#include "heap-frame-pool.h"
#include "machine-digest.h"
#include "protocol-mutation.h"

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace flowchain
{

/** Index of a frame's content; equal frames have equal numbers. */
using FrameIndex = std::uint32_t;
/** Index of a state that a machine can be in. */
using StateIndex = std::uint32_t;
constexpr StateIndex NO_STATE = 0xffffffff; ///< of a node that has crashed

/** What one input does to a machine. */
struct NodeStep
{
    StateIndex next = NO_STATE;
    std::vector<FrameIndex> sends;
    std::vector<SessionRecord> released;
    std::vector<std::uint32_t> dropped; ///< packets of which a frame ended under a named reason
};

/** What an onlooker may know of a machine's state. */
struct NodeState
{
    NodeId node = NO_NODE;
    StateIndex parent = NO_STATE; ///< where the shortest known history comes from
    FrameIndex input = 0;
    Digest digest;
    std::uint32_t epoch = 0;
    std::vector<bool> active;           ///< nodes that its view calls active
    std::vector<std::uint32_t> records; ///< its copies, as indexes of contents, ascending
    std::vector<std::uint32_t> packets; ///< that it keeps frames of
    std::size_t frames = 0;             ///< that it keeps
    std::size_t pending = 0;            ///< of a manager: sessions and fan-outs under way
};

/**
 * The states that the real machines of a network can get into, node by node. A machine cannot be
 * copied; it is a deterministic function of its inputs, so a state is kept as the inputs that led
 * to it, and entered by feeding them to a new machine. Histories that end in the same digest are
 * one state. Time stands still except at timeouts, when the clock of the node alone jumps to the
 * end of its earliest timer.
 */
class ExploredNodes
{
  public:
    static constexpr FrameIndex TIMEOUT = 0xffffffff; ///< as an input

    struct Config
    {
        int managers = 3;
        int services = 2;
        FlowManagerConfig manager;
        const ProtocolMutation* mutation = nullptr;
    };

    explicit ExploredNodes(const Config& config);

    const Directory& Nodes() const
    {
        return m_directory;
    }

    StateIndex Initial(NodeId node) const
    {
        return m_initial[node];
    }

    const NodeState& State(StateIndex state) const
    {
        return m_states[state];
    }

    std::size_t StateCount() const
    {
        return m_states.size();
    }

    /** Machines that were built to enter a state. */
    std::uint64_t Replays() const
    {
        return m_replays;
    }

    /** @returns what an input does in a state; computed once. Valid until the next call. */
    const NodeStep& Step(StateIndex state, FrameIndex input);

    const Frame& FrameAt(FrameIndex frame) const
    {
        return *m_frames[frame].frame;
    }

    NodeId DestinationOf(FrameIndex frame) const
    {
        return m_frames[frame].to;
    }

    /** From which node to which one: equal for frames of one link. */
    std::uint32_t LinkOf(FrameIndex frame) const
    {
        return m_frames[frame].link;
    }

    FrameIndex Intern(FramePtr frame);
    /** A SYN of a client to the accelerator. */
    FrameIndex MakeSyn(const FlowKey& key, std::uint32_t packet);
    /** VIEW to a node: all active but `dead`; epoch 2 for the first one that died, and so on. */
    FrameIndex MakeView(NodeId to, const std::vector<NodeId>& dead);

    const SessionRecord& RecordAt(std::uint32_t index) const
    {
        return m_records[index];
    }

    std::uint32_t IndexOf(const SessionRecord& record);

    std::string NameOf(NodeId node) const;
    std::string TextOf(FrameIndex frame) const;

    /** Check that merged histories behave alike: replay the given inputs from the start, and
     * compare with the states that the steps said. @returns false if they differ */
    bool Agrees(NodeId node, const std::vector<FrameIndex>& inputs);

  private:
    /** Counts the frames of packets that one machine keeps, and notes what it drops. */
    class Pool : public HeapFramePool
    {
      public:
        FramePtr Clone(const Frame& frame) override;
        void Discard(FramePtr frame, DropReason reason) override;

        std::map<std::uint32_t, int> copies; ///< of packets
        std::vector<std::uint32_t> dropped;  ///< packets, under a named reason

      private:
        void Return(PooledFrame* frame) override;
    };

    struct KnownFrame
    {
        FramePtr frame;
        NodeId to;
        std::uint32_t link;
    };

    /** A machine, entered by its history. */
    struct Living
    {
        NodeId node = NO_NODE;
        std::unique_ptr<Pool> pool;
        std::unique_ptr<ProtocolMachine> machine;
        Instant now{};
        Actions out;
    };

    std::unique_ptr<ProtocolMachine> MakeMachine(NodeId node, FramePool& pool) const;
    Living Start(NodeId node);
    Living Enter(StateIndex state);
    void Feed(Living& living, FrameIndex input);
    NodeStep Absorb(Living& living);
    StateIndex Register(const Living& living, StateIndex parent, FrameIndex input);
    void Describe(const Living& living, NodeState& state);

    Config m_config;
    Directory m_directory;
    HeapFramePool m_pool; ///< of the frames that are kept here
    std::vector<KnownFrame> m_frames;
    std::map<Digest, FrameIndex> m_frameIndex;
    std::vector<NodeState> m_states;
    std::vector<std::map<Digest, StateIndex>> m_stateIndex; ///< of each node
    std::vector<StateIndex> m_initial;
    std::unordered_map<std::uint64_t, NodeStep> m_steps; ///< looked up only, never walked
    std::vector<SessionRecord> m_records;
    std::map<SessionRecord, std::uint32_t> m_recordIndex;
    std::uint64_t m_replays = 0;
};

} // namespace flowchain

#endif
