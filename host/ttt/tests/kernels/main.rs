//! The kernels' text, run on the processor, against the reference.

#[path = "../checks/mod.rs"]
mod checks;

mod automaton;
mod training;

use checks::Found;
use stratagem_ttt::launch::emulator::Emulator;

fn hold(found: &[Found], least: usize) {
    found.iter().for_each(|found| println!("{:<44} {:.1e} of {:.1e}", found.what, found.error, found.most));
    let wrong: Vec<_> = found.iter().filter(|found| !found.is_right()).collect();
    assert!(wrong.is_empty() && found.len() >= least, "{} of {}: {wrong:#?}", wrong.len(), found.len());
}

#[test]
fn every_operation_is_that_of_the_reference() {
    hold(&checks::ops::all(&Emulator), 400);
}

#[test]
fn whole_updates_of_several_tasks_at_once_are_those_of_the_reference() {
    hold(&checks::step::all(&Emulator), 32);
}

#[test]
fn an_automaton_walks_and_learns_as_the_reference_does() {
    hold(&checks::automaton::all(&Emulator), 4);
}
