// SPDX-License-Identifier: GPL-2.0-only
#include "explain-command.h"

#include "query-command.h"
#include "result-writer.h"
#include "scenario-reader.h"
#include "session-story.h"

#include <fmt/format.h>

namespace flowchain
{

void
ExplainCommand::AddTo(CLI::App& app)
{
    m_command = app.add_subcommand("explain", "Tell the life of one session, message by message");
    m_command
        ->add_option("WHAT",
                     m_words,
                     "FILE SESSION: a scenario, and the session's number, from 0 on, or its\n"
                     "client's ADDRESS:PORT; or\n"
                     "DB RUN SESSION: a campaign's database, and the beginning of a run's id")
        ->required()
        ->expected(2, 3);
    m_command->add_option("-s,--set", m_overrides, "Set a value before the scenario is checked")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    m_crash.AddTo(*m_command);
    m_command->add_option("--format", m_format, "text, or mermaid: a sequence diagram")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "mermaid"}));
}

int
ExplainCommand::Run() const
{
    Scenario scenario = m_words.size() == 2 ? ReadScenario(m_words.front(), m_overrides)
                                            : StoredScenario(m_words[0], m_words[1], m_overrides);
    m_crash.Apply(scenario);
    scenario.output.pcap.clear();
    SessionStory story(m_words.back());
    const RunOutcome outcome = RunScenario(scenario, nullptr, {&story});
    story.Finish(outcome.timeline);
    fmt::print("{}", m_format == "text" ? story.Text() : story.Mermaid());
    return outcome.violations.empty() ? EXIT_ALL_HOLD : EXIT_INVARIANT_VIOLATED;
}

} // namespace flowchain
