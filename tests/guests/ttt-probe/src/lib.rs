//! Asks of `ttt` what the lines of the setting `calls` say, and tells in steps what it got.

use stratagem_sdk::ttt::{Adaptation, Schedule};
use stratagem_sdk::{Description, Grid, Run, Strategy, Task, export};

struct TttProbe;

impl Strategy for TttProbe {
    fn describe() -> Description {
        Description::new("ttt-probe", "0.1.0", "fixture", "asks what the setting `calls` says")
    }

    fn solve(task: &Task, run: &Run) -> Result<(), String> {
        let mut held = Vec::new();
        for line in run.setting("calls").unwrap_or_default().lines() {
            match call(task, run, &mut held, line) {
                Ok(told) => run.step(line, &told, true),
                Err(refusal) => run.step(line, &refusal, false),
            }
        }
        Ok(())
    }
}

fn call(task: &Task, run: &Run, held: &mut Vec<Option<Adaptation>>, line: &str) -> Result<String, String> {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u32>().ok()).unwrap_or(0);
    let rate = || words.get(3).and_then(|word| word.parse::<f32>().ok()).unwrap_or(0.0);
    let input = &task.test[0];
    let broken = Grid { cells: vec![77], ..input.clone() };
    if words[0] == "left" {
        return Ok(run.budget().device_ms.to_string());
    }
    // start BASE, or - for none; `empty` is without demonstrations
    if words[0] == "start" {
        let shown = if words[1] == "empty" { &[][..] } else { &task.train[..] };
        let base = Some(words[1]).filter(|base| !["-", "empty"].contains(base));
        held.push(Some(Adaptation::start(base, shown, &task.test, run.seed())?));
        return Ok(format!("{} held", held.len()));
    }
    let at = number(1) as usize;
    // drop NUMBER
    if words[0] == "drop" {
        held[at] = None;
        return Ok("dropped".into());
    }
    let adaptation = held[at].as_ref().ok_or("no such adaptation")?;
    match words[0] {
        // train NUMBER STEPS RATE
        "train" => {
            let schedule = Schedule { steps: number(2), learning_rate: rate(), views: 0 };
            let told = adaptation.train(schedule)?;
            Ok(format!(
                "{} steps, {} to {}, {} right on {}, {} bytes, {} ms",
                told.steps,
                told.first_loss,
                told.last_loss,
                told.train_accuracy,
                told.device,
                told.device_memory_bytes,
                told.device_ms
            ))
        }
        // predict NUMBER SAMPLES
        "predict" => {
            let drawn = adaptation.predict(input, number(2))?.into_iter();
            let drawn =
                drawn.map(|one| format!("{:?} {} {}", one.output.cells, one.log_likelihood, one.votes));
            Ok(drawn.collect::<Vec<_>>().join("; "))
        }
        // score NUMBER, score NUMBER broken
        "score" if words.len() > 2 => Ok(format!("{:?}", adaptation.score(input, &broken)?)),
        "score" => Ok(format!("{:?}", adaptation.score(input, input)?)),
        "save" => Ok(adaptation.save()?),
        other => Err(format!("the probe knows no act {other}")),
    }
}

export!(TttProbe);
