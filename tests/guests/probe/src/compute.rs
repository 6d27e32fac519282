//! Work on grids that the benchmark runs natively and in the sandbox: the same source, both ways.

/// Turns and folds a 30×30 grid `rounds` times; the sum keeps the compiler from leaving it out.
pub fn compute(cells: &[u8], rounds: u64) -> u64 {
    const SIDE: usize = 30;
    let mut grid: Vec<u8> =
        (0..SIDE * SIDE).map(|at| cells.get(at % cells.len().max(1)).copied().unwrap_or(0)).collect();
    let mut turned = vec![0_u8; SIDE * SIDE];
    let mut sum = 0_u64;
    for round in 0..rounds {
        for row in 0..SIDE {
            for column in 0..SIDE {
                turned[column * SIDE + (SIDE - 1 - row)] = grid[row * SIDE + column];
            }
        }
        for at in SIDE..SIDE * SIDE {
            let neighbours = u32::from(turned[at - 1]) + u32::from(turned[at - SIDE]) + u32::from(turned[at]);
            sum = sum.wrapping_mul(31).wrapping_add(u64::from(neighbours) ^ round);
            // Colours and counts are small: 32 bits, as strategies have them.
            grid[at] = ((neighbours + round as u32) % 10) as u8;
        }
    }
    sum
}
