//! One whole step of the compression model, loss and gradient, against a plain `PyTorch` version of it: `just torch`.
//!
//! `PyTorch` is large: where `STRATAGEM_TORCH` names no Python that has it, this is skipped, and says so.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use fastrand::Rng;
use serde_json::{Value, json};
use stratagem_domain::{Grid, Pair};
use stratagem_ttt::model::compression::compression;
use stratagem_ttt::model::program::Op;
use stratagem_ttt::noise::Noise;
use stratagem_ttt::puzzle::Puzzle;
use stratagem_ttt::reference::compression::Engine;

fn grid(chance: &mut Rng, [height, width]: [usize; 2]) -> Grid {
    let mut row = || (0..width).map(|_| [0, 2, 5, 7][chance.usize(..4)]).collect::<Vec<u8>>();
    Grid::from_rows(&(0..height).map(|_| row()).collect::<Vec<_>>()).unwrap()
}

fn numbers(json: &Value) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn a_step_is_that_of_pytorch() {
    let Ok(python) = std::env::var("STRATAGEM_TORCH") else {
        eprintln!("skipped: STRATAGEM_TORCH names no Python with PyTorch; `just torch` brings one");
        return;
    };
    let cases = [
        ("kept", vec![[[4, 5], [4, 5]], [[3, 6], [3, 6]], [[5, 2], [5, 2]]], [4, 4]),
        ("one output", vec![[[4, 3], [2, 3]], [[5, 5], [2, 3]]], [3, 6]),
        ("any", vec![[[4, 3], [2, 6]], [[4, 3], [3, 1]]], [4, 5]),
    ];
    let mut chance = Rng::with_seed(17);
    for (name, sides, asked) in cases {
        let shown: Vec<Pair> = sides
            .iter()
            .map(|&[input, output]| Pair {
                input: grid(&mut chance, input),
                output: grid(&mut chance, output),
            })
            .collect();
        let asked = grid(&mut chance, asked);
        let puzzle = Puzzle::new(&shown, std::slice::from_ref(&asked));
        for update in [30, 300] {
            let (program, weights) = compression(&puzzle, 2);
            let mut weights: Vec<f64> =
                weights.iter().map(|&w| f64::from(w) + (chance.f64() - 0.5) * 0.05).collect();
            let Some(Op::Draw { latents, to }) = program.ops.first() else { panic!("first is drawn") };
            for latent in latents {
                latent.target.of_mut(&mut weights).iter_mut().for_each(|target| *target -= 0.6);
            }
            let mut noise = Noise::new(9, 4);
            let noise: Vec<f64> = (0..program.values[*to].len()).map(|_| f64::from(noise.normal())).collect();
            let mut grids: Vec<Value> = shown.iter().map(|pair| json!([pair.input, pair.output])).collect();
            grids.push(json!([asked, null]));
            let told = json!({
                "grids": grids, "shown": shown.len(), "weights": weights, "noise": noise, "update": update,
            });
            let mut torch = Command::new(&python)
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/torch/compression.py"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            torch.stdin.take().unwrap().write_all(told.to_string().as_bytes()).unwrap();
            let output = torch.wait_with_output().unwrap();
            assert!(output.status.success(), "PyTorch failed");
            let expected: Value = serde_json::from_slice(&output.stdout).unwrap();

            let mut engine = Engine::<f64>::new(Arc::new(puzzle.clone()), Arc::new(program));
            let loss = engine.forth(&weights, update, Noise::new(9, 4));
            let mut gradient = vec![0.0; weights.len()];
            engine.back(&weights, &mut gradient);
            let close = |found: f64, expected: &Value| {
                let expected = expected.as_f64().unwrap();
                assert!((found - expected).abs() < 1e-9 * expected.abs(), "{name}: {found} for {expected}");
            };
            close(loss.said, &expected["said"]);
            close(loss.missing, &expected["missing"]);
            let expected = numbers(&expected["gradient"]);
            let length = expected.iter().map(|g| g * g).sum::<f64>().sqrt();
            let apart = gradient.iter().zip(&expected).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            eprintln!(
                "{name}, update {update}: {} weights, gradient apart by {:.1e}",
                weights.len(),
                apart / length
            );
            assert!(apart < 1e-8 * length, "{name}: {apart} of {length}");
        }
    }
}

#[test]
fn what_an_update_takes_in_pytorch_is_told() {
    let Ok(python) = std::env::var("STRATAGEM_TORCH") else {
        eprintln!("skipped: STRATAGEM_TORCH names no Python with PyTorch; `just torch` brings one");
        return;
    };
    let mut chance = Rng::with_seed(3);
    let mut pair = || json!({"input": grid(&mut chance, [3, 4]), "output": grid(&mut chance, [3, 4])});
    let task = json!({"train": [pair(), pair()], "test": [pair()]});
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/task.json");
    std::fs::write(path, task.to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/torch/compression.py");
    let output = Command::new(&python).args([script, path, "--updates", "1"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{told}");
    assert!(told["device"] == "cpu" && told["update_ms"].as_f64() > Some(0.0), "{told}");
}
