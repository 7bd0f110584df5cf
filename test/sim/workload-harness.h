// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_WORKLOAD_HARNESS_H
#define FLOWCHAIN_WORKLOAD_HARNESS_H

#include "workload.h"

#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace flowchain::testing
{

/** Frames from the heap, counted in a ledger. */
class HeapPool : public FramePool
{
  public:
    explicit HeapPool(PacketLedger& ledger)
        : m_ledger(ledger)
    {
    }

    FramePtr Acquire() override
    {
        auto* frame = new PooledFrame;
        frame->pool = this;
        frame->Reset();
        return FramePtr(frame);
    }

    FramePtr Clone(const Frame& frame) override
    {
        auto copy = Acquire();
        copy->CopyFrom(frame);
        m_ledger.Born(copy->packetId);
        return copy;
    }

    void Discard(FramePtr frame, DropReason reason) override
    {
        m_ledger.Gone(frame->packetId, reason);
        delete frame.release();
    }

  private:
    void Return(PooledFrame* frame) override
    {
        m_ledger.Gone(frame->packetId, m_returnReason);
        delete frame;
    }

    PacketLedger& m_ledger;
};

/** Remembers everything that a workload says of its sessions. */
struct RecordingListener : WorkloadListener
{
    void OnSessionStart(std::uint32_t session, Instant now) override
    {
        EXPECT_TRUE(started.emplace(session, now).second) << session;
    }

    void OnFirstDelivery(std::uint32_t session, Instant injectedAt, Instant now) override
    {
        EXPECT_TRUE(firstLatency.emplace(session, now - injectedAt).second) << session;
    }

    void OnDelivery(std::uint32_t session, bool atServer, Instant, Instant) override
    {
        ++(atServer ? deliveredAtServer : deliveredAtClient)[session];
    }

    void OnPacketLost(std::uint32_t session, DropReason reason) override
    {
        lost.emplace_back(session, reason);
    }

    void OnSessionEnd(std::uint32_t session, bool completed) override
    {
        EXPECT_TRUE(ended.emplace(session, completed).second) << session;
    }

    std::set<std::uint32_t> Unfinished() const
    {
        std::set<std::uint32_t> sessions;
        for (const auto& [session, completed] : ended)
        {
            if (!completed)
            {
                sessions.insert(session);
            }
        }
        return sessions;
    }

    std::map<std::uint32_t, Instant> started;
    std::map<std::uint32_t, Duration> firstLatency;
    std::map<std::uint32_t, std::uint32_t> deliveredAtServer;
    std::map<std::uint32_t, std::uint32_t> deliveredAtClient;
    std::vector<std::pair<std::uint32_t, DropReason>> lost;
    std::map<std::uint32_t, bool> ended;
};

/** One packet as a host sent it. */
struct Sent
{
    Instant time;
    FlowKey key;
    bool fromServer;
    std::uint8_t tcpFlags;
    std::vector<std::uint8_t> header;
    Payload payload;

    friend bool operator==(const Sent& a, const Sent& b)
    {
        return a.time == b.time && a.fromServer == b.fromServer && a.header == b.header &&
               a.payload.bytes == b.payload.bytes && a.payload.length == b.payload.length;
    }
};

/**
 * A translator between two wires: each inside tuple gets the next port of 203.0.113.1, for life.
 * What it does to single packets can be changed by the hooks; packets are numbered from 1 by ledger
 * id.
 */
class Network
{
  public:
    static constexpr std::uint32_t EXTERNAL = 0xcb007101;

    explicit Network(Workload& workload)
        : pool(ledger)
        , m_workload(workload)
    {
        ledger.SetDropListener(&workload);
        workload.SetListener(&listener);
    }

    /** Run until nobody sends and nothing is in flight, or until `stop`. */
    void Run(Instant stop = NEVER)
    {
        for (;;)
        {
            const Instant wakeup = m_workload.NextWakeup().value_or(NEVER);
            const Instant arrival = m_wire.empty() ? NEVER : m_wire.begin()->first.first;
            const Instant next = std::min(wakeup, arrival);
            if (next == NEVER || next > stop)
            {
                break;
            }
            ASSERT_LE(now, next);
            now = next;
            arrival <= wakeup ? Arrive() : Send();
        }
        pool.SetReturnReason(DropReason::END_OF_RUN);
        m_wire.clear();
        EXPECT_TRUE(ledger.Check());
        EXPECT_EQ(ledger.ViolationCount(), 0U);
    }

    /** Hooks; `id` is the packet's, `view` the packet before translation. */
    std::function<bool(std::uint32_t id, const PacketView& view)> isDropped;
    std::function<Endpoint(std::uint32_t id, const FlowKey& original, Endpoint translated)> moved;
    /** Another translation of what clients send, such as a load balancer's. */
    std::function<FlowKey(std::uint32_t id, const FlowKey& original)> balanced;
    /** Another translation of what servers send. */
    std::function<FlowKey(std::uint32_t id, const FlowKey& right)> answered;
    std::function<void(std::uint32_t id, Frame& frame, const PacketView& view)> spoil;
    std::function<Duration(std::uint32_t id)> extraDelay;

    Duration delay{5'000'000}; ///< one way
    Instant now{};
    PacketLedger ledger;
    HeapPool pool;
    RecordingListener listener;
    std::vector<Sent> sent;
    std::map<Arrival, std::uint64_t> arrivals;

  private:
    struct Flight
    {
        FramePtr frame;
        bool toServer;
    };

    void Send()
    {
        std::vector<Outgoing> out;
        m_workload.Wakeup(now, pool, ledger, out);
        ASSERT_FALSE(out.empty());
        for (Outgoing& outgoing : out)
        {
            PacketView view;
            ASSERT_EQ(ParsePacket(*outgoing.frame, 0, view), PacketVerdict::OK);
            ASSERT_EQ(outgoing.ip, view.key.source.address);
            const auto header = outgoing.frame->Header();
            sent.push_back({now,
                            view.key,
                            outgoing.fromServer,
                            view.tcpFlags,
                            {header.begin(), header.end()},
                            outgoing.frame->payload});
            Translate(std::move(outgoing.frame), view, outgoing.fromServer);
        }
    }

    void Translate(FramePtr frame, PacketView view, bool fromServer)
    {
        const std::uint32_t id = frame->packetId;
        FlowKey to = view.key;
        if (fromServer)
        {
            const auto found = m_reverse.find(view.key);
            ASSERT_NE(found, m_reverse.end());
            to = answered ? answered(id, found->second) : found->second;
        }
        else if (balanced)
        {
            to = balanced(id, view.key);
            m_reverse[to.Reversed()] = view.key.Reversed();
        }
        else
        {
            const auto [entry, isNew] = m_forward.try_emplace(view.key.source, m_nextPort);
            m_nextPort += isNew ? 1 : 0;
            to.source = {EXTERNAL, entry->second};
            to.source = moved ? moved(id, view.key, to.source) : to.source;
            m_reverse[to.Reversed()] = view.key.Reversed();
        }
        if (isDropped && isDropped(id, view))
        {
            pool.Discard(std::move(frame), DropReason::QUEUE_FULL);
            return;
        }
        RewritePacket(*frame, view, to);
        if (spoil)
        {
            spoil(id, *frame, view);
        }
        const Duration extra = extraDelay ? extraDelay(id) : Duration{0};
        m_wire.emplace(std::pair(now + delay + extra, m_order++),
                       Flight{std::move(frame), !fromServer});
    }

    void Arrive()
    {
        auto node = m_wire.extract(m_wire.begin());
        Flight flight = std::move(node.mapped());
        PacketView view;
        ASSERT_EQ(ParsePacket(*flight.frame, 0, view), PacketVerdict::OK);
        const Arrival arrival = m_workload.Receive(*flight.frame, view, flight.toServer, now);
        ++arrivals[arrival];
        if (arrival == Arrival::DELIVERED)
        {
            ledger.Deliver(flight.frame->packetId);
            flight.frame.reset();
        }
        else
        {
            pool.Discard(std::move(flight.frame),
                         arrival == Arrival::CORRUPT ? DropReason::MALFORMED
                                                     : DropReason::UNKNOWN_CONNECTION);
        }
    }

    Workload& m_workload;
    std::map<Endpoint, std::uint16_t> m_forward;
    std::map<FlowKey, FlowKey> m_reverse;
    std::uint16_t m_nextPort = 1024;
    std::uint64_t m_order = 0;
    std::map<std::pair<Instant, std::uint64_t>, Flight> m_wire;
};

} // namespace flowchain::testing

#endif
