// SPDX-License-Identifier: GPL-2.0-only
#include "cluster-options.h"

namespace flowchain
{

namespace
{

constexpr const char* SWEEP_CODES =
    "Exit codes: 0 every run is done and every expectation holds; 1 an expectation failed;\n"
    "2 a run failed or is missing; 3 an invariant was violated (outweighs the others).";
constexpr const char* CODES = "Exit codes: 0 done; 2 it could not be, or not all of it.";

} // namespace

CLI::App*
ClusterCommands::Add(CLI::App& app, const char* name, const char* text, std::function<int()> run)
{
    auto* command = app.add_subcommand(name, text);
    command->footer(CODES);
    m_commands.emplace_back(command, std::move(run));
    return command;
}

void
ClusterCommands::AddBatchOptions(CLI::App& command)
{
    auto* slurm = command.add_flag("--slurm", m_submit.slurm, "Submit job arrays to Slurm");
    command
        .add_flag("--print-commands",
                  m_submit.printCommands,
                  "Submit nothing: print one command a task, for GNU parallel or ssh")
        ->excludes(slurm);
    const auto number = [&](const char* name, unsigned& value, const char* text)
    {
        command.add_option(name, value, text)->type_name("N")->check(CLI::Range(1, 10'000'000));
    };
    number("--runs-per-task",
           m_submit.runsPerTask,
           "Runs that a task makes one after the other; default: 1, or so many that there\n"
           "are no more than 1000 tasks");
    number("--array-max",
           m_submit.arrayMax,
           "Tasks of one job array; default: what Slurm allows (MaxArraySize)");
    number("--max-running", m_submit.maxRunning, "Tasks at the same time; default: no limit");
    command.add_option("--partition", m_submit.partition, "Slurm's partition")->type_name("NAME");
    command
        .add_option("--time", m_submit.time, "Time limit of a task, as sbatch takes it: 1:30:00")
        ->type_name("TIME");
    command
        .add_option("--sbatch-option",
                    m_submit.sbatch,
                    "Another option of sbatch, as often as wanted: mem=2G")
        ->type_name("OPTION")
        ->allow_extra_args(false);
}

void
ClusterCommands::AddTo(CLI::App& app)
{
    auto* submit = Add(app,
                       "submit",
                       "Hand a scenario's [sweep] out to a cluster",
                       [this]
                       {
        return SubmitCommand(m_submit);
    });
    submit->add_option("FILE", m_submit.file, "The scenario, a TOML file")->required();
    submit
        ->add_option("-s,--set",
                     m_submit.overrides,
                     "Set a value before the scenario is checked, as often as wanted:\n"
                     "chain.length=2, workload[0].rate=2000")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    submit
        ->add_option("-d,--database",
                     m_submit.database,
                     "The campaign's database; default: results/<scenario name>.db")
        ->type_name("DB");
    submit
        ->add_option("--replications",
                     m_submit.replications,
                     "Runs of each point instead of what the file says, or so many more: +5")
        ->type_name("[+]N");
    AddBatchOptions(*submit);
    auto* resume = Add(app,
                       "resume",
                       "Hand out again what a campaign has not and no task will bring",
                       [this]
                       {
        return ResumeCommand(m_submit);
    });
    resume->add_option("DB", m_submit.database, "The campaign's database")->required();
    AddBatchOptions(*resume);
    auto* collect = Add(app,
                        "collect",
                        "Take the results of tasks into a campaign's database",
                        [this]
                        {
        return CollectCommand(m_collect);
    });
    collect->add_option("DB", m_collect.database, "The campaign's database")->required();
    collect->add_option("SHARD",
                        m_collect.shards,
                        "Databases to take in; default: what the campaign's tasks have left");
    auto* status = Add(app,
                       "status",
                       "Print how far a campaign is, and its tasks on a cluster",
                       [this]
                       {
        return StatusCommand(m_database);
    });
    status->add_option("DB", m_database, "The campaign's database")->required();
    status->footer(SWEEP_CODES);
    auto* cancel = Add(app,
                       "cancel",
                       "End a campaign's tasks that wait or run in Slurm",
                       [this]
                       {
        return CancelCommand(m_database);
    });
    cancel->add_option("DB", m_database, "The campaign's database")->required();
    auto* task = Add(app,
                     "task",
                     "Make the runs of one task that was handed out; for scripts",
                     [this]
                     {
        return TaskCommand(m_task);
    });
    task->add_option("FILE", m_task, "The task's file, DB.jobs/<job>/task-<n>.json")->required();
    task->footer(SWEEP_CODES);
}

bool
ClusterCommands::Parsed() const
{
    for (const auto& [command, run] : m_commands)
    {
        if (command->parsed())
        {
            return true;
        }
    }
    return false;
}

int
ClusterCommands::Run() const
{
    for (const auto& [command, run] : m_commands)
    {
        if (command->parsed())
        {
            return run();
        }
    }
    return 0;
}

} // namespace flowchain
