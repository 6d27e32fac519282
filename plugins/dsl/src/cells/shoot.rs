//! Rays that cells shoot: over the background, and on, around or back at what they meet.

use crate::grid::Grid;
use crate::lines::Direction;

use super::list::{Literal, all_hold};
use super::scene::{NONE, Scene};

/// Where rays go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heading {
    One(Direction),
    Horizontal,
    Vertical,
    Cross,
    Falling,
    Rising,
    Diagonal,
    All,
    /// Away from the only drawn cell beside the source.
    Away,
    /// Away from the only drawn cell at a corner of the source.
    AwayCorner,
}

/// What a ray does where its way is barred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meet {
    Stop,
    /// Goes on behind, leaving what it meets as it is.
    Through,
    /// Paints over it.
    Over,
    Left,
    Right,
    /// Rebounds: diagonal rays as light from a wall, straight ones straight back.
    Bounce,
    /// Takes its colour and goes on behind it.
    Dye,
}

/// Rays from all cells of which `when` holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shoot {
    pub when: Vec<Literal>,
    pub heading: Heading,
    /// The colour of the ray; none for the source's own.
    pub ink: Option<u8>,
    pub meet: Meet,
    /// What it does at cells of one colour instead.
    pub but: Option<(u8, Meet)>,
    /// Whether edges of the grid turn rays too, as other obstacles do.
    pub edges: bool,
    /// Only every so-manieth cell is painted.
    pub step: u8,
}

impl Heading {
    pub const ALL: [Self; 17] = [
        Self::One(Direction::Left),
        Self::One(Direction::Right),
        Self::One(Direction::Up),
        Self::One(Direction::Down),
        Self::One(Direction::UpLeft),
        Self::One(Direction::UpRight),
        Self::One(Direction::DownLeft),
        Self::One(Direction::DownRight),
        Self::Horizontal,
        Self::Vertical,
        Self::Cross,
        Self::Falling,
        Self::Rising,
        Self::Diagonal,
        Self::All,
        Self::Away,
        Self::AwayCorner,
    ];

    /// The directions for a source at `(x, y)`.
    fn directions(self, scene: &Scene, x: usize, y: usize) -> &'static [Direction] {
        use Direction::{Down, DownLeft, DownRight, Left, Right, Up, UpLeft, UpRight};
        match self {
            Self::One(d) => d.alone(),
            Self::Horizontal => &[Left, Right],
            Self::Vertical => &[Up, Down],
            Self::Cross => &[Left, Right, Up, Down],
            Self::Falling => &[UpLeft, DownRight],
            Self::Rising => &[UpRight, DownLeft],
            Self::Diagonal => &[UpLeft, UpRight, DownLeft, DownRight],
            Self::All => &Direction::ALL,
            Self::Away => away(scene, x, y, &Direction::ALL[..4]),
            Self::AwayCorner => away(scene, x, y, &Direction::ALL[4..]),
        }
    }
}

fn away(scene: &Scene, x: usize, y: usize, among: &[Direction]) -> &'static [Direction] {
    let drawn = |d: &&Direction| {
        let (dx, dy) = d.step();
        let c = scene.grid.at_or(x as isize + dx, y as isize + dy, NONE);
        c != NONE && c != scene.background
    };
    let mut touching = among.iter().filter(drawn);
    match (touching.next(), touching.next()) {
        (Some(&d), None) => opposite(d).alone(),
        _ => &[],
    }
}

fn toward((dx, dy): (isize, isize)) -> Direction {
    Direction::ALL.into_iter().find(|d| d.step() == (dx, dy)).unwrap_or(Direction::Left)
}

fn opposite(d: Direction) -> Direction {
    toward((-d.step().0, -d.step().1))
}

impl Shoot {
    pub fn run(&self, grid: &Grid) -> Grid {
        let scene = Scene::new(grid);
        let sources = all_hold(&self.when, &scene);
        self.run_from(&scene, &sources)
    }

    /// Shoots from the cells marked.
    pub fn run_from(&self, scene: &Scene, sources: &[bool]) -> Grid {
        let mut out = scene.grid.clone();
        let w = scene.grid.width();
        for i in (0..sources.len()).filter(|&i| sources[i]) {
            for &d in self.heading.directions(scene, i % w, i / w) {
                self.trace(scene, (i % w, i / w), d, &mut out);
            }
        }
        out
    }

    fn trace(&self, scene: &Scene, from: (usize, usize), mut d: Direction, out: &mut Grid) {
        let g = scene.grid;
        let mut ink = self.ink.unwrap_or(g.at(from.0, from.1));
        let (mut x, mut y) = (from.0 as isize, from.1 as isize);
        let mut turned_at = 0;
        // Straight ways end by themselves; ways that turn may go in circles.
        for n in 1..=8 * (g.width() + g.height()) {
            let (nx, ny) = (x + d.step().0, y + d.step().1);
            let c = g.at_or(nx, ny, NONE);
            if c != scene.background {
                if c == NONE && !self.edges {
                    return;
                }
                let rule = self.but.filter(|&(colour, _)| colour == c).map_or(self.meet, |(_, meet)| meet);
                let turned = match rule {
                    Meet::Stop => return,
                    Meet::Through | Meet::Over | Meet::Dye if c == NONE => return,
                    Meet::Through | Meet::Over => None,
                    Meet::Dye => {
                        ink = c;
                        None
                    }
                    Meet::Left => Some(toward((d.step().1, -d.step().0))),
                    Meet::Right => Some(toward((-d.step().1, d.step().0))),
                    Meet::Bounce => Some(rebound(scene, x, y, d)),
                };
                if let Some(turned) = turned {
                    // Two turns on the spot lead nowhere.
                    if turned_at + 1 == n {
                        return;
                    }
                    (d, turned_at) = (turned, n);
                    continue;
                }
                if rule != Meet::Over {
                    (x, y) = (nx, ny);
                    continue;
                }
            }
            (x, y) = (nx, ny);
            if n % self.step.max(1) as usize == 0 {
                out.set(x as usize, y as usize, ink);
            }
        }
    }
}

/// The direction after a rebound at a wall ahead of `(x, y)`.
fn rebound(scene: &Scene, x: isize, y: isize, d: Direction) -> Direction {
    let (dx, dy) = d.step();
    let barred = |x, y| scene.grid.at_or(x, y, NONE) != scene.background;
    match (barred(x + dx, y), barred(x, y + dy)) {
        _ if dx == 0 || dy == 0 => opposite(d),
        (true, false) => toward((-dx, dy)),
        (false, true) => toward((dx, -dy)),
        _ => opposite(d),
    }
}
