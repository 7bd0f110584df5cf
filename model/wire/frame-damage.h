// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FRAME_DAMAGE_H
#define FLOWCHAIN_FRAME_DAMAGE_H

#include "frame.h"

#include <cstdint>

namespace flowchain
{

/**
 * Flip a bit of the frame. The bytes of a payload are shared and may be virtual: there the flip
 * changes Payload::sum as it would change the bytes, so that every checksum over the payload fails,
 * and a sum that is not that of the bytes tells that they are damaged.
 * @param bit counted from the first bit of the headers, most significant first, below 8 * Length()
 */
void FlipBit(Frame& frame, std::uint32_t bit);

} // namespace flowchain

#endif
