// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_SCHEMA_H
#define FLOWCHAIN_SCENARIO_SCHEMA_H

#include "scenario.h"

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/** Whether a key must be written. */
enum class Presence : std::uint8_t
{
    OPTIONAL,
    REQUIRED,
};

using Choices = std::vector<const char*>;

/**
 * Goes over all the sections and keys of a scenario, in the order of the documentation. The reader
 * fills the values from a TOML tree, the writer prints them; so what is read and what is written
 * cannot differ.
 */
class ScenarioVisitor
{
  public:
    virtual ~ScenarioVisitor() = default;

    /** `[name]`, in the section that has begun last; every key up to End() lies in it. */
    virtual void Begin(const char* name) = 0;
    /** Whether the section that has begun last holds one or more of this name; `has`: whether the
     * scenario does now. */
    virtual bool Has(const char* name, bool has) = 0;
    /** How many `[[name]]` there are; `size` is how many the scenario holds now. */
    virtual std::size_t CountOf(const char* name, std::size_t size) = 0;
    /** `[[name]]` number `index` */
    virtual void Begin(const char* name, std::size_t index) = 0;
    virtual void End() = 0;

    template <std::integral T>
    void Integer(const char* key,
                 T& value,
                 std::int64_t min,
                 std::int64_t max,
                 Presence presence = Presence::OPTIONAL)
    {
        auto wide = static_cast<std::int64_t>(value);
        VisitInteger(key, wide, min, max, presence);
        value = static_cast<T>(wide);
    }

    /** Bytes: an integer, or a text such as "64KiB". */
    template <std::integral T>
    void Size(const char* key, T& value, std::int64_t min, std::int64_t max)
    {
        auto wide = static_cast<std::int64_t>(value);
        VisitSize(key, wide, min, max);
        value = static_cast<T>(wide);
    }

    /** A decimal number that is kept in thousandths; min and max are thousandths too. */
    template <std::integral T>
    void Thousandths(const char* key,
                     T& value,
                     std::int64_t min,
                     std::int64_t max,
                     Presence presence = Presence::OPTIONAL)
    {
        auto wide = static_cast<std::int64_t>(value);
        VisitThousandths(key, wide, min, max, presence);
        value = static_cast<T>(wide);
    }

    virtual void VisitDuration(const char* key,
                               Duration& value,
                               Duration min,
                               Duration max,
                               Presence presence = Presence::OPTIONAL) = 0;
    /** A duration that may be absent. */
    virtual void VisitOptionalDuration(const char* key,
                                       std::optional<Duration>& value,
                                       Duration min,
                                       Duration max) = 0;
    /** An integer, percentage or text that may be absent; a text is absent if it is empty. */
    virtual void VisitOptionalInteger(const char* key,
                                      std::optional<std::uint16_t>& value,
                                      std::int64_t min,
                                      std::int64_t max) = 0;
    virtual void VisitOptionalPercent(const char* key,
                                      std::optional<std::uint32_t>& perMillion) = 0;
    virtual void VisitOptionalText(const char* key, std::string& value) = 0;
    virtual void VisitRate(const char* key, std::uint64_t& bitsPerSecond) = 0;
    virtual void VisitPercent(const char* key, std::uint32_t& perMillion) = 0;
    virtual void VisitPrefix(const char* key, Prefix& value) = 0;
    virtual void VisitAddress(const char* key, std::uint32_t& value, Presence presence) = 0;
    /** Any text but the empty one. */
    virtual void
    VisitText(const char* key, std::string& value, Presence presence = Presence::OPTIONAL) = 0;
    virtual void VisitChoice(const char* key,
                             std::string& value,
                             Choices choices,
                             Presence presence = Presence::OPTIONAL) = 0;
    virtual void VisitFlag(const char* key, bool& value) = 0;
    virtual void VisitTexts(const char* key, std::vector<std::string>& values) = 0;
    /** "tail", which is 0, or an integer from 1. */
    virtual void VisitPosition(const char* key, std::uint16_t& value, std::int64_t max) = 0;
    /** Exactly one of equals, at_most and at_least. */
    virtual void VisitComparison(ExpectSection& expectation) = 0;

  private:
    virtual void VisitInteger(const char* key,
                              std::int64_t& value,
                              std::int64_t min,
                              std::int64_t max,
                              Presence presence) = 0;
    virtual void
    VisitSize(const char* key, std::int64_t& value, std::int64_t min, std::int64_t max) = 0;
    virtual void VisitThousandths(const char* key,
                                  std::int64_t& value,
                                  std::int64_t min,
                                  std::int64_t max,
                                  Presence presence) = 0;
};

/** Show every section and key of `scenario` to `visitor`. This is the definition of the format. */
void VisitScenario(ScenarioVisitor& visitor, Scenario& scenario);

} // namespace flowchain

#endif
