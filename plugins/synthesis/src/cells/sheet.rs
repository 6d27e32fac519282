//! All cells of all demonstrations: where each condition holds, and where each colour would be right.

use std::cell::RefCell;

use stratagem_dsl::cells::{Fact, Family, Ink, Literal, NONE, Part, Scene, Test};
use stratagem_dsl::grid::mix;
use stratagem_dsl::lines::Direction;
use stratagem_dsl::{Grid, Task};
use stratagem_kit::{Budget, bits_where};

use super::bits::{self, Bits};
use super::costs;
use crate::hashing::PrintSet;

/// Numbers with more values than this are compared rather than listed.
const VALUES: usize = 8;

pub struct Sheet<'a> {
    scenes: Vec<Scene<'a>>,
    wanted: Vec<u8>,
    /// Conditions that were asked for and are no literal of their own.
    others: RefCell<Vec<(Literal, Bits)>>,
    /// The first cell of each demonstration, and their end.
    pub starts: Vec<usize>,
    pub words: usize,
    pub literals: Vec<Literal>,
    pub costs: Vec<u32>,
    pub families: Vec<Family>,
    /// The cells of each literal, one after the other.
    holds: Vec<u64>,
    pub inks: Vec<Ink>,
    pub ink_costs: Vec<u32>,
    right: Vec<u64>,
}

/// The values of facts on all inputs, those to answer too.
struct Layers<'a> {
    scenes: Vec<Scene<'a>>,
    facts: Vec<Fact>,
    values: Vec<Vec<u8>>,
}

impl<'a> Layers<'a> {
    fn new(task: &'a Task, budget: &mut dyn Budget) -> Self {
        let scenes: Vec<Scene> = task.inputs().map(Scene::new).collect();
        let present = task.inputs().fold(0u16, |bits, g| bits | colours(g));
        let about = |fact: &&Fact| match fact {
            Fact::Touches(_, c) | Fact::With(_, c) | Fact::Has(_, c) | Fact::Within(c) => {
                present >> c & 1 == 1
            }
            _ => true,
        };
        let facts: Vec<Fact> = Fact::all().iter().filter(about).copied().collect();
        let cells: usize = task.inputs().map(Grid::area).sum();
        let mut layers = Self { scenes, facts: Vec::new(), values: Vec::new() };
        for fact in facts {
            if budget.left() == 0 {
                break;
            }
            budget.spend(2 * cells as u64);
            let values: Vec<u8> = layers.scenes.iter().flat_map(|s| s.layer(fact)).collect();
            // What never varies tells nothing, but a role's colour may be compared with.
            let varies = values.iter().any(|&v| v != values[0]);
            if varies || matches!(fact, Fact::Role(_)) {
                layers.facts.push(fact);
                layers.values.push(values);
            }
        }
        layers
    }

    fn values(&self, fact: Fact) -> Option<&[u8]> {
        self.facts.iter().position(|&f| f == fact).map(|i| self.values[i].as_slice())
    }
}

fn colours(g: &Grid) -> u16 {
    g.cells().iter().fold(0, |bits, &c| bits | 1 << c)
}

impl<'a> Sheet<'a> {
    pub fn new(task: &'a Task, budget: &mut dyn Budget) -> Self {
        let mut starts = vec![0];
        for pair in &task.train {
            starts.push(starts[starts.len() - 1] + pair.input.area());
        }
        let cells = starts[starts.len() - 1];
        let wanted: Vec<u8> = task.train.iter().flat_map(|p| p.output.cells()).copied().collect();
        let mut sheet = Self {
            scenes: Vec::new(),
            wanted,
            others: RefCell::default(),
            words: cells.div_ceil(64),
            starts,
            literals: Vec::new(),
            costs: Vec::new(),
            families: Vec::new(),
            holds: Vec::new(),
            inks: Vec::new(),
            ink_costs: Vec::new(),
            right: Vec::new(),
        };
        let mut layers = Layers::new(task, budget);
        sheet.fill_literals(&layers, budget);
        sheet.fill_inks(&layers);
        layers.scenes.truncate(task.train.len());
        sheet.scenes = layers.scenes;
        sheet
    }

    fn fill_literals(&mut self, layers: &Layers, budget: &mut dyn Budget) {
        let cells = self.starts[self.starts.len() - 1];
        let mut seen = PrintSet::default();
        let mut proposals: Vec<Literal> = Vec::new();
        for (i, &fact) in layers.facts.iter().enumerate() {
            propose(fact, &layers.values[i][..cells], &mut proposals);
        }
        proposals.sort_by_key(costs::literal);
        for literal in proposals {
            if budget.left() == 0 {
                return;
            }
            let Some(values) = layers.values(literal.fact) else { continue };
            let all = values.len();
            let row = match literal.test {
                Test::Is(k) => bits_where(values, values, |v, _| v == k),
                Test::IsAs(other) => match layers.values(other) {
                    Some(other) => bits_where(values, other, |v, o| v == o && v != NONE),
                    None => bits_where(values, values, |_, _| false),
                },
                Test::AtMost(k) => bits_where(values, values, |v, _| v <= k),
                Test::Odd => bits_where(values, values, |v, _| v % 2 == 1),
            };
            let mut row = row.into_vec();
            budget.spend(all as u64);
            // Conditions that are the same on all inputs, or each other's contrary, are one.
            let flip = row[0] & 1 == 1;
            let last = if all % 64 == 0 { !0 } else { (1u64 << (all % 64)) - 1 };
            let print = row.iter().enumerate().fold(7, |hash, (w, &word)| {
                let word = if flip { !word } else { word };
                mix(hash, if w + 1 == row.len() { word & last } else { word })
            });
            row.truncate(self.words);
            if !cells.is_multiple_of(64) {
                row[self.words - 1] &= (1u64 << (cells % 64)) - 1;
            }
            let some = bits::count(&row) as usize;
            if some == 0 || some == cells || !seen.insert(print) {
                continue;
            }
            self.literals.push(literal);
            self.costs.push(costs::literal(&literal));
            self.families.push(literal.fact.family());
            self.holds.extend_from_slice(&row);
        }
    }

