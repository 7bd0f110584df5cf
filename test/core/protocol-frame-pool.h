// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROTOCOL_FRAME_POOL_H
#define FLOWCHAIN_PROTOCOL_FRAME_POOL_H

#include "frame-pool.h"
#include "packet-ledger.h"

#include <cstddef>

namespace flowchain
{

/** Frames from the heap, counted, that keep the packet ledger as the fabric's do. */
class LedgerFramePool : public FramePool
{
  public:
    explicit LedgerFramePool(PacketLedger& ledger)
        : m_ledger(ledger)
    {
    }

    FramePtr Acquire() override
    {
        ++m_live;
        FramePtr frame(new PooledFrame);
        frame->pool = this;
        return frame;
    }

    FramePtr Clone(const Frame& frame) override
    {
        FramePtr copy = Acquire();
        copy->CopyFrom(frame);
        m_ledger.Born(copy->packetId);
        return copy;
    }

    void Discard(FramePtr frame, DropReason reason) override
    {
        End(frame.release(), reason);
    }

    std::size_t Live() const
    {
        return m_live;
    }

  private:
    void Return(PooledFrame* frame) override
    {
        End(frame, m_returnReason);
    }

    void End(PooledFrame* frame, DropReason reason)
    {
        m_ledger.Gone(frame->packetId, reason);
        delete frame;
        --m_live;
    }

    PacketLedger& m_ledger;
    std::size_t m_live = 0;
};

} // namespace flowchain

#endif
