// SPDX-License-Identifier: GPL-2.0-only
// The formulas of doc/latency.rst against runs on an idle network. Letters are the document's.
#include "forked-runs.h"
#include "scenario-reader.h"
#include "simulation.h"
#include "sync-scheme.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{
namespace
{

/** A time in picoseconds. */
using Time = std::int64_t;

constexpr Time HOST_BYTE = 320;  ///< 25 Gbit/s
constexpr Time FABRIC_BYTE = 80; ///< 100 Gbit/s
constexpr Time HOST_DELAY = 500'000;
constexpr Time FABRIC_DELAY = 700'000;
constexpr Time SERVER_DELAY = 1'000'000'000; ///< so that the answer comes after all is done

/** Processing costs of accelerator, managers and service nodes: packet, message, ack. */
struct Costs
{
    Time ap, mp, mm, mk, sp, sm, sk;
};

/** No small sum of some is a sum of others, so a cost of the wrong node or kind shows. */
constexpr Costs USUAL = {101'003, 307'009, 211'027, 53'081, 1'013'243, 629'729, 41'187};
/** So that the reverse entry is what a release waits for, or the acknowledgement of a fan-out. */
constexpr Costs DEAR = {101'003, 307'009, 1'511'027, 9'053'081, 1'013'243, 129'729, 9'041'187};

/** The payload is so long that in `store` no two acknowledgements meet, and so short that no frame
 * waits at a fabric port. */
const std::string SCENARIO = R"(
[sim]
stop = "60ms"
[topology]
clients = 1
servers = 1
host_rate = "25Gbps"
fabric_rate = "100Gbps"
host_delay = "500ns"
fabric_delay = "700ns"
[[link]]
node = "server[0]"
direction = "to"
delay = "1ms"
[group]
managers = 8
cores = 16
[[service]]
cores = 16
[[accelerator]]
count = 1
[[workload]]
kind = "sessions"
start = "3ms"
sessions = 1
rate = 1
packets = 2
gap = "20ms"
payload = 448
)";

struct Case
{
    std::string scheme;
    std::string release;
    int n = 3; ///< managers in a chain
    int q = 3; ///< place of the one that fans out
    int nodes = 2;
    bool isTcp = false;
    bool oneLeaf = true;
    int seed = 1;
    Costs costs = USUAL;
    std::string fabric = "lean";
};

std::string
NameOf(const Case& c)
{
    return c.scheme + " " + c.release + " length " + std::to_string(c.n) + " position " +
           std::to_string(c.q) + " nodes " + std::to_string(c.nodes) + (c.isTcp ? " tcp" : " udp") +
           (c.oneLeaf ? " one leaf" : " own leaves") + " seed " + std::to_string(c.seed) + " " +
           c.fabric + " sm " + std::to_string(c.costs.sm);
}

Scenario
ScenarioOf(const Case& c)
{
    // Nodes: client, server, accelerator, 8 managers, controller, and the service nodes.
    const int leaves = c.oneLeaf ? 1 : 12 + c.nodes;
    std::vector<std::string> settings = {
        "chain.scheme=" + c.scheme,
        "chain.release=" + c.release,
        "chain.length=" + std::to_string(c.n),
        "chain.position=" + std::to_string(c.q),
        "service[0].nodes=" + std::to_string(c.nodes),
        "topology.leaves=" + std::to_string(leaves),
        "topology.fabric=" + c.fabric,
        "sim.seed=" + std::to_string(c.seed),
        std::string("workload[0].protocol=") + (c.isTcp ? "tcp" : "udp"),
    };
    const auto cost = [&settings](const std::string& key, Time value)
    {
        settings.push_back(key + "_cost=" + std::to_string(value) + "ps");
    };
    cost("accelerator[0].packet", c.costs.ap);
    cost("group.packet", c.costs.mp);
    cost("group.message", c.costs.mm);
    cost("group.ack", c.costs.mk);
    cost("service[0].packet", c.costs.sp);
    cost("service[0].message", c.costs.sm);
    cost("service[0].ack", c.costs.sk);
    return ParseScenario(SCENARIO, "closed-form.toml", settings);
}

/** What no formula tells: where hashes have sent the session. */
struct Drawn
{
    Time f = 0; ///< nodes to which the state is fanned out
    Time r = 0; ///< 1: the third manager is another than the first
};

struct Expected
{
    Time firstPacket = 0;
    Time copies = 0;
};

class Formula
{
  public:
    Formula(const Case& given, const Drawn& drawn)
        : m_case(given)
        , N(given.nodes)
        , n(given.n)
        , q(given.q)
        , f(drawn.f)
        , r(drawn.r)
        // A SYN has no payload, and a TCP header is 12 bytes longer than one of UDP.
        , D(given.isTcp ? 54 : 490)
        , AP(given.costs.ap)
        , MP(given.costs.mp)
        , MM(given.costs.mm)
        , MK(given.costs.mk)
        , SP(given.costs.sp)
        , SM(given.costs.sm)
        , SK(given.costs.sk)
        , C(X(D) + AP + X(86 + D) + MP + X(86 + D) + SP)
        , A(X(146 + D) + MP)
        , O(X(D) + SERVER_DELAY)
        , c(X(146) + MM)
        , cPacket(X(146 + D) + MM)
        , e(X(146) + SM)
        , ePacket(X(146 + D) + SM)
        , w(S(146))
    {
    }