    fn fill_inks(&mut self, layers: &Layers) {
        let wanted = &self.wanted;
        let mut inks: Vec<Ink> = (0..10).filter(|c| wanted.contains(c)).map(Ink::Colour).collect();
        inks.extend(layers.facts.iter().filter(|f| f.is_colour()).map(|&f| Ink::As(f)));
        inks.sort_by_key(|&ink| costs::ink(ink));
        for ink in inks {
            let row = match ink {
                Ink::Colour(c) => bits_where(wanted, wanted, |w, _| w == c),
                Ink::As(fact) => {
                    let Some(values) = layers.values(fact) else { continue };
                    bits_where(wanted, &values[..wanted.len()], |w, v| w == v)
                }
            };
            self.inks.push(ink);
            self.ink_costs.push(costs::ink(ink));
            self.right.extend_from_slice(&row);
        }
    }

    /// Where a literal holds.
    pub fn holds(&self, literal: usize) -> &[u64] {
        &self.holds[literal * self.words..(literal + 1) * self.words]
    }

    /// Where an ink is right.
    pub fn right(&self, ink: usize) -> &[u64] {
        &self.right[ink * self.words..(ink + 1) * self.words]
    }

    /// Where any condition holds, a literal of the sheet or not.
    pub fn holds_of(&self, literal: &Literal, budget: &mut dyn Budget) -> Bits {
        if let Some((_, row)) = self.others.borrow().iter().find(|(known, _)| known == literal) {
            return row.clone();
        }
        let mut row = vec![0; self.words];
        for (scene, &start) in self.scenes.iter().zip(&self.starts) {
            budget.spend(20 * scene.grid.area() as u64);
            bits::fill(&mut row, start, literal.holds(scene).into_iter());
        }
        self.others.borrow_mut().push((*literal, row.clone()));
        row
    }

    /// Where any ink is right.
    pub fn right_of(&self, ink: Ink) -> Bits {
        if let Some(k) = self.inks.iter().position(|&known| known == ink) {
            return self.right(k).to_vec();
        }
        let values = self.scenes.iter().flat_map(|s| ink.layer(s));
        let mut row = vec![0; self.words];
        bits::fill(&mut row, 0, self.wanted.iter().zip(values).map(|(&w, v)| w == v));
        row
    }

    pub fn pairs(&self) -> usize {
        self.starts.len() - 1
    }

    /// All cells of one demonstration.
    pub fn pair(&self, pair: usize) -> Bits {
        let mut row = vec![0; self.words];
        bits::fill(&mut row, self.starts[pair], (self.starts[pair]..self.starts[pair + 1]).map(|_| true));
        row
    }

    /// All cells.
    pub fn everything(&self) -> Bits {
        let mut row = vec![0; self.words];
        bits::fill(&mut row, 0, (0..self.starts[self.pairs()]).map(|_| true));
        row
    }
}

/// The tests of a fact that are worth a look, given its values.
fn propose(fact: Fact, values: &[u8], out: &mut Vec<Literal>) {
    let mut seen = [false; 256];
    for &v in values {
        seen[v as usize] = true;
    }
    let present: Vec<u8> = (0..=250).filter(|&v| seen[v as usize]).collect();
    let is = present.iter().map(|&v| Test::Is(v));
    let mut tests: Vec<Test> = Vec::new();
    if matches!(fact, Fact::Role(_)) {
        tests.extend(is);
    } else if fact.is_colour() {
        tests.extend(is);
        tests.extend(Part::ALL.map(|part| Test::IsAs(Fact::Role(part))));
        tests.push(Test::IsAs(Fact::Own));
        tests.extend(partners(fact).into_iter().map(Test::IsAs));
    } else if present.iter().all(|&v| v < 2) {
        tests.push(Test::Is(1));
    } else {
        tests.extend(is.take(VALUES));
        let below = &present[..present.len() - 1];
        tests.extend(below.iter().take(VALUES).filter(|&&v| v > 0).map(|&v| Test::AtMost(v)));
        tests.push(Test::Odd);
    }
    out.extend(tests.into_iter().map(|test| Literal { fact, test, negated: false }));
}

/// Facts worth comparing a colour with, each pair once.
fn partners(fact: Fact) -> Vec<Fact> {
    use Direction::{Down, DownLeft, DownRight, Left, Right, Up, UpLeft, UpRight};
    match fact {
        Fact::Sees(Left) => vec![Fact::Sees(Right), Fact::Sees(Up), Fact::Sees(Down)],
        Fact::Sees(Right) => vec![Fact::Sees(Up), Fact::Sees(Down)],
        Fact::Sees(Up) => vec![Fact::Sees(Down)],
        Fact::Sees(UpLeft) => vec![Fact::Sees(DownRight)],
        Fact::Sees(UpRight) => vec![Fact::Sees(DownLeft)],
        Fact::Next(Left) => vec![Fact::Next(Right)],
        Fact::Next(Up) => vec![Fact::Next(Down)],
        Fact::Beyond(Left) => vec![Fact::Beyond(Right)],
        Fact::Beyond(Up) => vec![Fact::Beyond(Down)],
        Fact::First(line) => vec![Fact::Last(line)],
        _ => Vec::new(),
    }
}
