// SPDX-License-Identifier: GPL-2.0-only
#include "link-capture.h"

#include "scenario.h"

#include <algorithm>
#include <map>

namespace flowchain
{

namespace
{

/** "service[2]" as part of a file name: "service-2". */
std::string
FileStem(std::string name)
{
    std::replace(name.begin(), name.end(), '[', '-');
    std::erase(name, ']');
    return name;
}

} // namespace

LinkCapture::LinkCapture(Fabric& fabric,
                         const Directory& nodesOfRun,
                         const std::vector<std::string>& nodes,
                         const std::string& directory)
{
    const auto links = fabric.Links();
    const std::size_t hosts = nodesOfRun.nodes.size();
    const bool all = std::find(nodes.begin(), nodes.end(), "all") != nodes.end();
    m_writerOfLink.resize(links.size());
    std::vector<bool> tapped(links.size());
    std::map<std::string, PcapWriter*> writers;
    for (std::size_t link = 0; link < links.size(); ++link)
    {
        std::string stem;
        if (link < 2 * hosts)
        {
            const std::string name = NodeName(nodesOfRun, static_cast<NodeId>(link % hosts));
            if (!all && std::find(nodes.begin(), nodes.end(), name) == nodes.end())
            {
                continue;
            }
            stem = FileStem(name);
        }
        else if (all)
        {
            // "leaf0->spine1" and "spine1->leaf0" share a file.
            const std::string& name = links[link].name;
            const std::string from = name.substr(0, name.find("->"));
            const std::string to = name.substr(name.find("->") + 2);
            stem = std::min(from, to) + "-" + std::max(from, to);
        }
        else
        {
            continue;
        }
        PcapWriter*& writer = writers[stem];
        if (writer == nullptr)
        {
            m_writers.push_back(std::make_unique<PcapWriter>(directory + "/" + stem + ".pcap"));
            writer = m_writers.back().get();
        }
        m_writerOfLink[link] = writer;
        tapped[link] = true;
    }
    fabric.SetTap(this, tapped);
}

void
LinkCapture::Transmit(std::size_t link, const Frame& frame, Instant start)
{
    m_writerOfLink[link]->Write(start, frame);
}

void
LinkCapture::Close()
{
    for (const auto& writer : m_writers)
    {
        writer->Close();
    }
}

} // namespace flowchain
