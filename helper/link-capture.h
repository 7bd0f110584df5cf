// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_LINK_CAPTURE_H
#define FLOWCHAIN_LINK_CAPTURE_H

#include "fabric.h"
#include "membership-view.h"
#include "pcap-writer.h"

#include <memory>
#include <string>
#include <vector>

namespace flowchain
{

/** Writes what passes chosen links to pcap files, one for both directions of a link. */
class LinkCapture : public LinkTap
{
  public:
    /**
     * Tap the fabric.
     * @param nodes names of nodes whose host links are captured ("service[2]"), or "all": every
     * link
     * @param directory the files go to, "<directory>/manager-0.pcap", "leaf0-spine1.pcap"; must
     * exist
     * @throws PcapError if a file cannot be made
     */
    LinkCapture(Fabric& fabric,
                const Directory& nodesOfRun,
                const std::vector<std::string>& nodes,
                const std::string& directory);

    void Transmit(std::size_t link, const Frame& frame, Instant start) override;

    /** Write out and close all files. @throws PcapError on a write error */
    void Close();

  private:
    std::vector<std::unique_ptr<PcapWriter>> m_writers;
    std::vector<PcapWriter*> m_writerOfLink; ///< index: directed link; null: not captured
};

} // namespace flowchain

#endif
