// SPDX-License-Identifier: GPL-2.0-only
#include "lean-fabric.h"
#include "point-to-point-fabric.h"
#include "quaternary-heap-scheduler.h"

#include <stdexcept>

namespace flowchain
{

// Here and not beside the class: a linker takes a file out of a library only for a name it needs.
NS_OBJECT_ENSURE_REGISTERED(QuaternaryHeapScheduler);

std::unique_ptr<Fabric>
MakeFabric(std::string_view kind, const FabricConfig& config, PacketLedger* ledger)
{
    if (kind == "lean")
    {
        return std::make_unique<LeanFabric>(config, ledger);
    }
    if (kind == "point-to-point")
    {
        return std::make_unique<PointToPointFabric>(config, ledger);
    }
    throw std::invalid_argument("fabric: unknown kind \"" + std::string(kind) + "\"");
}

} // namespace flowchain
