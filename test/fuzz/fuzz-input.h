// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FUZZ_INPUT_H
#define FLOWCHAIN_FUZZ_INPUT_H

#include "wire-samples.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

/** End the process, which libFuzzer reports as a finding, unless the property holds. */
#define FUZZ_CHECK(property)                                                                       \
    do                                                                                             \
    {                                                                                              \
        if (!(property))                                                                           \
        {                                                                                          \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #property);                    \
            std::abort();                                                                          \
        }                                                                                          \
    } while (false)

namespace flowchain::fuzz
{

/**
 * Make `frame` of an input: twice the first byte is how many of the bytes behind it are header
 * bytes, and the others are payload, which refers to `bytes`.
 */
inline void
Fill(Frame& frame, std::uint8_t cut, const Bytes& bytes)
{
    const auto most = bytes.size() <= Frame::CAPACITY ? bytes.size() : Frame::CAPACITY;
    const auto wanted = static_cast<std::size_t>(cut) * 2;
    test::Fill(frame, bytes, std::min(wanted, most));
}

} // namespace flowchain::fuzz

#endif
