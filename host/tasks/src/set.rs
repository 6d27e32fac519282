//! The parts of a dataset joined: outputs put to their challenges, no id twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use stratagem_domain::{Grid, LabelledTask, Split, TaskSet, quote};

use crate::ReadError;
use crate::document::Document;
use crate::name::{kaggle_key, of_file};

/// One file of a dataset, read.
pub(crate) struct Part {
    /// What messages call it.
    pub place: String,
    /// What tells files of different folders apart.
    pub folder: String,
    pub stem: String,
    /// What the folder says about tasks that do not say it themselves.
    pub split: Split,
    pub document: Document,
}

impl Part {
    /// True for the file that this one holds the outputs of, going by their names.
    fn solves(&self, challenges: &Self) -> bool {
        let key = kaggle_key(&self.stem, "solutions");
        key.is_some() && key == kaggle_key(&challenges.stem, "challenges")
    }
}

/// A task, the part that it is from, and its split.
type Placed = (usize, Split, LabelledTask);

/// Joins parts to one set, in order of split and id.
pub(crate) fn join(name: String, place: &str, mut parts: Vec<Part>) -> Result<TaskSet, ReadError> {
    let mut tasks: Vec<Placed> = Vec::new();
    let mut outputs = Vec::new();
    // From here on a part is its names; `is_challenges` says which of them held tasks by id.
    let mut is_challenges = vec![false; parts.len()];
    for (at, part) in parts.iter_mut().enumerate() {
        match std::mem::replace(&mut part.document, Document::Tasks(Vec::new())) {
            Document::Task(task) => tasks.push((at, part.split, task)),
            Document::Splits(all) => tasks.extend(all.into_iter().map(|(split, task)| (at, split, task))),
            Document::Tasks(all) => {
                let split = of_file(&part.stem).unwrap_or(part.split);
                tasks.extend(all.into_iter().map(|task| (at, split, task)));
                is_challenges[at] = true;
            }
            Document::Solutions(all) => outputs.push((at, all)),
        }
    }
    for (at, solutions) in outputs {
        let challenges = challenges_of(at, &parts, &is_challenges)?;
        solve(&mut tasks, (at, solutions), challenges, &parts)?;
    }
    let mut tasks = unique(tasks, &parts)?;
    if tasks.is_empty() {
        return Err(ReadError::Empty { place: place.to_owned() });
    }
    tasks.sort_by(|(a, left), (b, right)| (a, &left.task.id).cmp(&(b, &right.task.id)));
    Ok(TaskSet { name, tasks })
}

/// The part that solutions belong to: the one named alike, nearest first, else the only one.
fn challenges_of(at: usize, parts: &[Part], is_challenges: &[bool]) -> Result<usize, ReadError> {
    let all: Vec<usize> = (0..parts.len()).filter(|&other| is_challenges[other]).collect();
    let alike: Vec<usize> = all.iter().copied().filter(|&other| parts[at].solves(&parts[other])).collect();
    let beside = alike.iter().find(|&&other| parts[other].folder == parts[at].folder);
    match (beside, alike.as_slice(), all.as_slice()) {
        (Some(&found), ..) | (None, &[found], _) | (None, [], &[found]) => Ok(found),
        _ => Err(ReadError::NoChallenges { place: parts[at].place.clone() }),
    }
}

/// Puts the outputs of one file to the tasks of another.
fn solve(
    tasks: &mut [Placed],
    (at, solutions): (usize, Vec<(String, Vec<Grid>)>),
    challenges: usize,
    parts: &[Part],
) -> Result<(), ReadError> {
    let (place, challenges_place) = (&parts[at].place, &parts[challenges].place);
    let mut unsolved: HashMap<String, &mut LabelledTask> = tasks
        .iter_mut()
        .filter(|(part, ..)| *part == challenges)
        .map(|(.., task)| (task.task.id.clone(), task))
        .collect();
    for (id, grids) in solutions {
        let (place, challenges) = (place.clone(), challenges_place.clone());
        let Some(task) = unsolved.remove(&id) else {
            return Err(ReadError::UnknownSolution { place, id: quote(&id, 64), challenges });
        };
        let (found, expected) = (grids.len(), task.truth.len());
        if found != expected {
            return Err(ReadError::WrongSolutionCount { place, id, found, expected });
        }
        for (test, (truth, grid)) in task.truth.iter_mut().zip(grids).enumerate() {
            match truth {
                Some(known) if *known != grid => {
                    return Err(ReadError::SolutionConflict { place, id, test, challenges });
                }
                _ => *truth = Some(grid),
            }
        }
    }
    match unsolved.into_keys().min() {
        Some(id) => {
            Err(ReadError::MissingSolution { place: place.clone(), id, challenges: challenges_place.clone() })
        }
        None => Ok(()),
    }
}

/// Refuses an id that is there twice, naming both files.
///
/// One exception, without which no folder as Kaggle publishes it could be read: until a
/// competition's real tests are mounted, its `…_test_challenges.json` repeats tasks of another
/// split without their outputs. Such copies, equal in all that they say, are left out.
fn unique(tasks: Vec<Placed>, parts: &[Part]) -> Result<Vec<(Split, LabelledTask)>, ReadError> {
    let mut kept: HashMap<String, Placed> = HashMap::new();
    for (part, split, task) in tasks {
        match kept.entry(task.task.id.clone()) {
            Entry::Vacant(free) => drop(free.insert((part, split, task))),
            Entry::Occupied(taken) if is_placeholder((part, split, &task), taken.get(), parts) => {}
            Entry::Occupied(mut taken) => {
                let (other_part, other_split, other) = taken.get();
                if !is_placeholder((*other_part, *other_split, other), &(part, split, task.clone()), parts) {
                    let named =
                        |part: usize, split: Split| format!("{} ({})", parts[part].place, split.as_str());
                    let (first, second) = (named(*other_part, *other_split), named(part, split));
                    return Err(ReadError::DuplicateTask { id: task.task.id, first, second });
                }
                taken.insert((part, split, task));
            }
        }
    }
    Ok(kept.into_values().map(|(_, split, task)| (split, task)).collect())
}

/// True for an unlabelled copy in Kaggle's test challenges of a task of another split.
fn is_placeholder(copy: (usize, Split, &LabelledTask), original: &Placed, parts: &[Part]) -> bool {
    let (part, split, task) = copy;
    kaggle_key(&parts[part].stem, "challenges").is_some()
        && split == Split::Test
        && original.1 != Split::Test
        && task.truth.iter().all(Option::is_none)
        && task.task == original.2.task
}
