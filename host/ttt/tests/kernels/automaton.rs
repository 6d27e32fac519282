//! The cellular automaton, trained on one task.

use stratagem_domain::{Grid, Pair};
use stratagem_ttt::adaptation::{Adaptation, Base, Beginning, Metrics, Schedule};
use stratagem_ttt::launch::Device;
use stratagem_ttt::launch::emulator::Emulator;

#[test]
fn a_task_is_trained_on_a_device_as_on_the_processor() {
    // What is 3 becomes 2.
    let row = |row: [u8; 3]| Grid::from_rows(&[row; 2]).unwrap();
    let shown: Vec<Pair> = [[0, 3, 0], [3, 3, 0], [0, 0, 3]]
        .map(|cells| Pair { input: row(cells), output: row(cells.map(|c| if c == 3 { 2 } else { c })) })
        .to_vec();
    let asked = row([3, 0, 3]);
    let learned = |device: Option<&dyn Device>| {
        let asked = std::slice::from_ref(&asked);
        let beginning =
            Beginning { base: Base::Automaton, demonstrations: &shown, asked, seed: 1, kept: None };
        let mut claimed = 0;
        let claim = |needs| {
            claimed = needs;
            Ok(())
        };
        let mut adaptation = Adaptation::start(&beginning, device, claim).unwrap();
        assert_eq!(adaptation.is_on_device(), device.is_some());
        let schedule = Schedule { steps: 30, learning_rate: None, is_turning: Some(true) };
        let Metrics { losses, accuracy } = adaptation.train(schedule, &mut || true).unwrap();
        let drawn = adaptation.predict(&asked[0], 1).unwrap().swap_remove(0);
        let score = adaptation.score(&asked[0], &drawn.output).unwrap().unwrap();
        let kept = adaptation.weights().unwrap();
        let again = Beginning { kept: Some(&kept), ..beginning };
        let resumed = Adaptation::start(&again, device, |_| Ok(())).unwrap().weights().unwrap();
        assert_eq!(resumed, kept);
        // Any grid may be asked about, the largest too.
        let largest = Grid::from_rows(&vec![[3; 30]; 30]).unwrap();
        adaptation.predict(&largest, 1).unwrap();
        (losses, accuracy, drawn.output, score, claimed)
    };
    let (losses, accuracy, drawn, score, claimed) = learned(Some(&Emulator));
    let (expected, accuracy_here, drawn_here, score_here, _) = learned(None);
    assert_eq!(losses.len(), expected.len());
    for (update, (found, expected)) in losses.iter().zip(&expected).enumerate() {
        assert!((found - expected).abs() < 1e-3 * expected.max(0.1), "{update}: {found} for {expected}");
    }
    assert!((accuracy - accuracy_here).abs() < 1e-9);
    assert_eq!(drawn, drawn_here);
    assert!((score - score_here).abs() < 1e-2 * score_here.abs().max(0.1), "{score} for {score_here}");
    assert!((1 << 20..100 << 20).contains(&claimed), "{claimed}");
}
