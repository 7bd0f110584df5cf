// SPDX-License-Identifier: GPL-2.0-only
#include "linearizability.h"
#include "session-histories.h"

#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace flowchain
{
namespace
{

using Kind = HistoryOperation::Kind;
using History = std::vector<HistoryOperation>;

constexpr std::size_t STEPS = 100'000;
constexpr std::uint64_t RED = 100;
constexpr std::uint64_t BLUE = 200;

Instant
At(std::int64_t time)
{
    return time < 0 ? NEVER : Instant(Duration{time});
}

/** @param answered negative: never */
HistoryOperation
Operation(Kind kind, std::uint64_t binding, std::int64_t invoked, std::int64_t answered = -1)
{
    return {kind, binding, At(invoked), At(answered)};
}

HistoryVerdict
VerdictOf(const History& history)
{
    return JudgeHistory(history, STEPS).verdict;
}

/** The definition, word for word: try every order. An operation can be next if no other one that
 * must still come was answered before it was invoked. */
bool
HasOrder(const History& rest, std::uint64_t bound)
{
    bool isOver = true;
    for (const HistoryOperation& operation : rest)
    {
        isOver = isOver && operation.answered == NEVER;
    }
    if (isOver)
    {
        return true;
    }
    for (std::size_t next = 0; next < rest.size(); ++next)
    {
        const HistoryOperation& operation = rest[next];
        bool mayBeNext = operation.kind != Kind::USE || operation.answered != NEVER;
        for (const HistoryOperation& other : rest)
        {
            mayBeNext = mayBeNext && other.answered >= operation.invoked;
        }
        std::uint64_t after = bound;
        switch (operation.kind)
        {
        case Kind::CREATE:
            after = bound == 0 ? operation.binding : bound;
            break;
        case Kind::USE:
            mayBeNext = mayBeNext && bound == operation.binding;
            break;
        case Kind::DELETE:
        case Kind::FORGET:
            after = bound == operation.binding ? 0 : bound;
            break;
        }
        History others = rest;
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(next));
        if (mayBeNext && HasOrder(others, after))
        {
            return true;
        }
    }
    return false;
}

TEST(Linearizability, NothingIsLinearizable)
{
    EXPECT_EQ(VerdictOf({}), HistoryVerdict::LINEARIZABLE);
}

TEST(Linearizability, OneTranslationForLife)
{
    EXPECT_EQ(VerdictOf({Operation(Kind::CREATE, RED, 5),
                         Operation(Kind::USE, RED, 0, 10),
                         Operation(Kind::USE, RED, 20, 30),
                         Operation(Kind::DELETE, RED, 40, 50)}),
              HistoryVerdict::LINEARIZABLE);
}

TEST(Linearizability, NobodyUsesWhatWasNeverMade)
{
    const auto judgement = JudgeHistory(
        History{Operation(Kind::CREATE, RED, 5), Operation(Kind::USE, BLUE, 0, 10)}, STEPS);
    EXPECT_EQ(judgement.verdict, HistoryVerdict::VIOLATED);
    EXPECT_EQ(judgement.operation, 1U);
}

TEST(Linearizability, NobodyUsesWhatWasDeletedBeforeItWasSent)
{
    History history = {Operation(Kind::CREATE, RED, 5, 39),
                       Operation(Kind::DELETE, RED, 40, 50),
                       Operation(Kind::USE, RED, 50, 60)};
    EXPECT_EQ(VerdictOf(history), HistoryVerdict::LINEARIZABLE); // sent just in time
    history[2].invoked = At(51);
    EXPECT_EQ(VerdictOf(history), HistoryVerdict::VIOLATED);
}

TEST(Linearizability, AnOldTranslationDoesNotReturnAfterANewOne)
{
    History history = {Operation(Kind::CREATE, RED, 0),
                       Operation(Kind::USE, RED, 0, 10),
                       Operation(Kind::FORGET, RED, 20),
                       Operation(Kind::CREATE, BLUE, 30),
                       Operation(Kind::USE, BLUE, 30, 40),
                       Operation(Kind::USE, RED, 39, 50)};
    EXPECT_EQ(VerdictOf(history), HistoryVerdict::LINEARIZABLE); // the last two overlap
    history[5].invoked = At(41);
    EXPECT_EQ(VerdictOf(history), HistoryVerdict::VIOLATED);
}

TEST(Linearizability, TwoTranslationsAtTheSameTimeNeedALossBetweenThem)
{
    History history = {Operation(Kind::CREATE, RED, 0),
                       Operation(Kind::CREATE, BLUE, 0),
                       Operation(Kind::USE, RED, 0, 10),
                       Operation(Kind::USE, BLUE, 0, 10)};
    EXPECT_EQ(VerdictOf(history), HistoryVerdict::VIOLATED);
    history.push_back(Operation(Kind::FORGET, BLUE, 5));
    EXPECT_EQ(VerdictOf(history), HistoryVerdict::LINEARIZABLE);
}

TEST(Linearizability, ADeletionThatNobodyConfirmsMayComeLate)
{
    EXPECT_EQ(VerdictOf({Operation(Kind::CREATE, RED, 0),
                         Operation(Kind::DELETE, RED, 10),
                         Operation(Kind::USE, RED, 1000, 1010)}),
              HistoryVerdict::LINEARIZABLE);
}

TEST(Linearizability, TheSameTranslationAgain)
{
    EXPECT_EQ(VerdictOf({Operation(Kind::CREATE, RED, 0),
                         Operation(Kind::USE, RED, 0, 10),
                         Operation(Kind::DELETE, RED, 20, 30),
                         Operation(Kind::CREATE, RED, 40),
                         Operation(Kind::USE, RED, 40, 50)}),
              HistoryVerdict::LINEARIZABLE);
}

TEST(Linearizability, TheSearchIsBounded)
{
    // Every pair may be taken in any order, and the last answer is explained by none.
    History history;
    for (std::uint64_t binding = 1; binding <= 20; ++binding)
    {
        history.push_back(Operation(Kind::CREATE, binding, 0));
        history.push_back(Operation(Kind::FORGET, binding, 0));
    }
    history.push_back(Operation(Kind::USE, RED, 0, 10));
    EXPECT_EQ(JudgeHistory(history, 1000).verdict, HistoryVerdict::UNDECIDED);
    history.pop_back();
    for (std::uint64_t binding = 21; binding <= 50; ++binding)
    {
        history.push_back(Operation(Kind::CREATE, binding, 0));
    }
    EXPECT_EQ(VerdictOf(history), HistoryVerdict::UNDECIDED); // more than HISTORY_CHANGES_MAX
}

/** Short, so that operations overlap much, and with few translations, so that many fit. */
History
RandomHistory(std::mt19937_64& random)
{
    const auto roll = [&random](std::uint64_t sides)
    {
        return static_cast<std::int64_t>(random() % sides);
    };
    History history;
    const std::int64_t size = 1 + roll(7);
    for (std::int64_t i = 0; i < size; ++i)
    {
        // Creations twice as often as deletions, and half of all are uses.
        static constexpr Kind KINDS[] = {Kind::USE,
                                         Kind::USE,
                                         Kind::USE,
                                         Kind::CREATE,
                                         Kind::CREATE,
                                         Kind::DELETE,
                                         Kind::FORGET};
        const Kind kind = KINDS[roll(std::size(KINDS))];
        const std::int64_t invoked = roll(12);
        const bool isAnswered = kind == Kind::USE || (kind != Kind::FORGET && roll(2) == 0);
        history.push_back(Operation(kind,
                                    static_cast<std::uint64_t>(1 + roll(3)),
                                    invoked,
                                    isAnswered ? invoked + roll(6) : -1));
    }
    return history;
}

TEST(Linearizability, AgreesWithTryingEveryOrder)
{
    std::mt19937_64 random(1);
    std::size_t linearizable = 0;
    constexpr int HISTORIES = 20'000;
    for (int i = 0; i < HISTORIES; ++i)
    {
        const History history = RandomHistory(random);
        const bool expected = HasOrder(history, 0);
        linearizable += expected ? 1 : 0;
        ASSERT_EQ(VerdictOf(history) == HistoryVerdict::LINEARIZABLE, expected) << "history " << i;
    }
    EXPECT_GT(linearizable, HISTORIES / 10); // both answers occur often
    EXPECT_LT(linearizable, HISTORIES * 9 / 10);
}

FlowKey
KeyOf(std::uint16_t port)
{
    return {{0xcb007101, port}, {0xc6336401, 80}, IpProtocol::TCP};
}

/** What is kept of a session says as much as everything that was seen. */
TEST(SessionHistories, KeepWhatDecides)
{
    std::mt19937_64 random(2);
    std::size_t violated = 0;
    for (int i = 0; i < 20'000; ++i)
    {
        const auto roll = [&random](std::uint64_t sides)
        {
            return random() % sides;
        };
        SessionHistories histories;
        History all;
        histories.Created(0, KeyOf(1), At(0));
        all.push_back(Operation(Kind::CREATE, 1, 0));
        bool isDeleting = false;
        for (std::int64_t now = 1; now < 20; ++now)
        {
            const auto port = static_cast<std::uint16_t>(roll(8) == 0 ? 2 : 1);
            switch (roll(12))
            {
            case 0:
                if (!isDeleting)
                {
                    isDeleting = true;
                    for (HistoryOperation& operation : all)
                    {
                        if (operation.kind == Kind::CREATE && operation.binding == 1)
                        {
                            operation.answered = std::max(operation.invoked, At(now) - Duration{1});
                        }
                    }
                    histories.Deleting(0, KeyOf(1), At(now));
                    all.push_back(Operation(Kind::DELETE, 1, now));
                }
                else if (all.back().kind == Kind::DELETE || roll(2) == 0)
                {
                    histories.Deleted(0, KeyOf(1), At(now));
                    for (HistoryOperation& operation : all)
                    {
                        if (operation.kind == Kind::DELETE && operation.answered == NEVER)
                        {
                            operation.answered = At(now);
                        }
                    }
                }
                break;
            case 1:
                if (roll(3) == 0)
                {
                    histories.Created(0, KeyOf(port), At(now));
                    all.push_back(Operation(Kind::CREATE, port, now));
                }
                break;
            case 2:
                if (roll(6) == 0)
                {
                    histories.Forgotten(0, KeyOf(1), At(now));
                    all.push_back(Operation(Kind::FORGET, 1, now));
                }
                break;
            default:
            {
                const auto sent = now - 1 -
                                  static_cast<std::int64_t>(roll(
                                      std::min<std::uint64_t>(4, static_cast<std::uint64_t>(now))));
                const std::uint16_t used = roll(10) == 0 ? port : std::uint16_t{1};
                histories.Used(0, KeyOf(used), At(sent), At(now));
                all.push_back(Operation(Kind::USE, used, sent, now));
                break;
            }
            }
        }
        const HistoryVerdict expected = VerdictOf(all);
        violated += expected == HistoryVerdict::VIOLATED ? 1 : 0;
        ASSERT_EQ(histories.Judge(0).verdict, expected) << "run " << i;
    }
    EXPECT_GT(violated, 1000U);
}

} // namespace
} // namespace flowchain
