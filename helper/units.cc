// SPDX-License-Identifier: GPL-2.0-only
#include "units.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <span>

namespace flowchain
{

namespace
{

__extension__ typedef unsigned __int128 Wide; // 19 digits times a scale of 13 fit

struct Unit
{
    std::string_view name;
    std::uint64_t scale; ///< of one unit, in the integer that the quantity is stored in
};

constexpr std::array<Unit, 5> DURATION_UNITS = {{
    {"ps", 1},
    {"ns", 1'000},
    {"us", 1'000'000},
    {"ms", 1'000'000'000},
    {"s", 1'000'000'000'000},
}};

constexpr std::array<Unit, 5> RATE_UNITS = {{
    {"bps", 1},
    {"kbps", 1'000},
    {"Mbps", 1'000'000},
    {"Gbps", 1'000'000'000},
    {"Tbps", 1'000'000'000'000},
}};

constexpr std::array<Unit, 7> SIZE_UNITS = {{
    {"B", 1},
    {"kB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"KiB", 1'024},
    {"MiB", 1'048'576},
    {"GiB", 1'073'741'824},
}};

constexpr std::array<Unit, 1> PERCENT_UNITS = {{{"%", 10'000}}};

/** What a quantity is called in messages, and what it may be. */
struct Kind
{
    const char* name;
    const char* example;
    std::span<const Unit> units;
    const char* granularity; ///< name of the integer it is stored in
    std::uint64_t max;
};

const Kind DURATION = {
    "duration", "60ms", DURATION_UNITS, "1ps", std::numeric_limits<std::int64_t>::max()};
const Kind RATE = {"rate", "10Gbps", RATE_UNITS, "1bps", std::numeric_limits<std::int64_t>::max()};
const Kind SIZE = {"size", "64KiB", SIZE_UNITS, "1B", std::numeric_limits<std::int64_t>::max()};
const Kind PERCENT = {"percentage", "0.1%", PERCENT_UNITS, "0.0001%", 1'000'000};

bool
IsDigit(char c)
{
    return c >= '0' && c <= '9';
}

[[noreturn]] void
ThrowMalformed(std::string_view text, const Kind& kind)
{
    std::string names;
    for (const auto& unit : kind.units)
    {
        names += fmt::format("{}{}", names.empty() ? "" : ", ", unit.name);
    }
    throw UnitError(fmt::format("\"{}\" is no {} such as \"{}\" (unit{}: {})",
                                text,
                                kind.name,
                                kind.example,
                                kind.units.size() > 1 ? "s" : "",
                                names));
}

/** Digits before and behind the decimal point, and the unit. */
struct Decimal
{
    std::string_view whole;
    std::string_view fraction; ///< without trailing zeros
    std::string_view unit;
};

Decimal
Split(std::string_view text, const Kind& kind)
{
    std::size_t i = 0;
    while (i < text.size() && IsDigit(text[i]))
    {
        ++i;
    }
    Decimal d;
    d.whole = text.substr(0, i);
    if (i < text.size() && text[i] == '.')
    {
        const auto begin = ++i;
        while (i < text.size() && IsDigit(text[i]))
        {
            ++i;
        }
        d.fraction = text.substr(begin, i - begin);
        if (d.fraction.empty())
        {
            ThrowMalformed(text, kind);
        }
        while (!d.fraction.empty() && d.fraction.back() == '0')
        {
            d.fraction.remove_suffix(1);
        }
    }
    d.unit = text.substr(i);
    if (d.whole.empty())
    {
        ThrowMalformed(text, kind);
    }
    return d;
}

/** The decimal digits' value; `limit` digits are more than any quantity can use. */
Wide
ValueOf(std::string_view digits)
{
    Wide value = 0;
    for (const char c : digits)
    {
        value = value * 10 + static_cast<Wide>(c - '0');
    }
    return value;
}

std::uint64_t
ParseQuantity(std::string_view text, const Kind& kind)
{
    constexpr std::size_t DIGITS_MAX = 19; // so that no product below overflows
    auto decimal = Split(text, kind);
    while (decimal.whole.size() > 1 && decimal.whole.front() == '0')
    {
        decimal.whole.remove_prefix(1);
    }
    for (const auto& unit : kind.units)
    {
        if (unit.name != decimal.unit)
        {
            continue;
        }
        const auto tooLarge = fmt::format("\"{}\" is too large for a {}", text, kind.name);
        const auto tooFine = fmt::format("\"{}\" is not a multiple of {}", text, kind.granularity);
        if (decimal.whole.size() > DIGITS_MAX)
        {
            throw UnitError(tooLarge);
        }
        if (decimal.fraction.size() > DIGITS_MAX)
        {
            throw UnitError(tooFine);
        }
        Wide divisor = 1;
        for (std::size_t i = 0; i < decimal.fraction.size(); ++i)
        {
            divisor *= 10;
        }
        const Wide part = ValueOf(decimal.fraction) * unit.scale;
        if (part % divisor != 0)
        {
            throw UnitError(tooFine);
        }
        const Wide value = ValueOf(decimal.whole) * unit.scale + part / divisor;
        if (value > kind.max)
        {
            throw UnitError(tooLarge);
        }
        return static_cast<std::uint64_t>(value);
    }
    ThrowMalformed(text, kind);
}

/** The largest unit of which `value` is a whole multiple. */
std::string
FormatQuantity(std::uint64_t value, std::span<const Unit> units)
{
    auto i = units.size() - 1;
    while (value % units[i].scale != 0)
    {
        --i;
    }
    return fmt::format("{}{}", value / units[i].scale, units[i].name);
}

/** Reads a number of at most three digits from the front of `text`. */
std::uint32_t
TakeNumber(std::string_view& text, std::uint32_t max, std::string_view whole)
{
    std::size_t i = 0;
    std::uint32_t value = 0;
    while (i < text.size() && i < 3 && IsDigit(text[i]))
    {
        value = value * 10 + static_cast<std::uint32_t>(text[i] - '0');
        ++i;
    }
    if (i == 0 || value > max)
    {
        throw UnitError(fmt::format("\"{}\" is no prefix such as \"10.0.0.0/8\"", whole));
    }
    text.remove_prefix(i);
    return value;
}

} // namespace

Duration
ParseDuration(std::string_view text)
{
    return Duration{static_cast<std::int64_t>(ParseQuantity(text, DURATION))};
}

std::uint64_t
ParseRate(std::string_view text)
{
    return ParseQuantity(text, RATE);
}

std::uint64_t
ParseSize(std::string_view text)
{
    return ParseQuantity(text, SIZE);
}

std::uint32_t
ParsePercent(std::string_view text)
{
    return static_cast<std::uint32_t>(ParseQuantity(text, PERCENT));
}

Prefix
ParsePrefix(std::string_view text)
{
    auto rest = text;
    Prefix prefix;
    for (int octet = 0; octet < 4; ++octet)
    {
        prefix.address = prefix.address << 8 | TakeNumber(rest, 255, text);
        const char separator = octet < 3 ? '.' : '/';
        if (rest.empty() || rest.front() != separator)
        {
            throw UnitError(fmt::format("\"{}\" is no prefix such as \"10.0.0.0/8\"", text));
        }
        rest.remove_prefix(1);
    }
    prefix.length = static_cast<std::uint8_t>(TakeNumber(rest, 32, text));
    if (!rest.empty())
    {
        throw UnitError(fmt::format("\"{}\" is no prefix such as \"10.0.0.0/8\"", text));
    }
    const auto hostBits = static_cast<std::uint32_t>(prefix.Size() - 1);
    if ((prefix.address & hostBits) != 0)
    {
        const auto network = Prefix{prefix.address & ~hostBits, prefix.length};
        throw UnitError(fmt::format("\"{}\" has bits set behind its length, did you mean '{}'?",
                                    text,
                                    FormatPrefix(network)));
    }
    return prefix;
}

std::uint32_t
ParseAddress(std::string_view text)
{
    try
    {
        return ParsePrefix(std::string(text) + "/32").address;
    }
    catch (const UnitError&)
    {
        throw UnitError(fmt::format("\"{}\" is no address such as \"10.0.0.1\"", text));
    }
}

std::string
FormatDuration(Duration duration)
{
    if (duration.count() == 0)
    {
        return "0s";
    }
    return FormatQuantity(static_cast<std::uint64_t>(duration.count()), DURATION_UNITS);
}

std::string
FormatRate(std::uint64_t bitsPerSecond)
{
    return bitsPerSecond == 0 ? "0bps" : FormatQuantity(bitsPerSecond, RATE_UNITS);
}

std::string
FormatPercent(std::uint32_t perMillion)
{
    auto text = fmt::format("{}.{:04}", perMillion / 10'000, perMillion % 10'000);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.')
    {
        text.pop_back();
    }
    return text + "%";
}

std::string
FormatPrefix(const Prefix& prefix)
{
    return fmt::format("{}/{}", FormatAddress(prefix.address), prefix.length);
}

std::string
FormatAddress(std::uint32_t address)
{
    return fmt::format(
        "{}.{}.{}.{}", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff, address & 0xff);
}

std::string
FormatNanoseconds(std::int64_t picoseconds)
{
    const bool negative = picoseconds < 0;
    const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(picoseconds)
                                    : static_cast<std::uint64_t>(picoseconds);
    return fmt::format("{}{}.{:03}", negative ? "-" : "", magnitude / 1000, magnitude % 1000);
}

std::string
FormatThousandths(std::uint64_t thousandths)
{
    auto text = fmt::format("{}.{:03}", thousandths / 1000, thousandths % 1000);
    while (text.back() == '0' && text[text.size() - 2] != '.')
    {
        text.pop_back();
    }
    return text;
}

std::string
ReadableDuration(std::int64_t picoseconds)
{
    if (picoseconds < 0)
    {
        return fmt::format("-{}", ReadableDuration(-picoseconds));
    }
    auto i = DURATION_UNITS.size() - 1;
    const auto value = static_cast<std::uint64_t>(picoseconds);
    while (i > 1 && value < DURATION_UNITS[i].scale)
    {
        --i;
    }
    const auto thousandth = DURATION_UNITS[i].scale / 1000;
    const auto rounded = value / thousandth + (value % thousandth * 2 >= thousandth ? 1 : 0);
    return fmt::format("{}.{:03} {}", rounded / 1000, rounded % 1000, DURATION_UNITS[i].name);
}

} // namespace flowchain
