// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_TOML_VISITOR_H
#define FLOWCHAIN_SCENARIO_TOML_VISITOR_H

#include "scenario-diagnostics.h"
#include "scenario-schema.h"

#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/**
 * Fills a scenario from a TOML tree. A value that is absent or wrong leaves what was there before;
 * wrong ones, and keys and sections that nobody asked for, are reported.
 */
class ScenarioTomlVisitor : public ScenarioVisitor
{
  public:
    ScenarioTomlVisitor(const toml::table& root, ScenarioDiagnostics& diagnostics);

    void Begin(const char* name) override;
    bool Has(const char* name, bool has) override;
    std::size_t CountOf(const char* name, std::size_t size) override;
    void Begin(const char* name, std::size_t index) override;
    void End() override;
    void VisitDuration(
        const char* key, Duration& value, Duration min, Duration max, Presence presence) override;
    void VisitOptionalDuration(const char* key,
                               std::optional<Duration>& value,
                               Duration min,
                               Duration max) override;
    void VisitOptionalInteger(const char* key,
                              std::optional<std::uint16_t>& value,
                              std::int64_t min,
                              std::int64_t max) override;
    void VisitOptionalPercent(const char* key, std::optional<std::uint32_t>& perMillion) override;
    void VisitOptionalText(const char* key, std::string& value) override;
    void VisitRate(const char* key, std::uint64_t& bitsPerSecond) override;
    void VisitPercent(const char* key, std::uint32_t& perMillion) override;
    void VisitPrefix(const char* key, Prefix& value) override;
    void VisitAddress(const char* key, std::uint32_t& value, Presence presence) override;
    void VisitText(const char* key, std::string& value, Presence presence) override;
    void
    VisitChoice(const char* key, std::string& value, Choices choices, Presence presence) override;
    void VisitFlag(const char* key, bool& value) override;
    void VisitTexts(const char* key, std::vector<std::string>& values) override;
    void VisitPosition(const char* key, std::uint16_t& value, std::int64_t max) override;
    void VisitComparison(ExpectSection& expectation) override;

    /** Report the sections that nobody asked for. */
    void ReportUnknownSections();

  private:
    struct Section
    {
        const toml::table* table = nullptr; ///< null: unusable, and reported
        std::string path;
        std::vector<std::string> keys; ///< asked for
    };

    void VisitInteger(const char* key,
                      std::int64_t& value,
                      std::int64_t min,
                      std::int64_t max,
                      Presence presence) override;
    void
    VisitSize(const char* key, std::int64_t& value, std::int64_t min, std::int64_t max) override;
    void VisitThousandths(const char* key,
                          std::int64_t& value,
                          std::int64_t min,
                          std::int64_t max,
                          Presence presence) override;

    std::string PathOf(const char* key) const;
    /** The node of this name in the current section, now asked for; null if absent. */
    const toml::node* Ask(const char* name);
    /** The key's node; null if absent, which is reported if it is required. */
    const toml::node* Find(const char* key, Presence presence);
    /** The key's text; null if absent, or no text, which is reported. */
    const std::string* FindText(const char* key, Presence presence, const char* expected);
    /** The key's text as a quantity; nothing if absent or wrong, which is reported. */
    template <typename Quantity>
    std::optional<Quantity> Parse(const char* key,
                                  Presence presence,
                                  const char* expected,
                                  Quantity (*parse)(std::string_view));
    void ReportType(const std::string& path, const char* expected, const toml::node& node);
    /** @returns whether min <= value <= max; if not, it is reported. */
    bool CheckRange(const std::string& path,
                    std::int64_t value,
                    std::int64_t min,
                    std::int64_t max,
                    std::string (*format)(std::int64_t));

    ScenarioDiagnostics& m_diagnostics;
    std::vector<Section> m_sections; ///< the whole file, and each in the one before; the last
                                     ///< is the current one
};

} // namespace flowchain

#endif
