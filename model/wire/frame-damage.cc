// SPDX-License-Identifier: GPL-2.0-only
#include "frame-damage.h"

#include "checksum.h"

namespace flowchain
{

void
FlipBit(Frame& frame, std::uint32_t bit)
{
    assert(bit < 8 * frame.Length());
    const std::size_t place = bit / 8;
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    const auto header = frame.Header();
    if (place < header.size())
    {
        header[place] ^= mask;
        return;
    }
    Payload& payload = frame.payload;
    const std::size_t offset = place - header.size();
    const bool wasSet = payload.bytes != nullptr && (payload.bytes[offset] & mask) != 0;
    // A payload starts at an even offset of its segment: even bytes are the upper ones of a word.
    const auto weight = static_cast<std::uint16_t>(offset % 2 == 0 ? mask << 8 : mask);
    const auto change = wasSet ? static_cast<std::uint16_t>(~weight) : weight;
    payload.sum = FoldSum(std::uint64_t{payload.sum} + change);
}

} // namespace flowchain
