// SPDX-License-Identifier: GPL-2.0-only
#include "metric-dictionary.h"
#include "scenario-reader.h"
#include "scenario-schema.h"
#include "spelling.h"
#include "units.h"

#include <fmt/format.h>

#include <iterator>

namespace flowchain
{

namespace
{

/** Prints every key of a scenario. */
class ScenarioWriter : public ScenarioVisitor
{
  public:
    const std::string& Text() const
    {
        return m_text;
    }

    void Begin(const char* name) override
    {
        m_path.emplace_back(name);
        m_text += fmt::format("{}[{}]\n", m_text.empty() ? "" : "\n", Join(m_path, "."));
    }

    bool Has(const char*, bool has) override
    {
        return has;
    }

    std::size_t CountOf(const char*, std::size_t size) override
    {
        return size;
    }

    void Begin(const char* name, std::size_t) override
    {
        m_path.emplace_back(name);
        m_text += fmt::format("\n[[{}]]\n", Join(m_path, "."));
    }

    void End() override
    {
        m_path.pop_back();
    }

    void VisitDuration(const char* key, Duration& value, Duration, Duration, Presence) override
    {
        Line(key, QuoteToml(FormatDuration(value)));
    }

    void VisitOptionalDuration(const char* key,
                               std::optional<Duration>& value,
                               Duration,
                               Duration) override
    {
        if (value.has_value())
        {
            Line(key, QuoteToml(FormatDuration(*value)));
        }
    }

    void VisitOptionalInteger(const char* key,
                              std::optional<std::uint16_t>& value,
                              std::int64_t,
                              std::int64_t) override
    {
        if (value.has_value())
        {
            Line(key, fmt::format("{}", *value));
        }
    }

    void VisitOptionalPercent(const char* key, std::optional<std::uint32_t>& perMillion) override
    {
        if (perMillion.has_value())
        {
            Line(key, QuoteToml(FormatPercent(*perMillion)));
        }
    }

    void VisitOptionalText(const char* key, std::string& value) override
    {
        if (!value.empty())
        {
            Line(key, QuoteToml(value));
        }
    }

    void VisitRate(const char* key, std::uint64_t& bitsPerSecond) override
    {
        Line(key, QuoteToml(FormatRate(bitsPerSecond)));
    }

    void VisitPercent(const char* key, std::uint32_t& perMillion) override
    {
        Line(key, QuoteToml(FormatPercent(perMillion)));
    }

    void VisitPrefix(const char* key, Prefix& value) override
    {
        Line(key, QuoteToml(FormatPrefix(value)));
    }

    void VisitAddress(const char* key, std::uint32_t& value, Presence) override
    {
        Line(key, QuoteToml(FormatAddress(value)));
    }

    void VisitText(const char* key, std::string& value, Presence) override
    {
        Line(key, QuoteToml(value));
    }

    void VisitChoice(const char* key, std::string& value, Choices, Presence) override
    {
        Line(key, QuoteToml(value));
    }

    void VisitFlag(const char* key, bool& value) override
    {
        Line(key, value ? "true" : "false");
    }

    void VisitTexts(const char* key, std::vector<std::string>& values) override
    {
        std::string list;
        for (const auto& value : values)
        {
            list += (list.empty() ? "" : ", ") + QuoteToml(value);
        }
        Line(key, fmt::format("[{}]", list));
    }

    void VisitPosition(const char* key, std::uint16_t& value, std::int64_t) override
    {
        Line(key, value == 0 ? QuoteToml("tail") : fmt::format("{}", value));
    }

    void VisitComparison(ExpectSection& expectation) override
    {
        const bool bare = FindMetric(expectation.metric)->type == MetricType::INTEGER;
        Line(expectation.comparison.c_str(),
             bare ? expectation.value : QuoteToml(expectation.value));
    }

  private:
    void VisitInteger(
        const char* key, std::int64_t& value, std::int64_t, std::int64_t, Presence) override
    {
        Line(key, fmt::format("{}", value));
    }

    void VisitSize(const char* key, std::int64_t& value, std::int64_t, std::int64_t) override
    {
        Line(key, fmt::format("{}", value));
    }

    void VisitThousandths(
        const char* key, std::int64_t& value, std::int64_t, std::int64_t, Presence) override
    {
        Line(key, FormatThousandths(static_cast<std::uint64_t>(value)));
    }

    void Line(const char* key, const std::string& value)
    {
        fmt::format_to(std::back_inserter(m_text), "{} = {}\n", key, value);
    }

    std::string m_text;
    std::vector<std::string> m_path; ///< names of the sections that have begun
};

} // namespace

std::string
ResolvedToml(const Scenario& scenario)
{
    auto copy = scenario; // a visitor may write; this one does not
    ScenarioWriter writer;
    VisitScenario(writer, copy);
    return writer.Text();
}

std::string
QuoteToml(std::string_view text)
{
    std::string quoted = "\"";
    for (const char c : text)
    {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
        {
            quoted += '\\';
            quoted += c;
        }
        else if (byte < 0x20 || byte == 0x7f)
        {
            quoted += fmt::format("\\u{:04x}", byte);
        }
        else
        {
            quoted += c;
        }
    }
    return quoted + '"';
}

} // namespace flowchain
