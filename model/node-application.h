// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_NODE_APPLICATION_H
#define FLOWCHAIN_NODE_APPLICATION_H

#include "fabric.h"
#include "local-clock.h"
#include "protocol-machine.h"
#include "service-queue.h"

#include <ns3/application.h>
#include <ns3/nstime.h>

#include <memory>
#include <optional>
#include <vector>

namespace flowchain
{

/** Sees what the nodes of a run do; has no effect on them. */
class NodeListener
{
  public:
    virtual ~NodeListener() = default;
    /** A machine's note. */
    virtual void OnNote(NodeId node, const Note& note, Instant now) = 0;
    /** A live node has processed a frame; its machine is next. */
    virtual void OnReceive(NodeId node, const Frame& frame, Instant now) = 0;
    /** The node puts a frame on its uplink. */
    virtual void OnSend(NodeId node, const Frame& frame, Instant now) = 0;
    virtual void OnNodeDown(NodeId node, Instant now) = 0;
    virtual void OnNodeUp(NodeId node, Instant now) = 0;
};

/**
 * Shell around one ProtocolMachine: takes frames from the fabric, charges processing time, steps
 * the machine, carries out its actions, and keeps the one wakeup event that it asks for. Takes no
 * protocol decision.
 *
 * A crash destroys the machine with all its state; recovery starts a new one, of the next
 * incarnation, with empty tables. A node that has been drained stops by itself, and starts again if
 * it is told so. A node that the directory calls absent is down until its first Recover().
 *
 * A node that stops for a time keeps its machine, which is not stepped meanwhile: what it had to do
 * then it does afterwards, at once. Frames have to be told of at their arrival, not in advance
 * (FabricConfig::tellsAtArrival), if a node may stop so.
 */
class NodeApplication : public ns3::Application
{
  public:
    static constexpr std::uint8_t INCARNATION_MAX = 63; ///< messages have six bits for it

    static ns3::TypeId GetTypeId();

    NodeApplication();
    ~NodeApplication() override;

    /** Wire the application up. To be called once, before the simulation starts.
     * @param listener may be null */
    void Attach(NodeId node, const Directory* directory, Fabric* fabric, NodeListener* listener);

    /** A frame reaches this node at `arrival`: charge the time to process it. */
    Admission Admit(PooledFrame& frame, Instant arrival);
    /** The processing time of a frame is over. */
    void Receive(FramePtr frame);

    /** Stop at once and lose all state; frames that the node holds are dropped as NODE_DOWN. From a
     * NodeListener it ends the step of this node that is being told of: what the listener was told
     * has happened, and nothing that would have come after it. */
    void Crash();
    /** Start again with empty tables. @pre IsDown()
     * @throws std::runtime_error in the life after INCARNATION_MAX */
    void Recover();

    /** Process nothing until `until`. Cores go on then where they were, and the queue fills
     * meanwhile. @pre the node is neither down nor stopped; until > now; not within a step */
    void Pause(Instant until);
    /** Crash, and return at `until` with the tables and channels of now, as the same incarnation:
     * frames that the node holds, and those that come meanwhile, are dropped as NODE_DOWN. @pre as
     * Pause() */
    void CrashKeepingState(Instant until);
    /** Whether the node processes nothing now, but will. */
    bool IsStopped() const
    {
        return m_stoppedUntil != NEVER;
    }
    /** Whether it is stopped and takes no frames: has crashed, and keeps its state. */
    bool IsDeaf() const
    {
        return m_isDeaf;
    }
    /** From now on the machine's clock advances by `permille` thousandths of the time that passes,
     * also after a restart. */
    void SetClockRate(std::uint32_t permille);
    /** From now on, processing takes `permille` thousandths of its normal time, also after a
     * restart. @pre the application has started */
    void SetSlowdown(std::uint32_t permille)
    {
        m_queue->SetSlowdown(permille);
    }
    /** When the node has been drained and has stopped: start again so much later, once. */
    void RestartAfterDrain(Duration after);

    bool IsDown() const
    {
        return m_machine == nullptr;
    }

    /** @pre !IsDown() */
    const ProtocolMachine& Machine() const
    {
        return *m_machine;
    }

    const ServiceQueue& Queue() const
    {
        return *m_queue;
    }

    /** Frames that are processed at the same time. */
    std::uint16_t Cores() const
    {
        return m_cores;
    }

    /** Frames that may wait in Queue(). */
    std::uint32_t QueueLimit() const
    {
        return m_queueFrames;
    }

    /** Messages that may wait for the window to one peer. */
    std::uint32_t BacklogLimit() const
    {
        return m_backlogMax;
    }

