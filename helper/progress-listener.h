// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROGRESS_LISTENER_H
#define FLOWCHAIN_PROGRESS_LISTENER_H

#include "instant.h"

namespace flowchain
{

/** Is told how far a run has come, often; it decides by itself how often to say so. */
class ProgressListener
{
  public:
    virtual ~ProgressListener() = default;
    virtual void Progress(Instant simulated, Instant stop) = 0;
};

} // namespace flowchain

#endif
