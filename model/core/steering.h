// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_STEERING_H
#define FLOWCHAIN_STEERING_H

#include "flow-key.h"
#include "membership-view.h"

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace flowchain
{

/**
 * Which service group a packet goes to at the edge of the network: a pure function of its
 * addresses, as the routes of a real network would have it. The first rule that fits decides:
 *
 * 1. the destination is an external address of a NAT (the way back), or a VIP of a load balancer;
 * 2. the source is the address of a load balancer's backend (the way back);
 * 3. the source is an inside address of a NAT.
 *
 * A run with a single service group has a default route to it. With several groups, a packet that
 * no rule fits goes to none.
 */
class Steering
{
  public:
    static constexpr std::uint16_t NO_SERVICE = 0xffff;

    /** @param services one directory for each service group, which outlive this object
     * @pre the prefixes of a rule do not overlap between service groups */
    explicit Steering(std::span<const Directory> services);

    /** @returns the index of the service group, or NO_SERVICE */
    std::uint16_t ServiceOf(const FlowKey& key) const;

    /** Whether a service group has the address as an external one. */
    bool IsExternal(std::uint32_t address) const
    {
        return Lookup(m_toExternal, address) != NO_SERVICE;
    }

    std::span<const Directory> Services() const
    {
        return m_services;
    }

  private:
    struct Route
    {
        Prefix prefix;
        std::uint16_t service;
    };

    static std::uint16_t Lookup(const std::vector<Route>& routes, std::uint32_t address);

    std::span<const Directory> m_services;
    std::vector<Route> m_toExternal;                                ///< by destination
    std::vector<Route> m_fromInside;                                ///< by source
    std::unordered_map<std::uint32_t, std::uint16_t> m_fromBackend; ///< by source; never iterated
};

} // namespace flowchain

#endif
