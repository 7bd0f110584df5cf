// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_LINEARIZABILITY_H
#define FLOWCHAIN_LINEARIZABILITY_H

#include "instant.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace flowchain
{

/**
 * One operation on a session, which is a register: it is bound to a translation, or to none. An
 * operation takes effect at one instant between its invocation and its answer.
 */
struct HistoryOperation
{
    enum class Kind : std::uint8_t
    {
        CREATE, ///< unbound, then bound to this one; or bound already, and no effect
        USE,    ///< a packet is translated by this binding: it must be the one that is bound
        DELETE, ///< bound to this one, then unbound; or not bound to it, and no effect
        FORGET, ///< every copy is gone: as DELETE, but nobody ever answers that it is done
    };

    Kind kind = Kind::USE;
    std::uint64_t binding = 0;
    Instant invoked{};
    Instant answered = NEVER; ///< NEVER: may take effect any time later, or not at all
};

enum class HistoryVerdict : std::uint8_t
{
    LINEARIZABLE,
    VIOLATED,
    UNDECIDED, ///< the search was given up
};

struct HistoryJudgement
{
    HistoryVerdict verdict = HistoryVerdict::LINEARIZABLE;
    std::size_t operation = 0; ///< VIOLATED: the first whose answer no order explains
};

/** Operations other than USE in one history; with more it is UNDECIDED. */
constexpr std::size_t HISTORY_CHANGES_MAX = 64;

/**
 * Whether there is a total order of the operations of one session that its sequential rules allow,
 * in which each takes effect between its invocation and its answer (Herlihy & Wing,
 * "Linearizability: a correctness condition for concurrent objects", TOPLAS 1990). Operations that
 * meet at one instant overlap. Goes through the history once and takes changes only when an answer
 * needs them (just-in-time linearization: Lowe, "Testing for linearizability", 2017). An operation
 * that has no answer, USE apart, may be left out of the order; a USE without answer has no effect
 * at all.
 * @param stepsMax states of the search; exponentially many may be needed, so it is bounded
 */
HistoryJudgement JudgeHistory(std::span<const HistoryOperation> history, std::size_t stepsMax);

} // namespace flowchain

#endif
