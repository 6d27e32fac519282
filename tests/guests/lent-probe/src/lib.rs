//! Asks of `memory` and `artifacts` what the lines of the setting `calls` say, and tells in steps what it got.

use stratagem_sdk::{Answer, Description, Lesson, Run, Strategy, Task, artifacts, export, memory};

struct LentProbe;

/// What came of a call: words for a step, or the words of its refusal.
type Told = Result<String, String>;

impl Strategy for LentProbe {
    fn describe() -> Description {
        Description::new("lent-probe", "0.1.0", "fixture", "asks what the setting `calls` says")
    }

    fn solve(task: &Task, run: &Run) -> Result<(), String> {
        run.offer(&Answer::new(0, task.test[0].clone(), 0.5, "offered first"))?;
        play(run)
    }

    fn learn(lessons: &[Lesson], run: &Run) -> Result<(), String> {
        let outputs: usize = lessons.iter().map(|lesson| lesson.outputs.len()).sum();
        artifacts::save("lessons", &[outputs as u8])?;
        play(run)
    }
}

fn play(run: &Run) -> Result<(), String> {
    let calls = run.setting("calls").unwrap_or_default();
    for line in calls.lines() {
        let mut words = line.split(' ');
        let (act, words): (_, Vec<&str>) = (words.next().unwrap_or_default(), words.collect());
        if act == "trap" {
            panic!("the probe panics: {line}");
        }
        if act == "burn" {
            loop {
                std::hint::black_box(0);
            }
        }
        let count = if act == "flood" { number(&words, 0) } else { 1 };
        let (act, words) = if act == "flood" { (words[1], &words[2..]) } else { (act, &words[..]) };
        let mut told = Ok(String::new());
        for _ in 0..count {
            told = call(act, words);
        }
        match told {
            Ok(told) => run.step(act, &told, true),
            Err(refusal) => run.step(act, &refusal, false),
        }
    }
    Ok(())
}

fn number(words: &[&str], at: usize) -> u32 {
    words.get(at).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// A word; `@N` is N letters.
fn text(words: &[&str], at: usize) -> String {
    let word = words.get(at).copied().unwrap_or_default();
    match word.strip_prefix('@').and_then(|count| count.parse().ok()) {
        Some(count) => "x".repeat(count),
        None => word.to_owned(),
    }
}

fn vector(words: &[&str], at: usize) -> Vec<f32> {
    let numbers = words.get(at).copied().unwrap_or_default();
    numbers.split(',').filter_map(|number| number.parse().ok()).collect()
}

fn call(act: &str, words: &[&str]) -> Told {
    let word = |at| text(words, at);
    match act {
        // keep KIND DATA SUCCESS
        "keep" => memory::keep_pattern(&word(0), &word(1), word(2) == "1").map_err(String::from),
        // patterns KIND MIN-RATE LIMIT
        "patterns" => {
            let least = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(f64::NAN);
            let found = memory::patterns(&word(0), least, number(words, 2))?;
            let one = |found: memory::Pattern| {
                format!("{} {:.3} {}", found.data, found.success_rate, found.usage_count)
            };
            Ok(found.into_iter().map(one).collect::<Vec<_>>().join("; "))
        }
        // embed CONTENT NUMBERS MODEL
        "embed" => {
            memory::embed(&word(0), &vector(words, 1), &word(2)).map(|()| "kept".into()).map_err(String::from)
        }
        // recall NUMBERS MODEL LIMIT
        "recall" => Ok(episodes(memory::recall(&vector(words, 0), &word(1), number(words, 2))?)),
        // search LIMIT WORDS...
        "search" => Ok(episodes(memory::search(&words[1..].join(" "), number(words, 0))?)),
        // load NAME
        "load" => Ok(artifacts::load(&word(0))?.map_or_else(
            || "nothing".into(),
            |bytes| {
                format!("{} bytes: {}", bytes.len(), String::from_utf8_lossy(&bytes[..bytes.len().min(20)]))
            },
        )),
        // save NAME TEXT
        "save" => {
            artifacts::save(&word(0), word(1).as_bytes()).map(|()| "saved".into()).map_err(String::from)
        }
        other => Err(format!("the probe knows no act {other}")),
    }
}

fn episodes(found: Vec<memory::Episode>) -> String {
    let one = |found: memory::Episode| {
        format!(
            "{} of {} {:.3} {:?}: {}",
            found.task_id,
            found.domain,
            found.similarity,
            found.success_rate,
            found.actions.join(",")
        )
    };
    found.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

export!(LentProbe);