    Expected Of() const
    {
        const std::string& scheme = m_case.scheme;
        if (scheme == "none")
        {
            return {C + A + O, 0};
        }
        if (scheme == "chain")
        {
            return Chain(n, q, m_case.release);
        }
        if (scheme == "fan-out")
        {
            return Chain(1, 1, IsImmediate() ? "immediate" : "all");
        }
        if (scheme == "mesh" || scheme == "director" || scheme == "direction-pairs")
        {
            const Time copies = e + (scheme == "mesh" ? (f - 1) * w : 0);
            const Time wait = IsImmediate() ? f * w : (f - 1) * w + e + X(86) + SK;
            return {C + wait + A + O, copies};
        }
        if (scheme == "pass-through" || (scheme == "ring" && m_case.release == "tail"))
        {
            return {C + (N - 1) * ePacket + O, (N - 1) * ePacket};
        }
        if (scheme == "ring")
        {
            return {C + (IsImmediate() ? w : N * e) + A + O, (N - 1) * e};
        }
        if (scheme == "pair")
        {
            return IsImmediate() ? Expected{C + w + A + O, e}
                                 : Expected{C + 2 * ePacket + A + O, ePacket};
        }
        return Store();
    }

  private:
    static Time Serialisation(Time length, Time byte)
    {
        return (std::max<Time>(length, 60) + 24) * byte;
    }

    static Time S(Time length)
    {
        return Serialisation(length, HOST_BYTE);
    }

    Time X(Time length) const
    {
        const Time host = 2 * (S(length) + HOST_DELAY);
        const Time fabric = 2 * (Serialisation(length, FABRIC_BYTE) + FABRIC_DELAY);
        return m_case.oneLeaf ? host : host + fabric;
    }

    bool IsImmediate() const
    {
        return m_case.release == "immediate";
    }

    Expected Chain(Time length, Time place, const std::string& release) const
    {
        const bool isTail = release == "tail";
        const Time B = ((length > 1 ? 1 : 0) + (place == 1 ? f : 0)) * w;
        const Time h = isTail ? cPacket : c;
        Time U = 0;
        if (place < length)
        {
            U = isTail ? S(146 + D) : S(146);
        }
        else if (length > 1)
        {
            U = isTail ? S(D) + w : release == "chain" ? w : 0;
        }
        const Time copies = A + std::max((length - 1) * h, (place - 1) * h + U + (f - 1) * w + e);
        if (release == "all")
        {
            const Time F = (place - 1) * c + (place < length ? w : 0) + (f - 1) * w + e + X(86) +
                           MK + (place > 1 ? c : 0);
            const Time V = B + X(134) + MM + X(86) + MK;
            const Time wait = std::max({F, place < length ? length * c : 0, r * V});
            return {C + A + wait + O, copies};
        }
        if (release == "immediate" || length == 1)
        {
            return {C + A + B + r * S(134) + O, copies};
        }
        return {C + A + (isTail ? (length - 1) * cPacket : length * c) + O, copies};
    }

