// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FRAME_POOL_H
#define FLOWCHAIN_FRAME_POOL_H

#include "drop-reason.h"
#include "frame.h"

#include <memory>

namespace flowchain
{

class FramePool;

/** A frame that knows the pool it goes back to, and that can be linked into a list. */
struct PooledFrame : Frame
{
    FramePool* pool = nullptr;
    PooledFrame* next = nullptr; ///< free for the owner's use: waiting lists without allocation
    std::uint32_t mark = 0;      ///< free for the owner's use
};

struct FrameDeleter
{
    /** Return the frame to its pool for DropReason::NONE. If it was the last copy of a packet that
     * is neither delivered nor dropped, the ledger reports that conservation is violated. */
    inline void operator()(PooledFrame* frame) const;
};

/** Sole ownership of a frame. */
using FramePtr = std::unique_ptr<PooledFrame, FrameDeleter>;

/**
 * Where frames come from and go to. The fabric implements it with events that carry a frame, so
 * that a frame travels without being copied. Bounded: exhausting it ends the run with a clear
 * error.
 *
 * The pool counts the live frames of each packetId. A packet is dropped when its last copy is,
 * under the reason of that copy.
 */
class FramePool
{
  public:
    virtual ~FramePool() = default;

    /** @returns an empty frame. */
    virtual FramePtr Acquire() = 0;

    /** @returns a second copy: header bytes, payload reference and packetId. */
    virtual FramePtr Clone(const Frame& frame) = 0;

    /** End a frame for the reason; DropReason::NONE where a copy was merely no longer needed. */
    virtual void Discard(FramePtr frame, DropReason reason) = 0;

    /** The reason under which frames end that are destroyed and not discarded: NONE, except while
     * the memory of a crashed node or of a finished run is torn down. */
    void SetReturnReason(DropReason reason)
    {
        m_returnReason = reason;
    }

  protected:
    DropReason m_returnReason = DropReason::NONE;

  private:
    friend struct FrameDeleter;
    /** Take the frame back under m_returnReason. */
    virtual void Return(PooledFrame* frame) = 0;
};

void
FrameDeleter::operator()(PooledFrame* frame) const
{
    frame->pool->Return(frame);
}

} // namespace flowchain

#endif
