// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RUN_TIMELINE_H
#define FLOWCHAIN_RUN_TIMELINE_H

#include "actions.h"
#include "membership-view.h"
#include "run-data.h"
#include "session-registry.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace flowchain
{

/**
 * Writes down the few things of a run that a person would tell of it: nodes that fail and come
 * back, who is suspected, new views, what was lost and when everything went on. What a scenario
 * does to links and asks of the controller is known beforehand and comes from PlannedEvents().
 */
class RunTimeline
{
  public:
    using NodeNamer = std::function<std::string(NodeId)>;

    static constexpr std::size_t EVENTS_MAX = 10'000; ///< the rest is only counted

    RunTimeline(const Directory& directory, NodeNamer nameOf);

    void OnNote(NodeId node, const Note& note, Instant now);
    /** @param lost released sessions that are lost by that
     * @param lostSoFar these and all before */
    void OnNodeDown(NodeId node, std::uint64_t lost, std::uint64_t lostSoFar, Instant now);
    void OnNodeUp(NodeId node, Instant now);
    /** A service group in which nobody was left serves again.
     * @param nodes that do
     * @param lost released sessions that not all of them have got again
     * @param lostSoFar these and all before */
    void OnRestored(std::size_t nodes, std::uint64_t lost, std::uint64_t lostSoFar, Instant now);
    /** A first packet goes on that has waited since a node crashed at `crash`. */
    void OnWentOn(Instant crash, Instant now);
    void OnViolation(const std::string& what, Instant now);

    /**
     * The run is over.
     * @param planned in ascending order of time; those after `now` have not happened
     * @returns all events by time, the planned ones of an instant first; if there were more than
     * EVENTS_MAX, those that came first, and one of kind "truncated"
     */
    std::vector<EventData> Finish(Instant now, std::vector<EventData> planned);

  private:
    /** Something that goes on for some time, told at its end. */
    struct Span
    {
        Instant first;
        Instant last;
        std::uint64_t count = 0;
    };

    void Add(Instant now, const char* kind, NodeId node, std::string detail = {});
    void NoteView(NodeId node, std::uint64_t epoch, Instant now);
    void NoteSuspected(NodeId node, Instant now);
    /** Tell once of each view, when every live node has it. */
    void CheckViewComplete(Instant now);
    void AddSpans();
    template <typename Key>
    void Extend(std::map<Key, Span>& spans, const Key& key, Instant now);

    const Directory& m_directory;
    NodeNamer m_nameOf;
    std::vector<EventData> m_events;
    std::uint64_t m_missing = 0;

    NodeMask m_down;
    NodeMask m_absent;                    ///< was never there
    NodeMask m_drained;                   ///< stops as planned
    NodeMask m_removed;                   ///< starts again at once
    std::uint64_t m_epoch = 0;            ///< of the controller's last view
    bool m_isViewComplete = true;         ///< every live node has that
    std::vector<std::uint64_t> m_epochOf; ///< index: NodeId; 0: none since its start
    std::map<Instant, NodeId> m_crashed;  ///< first node that crashed at that instant
    std::map<Instant, Span> m_wentOn;     ///< by crash
    /** Sessions that a node took over under a view. */
    std::map<std::pair<std::uint64_t, NodeId>, Span> m_adopted;
};

} // namespace flowchain

#endif