    Expected Store() const
    {
        const Time created = C + X(146) + MM + X(146) + SM;
        const Time h = IsImmediate() ? c : cPacket;
        const Time Y = IsImmediate() ? w : S(146 + D);
        std::vector<Time> copies;
        for (Time i = 1; i <= n; ++i)
        {
            copies.push_back(i * h);
        }
        for (Time j = 1; j <= f; ++j)
        {
            copies.push_back(Y + (j - 1) * w + c);
        }
        std::sort(copies.begin(), copies.end());
        Time wait = n * cPacket + ePacket;
        if (IsImmediate())
        {
            wait = (1 + f) * w;
        }
        else if (m_case.release == "all" && f > 0)
        {
            wait = std::max(wait, S(146 + D) + (f - 1) * w + c + X(86) + SK);
        }
        return {created + wait + A + O, copies[static_cast<std::size_t>(n - 1)]};
    }

    const Case& m_case;
    const Time N;
    const Time n;
    const Time q;
    const Time f;
    const Time r;
    const Time D;
    const Time AP;
    const Time MP;
    const Time MM;
    const Time MK;
    const Time SP;
    const Time SM;
    const Time SK;
    const Time C;
    const Time A;
    const Time O;
    const Time c;
    const Time cPacket; ///< c'
    const Time e;
    const Time ePacket; ///< e'
    const Time w;
};

Drawn
DrawnOf(const MetricSet& metrics)
{
    return {metrics.ValueOr0("sync.messages.fan-out"),
            metrics.ValueOr0("sync.messages.reverse-entry")};
}

/** Run all cases, compare each. @returns what each has drawn */
std::vector<Drawn>
Compare(const std::vector<Case>& cases)
{
    const auto results = RunForked(cases.size(),
                                   1,
                                   [&](std::size_t i)
                                   {
        RunOutcome outcome = RunScenario(ScenarioOf(cases[i]), nullptr);
        return ForkedResult{outcome.metrics, outcome.violations, ""};
    },
                                   {});
    std::vector<Drawn> drawn;
    for (std::size_t i = 0; i < cases.size(); ++i)
    {
        SCOPED_TRACE(NameOf(cases[i]));
        const MetricSet& metrics = results[i].metrics;
        EXPECT_EQ(results[i].error, "");
        EXPECT_TRUE(results[i].violations.empty());
        EXPECT_EQ(metrics.ValueOr0("latency.first_packet.count"), 1);
        EXPECT_EQ(metrics.ValueOr0("sync.retransmissions"), 0);
        drawn.push_back(DrawnOf(metrics));
        const Expected expected = Formula(cases[i], drawn.back()).Of();
        EXPECT_EQ(metrics.ValueOr0("latency.first_packet.max"), expected.firstPacket);
        EXPECT_EQ(metrics.ValueOr0("vulnerability.window.max"), expected.copies);
    }
    return drawn;
}

const std::vector<std::string> RELEASES = {"immediate", "chain", "all", "tail"};

/** All lengths and release rules of a scheme, its second manager the tail. */
std::vector<Case>
LengthsOf(const std::string& scheme)
{
    std::vector<Case> cases;
    for (const std::string& release : RELEASES)
    {
        for (int n = 1; n <= 8; ++n)
        {
            cases.push_back({.scheme = scheme, .release = release, .n = n, .q = n});
            cases.push_back(
                {.scheme = scheme, .release = release, .n = n, .q = n, .oneLeaf = false});
        }
    }
    return cases;
}

/** All release rules of a scheme, with as many service nodes, on one leaf and on many. */
std::vector<Case>
SpreadsOf(const std::string& scheme, const std::vector<int>& nodes)
{
    std::vector<Case> cases;
    for (const std::string& release : RELEASES)
    {
        for (const int count : nodes)
        {
            cases.push_back({.scheme = scheme, .release = release, .nodes = count});
            cases.push_back(
                {.scheme = scheme, .release = release, .nodes = count, .oneLeaf = false});
        }
    }
    return cases;
}

TEST(ClosedForm, Chain)
{
    Compare(LengthsOf("chain"));
}

TEST(ClosedForm, ChainWithTheSecondManagerInside)
{
    std::vector<Case> cases;
    for (const std::string& release : RELEASES)
    {
        for (int n = 2; n <= 8; ++n)
        {
            for (int q = 1; q < n; ++q)
            {
                cases.push_back({.scheme = "chain", .release = release, .n = n, .q = q});
            }
        }
    }
    Compare(cases);
}

TEST(ClosedForm, ChainWithOtherTraffic)
{
    std::vector<Case> cases;
    for (const std::string& release : RELEASES)
    {
        for (const int n : {1, 3, 8})
        {
            cases.push_back({.scheme = "chain", .release = release, .n = n, .q = n, .isTcp = true});
            cases.push_back({.scheme = "chain", .release = release, .n = n, .q = n, .nodes = 5});
        }
    }
    Compare(cases);
}

TEST(ClosedForm, ChainWithAndWithoutAReverseEntry)
{
    std::vector<Case> cases;
    for (int seed = 1; seed <= 24; ++seed)
    {
        for (const std::string& release : RELEASES)
        {
            cases.push_back({.scheme = "chain", .release = release, .n = 1, .q = 1, .seed = seed});
        }
    }
    // With longer chains the third manager may be in the chain.
    for (int seed = 2; seed <= 7; ++seed)
    {
        for (const std::string& release : RELEASES)
        {
            for (const int n : {2, 5, 8})
            {
                cases.push_back(
                    {.scheme = "chain", .release = release, .n = n, .q = n, .seed = seed});
            }
        }
    }
    Time without = 0;
    Time with = 0;
    for (const Drawn& drawn : Compare(cases))
    {
        ++(drawn.r == 0 ? without : with);
    }
    EXPECT_GT(without, 0);
    EXPECT_GT(with, 0);
}

TEST(ClosedForm, ChainThatWaitsForTheReverseEntry)
{
    std::vector<Case> cases;
    for (const std::string& release : RELEASES)
    {
        for (int n = 1; n <= 8; ++n)
        {
            cases.push_back({.scheme = "chain", .release = release, .n = n, .q = 1, .costs = DEAR});
        }
    }
    Compare(cases);
}

/** ns-3's own devices give the same times. */
TEST(ClosedForm, PointToPoint)
{
    std::vector<Case> cases;
    for (const SyncScheme* scheme : SyncSchemes())
    {
        for (const std::string& release : RELEASES)
        {
            cases.push_back({.scheme = std::string(scheme->Name()),
                             .release = release,
                             .oneLeaf = false,
                             .fabric = "point-to-point"});
        }
    }
    Compare(cases);
}

TEST(ClosedForm, None)
{
    Compare(SpreadsOf("none", {1, 2, 4}));
}

TEST(ClosedForm, Mesh)
{
    Compare(SpreadsOf("mesh", {2, 3, 8}));
}

TEST(ClosedForm, PassThrough)
{
    Compare(SpreadsOf("pass-through", {2, 3, 8}));
}

TEST(ClosedForm, FanOut)
{
    Compare(SpreadsOf("fan-out", {2, 3, 8}));
}

TEST(ClosedForm, Ring)
{
    Compare(SpreadsOf("ring", {2, 3, 8}));
}

TEST(ClosedForm, Pair)
{
    Compare(SpreadsOf("pair", {2, 4, 8}));
}

TEST(ClosedForm, Store)
{
    Compare(LengthsOf("store"));
}

TEST(ClosedForm, StoreWithOtherTuplesAndCosts)
{
    std::vector<Case> cases;
    for (const std::string& release : RELEASES)
    {
        for (int seed = 1; seed <= 6; ++seed)
        {
            for (const int n : {1, 3, 6})
            {
                cases.push_back(
                    {.scheme = "store", .release = release, .n = n, .q = n, .seed = seed});
                cases.push_back({.scheme = "store",
                                 .release = release,
                                 .n = n,
                                 .q = n,
                                 .seed = seed,
                                 .costs = DEAR});
            }
        }
    }
    Time most = 0;
    for (const Drawn& drawn : Compare(cases))
    {
        most = std::max(most, drawn.f);
    }
    EXPECT_GT(most, 1);
}

/** Cases in which the tuples name few and many nodes. @param most how many there may be */
void
CompareDirectors(const std::string& scheme, Time most)
{
    std::vector<Case> cases = SpreadsOf(scheme, {2, 3, 8});
    for (int seed = 2; seed <= 7; ++seed)
    {
        for (const std::string& release : RELEASES)
        {
            cases.push_back({.scheme = scheme, .release = release, .nodes = 8, .seed = seed});
        }
    }
    Time least = most;
    Time greatest = 0;
    for (const Drawn& drawn : Compare(cases))
    {
        least = std::min(least, drawn.f);
        greatest = std::max(greatest, drawn.f);
    }
    EXPECT_EQ(least, 1);
    EXPECT_EQ(greatest, most);
}

TEST(ClosedForm, Director)
{
    CompareDirectors("director", 2);
}

TEST(ClosedForm, DirectionPairs)
{
    CompareDirectors("direction-pairs", 3);
}

} // namespace
} // namespace flowchain
