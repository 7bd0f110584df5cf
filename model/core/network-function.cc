// SPDX-License-Identifier: GPL-2.0-only
#include "network-function.h"

#include "lb-function.h"
#include "nat-function.h"

#include <cassert>

namespace flowchain
{

namespace
{

template <typename Function, typename Topology>
constexpr FunctionKind
Kind(const char* name)
{
    return {name,
            [](const FunctionConfig& config,
               const FunctionInstance& instance) -> std::unique_ptr<NetworkFunction>
            {
        return std::make_unique<Function>(config, instance);
            },
            [](const FunctionConfig& config) -> std::unique_ptr<FunctionTopology>
            {
        return std::make_unique<Topology>(config);
    }};
}

} // namespace

const std::vector<FunctionKind>&
FunctionKinds()
{
    static const std::vector<FunctionKind> kinds = {
        Kind<NatFunction, NatTopology>("nat"),
        Kind<LbFunction, LbTopology>("lb"),
    };
    return kinds;
}

const FunctionKind*
FunctionKindByName(std::string_view name)
{
    for (const FunctionKind& kind : FunctionKinds())
    {
        if (kind.name == name)
        {
            return &kind;
        }
    }
    return nullptr;
}

std::unique_ptr<NetworkFunction>
MakeFunction(const FunctionConfig& config, const FunctionInstance& instance)
{
    const FunctionKind* kind = FunctionKindByName(config.kind);
    assert(kind != nullptr);
    return kind->make(config, instance);
}

std::unique_ptr<FunctionTopology>
MakeTopology(const FunctionConfig& config)
{
    const FunctionKind* kind = FunctionKindByName(config.kind);
    assert(kind != nullptr);
    return kind->makeTopology(config);
}

} // namespace flowchain
