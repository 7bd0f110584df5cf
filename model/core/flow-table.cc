// SPDX-License-Identifier: GPL-2.0-only
#include "flow-table.h"

#include <utility>

namespace flowchain
{

void
FlowIndex::Insert(std::uint64_t hash, std::uint32_t slot)
{
    assert(slot != NOT_FOUND);
    if ((m_size + 1) * 4 > m_cells.size() * 3)
    {
        Grow();
    }
    Place({HalfOf(hash), slot});
    ++m_size;
}

void
FlowIndex::Erase(std::uint64_t hash, std::uint32_t slot)
{
    assert(m_size > 0);
    std::size_t hole = HalfOf(hash) & m_mask;
    while (m_cells[hole].slot != slot)
    {
        assert(m_cells[hole].slot != NOT_FOUND);
        hole = (hole + 1) & m_mask;
    }
    assert(m_cells[hole].half == HalfOf(hash));

    // Pull later entries of the run into the hole, unless that would put one before its home.
    for (std::size_t i = (hole + 1) & m_mask; m_cells[i].slot != NOT_FOUND; i = (i + 1) & m_mask)
    {
        const std::size_t fromHome = (i - m_cells[i].half) & m_mask;
        const std::size_t fromHole = (i - hole) & m_mask;
        if (fromHome >= fromHole)
        {
            m_cells[hole] = m_cells[i];
            hole = i;
        }
    }
    m_cells[hole] = Cell{};
    --m_size;
}

void
FlowIndex::Grow()
{
    const std::vector<Cell> old =
        std::exchange(m_cells, std::vector<Cell>(m_cells.empty() ? CELLS_MIN : m_cells.size() * 2));
    m_mask = m_cells.size() - 1;
    for (const Cell& cell : old)
    {
        if (cell.slot != NOT_FOUND)
        {
            Place(cell);
        }
    }
}

void
FlowIndex::Place(Cell cell)
{
    std::size_t i = cell.half & m_mask;
    while (m_cells[i].slot != NOT_FOUND)
    {
        i = (i + 1) & m_mask;
    }
    m_cells[i] = cell;
}

} // namespace flowchain
