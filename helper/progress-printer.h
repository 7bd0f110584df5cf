// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROGRESS_PRINTER_H
#define FLOWCHAIN_PROGRESS_PRINTER_H

#include "progress-listener.h"

#include <functional>
#include <string>
#include <string_view>

namespace flowchain
{

/**
 * Tells a person how far a run has come: on a terminal one line that is rewritten, from one second
 * of wall-clock time on; elsewhere a line every ten seconds.
 */
class ProgressPrinter : public ProgressListener
{
  public:
    /**
     * @param wallSeconds a monotonic clock in seconds, whose 0 is the start of the run
     * @param write puts a text out at once
     */
    ProgressPrinter(bool terminal,
                    std::function<double()> wallSeconds,
                    std::function<void(std::string_view)> write);
    /** Wipes the rewritten line. */
    ~ProgressPrinter() override;
    ProgressPrinter(const ProgressPrinter&) = delete;
    ProgressPrinter& operator=(const ProgressPrinter&) = delete;

    void Progress(Instant simulated, Instant stop) override;

  private:
    bool m_terminal;
    std::function<double()> m_wallSeconds;
    std::function<void(std::string_view)> m_write;
    double m_nextSeconds;
    bool m_dirty = false; ///< the terminal's line has something on it
};

} // namespace flowchain

#endif
