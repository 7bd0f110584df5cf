// SPDX-License-Identifier: GPL-2.0-only
#include "shell-quote.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace flowchain
{

std::string
ShellQuoted(const std::string& argument)
{
    const bool isPlain = !argument.empty() && std::all_of(argument.begin(),
                                                          argument.end(),
                                                          [](unsigned char c)
                                                          {
        return std::isalnum(c) != 0 || std::strchr("-_./=+,:%@", c) != nullptr;
    });
    if (isPlain)
    {
        return argument;
    }
    std::string quoted = "'";
    for (const char c : argument)
    {
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quoted + "'";
}

} // namespace flowchain
