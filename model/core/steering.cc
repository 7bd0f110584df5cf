// SPDX-License-Identifier: GPL-2.0-only
#include "steering.h"

#include <cassert>

namespace flowchain
{

Steering::Steering(std::span<const Directory> services)
    : m_services(services)
{
    assert(!services.empty() && services.size() < NO_SERVICE);
    for (std::uint16_t service = 0; service < services.size(); ++service)
    {
        m_toExternal.push_back({services[service].function.nat.external, service});
        m_fromInside.push_back({services[service].inside, service});
    }
}

std::uint16_t
Steering::Lookup(const std::vector<Route>& routes, std::uint32_t address)
{
    for (const Route& route : routes)
    {
        if (route.prefix.Contains(address))
        {
            return route.service;
        }
    }
    return NO_SERVICE;
}

std::uint16_t
Steering::ServiceOf(const FlowKey& key) const
{
    if (m_services.size() == 1)
    {
        return 0;
    }
    const std::uint16_t service = Lookup(m_toExternal, key.destination.address);
    return service != NO_SERVICE ? service : Lookup(m_fromInside, key.source.address);
}

} // namespace flowchain
