// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RUN_OBSERVER_H
#define FLOWCHAIN_RUN_OBSERVER_H

#include "copy-tracker.h"
#include "delivery-times.h"
#include "disruption-tracker.h"
#include "first-packets.h"
#include "invariant-checker.h"
#include "membership-view.h"
#include "membership-watch.h"
#include "message-account.h"
#include "metric-set.h"
#include "node-application.h"
#include "node-selector.h"
#include "packet-gaps.h"
#include "run-timeline.h"
#include "series-sampler.h"
#include "session-histories.h"
#include "session-registry.h"
#include "sync-scheme.h"
#include "workload-set.h"

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace flowchain
{

/** What the observer must know of the run that it watches. */
struct ObserverConfig
{
    struct Service
    {
        Promises promises;
        std::uint16_t chainLength = 3;
        std::uint16_t position = 3; ///< of the second manager
        CopyPromise copies;         ///< of a session that is complete
        const SyncScheme* scheme = &ChainScheme();
        SchemeConfig spread; ///< what `scheme` is configured with
    };

    std::vector<Service> services; ///< each service group of the run
    bool hasReverseEntries = true; ///< the scheme gives the third manager an entry in advance
    bool managersServe = false;    ///< a manager's copy is as good as a service node's
    /** Managers give a service group that has lost everything its sessions again. */
    bool managersRestore = false;
    Instant warmup{}; ///< sessions that start earlier are left out of the latencies
    /** A packet may come twice, and it is no node's fault: a link has doubled it, or the last
     * replica of a path releases it, and a new view makes another node the last one. */
    bool mayDuplicate = false;
    bool linksDamage = false; ///< a packet without UDP checksum may come damaged
    Instant firstFailure = NEVER;
    Duration seriesInterval{}; ///< 0: no time series
};

/**
 * The global observer: sees every node's notes and every frame's arrival, tells the invariant
 * checker, keeps the times of each session's steps, and the digest of the run. Omniscient and
 * without effect.
 */
class RunObserver : public NodeListener, public WorkloadListener
{
  public:
    /** Called at the first violation. */
    using ViolationHandler = std::function<void()>;
    /** @returns the time; for what is told without one. */
    using Clock = std::function<Instant()>;

    RunObserver(const ObserverConfig& config,
                const Directory& directory,
                InvariantChecker::NodeNamer nameOf,
                ViolationHandler onViolation,
                Clock clock);

    /** @pre the application is that of its node; before the run */
    void Watch(const NodeApplication* application);
    void SetWorkload(const WorkloadSet* workload, const PacketLedger* ledger);

    // NodeListener
    void OnNote(NodeId node, const Note& note, Instant now) override;
    void OnReceive(NodeId node, const Frame& frame, Instant now) override;
    void OnSend(NodeId node, const Frame& frame, Instant now) override;
    void OnNodeDown(NodeId node, Instant now) override;
    void OnNodeUp(NodeId node, Instant now) override;

    // WorkloadListener
    void OnSessionStart(std::uint32_t session, Instant now) override;
    void OnInjection(std::uint32_t session, bool toServer, Instant now) override;
    void OnFirstDelivery(std::uint32_t session, Instant injectedAt, Instant now) override;
    void OnDelivery(std::uint32_t session, bool atServer, Instant injectedAt, Instant now) override;
    void
    OnArrival(std::uint32_t session, const FlowKey& key, Instant injectedAt, Instant now) override;
    void OnPacketLost(std::uint32_t session, DropReason reason) override;
    void OnSessionEnd(std::uint32_t session, bool completed) override;

    /** What a host made of a data packet that has reached it through this service group.
     * @param payloadBytes behind its transport header */
    void OnHostArrival(NodeId host,
                       std::uint16_t service,
                       Arrival arrival,
                       const PacketView& view,
                       std::uint32_t payloadBytes,
                       Instant now);

    /** A host could not make anything of a data packet. */
    void OnMalformedArrival(NodeId host, Instant now);

    /** The first failure is another one. @pre both are not before now */
    void SetFirstFailure(Instant firstFailure)
    {
        m_disruptions.SetFirstFailure(firstFailure);
    }

    /** @returns null if no such session was made */
    const SessionInfo* FindSession(SessionId id)
    {
        return m_registry.Find(id);
    }

    /** A bounded thing was looked at. */
    void CheckBound(std::string_view what, std::uint64_t value, std::uint64_t limit, Instant now);

    InvariantChecker& Checker()
    {
        return m_checker;
    }

    /** Digest over time, node and bytes of every frame that reached a node, 16 hex digits. */
    std::string Digest() const;

    /** The run is over: judge the history of each session. Before Report(). */
    void JudgeHistories();
    /** The run is over. Set every metric that follows from what was seen; sessions.started and
     * tables.bytes must be set. */
    void Report(Instant now, MetricSet& metrics);
    /** The run is over. */
    std::vector<SeriesData> FinishSeries(Instant now)
    {
        return m_sampler.Finish(now);
    }
    /** The run is over. @param planned as PlannedEvents() */
    std::vector<EventData> FinishTimeline(Instant now, std::vector<EventData> planned);

    /** @returns the node that has this role now, by the view of its first manager; or
     * NO_NODE: nobody yet, nobody any more, or none that is known */
    NodeId NodeOf(const SessionRole& role) const;

    /** As the metric sessions.lost, for one service group. */
    std::uint64_t LostOf(std::uint16_t service) const
    {
        return m_lost[service];
    }

  private:
    static constexpr std::size_t NOTE_KINDS_MAX = 256;

    void NoteAsked(NodeId node, const Note& note, Instant now);
    void NoteCreated(NodeId node, const Note& note, Instant now);
    void NoteStored(NodeId node, const SessionRecord& record, Instant now);
    void NoteReleased(NodeId node, const Note& note, Instant now);
    void NoteLife(NodeId node, const Note& note, Instant now);
    void NoteDeleting(const Note& note, Instant now);
    void NoteViewAdopted(NodeId node, std::uint64_t epoch, Instant now);
    void NoteSlowReverse(const Note& note);
    void AfterCheck();
    void UpdateZombie(SessionInfo& session, Instant now);
    void SettleZombies(Instant now);
    const MembershipView* ViewFor(NodeId manager) const;
    NodeId ThirdOf(const SessionInfo& session, const MembershipView& view) const;
    NodeMask UpServiceNodes() const;
    /** Of a service group: who is up and serves, or is counted on to restore what served. */
    NodeMask Survivors(std::uint16_t service) const;
    NodeMask Restorers(std::uint16_t service) const;
    NodeMask OfService(NodeMask nodes, std::uint16_t service) const;
    std::uint64_t CountLost(const std::vector<std::uint32_t>& sessions, std::uint16_t service);
    void JudgeRestored(const MembershipView& view, Instant now);
    void JudgeJoined(const MembershipView& view, Instant now);
    bool IsTranslationKnown(NodeId host, const FlowKey& key) const;
    /** Nodes of each service group for which `isLive` says so. */
    std::vector<LiveNodes> LiveNodesIf(const std::function<bool(NodeId)>& isLive) const;
    bool MayHaveChanged(const FlowKey& atServer) const;
    void OpenCopies(SessionInfo& session, Instant now);
    std::string HistoryText(std::uint32_t session, const HistoryJudgement& judgement) const;
    void NotePrediction(NodeId node, const Frame& frame);
    void UpdateLive(Instant now);
    std::uint64_t LostSoFar() const;
    SeriesState StateForSeries() const;
    void ReportNotes(MetricSet& metrics) const;
    void ReportMemory(MetricSet& metrics) const;
    void ReportLife(Instant now, MetricSet& metrics);
    void ReportSpread(MetricSet& metrics) const;

    ObserverConfig m_config;
    const Directory& m_directory;
    ViolationHandler m_onViolation;
    Clock m_clock;
    SessionRegistry m_registry;
    InvariantChecker m_checker;
    CopyTracker m_copies;
    DisruptionTracker m_disruptions;
    MessageAccount m_messages;
    MembershipWatch m_membership;
    RunTimeline m_timeline;
    SeriesSampler m_sampler; ///< is told the time before anything here changes
    SeriesState m_series;    ///< what is counted for it alone
    std::vector<const NodeApplication*> m_applications; ///< index: NodeId
    const WorkloadSet* m_workload = nullptr;
    const PacketLedger* m_ledger = nullptr;

    NodeMask m_serviceNodes;
    NodeMask m_managers;
    NodeMask m_active;  ///< in the controller's last view, whether it is up now or not
    NodeMask m_members; ///< of the controller's last view; others are fenced, and restart
    NodeMask m_holders; ///< nodes on whose copies the controller's last view counts
    NodeMask m_drained; ///< nodes that stop, or have stopped, as planned
    NodeMask m_joining; ///< service nodes that receive a snapshot
    NodeMask
        m_complete; ///< service nodes that have had every session since their start or snapshot

    FirstPackets m_first;

    std::map<NodeId, Instant> m_downSince;           ///< nodes that are down now
    std::map<NodeId, Instant> m_crashedAt;           ///< latest crash of each node
    std::vector<NodeId> m_suspected;                 ///< since the controller's last view
    std::map<std::uint64_t, Instant> m_crashOfEpoch; ///< earliest crash that an epoch answers
    LatencyHistogram m_detection;                    ///< of each crash that a view answers
    /** From a crash until a first packet that waits for the node goes on, and until each node has
     * the view without it. */
    LatencyHistogram m_recovery;

    std::array<std::uint64_t, NOTE_KINDS_MAX> m_notes{}; ///< index: NoteKind
    std::uint64_t m_predictions = 0;
    std::uint64_t m_predictionsRight = 0;
    std::uint64_t m_thirdMisses = 0;
    std::uint64_t m_overtakes = 0;
    std::vector<std::uint64_t> m_lost; ///< sessions; index: service group
    std::vector<bool> m_isRestoring;   ///< nobody serves, but some may be restored; index: the same
    /** Sessions whose deletion has begun, by cause. */
    std::array<std::uint64_t, DELETION_CAUSE_COUNT> m_deletions{};
    std::uint64_t m_takenOver = 0;       ///< deletions that a dead node had begun
    std::uint64_t m_zombies = 0;         ///< sessions with SessionInfo::isZombie
    std::uint64_t m_zombiesPeak = 0;     ///< until m_zombiesSince
    Instant m_zombiesSince{};            ///< when m_zombies has changed last
    std::vector<std::uint32_t> m_latest; ///< registry index, by workload session
    /** Index: workload session. It may be opened anew, under another translation. */
    std::vector<bool> m_mayChange;
    std::uint64_t m_epoch = 1;
    SessionHistories m_histories;
    std::uint64_t m_undecidedHistories = 0;
    std::uint64_t m_violatedHistories = 0; ///< promised or not
    LatencyHistogram m_firstPacket;
    DeliveryTimes m_deliveries;
    PacketGaps m_gaps;
    std::uint64_t m_digest = 0;
};

} // namespace flowchain

#endif
