// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_BOUNDARY_H
#define FLOWCHAIN_BOUNDARY_H

#include "run-probe.h"

#include <cstdint>
#include <optional>
#include <string>

namespace flowchain
{

/** Where a node may crash between two things that it does. */
enum class BoundaryKind : std::uint8_t
{
    SEND,    ///< it has put a frame with messages on its uplink
    RECEIVE, ///< such a frame has come, and nothing follows from it yet
    RELEASE, ///< it has decided that a session's packets go on; none of them has been sent
    WRITE,   ///< it has stored or taken out a session's copy or entry; nobody has been told
};
constexpr std::size_t BOUNDARY_KIND_COUNT = 4;

/** @returns "send", "receive", "release", "write" */
const char* ToString(BoundaryKind kind);
/** @returns nothing if there is no such kind */
std::optional<BoundaryKind> BoundaryKindByName(const std::string& name);
/** Whether the note is a boundary, and which. */
std::optional<BoundaryKind> BoundaryOf(const Note& note);

/**
 * A boundary of a run. Its number counts all boundaries from the start of the run, whatever they
 * are, so it names the same instant in every run of the scenario that has been the same up to then.
 */
struct Boundary
{
    std::uint64_t number = 0; ///< from 1
    BoundaryKind kind = BoundaryKind::SEND;
    NodeId node = NO_NODE;        ///< at which it is
    const Frame* frame = nullptr; ///< of SEND and RECEIVE
    const Note* note = nullptr;   ///< of RELEASE and WRITE
    Instant at{};
};

/** Counts the boundaries of a run. */
class BoundaryCounter : public RunProbe
{
  public:
    void Begin(const RunContext& context) override;
    void OnNote(NodeId node, const Note& note, Instant now) override;
    void OnReceive(NodeId node, const Frame& frame, Instant now) override;
    void OnSend(NodeId node, const Frame& frame, Instant now) override;

    std::uint64_t Count() const
    {
        return m_count;
    }

  protected:
    virtual void OnBoundary(const Boundary& boundary) = 0;

    /** @pre Begin() */
    const RunContext& Context() const
    {
        return *m_context;
    }

    /**
     * Crash a node at this boundary. The one at which it is does nothing more of what it is doing;
     * any other node crashes at the same instant, after what is due then already.
     */
    void CrashHere(const Boundary& boundary, const CrashPoint& point);

  private:
    std::optional<RunContext> m_context;
    std::uint64_t m_count = 0;
};

/** Crashes a node at one boundary of a run. */
class BoundaryCrash : public BoundaryCounter
{
  public:
    explicit BoundaryCrash(const CrashPoint& point);

    /** The run is over. @throws std::runtime_error if the node has not crashed, and why, unless a
     * violation has ended the run */
    void CheckDone() const;

  protected:
    void OnBoundary(const Boundary& boundary) override;

  private:
    CrashPoint m_point;
    bool m_isDown = false; ///< the node was, when the boundary came
};

} // namespace flowchain

#endif
