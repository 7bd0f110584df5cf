// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROTOCOL_MUTATION_H
#define FLOWCHAIN_PROTOCOL_MUTATION_H

#include "frame-pool.h"
#include "membership-view.h"

#include <string>
#include <vector>

namespace flowchain
{

/**
 * A deliberate defect of the protocol, made by changing messages between machines that are sound:
 * whoever claims to check the protocol must find each of them.
 */
struct ProtocolMutation
{
    std::string name;
    /** Change what a node sends in one step: take frames out, forge others. Null: nothing. */
    void (*onSend)(const Directory& nodes, FramePool& pool, std::vector<FramePtr>& sends) = nullptr;
    /** Change a message just before a node whose view is given handles it. Null: nothing. */
    void (*onReceive)(const MembershipView& view,
                      NodeId self,
                      std::uint8_t incarnation,
                      Frame&) = nullptr;
};

/** All of them. */
const std::vector<ProtocolMutation>& ProtocolMutations();
/** @pre there is one of that name */
const ProtocolMutation& MutationByName(const std::string& name);

} // namespace flowchain

#endif
