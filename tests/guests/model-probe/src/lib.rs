//! Asks language models what the lines of the setting `calls` say, and tells in steps what it got.

use stratagem_sdk::{Answer, Description, Run, Strategy, Task, export, llm};

struct ModelProbe;

impl Strategy for ModelProbe {
    fn describe() -> Description {
        Description::new("model-probe", "0.1.0", "fixture", "asks what the setting `calls` says")
    }

    fn solve(task: &Task, run: &Run) -> Result<(), String> {
        run.offer(&Answer::new(0, task.test[0].clone(), 0.5, "offered first"))?;
        let calls = run.setting("calls").unwrap_or_default();
        for line in calls.lines() {
            let (act, rest) = line.split_once(' ').unwrap_or((line, ""));
            let told = match act {
                "complete" => complete(rest),
                "prompt" => prompt(rest),
                other => Err(format!("the probe knows no act {other}")),
            };
            match told {
                Ok(told) => run.step(act, &told, true),
                Err(refusal) => run.step(act, &refusal, false),
            }
        }
        Ok(())
    }
}

/// MODEL MAX-TOKENS WORDS...
fn complete(rest: &str) -> Result<String, String> {
    let mut words = rest.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (model, most, content) = (word(), word(), word());
    let messages = vec![
        llm::Message { role: llm::Role::System, content: "be short".into() },
        llm::Message { role: llm::Role::User, content },
    ];
    let max_tokens = most.parse().unwrap_or(0);
    let reply = llm::complete(&llm::Request { model, messages, temperature: 0.5, max_tokens })?;
    let llm::Reply { text, prompt_tokens, completion_tokens, cached, cost_usd } = reply;
    Ok(format!("{text} {prompt_tokens} {completion_tokens} {cached} {cost_usd}"))
}

/// NAME KEY=VALUE...
fn prompt(rest: &str) -> Result<String, String> {
    let mut words = rest.split(' ');
    let name = words.next().unwrap_or_default();
    let pair = |pair: &str| pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    Ok(llm::prompt(name, &words.filter_map(pair).collect::<Vec<_>>())?)
}

export!(ModelProbe);
