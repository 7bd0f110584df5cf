// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROTOCOL_HARNESS_H
#define FLOWCHAIN_PROTOCOL_HARNESS_H

#include "accelerator-machine.h"
#include "flow-manager-machine.h"
#include "packet-builder.h"
#include "packet-ledger.h"
#include "protocol-mutation.h"
#include "service-node-machine.h"
#include "steering.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flowchain
{

constexpr Duration MICROSECOND{1'000'000};

/** A whole system in one process: how many nodes of each role, and what they are configured with.
 * The default times let a crash be detected before the first retransmission. */
struct HarnessConfig
{
    int clients = 1;
    int servers = 1;
    int accelerators = 1;
    int groups = 1;
    int managers = 3; ///< in each group
    int services = 4;
    Duration linkDelay = 10 * MICROSECOND; ///< from any node to any other
    Duration heartbeatInterval = 200 * MICROSECOND;
    Duration detectionTimeout = 600 * MICROSECOND;
    ChannelConfig channel{1000 * MICROSECOND, 8000 * MICROSECOND, 12, 64, 1024};
    FlowManagerConfig manager;
    AcceleratorConfig accelerator{.entriesMax = 1000, .observe = false};
    ServiceNodeConfig service;        ///< what it shares with managers is theirs
    std::uint32_t sessionsMax = 1000; ///< of a service node
    std::uint16_t portsEach = 1000;   ///< ports of a service node; node 0's begin at 1000
    FunctionConfig function;          ///< what the harness does not fill in itself
    SelectionConfig selection;
    Duration publishDelay{0};               ///< of the controller
    Duration drainTime = 100 * MICROSECOND; ///< twice what the longest way takes
    std::vector<std::string> absent;        ///< names of nodes that are not there at the start
};

/** What becomes of a frame that a node sends. */
struct Fate
{
    bool lost = false;
    bool held = false;  ///< until FreeHeld()
    bool twice = false; ///< a second copy follows it
    Duration late{0};   ///< on top of the link's delay
};

/** Sees everything that happens. */
class HarnessListener
{
  public:
    virtual ~HarnessListener() = default;
    virtual void OnSend(NodeId from, NodeId to, const Frame& frame, const Fate& fate, Instant now);
    virtual void OnNote(NodeId node, const Note& note, Instant now);
    virtual void OnDelivered(NodeId host, const Frame& frame, Instant now);
    /** @param node the node that discards, or NO_NODE for a link */
    virtual void OnDropped(NodeId node, const Frame& frame, DropReason reason, Instant now);
    virtual void OnDown(NodeId node, Instant now);
    virtual void OnUp(NodeId node, Instant now);
};

/** A data packet to inject. */
struct PacketSpec
{
    FlowKey key;
    std::uint8_t flags = 0; ///< tcp_flag
    std::uint8_t ttl = 64;
};

/**
 * A network of protocol machines without a simulator: a virtual clock, links of one fixed delay
 * between every two nodes, and a queue ordered by time and sequence. It does what the ns-3 shell
 * does, with no processing time. At one instant frames come before wakeups, and wakeups in the
 * order of the nodes.
 */
class ProtocolHarness
{
  public:
    using FateFunction =
        std::function<Fate(NodeId from, NodeId to, const Frame& frame, Instant now)>;

    /** @param listener may be null */
    ProtocolHarness(const HarnessConfig& config, HarnessListener* listener);
    ~ProtocolHarness();
    ProtocolHarness(const ProtocolHarness&) = delete;
    ProtocolHarness& operator=(const ProtocolHarness&) = delete;

    /** @param listener may be null */
    void SetListener(HarnessListener* listener);

    /** Decides about every frame that is sent from now on; null: all arrive. */
    void SetFate(FateFunction fate);

    /** Break the protocol from now on; null: not. The mutation must outlive the harness. */
    void SetMutation(const ProtocolMutation* mutation)
    {
        m_mutation = mutation;
    }

    /** Let a host send a packet. @returns its packet id */
    std::uint32_t Inject(NodeId host, const PacketSpec& packet);
    /** As Inject(), past the host's own choice of an accelerator. */
    std::uint32_t InjectAt(NodeId host, NodeId accelerator, const PacketSpec& packet);

    /** Process the earliest event unless it is later than `end`. @returns false if there is none */
    bool RunOne(Instant end);
    /** Process all events until `end`, which becomes Now(). */
    void RunUntil(Instant end);

    void Crash(NodeId node);
    /** @pre IsDown(node) */
    void Recover(NodeId node);
    /** Let an operator ask the controller for something; nothing happens if that is down. */
    void Request(OperatorRequest request, NodeId subject);
    /** Send the held frames on their way, those to `to` only unless it is NO_NODE. */
    void FreeHeld(NodeId to = NO_NODE);

    bool IsDown(NodeId node) const
    {
        return m_nodes[node].machine == nullptr;
    }

    std::uint8_t Incarnation(NodeId node) const
    {
        return m_nodes[node].incarnation;
    }

    /** @pre !IsDown(node) */
    const ProtocolMachine& Machine(NodeId node) const
    {
        return *m_nodes[node].machine;
    }

    /** The session copies of a service node or manager that is up; null for other roles. */
    const SessionStore* StoreOf(NodeId node) const;

    /** A flow manager that is up; null: it is down, or another role. */
    const FlowManagerMachine* ManagerAt(NodeId node) const;

    const Directory& Nodes() const
    {
        return m_directory;
    }

    const HarnessConfig& Config() const
    {
        return m_config;
    }

    const PacketLedger& Ledger() const
    {
        return m_ledger;
    }

    Instant Now() const
    {
        return m_now;
    }

    std::size_t LiveFrames() const;
    /** Frames on links, held ones included. */
    std::size_t FramesInFlight() const
    {
        return m_queue.size() + m_held.size();
    }

    /** "client", "acc0", "man2", "svc1", "ctl"; several clients are "client0" and so on. */
    std::string NameOf(NodeId node) const;
    /** @returns NO_NODE if there is no such node */
    NodeId NodeNamed(const std::string& name) const;

  private:
    class Pool;

    struct Node
    {
        std::unique_ptr<ProtocolMachine> machine; ///< null: down
        std::uint8_t incarnation = 0;
        Instant wakeup = NEVER;
    };

    struct InFlight
    {
        NodeId from;
        NodeId to;
        FramePtr frame;
    };

    std::unique_ptr<ProtocolMachine> MakeMachine(NodeId node);
    std::unique_ptr<ProtocolMachine> MakeServiceNode(const NodeConfig& config);
    FramePtr MakePacket(const PacketSpec& packet);
    void Step(NodeId node, Event event);
    void CarryOut(NodeId node);
    void Send(NodeId from, FramePtr frame);
    void Enqueue(NodeId from, NodeId to, FramePtr frame, Duration delay);
    void Arrive(InFlight message);
    void Drop(NodeId node, FramePtr frame, DropReason reason);

    HarnessConfig m_config;
    HarnessListener m_nobody;
    HarnessListener* m_listener;
    Directory m_directory;
    Steering m_steering;
    PacketLedger m_ledger;
    std::unique_ptr<Pool> m_pool;
    FateFunction m_fate;
    const ProtocolMutation* m_mutation = nullptr;
    std::vector<Node> m_nodes;
    std::map<std::pair<Instant, std::uint64_t>, InFlight> m_queue;
    std::vector<InFlight> m_held;
    std::uint64_t m_sequence = 0;
    Instant m_now{};
    NodeId m_stepping = NO_NODE;
    Actions m_actions;
};

} // namespace flowchain

#endif
