// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_HEAP_FRAME_POOL_H
#define FLOWCHAIN_HEAP_FRAME_POOL_H

#include "frame-pool.h"

#include <cstddef>

namespace flowchain
{

/** Frames from the heap, counted, so that a test sees a leak. */
class HeapFramePool : public FramePool
{
  public:
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
        return copy;
    }

    void Discard(FramePtr frame, DropReason) override
    {
        frame.reset();
    }

    std::size_t Live() const
    {
        return m_live;
    }

  protected:
    void Return(PooledFrame* frame) override
    {
        --m_live;
        delete frame;
    }

  private:
    std::size_t m_live = 0;
};

} // namespace flowchain

#endif
