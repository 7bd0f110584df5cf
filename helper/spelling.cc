// SPDX-License-Identifier: GPL-2.0-only
#include "spelling.h"

#include <algorithm>

namespace flowchain
{

std::size_t
EditDistance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> beforeLast(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
    {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i)
    {
        beforeLast.swap(last);
        last.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j)
        {
            const std::size_t substitution = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + substitution});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
            {
                row[j] = std::min(row[j], beforeLast[j - 2] + 1);
            }
        }
    }
    return row[b.size()];
}

std::string
DidYouMean(std::string_view word, const std::vector<std::string>& candidates)
{
    auto limit = std::max<std::size_t>(1, (word.size() + 1) / 3);
    const std::string* nearest = nullptr;
    for (const auto& candidate : candidates)
    {
        const auto distance = EditDistance(word, candidate);
        // A distance of the whole word is no likeness.
        if (distance <= limit && distance < std::max(word.size(), candidate.size()))
        {
            if (nearest == nullptr || distance < limit)
            {
                nearest = &candidate;
                limit = distance;
            }
        }
    }
    return nearest == nullptr ? "" : ", did you mean '" + *nearest + "'?";
}

std::string
Join(const std::vector<std::string>& parts, std::string_view separator)
{
    std::string joined;
    for (const auto& part : parts)
    {
        if (!joined.empty())
        {
            joined += separator;
        }
        joined += part;
    }
    return joined;
}

} // namespace flowchain
