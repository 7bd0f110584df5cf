// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWEEP_VALUE_H
#define FLOWCHAIN_SWEEP_VALUE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowchain
{

/** A value that a swept key takes, or that a filter compares with. */
struct SweepValue
{
    enum class Kind : std::uint8_t
    {
        INTEGER,
        DECIMAL,  ///< thousandths
        DURATION, ///< picoseconds
        PERCENT,  ///< millionths
        RATE,     ///< bit/s
        SIZE,     ///< bytes
        TEXT,     ///< anything else, arrays and truth values included
    };

    Kind kind = Kind::TEXT;
    std::int64_t number = 0; ///< unless TEXT
    std::string toml;        ///< as in an override: "3", "\"10us\"", "[1, 2]"
    std::string label;       ///< for people: "3", "10us"

    bool IsNumber() const
    {
        return kind != Kind::TEXT;
    }

    /** The number for statistics: as it is, durations in ns, percentages in percent; nothing of a
     * text. */
    std::optional<double> Number() const;
};

/** A number of this kind; its texts are the usual ones. */
SweepValue MakeSweepValue(SweepValue::Kind kind, std::int64_t number);
/** A text, which is understood as a quantity if it is one: "10us", "2.5Gbps", "0.1%", "64KiB". */
SweepValue MakeSweepValue(std::string_view text);

/** What a filter compares. */
enum class SweepOrder : std::uint8_t
{
    LESS,
    EQUAL,
    GREATER,
    UNORDERED, ///< texts that differ, or values of different kinds
};

/** Integers and decimals compare with one another; otherwise only equal kinds do. */
SweepOrder CompareSweepValues(const SweepValue& a, const SweepValue& b);

} // namespace flowchain

#endif
