// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-check-service.h"

#include "maglev.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

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

/** Names of groups stand where their numbers do: "group[zone-a]". */
void
CheckGroupNames(const std::vector<std::string>& names,
                const std::string& path,
                ScenarioDiagnostics& d)
{
    for (std::size_t i = 0; i < names.size(); ++i)
    {
        const auto isDigit = [](char c)
        {
            return c >= '0' && c <= '9';
        };
        const auto place = fmt::format("{}[{}]", path, i);
        const auto first = std::ranges::find(names, names[i]) - names.begin();
        if (!IsPlainName(names[i]) || std::ranges::all_of(names[i], isDigit))
        {
            d.Add(place,
                  fmt::format("\"{}\" is no name: letters, digits, - and _, not digits alone",
                              names[i]));
        }
        else if (first < static_cast<std::ptrdiff_t>(i))
        {
            d.Add(place, fmt::format("\"{}\" is the name of {}[{}] too", names[i], path, first));
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

/** What a service group has an address for: where a packet to or from there is steered. */
enum class Use
{
    INSIDE,
    EXTERNAL, ///< of a NAT, or a VIP
    BACKEND,
};

/** Addresses of a service group, and where the scenario says so. */
struct UsedPrefix
{
    Use use;
    Prefix prefix;
    std::string path;
    std::size_t service;
    bool ofNat;
    bool isHost; ///< a single address, written without a length
};

std::string
TextOf(const UsedPrefix& used)
{
    return used.isHost ? FormatAddress(used.prefix.address) : FormatPrefix(used.prefix);
}

std::vector<UsedPrefix>
PrefixesOf(const ServiceSection& service, std::size_t i)
{
    const auto path = PathOf(i);
    if (service.kind == "nat")
    {
        return {{Use::INSIDE, service.inside, path + ".inside", i, true, false},
                {Use::EXTERNAL, service.external, path + ".external", i, true, false}};
    }
    std::vector<UsedPrefix> used{{Use::INSIDE, service.inside, path + ".inside", i, false, false}};
    const auto add = [&](Use use, std::uint32_t address, const char* list, std::size_t index)
    {
        used.push_back({use,
                        {address, 32},
                        fmt::format("{}.{}[{}].address", path, list, index),
                        i,
                        false,
                        true});
    };
    for (std::size_t k = 0; k < service.vips.size(); ++k)
    {
        add(Use::EXTERNAL, service.vips[k].address, "vip", k);
    }
    for (std::size_t k = 0; k < service.backends.size(); ++k)
    {
        add(Use::BACKEND, service.backends[k].address, "backend", k);
    }
    return used;
}

/** Whether a packet could fit two rules of the steering, or a host could not be told apart. */
bool
MayNotOverlap(const UsedPrefix& a, const UsedPrefix& b)
{
    if (a.use == Use::INSIDE && b.use == Use::INSIDE)
    {
        return a.ofNat && b.ofNat;
    }
    if (a.use == b.use)
    {
        return a.service != b.service; // in one group CheckBalancer() looks at the ports, too
    }
    return true;
}

void
CheckAddresses(const Scenario& s, std::size_t i, ScenarioDiagnostics& d)
{
    const auto own = PrefixesOf(s.services[i], i);
    for (const auto& used : own)
    {
        for (const auto& [reserved, use] : RESERVED)
        {
            if (d.Sound({used.path}) && Overlap(used.prefix, reserved))
            {
                d.Add(used.path,
                      fmt::format("{} overlaps {}, {}", TextOf(used), FormatPrefix(reserved), use));
            }
        }
    }
    const auto inside = PathOf(i) + ".inside";
    if (d.Sound({inside, "topology.clients"}) && s.services[i].inside.Size() < s.topology.clients)
    {
        d.Add(inside,
              fmt::format("{} has fewer addresses than topology.clients ({})",
                          FormatPrefix(s.services[i].inside),
                          s.topology.clients));
    }
    std::vector<UsedPrefix> others;
    for (std::size_t j = 0; j < i; ++j)
    {
        const auto more = PrefixesOf(s.services[j], j);
        others.insert(others.end(), more.begin(), more.end());
    }
    for (const auto& used : own)
    {
        for (const auto& other : others)
        {
            if (MayNotOverlap(used, other) && d.Sound({used.path, other.path}) &&
                Overlap(used.prefix, other.prefix))
            {
                d.Add(used.path,
                      fmt::format("{} overlaps {} ({})", TextOf(used), other.path, TextOf(other)));
            }
        }
        others.push_back(used);
    }
}

/** An endpoint stands for one thing only. */
template <typename Section, typename Same>
void
CheckDistinct(const std::vector<Section>& sections,
              const std::string& path,
              Same same,
              ScenarioDiagnostics& d)
{
    for (std::size_t k = 0; k < sections.size(); ++k)
    {
        const auto own = fmt::format("{}[{}]", path, k);
        for (std::size_t j = 0; j < k; ++j)
        {
            const auto other = fmt::format("{}[{}]", path, j);
            if (d.Sound({own + ".address", other + ".address"}) && same(sections[k], sections[j]))
            {
                d.Add(own + ".address", fmt::format("the same as {}", other));
            }
        }
    }
}

void
CheckBalancer(const ServiceSection& service, const std::string& path, ScenarioDiagnostics& d)
{
    if (service.kind != "lb")
    {
        return;
    }
    for (const auto& [key, count, most] :
         {std::tuple("vip", service.vips.size(), std::size_t{64}),
          std::tuple("backend", service.backends.size(), std::size_t{1024})})
    {
        const auto list = path + "." + key;
        if (d.Sound({list}) && (count == 0 || count > most))
        {
            d.Add(list, fmt::format("1 to {} [[service.{}]] are needed, not {}", most, key, count));
        }
    }
    if (d.Sound({path + ".table_size"}) &&
        (!IsPrime(service.tableSize) || service.tableSize <= service.backends.size()))
    {
        d.Add(path + ".table_size",
              fmt::format("{} is no prime that is more than the number of backends ({})",
                          service.tableSize,
                          service.backends.size()));
    }
    CheckDistinct(
        service.vips,
        path + ".vip",
        [](const VipSection& a, const VipSection& b)
        {
        return a.address == b.address && a.port == b.port && a.protocol == b.protocol;
        },
        d);
    CheckDistinct(
        service.backends,
        path + ".backend",
        [](const BackendSection& a, const BackendSection& b)
        {
        return a.address == b.address && (a.port == b.port || a.port == 0 || b.port == 0);
        },
        d);
    for (std::size_t k = 0; k < service.backends.size(); ++k)
    {
        const auto& backend = service.backends[k];
        if (backend.drainAt && backend.restoreAt && *backend.drainAt == *backend.restoreAt)
        {
            d.Add(fmt::format("{}.backend[{}].restore_at", path, k), "the same as drain_at");
        }
    }
}

} // namespace

void
CheckServices(Scenario& s, ScenarioDiagnostics& d)
{
    CheckNames(s, d);
    CheckGroupNames(s.group.names, "group.names", d);
    for (std::size_t i = 0; i < s.services.size(); ++i)
    {
        if (s.services[i].group.names != s.group.names)
        {
            CheckGroupNames(s.services[i].group.names, PathOf(i) + ".group.names", d);
        }
        CheckChain(s, i, d);
        CheckPorts(s.services[i], PathOf(i), d);
        CheckBalancer(s.services[i], PathOf(i), d);
        CheckAddresses(s, i, d);
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
