// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_UNITS_H
#define FLOWCHAIN_UNITS_H

#include "instant.h"
#include "membership-view.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace flowchain
{

/** A text is no quantity of the wanted kind. what() completes the sentence "<key>: ...". */
class UnitError : public std::runtime_error
{
  public:
    using std::runtime_error::runtime_error;
};

/**
 * Quantities are a decimal number and a unit without a blank between them. They are read exactly,
 * by integer arithmetic: what the target cannot hold exactly is an error, never rounded. All Parse
 * functions throw UnitError.
 */

/** "250ps", "500ns", "20us", "60ms", "1.5s" */
Duration ParseDuration(std::string_view text);
/** "10Mbps", "2.5Gbps", "100Gbps"; bps, kbps, Mbps, Gbps, Tbps by powers of 1000. @returns bit/s */
std::uint64_t ParseRate(std::string_view text);
/** "512B", "1.5kB", "64KiB"; B, kB, MB, GB, KiB, MiB, GiB. @returns bytes */
std::uint64_t ParseSize(std::string_view text);
/** "0.1%", 0% to 100%. @returns millionths */
std::uint32_t ParsePercent(std::string_view text);
/** "10.0.0.0/8", no bit set behind the length */
Prefix ParsePrefix(std::string_view text);
/** "10.0.0.1" @returns the address in host byte order */
std::uint32_t ParseAddress(std::string_view text);

/** The shortest text without a decimal point: "60ms", "1500ms", "0s"; ParseDuration() inverts it.
 */
std::string FormatDuration(Duration duration);
/** "25Gbps", "2500Mbps"; ParseRate() inverts it. */
std::string FormatRate(std::uint64_t bitsPerSecond);
/** "0.1%"; ParsePercent() inverts it. */
std::string FormatPercent(std::uint32_t perMillion);
/** "10.0.0.0/8" */
std::string FormatPrefix(const Prefix& prefix);
/** "10.0.0.1" of an address in host byte order */
std::string FormatAddress(std::uint32_t address);
/** Nanoseconds with exactly three decimals: "12.500". */
std::string FormatNanoseconds(std::int64_t picoseconds);
/** Thousandths as a decimal number with one to three decimals: 1500 is "1.5", 1000 "1.0". */
std::string FormatThousandths(std::uint64_t thousandths);
/** For people: "12.345 us", "1.500 s", rounded half up to three decimals. */
std::string ReadableDuration(std::int64_t picoseconds);

} // namespace flowchain

#endif
