// SPDX-License-Identifier: GPL-2.0-only
#include "progress-printer.h"

#include "units.h"

#include <fmt/format.h>

namespace flowchain
{

namespace
{

constexpr double TERMINAL_FIRST_SECONDS = 1.0;
constexpr double TERMINAL_INTERVAL_SECONDS = 0.2;
constexpr double LINE_INTERVAL_SECONDS = 10.0;
constexpr std::string_view WIPE = "\r\x1b[K"; // to column 1, erase to the end of the line

} // namespace

ProgressPrinter::ProgressPrinter(bool terminal,
                                 std::function<double()> wallSeconds,
                                 std::function<void(std::string_view)> write)
    : m_terminal(terminal)
    , m_wallSeconds(std::move(wallSeconds))
    , m_write(std::move(write))
    , m_nextSeconds(terminal ? TERMINAL_FIRST_SECONDS : LINE_INTERVAL_SECONDS)
{
}

ProgressPrinter::~ProgressPrinter()
{
    if (m_dirty)
    {
        m_write(WIPE);
    }
}

void
ProgressPrinter::Progress(Instant simulated, Instant stop)
{
    const double wall = m_wallSeconds();
    if (wall < m_nextSeconds)
    {
        return;
    }
    m_nextSeconds = wall + (m_terminal ? TERMINAL_INTERVAL_SECONDS : LINE_INTERVAL_SECONDS);
    const auto done = simulated.time_since_epoch();
    const auto all = stop.time_since_epoch();
    const auto percent =
        all.count() > 0 ? static_cast<double>(done.count()) / static_cast<double>(all.count()) * 100
                        : 100.0;
    const auto text = fmt::format("{} of {} simulated ({:.0f}%), {:.0f} s",
                                  ReadableDuration(done.count()),
                                  FormatDuration(all),
                                  percent,
                                  wall);
    m_write(m_terminal ? fmt::format("{}{}", WIPE, text) : fmt::format("{}\n", text));
    m_dirty = m_terminal;
}

} // namespace flowchain
