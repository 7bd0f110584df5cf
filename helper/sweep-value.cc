// SPDX-License-Identifier: GPL-2.0-only
#include "sweep-value.h"

#include "scenario-reader.h"
#include "units.h"

#include <fmt/format.h>

#include <cstdlib>
#include <limits>

namespace flowchain
{

namespace
{

using Kind = SweepValue::Kind;

constexpr double PS_PER_NS = 1'000;
constexpr double MILLIONTHS_PER_PERCENT = 10'000;
constexpr double THOUSANDTHS = 1'000;

std::string
LabelOf(Kind kind, std::int64_t number)
{
    switch (kind)
    {
    case Kind::INTEGER:
        return fmt::format("{}", number);
    case Kind::DECIMAL:
        return fmt::format("{}{}",
                           number < 0 ? "-" : "",
                           FormatThousandths(static_cast<std::uint64_t>(std::abs(number))));
    case Kind::DURATION:
        return FormatDuration(Duration{number});
    case Kind::PERCENT:
        return FormatPercent(static_cast<std::uint32_t>(number));
    case Kind::RATE:
        return FormatRate(static_cast<std::uint64_t>(number));
    case Kind::SIZE:
        return fmt::format("{}B", number);
    case Kind::TEXT:
        break;
    }
    std::abort();
}

/** @returns whether `text` is of this kind; `number` is set then */
template <typename Parse>
bool
IsQuantity(std::string_view text, Parse parse, std::int64_t& number)
{
    try
    {
        number = parse(text);
        return true;
    }
    catch (const UnitError&)
    {
        return false;
    }
}

} // namespace

std::optional<double>
SweepValue::Number() const
{
    const auto value = static_cast<double>(number);
    switch (kind)
    {
    case Kind::INTEGER:
    case Kind::RATE:
    case Kind::SIZE:
        return value;
    case Kind::DECIMAL:
        return value / THOUSANDTHS;
    case Kind::DURATION:
        return value / PS_PER_NS;
    case Kind::PERCENT:
        return value / MILLIONTHS_PER_PERCENT;
    case Kind::TEXT:
        break;
    }
    return std::nullopt;
}

SweepValue
MakeSweepValue(Kind kind, std::int64_t number)
{
    SweepValue value{kind, number, {}, LabelOf(kind, number)};
    const bool isBare = kind == Kind::INTEGER || kind == Kind::DECIMAL;
    value.toml = isBare ? value.label : QuoteToml(value.label);
    return value;
}

SweepValue
MakeSweepValue(std::string_view text)
{
    SweepValue value{Kind::TEXT, 0, QuoteToml(text), std::string(text)};
    const auto is = [&](Kind kind, auto parse)
    {
        const bool found = IsQuantity(text, parse, value.number);
        value.kind = found ? kind : value.kind;
        return found;
    };
    const auto signedOf = [](std::uint64_t number)
    {
        if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        {
            throw UnitError("too large");
        }
        return static_cast<std::int64_t>(number);
    };
    is(Kind::DURATION,
       [](std::string_view t)
       {
        return ParseDuration(t).count();
    }) ||
        is(Kind::PERCENT,
           [](std::string_view t)
           {
        return static_cast<std::int64_t>(ParsePercent(t));
        }) ||
        is(Kind::RATE,
           [&](std::string_view t)
           {
        return signedOf(ParseRate(t));
        }) ||
        is(Kind::SIZE,
           [&](std::string_view t)
           {
        return signedOf(ParseSize(t));
        });
    return value;
}

SweepOrder
CompareSweepValues(const SweepValue& a, const SweepValue& b)
{
    const auto isPlain = [](const SweepValue& value)
    {
        return value.kind == Kind::INTEGER || value.kind == Kind::DECIMAL;
    };
    if (a.kind == Kind::TEXT && b.kind == Kind::TEXT)
    {
        return a.label == b.label ? SweepOrder::EQUAL : SweepOrder::UNORDERED;
    }
    if (a.kind != b.kind && !(isPlain(a) && isPlain(b)))
    {
        return SweepOrder::UNORDERED;
    }
    __extension__ using Wide = __int128;
    const auto scaled = [](const SweepValue& value)
    {
        return Wide{value.number} * (value.kind == Kind::INTEGER ? 1'000 : 1);
    };
    const Wide left = scaled(a);
    const Wide right = scaled(b);
    return left < right    ? SweepOrder::LESS
           : left == right ? SweepOrder::EQUAL
                           : SweepOrder::GREATER;
}

} // namespace flowchain