    /** Most messages that waited for the window to one peer, in all lives of the node. */
    std::uint32_t BacklogPeak() const;
    /** Most messages that were unacknowledged by one peer, in all lives of the node. */
    std::uint32_t OutstandingPeak() const;

    /** How often the node has restarted, modulo 64. */
    std::uint8_t Incarnation() const
    {
        return m_incarnation;
    }

    NodeId Id() const
    {
        return m_node;
    }

    /** Node ids count from 0; the ns3::Node that this runs on has an id of its own. */
    const Directory& Nodes() const
    {
        return *m_directory;
    }

  protected:
    void DoDispose() override;
    void StartApplication() override;

    /** @returns a machine of this role, fresh. */
    virtual std::unique_ptr<ProtocolMachine> MakeMachine(const NodeConfig& config) = 0;
    /** A data packet has reached this host; edge hosts only. */
    virtual void Deliver(FramePtr frame, Instant now);

    /** Step the machine now and carry out its actions. Does nothing if the node is down. @pre it is
     * not stopped */
    void Step(Event event);
    /** @pre IsStopped() */
    Duration TimeUntilGoingOn() const
    {
        return m_stoppedUntil - Now();
    }
    Instant Now() const;

    Fabric& GetFabric() const
    {
        return *m_fabric;
    }

  private:
    struct PauseSpan
    {
        Instant from;
        Duration length;
    };

    /** Time that a core spends on a frame: for several messages in one, the sum of theirs. */
    Duration CostOf(const Frame& frame) const;
    void ScheduleWakeup();
    /** A wakeup that is no longer wanted, because an earlier one came in between, does nothing. */
    void HandleWakeup(Instant due);
    void CarryOut(Instant now);
    /** Tell of the notes, send and deliver, in the order of Actions, until the node crashes.
     * @param[out] last the note that ends the node's life, if there is one */
    void DoActions(Instant now, std::optional<NoteKind>& last);
    /** The machine is not stepped until `until`. */
    void Stop(Instant until);
    void GoOn();
    /** When the processing of a frame ends whose announced time has come, after all pauses. */
    Instant EndOfProcessing(const PooledFrame& frame, Instant announced) const;
    /** Stop, all work done. */
    void StopDrained();
    void Create();
    void TearDown(DropReason reason);
    void LoseFrames();

    // Attributes
    std::uint16_t m_cores = 1;
    std::uint32_t m_queueFrames = 4096;
    ns3::Time m_packetCost;
    ns3::Time m_messageCost;
    ns3::Time m_ackCost;
    ns3::Time m_retransmitTimeout;
    ns3::Time m_retransmitTimeoutMax;
    std::uint16_t m_retriesMax = 30;
    std::uint16_t m_window = 64;
    std::uint32_t m_backlogMax = 65536;
    std::uint32_t m_backlogHigh = 0;
    std::uint32_t m_backlogLow = 0;
    ns3::Time m_ackDelay;
    std::uint16_t m_batchCount = 1;
    ns3::Time m_batchDelay;
    std::uint32_t m_batchBytes = 1400;
    ns3::Time m_heartbeatInterval;
    std::string m_plantedDefects; ///< names

    NodeId m_node = NO_NODE;
    const Directory* m_directory = nullptr;
    Fabric* m_fabric = nullptr;
    NodeListener* m_listener = nullptr;
    std::unique_ptr<ProtocolMachine> m_machine;
    std::unique_ptr<ServiceQueue> m_queue;
    std::uint8_t m_incarnation = 0; ///< up to INCARNATION_MAX
    /** Counts crashes and pauses. The mark of a frame is the era in which it was admitted. */
    std::uint32_t m_era = 0;
    std::uint32_t m_firstEra = 0;    ///< since the latest crash: frames of earlier ones are dropped
    std::vector<PauseSpan> m_pauses; ///< that began the eras behind m_firstEra
    Instant m_stoppedUntil = NEVER;  ///< NEVER: it is not
    bool m_isDeaf = false;           ///< is stopped, and takes no frames
    LocalClock m_clock;              ///< of the machine
    std::uint32_t m_backlogPeak = 0; ///< of earlier lives
    std::uint32_t m_outstandingPeak = 0; ///< of earlier lives
    std::optional<Duration> m_restartAfterDrain;
    Instant m_wakeupAt = NEVER;
    Actions m_actions;
    bool m_isActing = false;   ///< goes over m_actions
    bool m_hasCrashed = false; ///< since it is; the rest of m_actions does not happen
};

} // namespace flowchain

#endif
