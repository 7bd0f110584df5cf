// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-check-service.h"

#include "units.h"

#include <fmt/format.h>

#include <algorithm>

namespace flowchain
{

namespace
{

/** Addresses that a service must leave alone. */
struct ReservedPrefix
{
    Prefix prefix;
    const char* use;
};

constexpr ReservedPrefix RESERVED[] = {
    {{0xac100000, 16}, "the addresses of the nodes themselves"}, // UnderlayAddressOf()
    {{0xc6120000, 15}, "the addresses of generated servers"},    // SessionTuples
};

bool
Overlap(const Prefix& a, const Prefix& b)
{
    return a.Contains(b.address) || b.Contains(a.address);
}

std::string
PathOf(std::size_t service)
{
    return fmt::format("service[{}]", service);
}

/** Nodes are called "name.manager[0]": a name must not look like a part of that. */
bool
IsPlainName(const std::string& name)
{
    return std::all_of(name.begin(),
                       name.end(),
                       [](char c)
                       {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
}

void
CheckNames(Scenario& s, ScenarioDiagnostics& d)
{
    for (std::size_t i = 0; i < s.services.size(); ++i)
    {
        auto& service = s.services[i];
        const auto path = PathOf(i) + ".name";
        if (service.name.empty())
        {
            service.name = service.kind;
        }
        if (s.services.size() > 1 && !IsPlainName(service.name))
        {
            d.Add(path,
                  fmt::format("\"{}\" has other characters than letters, digits, - and _",
                              service.name));
        }
        for (std::size_t j = 0; j < i; ++j)
        {
            if (s.services[j].name == service.name)
            {
                d.Add(path, fmt::format("\"{}\" is the name of service[{}] too", service.name, j));
                break;
            }
        }
    }
}

void
CheckChain(const Scenario& s, std::size_t i, ScenarioDiagnostics& d)
{
    const auto& service = s.services[i];
    const auto hasNoOwn = [](const ServiceSection& other)
    {
        return !other.ownChain && !other.ownGroup;
    };
    const auto before = s.services.begin() + static_cast<std::ptrdiff_t>(i);
    if (hasNoOwn(service) && std::any_of(s.services.begin(), before, hasNoOwn))
    {
        return; // the same two sections have been looked at
    }
    const auto chain = service.ownChain ? PathOf(i) + ".chain" : "chain";
    const auto managers = service.ownGroup ? PathOf(i) + ".group.managers" : "group.managers";
    if (d.Sound({chain + ".length", managers}) && service.chain.length > service.group.managers)
    {
        d.Add(
            chain + ".length",
            fmt::format(
                "{} is more than {} ({})", service.chain.length, managers, service.group.managers));
    }
    if (d.Sound({chain + ".length", chain + ".position"}) &&
        service.chain.position > service.chain.length)
    {
        d.Add(chain + ".position",
              fmt::format("{} is more than {}.length ({})",
                          service.chain.position,
                          chain,
                          service.chain.length));
    }
}

void
CheckPorts(const ServiceSection& service, const std::string& path, ScenarioDiagnostics& d)
{
    if (d.Sound({path + ".port_first", path + ".port_last", path + ".nodes"}) &&
        service.portLast - service.portFirst + 1 < service.nodes)
    {
        d.Add(path + ".port_last",
              fmt::format("{} ports ({} to {}) are too few for a block for each of {} nodes",
                          std::max(0, service.portLast - service.portFirst + 1),
                          service.portFirst,
                          service.portLast,
                          service.nodes));
    }
}

void
CheckAddresses(const Scenario& s,
               const ServiceSection& service,
               const std::string& path,
               ScenarioDiagnostics& d)
{
    if (!d.Sound({path + ".inside", path + ".external"}))
    {
        return;
    }
    if (Overlap(service.inside, service.external))
    {
        d.Add(path + ".external",
              fmt::format("{} overlaps {}.inside ({})",
                          FormatPrefix(service.external),
                          path,
                          FormatPrefix(service.inside)));
    }
    for (const auto& [key, prefix] : {std::pair(path + ".inside", service.inside),
                                      std::pair(path + ".external", service.external)})
    {
        for (const auto& [reserved, use] : RESERVED)
        {
            if (Overlap(prefix, reserved))
            {
                d.Add(key,
                      fmt::format(
                          "{} overlaps {}, {}", FormatPrefix(prefix), FormatPrefix(reserved), use));
            }
        }
    }
    if (d.Sound({"topology.clients"}) && service.inside.Size() < s.topology.clients)
    {
        d.Add(path + ".inside",
              fmt::format("{} has fewer addresses than topology.clients ({})",
                          FormatPrefix(service.inside),
                          s.topology.clients));
    }
}

/** No packet may fit the steering of two service groups. */
void
CheckSteering(const Scenario& s, std::size_t i, std::size_t j, ScenarioDiagnostics& d)
{
    const auto check = [&](const char* key, const Prefix& a, const char* otherKey, const Prefix& b)
    {
        const auto path = fmt::format("service[{}].{}", i, key);
        const auto other = fmt::format("service[{}].{}", j, otherKey);
        if (d.Sound({path, other}) && Overlap(a, b))
        {
            d.Add(path,
                  fmt::format("{} overlaps {} ({})", FormatPrefix(a), other, FormatPrefix(b)));
        }
    };
    const auto& a = s.services[i];
    const auto& b = s.services[j];
    check("inside", a.inside, "inside", b.inside);
    check("external", a.external, "external", b.external);
    check("inside", a.inside, "external", b.external);
    check("external", a.external, "inside", b.inside);
}

} // namespace

void
CheckServices(Scenario& s, ScenarioDiagnostics& d)
{
    CheckNames(s, d);
    for (std::size_t i = 0; i < s.services.size(); ++i)
    {
        CheckChain(s, i, d);
        CheckPorts(s.services[i], PathOf(i), d);
        CheckAddresses(s, s.services[i], PathOf(i), d);
        for (std::size_t j = 0; j < i; ++j)
        {
            CheckSteering(s, i, j, d);
        }
    }
}

bool
CheckNodes(const Scenario& s, ScenarioDiagnostics& d)
{
    bool sound = !s.services.empty() &&
                 d.Sound({"topology.clients", "topology.servers", "service", "accelerator"});
    std::size_t accelerators = 0;
    std::size_t managers = 0;
    std::size_t serviceNodes = 0;
    for (std::size_t i = 0; i < s.services.size(); ++i)
    {
        const auto& service = s.services[i];
        const auto group = service.ownGroup ? PathOf(i) + ".group" : "group";
        const auto owner = service.ownAccelerators ? PathOf(i) + "." : "";
        sound = sound && d.Sound({PathOf(i) + ".nodes", PathOf(i) + ".accelerator"}) &&
                d.Sound({group + ".count", group + ".managers"});
        for (std::size_t k = 0; k < service.accelerators.size(); ++k)
        {
            sound = sound && d.Sound({fmt::format("{}accelerator[{}].count", owner, k)});
            accelerators += service.accelerators[k].count;
        }
        managers += std::size_t{service.group.count} * service.group.managers;
        serviceNodes += service.nodes;
    }
    if (!sound)
    {
        return false;
    }
    const auto total = std::size_t{s.topology.clients} + s.topology.servers + accelerators +
                       managers + serviceNodes + 1;
    if (total > MAX_NODES)
    {
        d.Add("topology",
              fmt::format("{} nodes ({} clients, {} servers, {} accelerators, {} flow managers, {} "
                          "service nodes, 1 controller) are more than {}",
                          total,
                          s.topology.clients,
                          s.topology.servers,
                          accelerators,
                          managers,
                          serviceNodes,
                          MAX_NODES));
        return false;
    }
    return true;
}

} // namespace flowchain
