//! How a training goes: whether its answers still change, and what they are worth.

use stratagem_sdk::Grid;

use crate::plan::Model;

/// What an answer is worth before the last, as a share: little, for the last are to rank before it.
const EARLY: f64 = 0.02;
/// What the last answer of a model is worth that draws all demonstrations right, and of one that does not.
const LAST: [f64; 2] = [0.8, 0.4];
/// What the second likeliest grid is worth of that, as a share: the likeliest of another training goes before it.
const SECOND: f64 = 0.25;

/// A grid that the model draws, and its share of all that it draws.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub grid: Grid,
    pub share: f64,
}

/// A training as it goes.
pub struct Course {
    pub model: Model,
    /// Updates so far.
    pub steps: u32,
    /// For each test input the likeliest grid of the last round.
    firsts: Vec<Option<Drawn>>,
    /// Rounds since one of them changed, or a demonstration was drawn wrong.
    calm: u32,
}

impl Course {
    pub fn new(tests: usize, model: Model) -> Self {
        Self { model, steps: 0, firsts: vec![None; tests], calm: 0 }
    }

    /// Takes what a round draws, and gives what is new of it: the likeliest grid of each test input that had another.
    pub fn see(&mut self, drawn: Vec<Vec<Drawn>>, accuracy: f32) -> Vec<(usize, Drawn)> {
        let firsts = drawn.into_iter().map(|drawn| drawn.into_iter().next());
        let mut changed = Vec::new();
        for (test_index, (first, now)) in self.firsts.iter_mut().zip(firsts).enumerate() {
            let is_new = first.as_ref().map(|first| &first.grid) != now.as_ref().map(|now| &now.grid);
            *first = now;
            if is_new {
                changed.push(test_index);
            }
        }
        self.calm = if changed.is_empty() && accuracy >= 1.0 { self.calm + 1 } else { 0 };
        changed.into_iter().filter_map(|at| Some((at, self.firsts[at].clone()?))).collect()
    }

    /// Whether going on is not worth it.
    pub fn is_settled(&self) -> bool {
        self.calm >= settled(self.model)
    }

    /// What an answer is worth that may be replaced by a better one.
    pub fn early(&self, drawn: &Drawn) -> f64 {
        EARLY * drawn.share
    }

    /// What an answer of the finished training is worth; the likeliest has rank 0.
    pub fn last(&self, rank: usize, drawn: &Drawn, accuracy: f32) -> f64 {
        let [right, wrong] = LAST;
        let drawn_right = if accuracy >= 1.0 { right } else { wrong };
        drawn.share * drawn_right * if rank == 0 { 1.0 } else { SECOND }
    }
}

/// Rounds without another answer after which a training that draws all demonstrations right is over.
fn settled(model: Model) -> u32 {
    match model {
        // Of always as many updates.
        Model::Compression => 8,
        // Parts of the whole training.
        Model::Automaton => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(colour: u8) -> Vec<Drawn> {
        vec![Drawn { grid: Grid { width: 1, height: 1, cells: vec![colour] }, share: 0.5 }]
    }

    #[test]
    fn only_what_is_new_is_told_and_a_training_settles_when_nothing_is() {
        let mut automaton = Course::new(1, Model::Automaton);
        (0..settled(Model::Automaton)).for_each(|_| drop(automaton.see(vec![drawn(1)], 1.0)));
        assert!(!automaton.is_settled());
        automaton.see(vec![drawn(1)], 1.0);
        assert!(automaton.is_settled());
        let mut course = Course::new(2, Model::Compression);
        let told = |course: &mut Course, colours: [u8; 2], accuracy| {
            course.see(colours.map(drawn).to_vec(), accuracy).iter().map(|(at, _)| *at).collect::<Vec<_>>()
        };
        assert_eq!(told(&mut course, [1, 2], 1.0), [0, 1]);
        assert_eq!(told(&mut course, [1, 3], 1.0), [1]);
        for _ in 0..settled(Model::Compression) {
            assert!(!course.is_settled());
            assert_eq!(told(&mut course, [1, 3], 1.0), [0; 0]);
        }
        assert!(course.is_settled());
        told(&mut course, [1, 3], 0.5);
        assert!(!course.is_settled(), "a demonstration is drawn wrong");
    }

    #[test]
    fn later_answers_are_worth_more() {
        let course = Course::new(1, Model::Compression);
        let drawn = &drawn(1)[0];
        assert!(course.early(drawn) < course.last(0, drawn, 0.5));
        assert!(course.last(0, drawn, 0.5) < course.last(0, drawn, 1.0));
        assert!(
            course.last(1, drawn, 1.0) < course.last(0, drawn, 0.5),
            "another training's first goes before"
        );
    }
}
