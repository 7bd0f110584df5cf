// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SHELL_QUOTE_H
#define FLOWCHAIN_SHELL_QUOTE_H

#include <string>

namespace flowchain
{

/** An argument as a POSIX shell must be given it: in quotation marks where it needs them. */
std::string ShellQuoted(const std::string& argument);

} // namespace flowchain

#endif
