//! `stratagem ttt`: how a run's trainings went.

mod picture;

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;
use stratagem_domain::training::{AdaptationNumber, Metrics, Said, Sample, Trained, Training};
use stratagem_domain::{Call, Exchange, Grid, Reply};

use crate::failure::Failure;
use crate::output::{out, outln, print_json, replace, table};
use crate::workbench::Workbench;

#[derive(Debug, Subcommand)]
pub enum Ttt {
    /// Draw loss curves and predicted grids over steps as SVG
    Show {
        /// A run's id or the beginning of it
        run: String,
        /// Where the picture goes; `-` is stdout [default: RUN.svg here]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Print JSON instead
        #[arg(long, conflicts_with = "out")]
        json: bool,
    },
}

/// How the training of one adaptation went.
#[derive(Debug, Serialize)]
pub struct Course {
    pub adaptation: AdaptationNumber,
    pub base: String,
    pub device: String,
    /// Updates.
    pub steps: u32,
    pub device_ms: u64,
    /// After how many updates the loss was what.
    pub losses: Vec<(f64, f32)>,
    /// The share of demonstrations that are drawn right at last.
    pub accuracy: Option<f32>,
    pub inputs: Vec<Grid>,
    pub looks: Vec<Look>,
}

/// What the model made of an input at some time.
#[derive(Debug, Serialize)]
pub struct Look {
    /// Updates until then.
    pub steps: u32,
    /// Which of the inputs.
    pub input: usize,
    /// The likeliest first.
    pub drawn: Vec<Sample>,
}

pub fn run(bench: &Workbench, command: &Ttt) -> Result<(), Failure> {
    let Ttt::Show { run, out: to, json } = command;
    let run = bench.existing_store()?.run(run)?;
    let courses = courses(&run.journal);
    if courses.is_empty() {
        return Err(Failure::misuse(format!("run {} trained nothing", run.id))
            .hint("name a run of a strategy that trains, such as `ttt`; `stratagem runs list` has them"));
    }
    if *json {
        return print_json(&courses);
    }
    let right: Vec<&Grid> = run
        .answers
        .iter()
        .filter(|answer| answer.is_correct == Some(true))
        .map(|answer| &answer.answer.grid)
        .collect();
    let title = format!("{} {} on {}", run.recipe.plugin.name, run.recipe.plugin.version, run.task_id);
    let drawing = picture::draw(&title, &courses, &right);
    let path = to.clone().unwrap_or_else(|| PathBuf::from(format!("{}.svg", run.id)));
    if path.as_os_str() == "-" {
        outln!("{drawing}");
        return Ok(());
    }
    replace(&path, drawing.as_bytes()).map_err(|error| Failure::file(&path, &error))?;
    let row = |course: &Course| {
        let loss =
            |at: Option<&(f64, f32)>| at.map_or_else(|| "-".to_owned(), |(_, loss)| format!("{loss:.3}"));
        vec![
            course.adaptation.to_string(),
            course.base.clone(),
            course.device.clone(),
            course.steps.to_string(),
            format!("{} -> {}", loss(course.losses.first()), loss(course.losses.last())),
            course.accuracy.map_or_else(|| "-".to_owned(), |right| format!("{:.0} %", 100.0 * right)),
            format!("{:.1}", course.device_ms as f64 / 1e3),
        ]
    };
    let rows: Vec<Vec<String>> = courses.iter().map(row).collect();
    out!("{}", table(&["adaptation", "base", "device", "steps", "loss", "right", "device s"], &rows));
    outln!("drawn in {}", path.display());
    Ok(())
}

/// What a run's journal tells of its trainings, one course an adaptation.
fn courses(journal: &[Exchange]) -> Vec<Course> {
    let mut courses: Vec<Course> = Vec::new();
    for exchange in journal {
        let (Call::Training(asked), Ok(Reply::Trained(Trained { said, device_ms, .. }))) =
            (&exchange.call, &exchange.reply)
        else {
            continue;
        };
        if let (Training::Start { base, inputs, .. }, Said::Started(adaptation)) = (asked, said) {
            courses.push(Course {
                adaptation: *adaptation,
                base: base.clone().unwrap_or_else(|| "compression".to_owned()),
                device: String::new(),
                steps: 0,
                device_ms: *device_ms,
                losses: Vec::new(),
                accuracy: None,
                inputs: inputs.clone(),
                looks: Vec::new(),
            });
            continue;
        }
        let (Training::Train { adaptation, .. }
        | Training::Predict { adaptation, .. }
        | Training::Score { adaptation, .. }) = asked
        else {
            continue;
        };
        let Some(course) = courses.iter_mut().find(|course| course.adaptation == *adaptation) else {
            continue;
        };
        course.device_ms += device_ms;
        match (asked, said) {
            (_, Said::Metrics(metrics)) => course.train(metrics),
            (Training::Predict { input, .. }, Said::Samples(drawn)) => {
                if let Some(at) = course.inputs.iter().position(|asked| asked == input) {
                    course.looks.push(Look { steps: course.steps, input: at, drawn: drawn.clone() });
                }
            }
            _ => {}
        }
    }
    courses
}

impl Course {
    fn train(&mut self, metrics: &Metrics) {
        let Metrics { steps, losses, accuracy, device } = metrics;
        let part = f64::from(*steps) / losses.len().max(1) as f64;
        let before = f64::from(self.steps);
        self.losses.extend((1..).zip(losses).map(|(at, &loss)| (before + part * f64::from(at), loss)));
        self.steps += steps;
        self.accuracy = Some(*accuracy);
        self.device.clone_from(device);
    }
}
