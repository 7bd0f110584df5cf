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
        const FunctionConfig& function = services[service].function;
        if (function.kind == "nat")
        {
            m_toExternal.push_back({function.nat.external, service});
            m_fromInside.push_back({services[service].inside, service});
        }
        for (const VirtualService& vip : function.lb.services)
        {
            m_toExternal.push_back({{vip.endpoint.address, 32}, service});
        }
        for (const Backend& backend : function.lb.backends)
        {
            m_fromBackend.emplace(backend.address, service);
        }
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
    if (service != NO_SERVICE)
    {
        return service;
    }
    const auto backend = m_fromBackend.find(key.source.address);
    return backend != m_fromBackend.end() ? backend->second
                                          : Lookup(m_fromInside, key.source.address);
}

} // namespace flowchain
