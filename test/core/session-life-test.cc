// SPDX-License-Identifier: GPL-2.0-only
#include "session-life.h"

#include "session-ageing.h"
#include "sync-message.h"

#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <random>

namespace flowchain
{

std::ostream&
operator<<(std::ostream& out, SessionState state)
{
    static constexpr const char* NAMES[] = {"NEW", "SYN_SENT", "ESTABLISHED", "CLOSING", "DELETED"};
    return out << NAMES[static_cast<int>(state)];
}

namespace
{

using namespace tcp_observation;
using enum SessionState;

constexpr Duration SECOND = SessionTimers::SECOND;

/** What one direction showed. */
struct Seen
{
    bool reverse;
    std::uint8_t flags;
};

struct Story
{
    const char* why;
    SessionState first;
    std::vector<Seen> seen;
    SessionState last;
};

void
PrintTo(const Story& story, std::ostream* out)
{
    *out << story.why;
}

class SessionLifeOfTcp : public testing::TestWithParam<Story>
{
};

TEST_P(SessionLifeOfTcp, FollowsTheConnection)
{
    SessionLife life{GetParam().first, false, false};
    for (const Seen& seen : GetParam().seen)
    {
        life = Observe(life, IpProtocol::TCP, seen.reverse, seen.flags);
    }
    EXPECT_EQ(life.state, GetParam().last);
}

constexpr bool FORWARD = false;
constexpr bool BACK = true;

INSTANTIATE_TEST_SUITE_P(
    Table,
    SessionLifeOfTcp,
    testing::Values(
        Story{"RFC 5382, section 4: partially open until the handshake is over",
              SYN_SENT,
              {},
              SYN_SENT},
        Story{"the ACK of the side that sent the SYN ends it",
              SYN_SENT,
              {{FORWARD, ACK}},
              ESTABLISHED},
        Story{"that of the other side belongs to the handshake", SYN_SENT, {{BACK, ACK}}, SYN_SENT},
        Story{"not seen from its beginning: either side's ACK shows it open",
              NEW,
              {{BACK, ACK}},
              ESTABLISHED},
        Story{"RFC 6146, section 3.5.2.2: one FIN leaves the other direction open",
              SYN_SENT,
              {{FORWARD, ACK}, {FORWARD, FIN}},
              ESTABLISHED},
        Story{"and so does that FIN again",
              SYN_SENT,
              {{FORWARD, ACK}, {FORWARD, FIN}, {FORWARD, FIN}},
              ESTABLISHED},
        Story{"both FINs: TRANS", SYN_SENT, {{FORWARD, ACK}, {FORWARD, FIN}, {BACK, FIN}}, CLOSING},
        Story{"the side that was called may be the first",
              SYN_SENT,
              {{FORWARD, ACK}, {BACK, FIN}, {FORWARD, FIN}},
              CLOSING},
        Story{"RFC 7857, section 2: a RST of the client",
              SYN_SENT,
              {{FORWARD, ACK}, {FORWARD, RST}},
              CLOSING},
        Story{"or the server's, who refuses the connection", SYN_SENT, {{BACK, RST}}, CLOSING},
        Story{"in one report", SYN_SENT, {{FORWARD, ACK | FIN}, {BACK, FIN}}, CLOSING},
        Story{"a late ACK opens nothing", SYN_SENT, {{BACK, RST}, {FORWARD, ACK}}, CLOSING},
        Story{"RFC 9293, section 3.6.1: a SYN opens it again",
              SYN_SENT,
              {{FORWARD, RST}, {FORWARD, SYN}},
              SYN_SENT},
        Story{"with new FINs to come",
              SYN_SENT,
              {{FORWARD, FIN}, {BACK, FIN}, {FORWARD, SYN}, {FORWARD, ACK}, {FORWARD, FIN}},
              ESTABLISHED},
        Story{"a SYN again of a connection that is open says nothing",
              SYN_SENT,
              {{FORWARD, ACK}, {FORWARD, SYN}},
              ESTABLISHED},
        Story{"nothing wakes the dead", DELETED, {{FORWARD, SYN | ACK | FIN | RST}}, DELETED}));

TEST(SessionLife, OtherProtocolsHaveNoStates)
{
    for (const IpProtocol protocol : {IpProtocol::UDP, IpProtocol::ICMP})
    {
        EXPECT_EQ(Observe({}, protocol, FORWARD, ACK | RST).state, NEW);
    }
}

TEST(SessionLife, TheDefaultTimesAreThoseOfTheRfcs)
{
    const SessionTimers timers;
    const auto seconds = [&](IpProtocol protocol, SessionState state)
    {
        return IdleTimeout(timers, protocol, state) / SECOND;
    };
    EXPECT_EQ(seconds(IpProtocol::TCP, ESTABLISHED), 2 * 3600 + 4 * 60) << "RFC 5382, REQ-5";
    EXPECT_EQ(seconds(IpProtocol::TCP, SYN_SENT), 4 * 60) << "RFC 5382, REQ-5";
    EXPECT_EQ(seconds(IpProtocol::TCP, NEW), 4 * 60) << "RFC 5382, REQ-5";
    EXPECT_EQ(seconds(IpProtocol::TCP, CLOSING), 4 * 60) << "RFC 5382, REQ-5";
    EXPECT_EQ(seconds(IpProtocol::UDP, NEW), 5 * 60) << "RFC 4787, REQ-5";
    EXPECT_EQ(seconds(IpProtocol::ICMP, NEW), 60) << "RFC 5508, REQ-2";
    EXPECT_EQ(ShortestTimeout(timers), 60 * SECOND);
}

SessionRecord
Record(std::uint32_t serial, IpProtocol protocol, SessionState state = NEW)
{
    SessionRecord record;
    record.id = MakeSessionId(3, serial);
    record.original.protocol = protocol;
    record.state = state;
    return record;
}

/** UDP 8 s, ICMP 4 s, TCP 16 s, 6 s and 5 s, refresh 1 s; a tick is 62.5 ms. */
SessionTimers
ShortTimers()
{
    return {.tcpEstablished = 16 * SECOND,
            .tcpTransitory = 6 * SECOND,
            .udp = 8 * SECOND,
            .icmp = 4 * SECOND,
            .closeLinger = 5 * SECOND,
            .refreshInterval = 1 * SECOND};
}

/** Let time pass until `end`. @returns what has expired, with the second in which it did */
std::multimap<std::int64_t, std::uint32_t>
Expired(SessionAgeing& ageing, Instant end)
{
    std::multimap<std::int64_t, std::uint32_t> when;
    while (ageing.Next() <= end)
    {
        const Instant now = ageing.Next();
        std::vector<SessionAgeing::Watched> due;
        ageing.Expire(now, due);
        for (const auto& session : due)
        {
            when.emplace(now.time_since_epoch() / SECOND, session.slot);
            ageing.Forget(session.id);
        }
    }
    return when;
}

using When = std::multimap<std::int64_t, std::uint32_t>;

TEST(SessionAgeing, EachSessionHasItsOwnTime)
{
    SessionAgeing ageing(ShortTimers());
    EXPECT_EQ(ageing.Next(), NEVER);
    ageing.Watch(Record(1, IpProtocol::UDP), 1, Instant{});
    ageing.Watch(Record(2, IpProtocol::ICMP), 2, Instant{});
    ageing.Watch(Record(3, IpProtocol::TCP, SYN_SENT), 3, Instant{});
    ageing.Watch(Record(4, IpProtocol::TCP, ESTABLISHED), 4, Instant{});
    ageing.Watch(Record(5, IpProtocol::TCP, CLOSING), 5, Instant{});
    // Two refresh intervals later than the timeouts.
    EXPECT_EQ(Expired(ageing, Instant{100 * SECOND}),
              (When{{6, 2}, {7, 5}, {8, 3}, {10, 1}, {18, 4}}));
    EXPECT_EQ(ageing.Size(), 0U);
    EXPECT_EQ(ageing.Next(), NEVER);
}

TEST(SessionAgeing, PacketsGiveNewTime)
{
    SessionAgeing ageing(ShortTimers());
    ageing.Watch(Record(1, IpProtocol::UDP), 1, Instant{});
    EXPECT_TRUE(Expired(ageing, Instant{8 * SECOND}).empty());
    ageing.Touch(Record(1, IpProtocol::UDP).id, Instant{8 * SECOND});
    EXPECT_TRUE(Expired(ageing, Instant{16 * SECOND}).empty());
    ageing.Touch(Record(2, IpProtocol::UDP).id, Instant{16 * SECOND}); // unknown: nothing
    EXPECT_EQ(Expired(ageing, Instant{100 * SECOND}), (When{{18, 1}}));
}

TEST(SessionAgeing, ANewStateHasItsOwnTime)
{
    SessionAgeing ageing(ShortTimers());
    const SessionRecord record = Record(1, IpProtocol::TCP, SYN_SENT);
    ageing.Watch(record, 1, Instant{});
    EXPECT_EQ(ageing.Observe(record.id, FORWARD, ACK, Instant{1 * SECOND}), ESTABLISHED);
    EXPECT_TRUE(Expired(ageing, Instant{10 * SECOND}).empty()) << "longer";
    EXPECT_EQ(ageing.Observe(record.id, FORWARD, FIN, Instant{10 * SECOND}), std::nullopt);
    EXPECT_EQ(ageing.Observe(record.id, BACK, FIN, Instant{10 * SECOND}), CLOSING);
    EXPECT_EQ(Expired(ageing, Instant{100 * SECOND}), (When{{17, 1}})) << "shorter";
    EXPECT_EQ(ageing.Observe(record.id, FORWARD, RST, Instant{100 * SECOND}), std::nullopt);
}

TEST(SessionAgeing, AForgottenSessionsPlaceIsAnothers)
{
    SessionAgeing ageing(ShortTimers());
    ageing.Watch(Record(1, IpProtocol::ICMP), 1, Instant{});
    ageing.Forget(Record(1, IpProtocol::ICMP).id);
    EXPECT_FALSE(ageing.IsWatched(Record(1, IpProtocol::ICMP).id));
    ageing.Watch(Record(2, IpProtocol::UDP), 2, Instant{1 * SECOND});
    ageing.Watch(Record(2, IpProtocol::UDP), 9, Instant{5 * SECOND}); // is watched
    EXPECT_EQ(Expired(ageing, Instant{100 * SECOND}), (When{{11, 2}}));
}

/** No session ends before its time, or later than a tick after it. */
TEST(SessionAgeing, AgreesWithAMapOfDeadlines)
{
    std::mt19937_64 engine(1);
    SessionAgeing ageing(ShortTimers());
    const Duration tick = 4 * SECOND / 64;
    std::map<SessionId, Instant> deadlines; // of UDP sessions
    Instant now{};
    std::uint64_t expired = 0;
    for (std::uint32_t step = 0; step < 20'000; ++step)
    {
        now += static_cast<Duration::rep>(engine() % 100) * SECOND / 1000;
        std::vector<SessionAgeing::Watched> due;
        ageing.Expire(now, due);
        for (const auto& session : due)
        {
            ASSERT_LE(deadlines.at(session.id), now);
            deadlines.erase(session.id);
            ageing.Forget(session.id);
            ++expired;
        }
        for (const auto& [id, deadline] : deadlines)
        {
            ASSERT_GT(deadline + tick, now) << id;
        }
        const SessionRecord record =
            Record(1 + static_cast<std::uint32_t>(engine() % 500), IpProtocol::UDP);
        const bool known = deadlines.contains(record.id);
        switch (engine() % 4)
        {
        case 0:
            ageing.Forget(record.id);
            deadlines.erase(record.id);
            break;
        case 1:
            ageing.Touch(record.id, now);
            if (known)
            {
                deadlines[record.id] = now + 10 * SECOND;
            }
            break;
        default:
            ageing.Watch(record, 0, now);
            deadlines.emplace(record.id, now + 10 * SECOND);
            break;
        }
        ASSERT_EQ(ageing.Size(), deadlines.size());
        ASSERT_TRUE(deadlines.empty() || ageing.Next() != NEVER);
    }
    EXPECT_GT(expired, 1000U);
}

} // namespace
} // namespace flowchain
