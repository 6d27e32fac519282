//! What a host and its worker say to each other over two pipes: frames of a length and a message.
//!
//! The worker trusts its host. The host trusts nothing: a worker may have been taken over by the plugin
//! that it ran, so that every word is held to the limits before it becomes a report.

use std::borrow::Cow;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use stratagem_domain::{
    Answer, Calls, Ending, Grid, GridError, LabelledTask, Lesson, Limits, LogLine, Pair, RunReport, Settings,
    Step, Task, Usage,
};

use super::links::LinksMessage;
use crate::contract::Contract;
use crate::run::{Description, MAX_FRAME_CHARS, MAX_FRAMES, MAX_REASON_CHARS};
use crate::state::LINE_BYTES;

/// What a worker is to do, once.
#[derive(Serialize, Deserialize)]
pub struct Job<'a> {
    /// The process that waits for it.
    pub parent: u32,
    pub limits: Cow<'a, Limits>,
    pub contract: Contract,
    pub links: LinksMessage<'a>,
    /// Bytes of compiled code behind this message, before those of files; none where only the confinement is
    /// asked for.
    pub code_bytes: u64,
    pub work: Work<'a>,
}

#[derive(Serialize, Deserialize)]
pub enum Work<'a> {
    /// Confine yourself and say how far that went.
    Confine,
    /// Run `describe`, and hold the other functions to their types.
    Introduce {
        seed: u64,
        settings: Cow<'a, Settings>,
    },
    Learn {
        lessons: Vec<LessonMessage<'a>>,
        seed: u64,
        settings: Cow<'a, Settings>,
    },
    Solve {
        task: TaskMessage<'a>,
        seed: u64,
        settings: Cow<'a, Settings>,
    },
}

/// A task as it crosses: cells are bytes, not rows of JSON.
#[derive(Serialize, Deserialize)]
pub struct TaskMessage<'a> {
    id: Cow<'a, str>,
    train: Vec<(GridMessage, GridMessage)>,
    test: Vec<GridMessage>,
}

/// A solved task, as it crosses.
#[derive(Serialize, Deserialize)]
pub struct LessonMessage<'a> {
    task: TaskMessage<'a>,
    truth: Vec<Option<GridMessage>>,
    rationale: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct GridMessage {
    width: u32,
    height: u32,
    cells: Vec<u8>,
}

/// How far a worker is confined, beside rlimits and seccomp, without which none works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The ABI of the kernel's Landlock; none where it has none.
    pub landlock: Option<u8>,
}

/// The first byte of a worker's frame behind its confinement: a [`Call`] that its host is to answer, with a
/// `Result<Reply, Declined>` in a frame; or what came of its work, the last frame.
pub const ASKS: u8 = 0;
pub const DONE: u8 = 1;

/// The most bytes that an honest question takes: what a call may hand over, and lengths before it.
pub fn most_asked(limits: &Limits) -> usize {
    let most = limits.lifted_bytes_call.saturating_mul(2).saturating_add(4 << 10);
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// What came of a [`Work::Introduce`], as a worker says it.
#[derive(Serialize, Deserialize)]
pub struct IntroductionMessage {
    pub said: Option<Description>,
    pub report: ReportMessage,
    pub types: Result<(), String>,
}

/// What came of a [`Work::Learn`] or a [`Work::Solve`], as a worker says it.
#[derive(Serialize, Deserialize)]
pub struct ReportMessage {
    ending: Ending,
    answers: Vec<AnswerMessage>,
    steps: Vec<Step>,
    log: Vec<LogLine>,
    usage: Usage,
}

#[derive(Serialize, Deserialize)]
struct AnswerMessage {
    test_index: u64,
    grid: GridMessage,
    confidence: f64,
    rationale: String,
}

impl From<&Grid> for GridMessage {
    fn from(grid: &Grid) -> Self {
        Self { width: grid.width() as u32, height: grid.height() as u32, cells: grid.cells().to_vec() }
    }
}

impl TryFrom<GridMessage> for Grid {
    type Error = GridError;

    fn try_from(grid: GridMessage) -> Result<Self, GridError> {
        Self::new(grid.width, grid.height, &grid.cells)
    }
}

impl<'a> From<&'a Task> for TaskMessage<'a> {
    fn from(task: &'a Task) -> Self {
        Self {
            id: Cow::Borrowed(&task.id),
            train: task.train.iter().map(|pair| ((&pair.input).into(), (&pair.output).into())).collect(),
            test: task.test.iter().map(GridMessage::from).collect(),
        }
    }
}

impl TryFrom<TaskMessage<'_>> for Task {
    type Error = GridError;

    fn try_from(task: TaskMessage<'_>) -> Result<Self, GridError> {
        let pair = |(input, output): (GridMessage, GridMessage)| {
            Ok(Pair { input: input.try_into()?, output: output.try_into()? })
        };
        Ok(Self {
            id: task.id.into_owned(),
            train: task.train.into_iter().map(pair).collect::<Result<_, GridError>>()?,
            test: task.test.into_iter().map(Grid::try_from).collect::<Result<_, GridError>>()?,
        })
    }
}

impl<'a> From<&'a Lesson> for LessonMessage<'a> {
    fn from(lesson: &'a Lesson) -> Self {
        let truth = lesson.task.truth.iter().map(|grid| grid.as_ref().map(GridMessage::from)).collect();
        Self { task: (&lesson.task.task).into(), truth, rationale: lesson.rationale.as_str().into() }
    }
}

impl TryFrom<LessonMessage<'_>> for Lesson {
    type Error = GridError;

    fn try_from(lesson: LessonMessage<'_>) -> Result<Self, GridError> {
        let truth = lesson.truth.into_iter().map(|grid| grid.map(Grid::try_from).transpose());
        let truth = truth.collect::<Result<_, GridError>>()?;
        let task = LabelledTask { task: lesson.task.try_into()?, truth };
        Ok(Self { task, rationale: lesson.rationale.into_owned() })
    }
}

impl From<RunReport> for ReportMessage {
    fn from(report: RunReport) -> Self {
        let answer = |answer: Answer| AnswerMessage {
            test_index: answer.test_index as u64,
            grid: (&answer.grid).into(),
            confidence: answer.confidence,
            rationale: answer.rationale,
        };
        // The journal is what the host saw of it.
        let RunReport { ending, answers, steps, log, usage, journal: _ } = report;
        Self { ending, answers: answers.into_iter().map(answer).collect(), steps, log, usage }
    }
}

impl ReportMessage {
    /// The most bytes that an honest report takes.
    pub fn most_bytes(limits: &Limits) -> usize {
        /// Numbers of a record at their longest, and the lengths before its texts.
        const RECORD: u64 = 64;
        const USAGE: u64 = 8 << 10;
        let answers = limits.answers.saturating_mul(RECORD).saturating_add(limits.answer_bytes);
        let steps = limits.steps.saturating_mul(RECORD);
        let lines = limits.log_lines.min(limits.log_bytes / LINE_BYTES).saturating_mul(RECORD);
        // A character takes four bytes at most.
        let words = limits.rationale_bytes + 4 * (MAX_REASON_CHARS + MAX_FRAMES * MAX_FRAME_CHARS) as u64;
        let all = [answers, steps, lines, limits.log_bytes, words, USAGE];
        all.into_iter().fold(0, u64::saturating_add).try_into().unwrap_or(usize::MAX)
    }

    /// Holds a report to what a run can leave within its limits.
    ///
    /// *Errors*: what is wrong with it; the worker is not to be believed then.
    pub fn check(self, limits: &Limits, tests: usize) -> Result<RunReport, String> {
        let Self { ending, answers, steps, log, usage } = self;
        check_ending(&ending, limits)?;
        check_usage(&usage, limits)?;
        within("answers", answers.len() as u64, limits.answers)?;
        if usage.answers_offered != answers.len() as u64 {
            return Err(format!("{} answers, {} were offered", answers.len(), usage.answers_offered));
        }
        within("steps", steps.len() as u64, limits.steps)?;
        within("log lines", log.len() as u64, limits.log_lines)?;
        let told = steps.iter().map(|step| step.action.len() + step.detail.len()).sum::<usize>() as u64
            + log.iter().map(|line| LINE_BYTES + line.message.len() as u64).sum::<u64>();
        within("bytes of log", told, limits.log_bytes)?;
        let offered =
            answers.iter().map(|answer| answer.grid.cells.len() + answer.rationale.len()).sum::<usize>();
        within("bytes of answers", offered as u64, limits.answer_bytes)?;
        let answers = answers
            .into_iter()
            .map(|answer| {
                if answer.test_index >= tests as u64 {
                    return Err(format!(
                        "test-index {}: the task has {tests} test inputs",
                        answer.test_index
                    ));
                }
                within("bytes of rationale", answer.rationale.len() as u64, limits.rationale_bytes)?;
                if !(0.0..=1.0).contains(&answer.confidence) {
                    return Err(format!("confidence {}: 0 to 1", answer.confidence));
                }
                Ok(Answer {
                    test_index: answer.test_index as usize,
                    grid: answer.grid.try_into().map_err(|error: GridError| error.to_string())?,
                    confidence: answer.confidence,
                    rationale: answer.rationale,
                })
            })
            .collect::<Result<_, String>>()?;
        Ok(RunReport { ending, answers, steps, log, usage, journal: Vec::new() })
    }
}

fn within(what: &str, found: u64, limit: u64) -> Result<(), String> {
    if found <= limit { Ok(()) } else { Err(format!("{what} {found}: limit {limit}")) }
}

/// A run that was run ends by itself or by its limits; what else there is only its host can say.
fn check_ending(ending: &Ending, limits: &Limits) -> Result<(), String> {
    let frames = match ending {
        Ending::Returned | Ending::OutOfFuel | Ending::PastDeadline | Ending::OutOfMemory => return Ok(()),
        Ending::GaveUp(reason) => {
            return within("characters of a reason", chars(reason), MAX_REASON_CHARS as u64);
        }
        // A panic says as much as a rationale may; other words are cut, and a character is four bytes at most.
        Ending::Trapped { reason, backtrace } => {
            let most = limits.rationale_bytes.max(4 * MAX_REASON_CHARS as u64);
            within("bytes of a reason", reason.len() as u64, most)?;
            backtrace
        }
        Ending::StackExhausted { backtrace } => backtrace,
        Ending::Crashed(_) | Ending::Refused { .. } | Ending::HostFault(_) => {
            return Err("an ending that is not the worker's to tell".to_owned());
        }
    };
    within("frames", frames.len() as u64, MAX_FRAMES as u64)?;
    frames.iter().try_for_each(|frame| within("characters of a frame", chars(frame), MAX_FRAME_CHARS as u64))
}

fn chars(text: &str) -> u64 {
    text.chars().count() as u64
}

/// What one call of WASI may work on, however little is handed over.
const MAX_WASI_BYTES: u64 = 1 << 20;

/// Every figure is named, so that a new one is not believed before it is thought of here.
fn check_usage(usage: &Usage, limits: &Limits) -> Result<(), String> {
    let Usage {
        limits_hit,
        fuel_spent,
        cpu_seconds,
        wall_ms: _, // The host has a clock of its own.
        memory_peak_bytes,
        table_elements_peak,
        growths_denied: _, // As many as the plugin has fuel for.
        host_calls,
        calls: Calls { offer, note, query, wasi, memory, artifacts, ttt, llm },
        lifted_bytes,
        lifted_bytes_call_peak,
        answers_offered: _, // As many as there are answers.
        answers_refused,
        answer_bytes,
        rationale_bytes_cut,
        steps_dropped,
        log_lines_dropped,
        log_bytes,
        log_bytes_dropped,
        // What was lent is the host's to count.
        artifact_bytes: _,
        lent_bytes: _,
        prompt_tokens: _,
        completion_tokens: _,
        cost_micros: _,
        device_memory_peak_bytes: _,
        device_ms: _,
    } = usage;
    let is_limit = |name: &String| Limits::KEYS.iter().any(|key| key.name == name);
    if !limits_hit.iter().all(is_limit) {
        return Err("a limit that there is not".to_owned());
    }
    if !(cpu_seconds.is_finite() && *cpu_seconds >= 0.0) {
        return Err(format!("{cpu_seconds} seconds of processor time"));
    }
    // The call that breaks a limit is counted.
    let call = limits.lifted_bytes_call.max(MAX_WASI_BYTES);
    let lifted = limits.lifted_bytes.saturating_add(call);
    let called = limits.host_calls.saturating_add(1);
    let figures = [
        ("fuel", *fuel_spent, limits.fuel),
        ("bytes of memory", *memory_peak_bytes, limits.memory_bytes()),
        ("elements of tables", *table_elements_peak, limits.table_elements),
        ("host calls", *host_calls, called),
        ("bytes handed over", *lifted_bytes, lifted),
        ("bytes of a call", *lifted_bytes_call_peak, call),
        ("answers refused", *answers_refused, *host_calls),
        ("bytes of answers", *answer_bytes, limits.answer_bytes),
        ("bytes of rationales cut", *rationale_bytes_cut, *lifted_bytes),
        ("steps dropped", *steps_dropped, *host_calls),
        ("log lines dropped", *log_lines_dropped, *host_calls),
        ("bytes of log", *log_bytes, limits.log_bytes),
        ("bytes of log dropped", *log_bytes_dropped, *lifted_bytes),
    ];
    figures.into_iter().try_for_each(|(what, found, limit)| within(what, found, limit))?;
    let kinds = [offer, note, query, wasi, memory, artifacts, ttt, llm];
    kinds.into_iter().try_for_each(|calls| within("host calls of a kind", *calls, called))
}

/// A message as a frame: its length in eight bytes, the lowest first, and itself.
pub fn frame(message: &impl Serialize) -> Vec<u8> {
    let mut frame = vec![0; LENGTH_BYTES];
    frame = postcard::to_extend(message, frame).unwrap_or_else(|error| unreachable!("plain data: {error}"));
    let length = (frame.len() - LENGTH_BYTES) as u64;
    frame[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    frame
}

const LENGTH_BYTES: usize = 8;

/// Reads one frame's message, in a worker.
pub fn read_frame(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; LENGTH_BYTES];
    from.read_exact(&mut length)?;
    read_bytes(from, u64::from_le_bytes(length))
}

/// Reads so many bytes.
pub fn read_bytes(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Takes the next frame's message off what a worker said; none where it is not all there.
pub fn next_frame<'a>(said: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = said.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (message, rest) = rest.split_at_checked(length)?;
    *said = rest;
    Some(message)
}

/// Reads a message that must take up all of its frame.
pub fn message<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(format!("{} bytes too many", rest.len())),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stratagem_domain::Level;

    fn limits() -> Limits {
        Limits { answers: 3, steps: 2, log_bytes: 100, rationale_bytes: 10, ..Limits::default() }
    }

    fn report() -> RunReport {
        let answer = |confidence| Answer {
            test_index: 1,
            grid: Grid::new(2, 1, &[3, 9]).unwrap(),
            confidence,
            rationale: "wörds".into(),
        };
        RunReport {
            ending: Ending::Trapped { reason: "why".into(), backtrace: vec!["where".into()] },
            // Neither has a short decimal form.
            answers: vec![answer(0.1 + 0.2), answer(f64::MIN_POSITIVE / 2.0)],
            steps: vec![Step { action: "a".into(), detail: "b".into(), success: true }],
            log: vec![LogLine { level: Level::Warn, message: "careful".into() }],
            usage: Usage { fuel_spent: 7, answers_offered: 2, cpu_seconds: 0.1, ..Usage::default() },
            journal: Vec::new(),
        }
    }

    fn cross(report: &ReportMessage) -> Result<RunReport, String> {
        let bytes = frame(report);
        assert!(bytes.len() <= ReportMessage::most_bytes(&limits()));
        let mut said = bytes.as_slice();
        let read: ReportMessage = message(next_frame(&mut said).unwrap())?;
        assert!(said.is_empty());
        read.check(&limits(), 2)
    }

    #[test]
    fn a_report_crosses_to_the_bit() {
        assert_eq!(cross(&report().into()).unwrap(), report());
    }

    #[test]
    fn the_largest_honest_report_fits() {
        let limits = Limits {
            answers: 3,
            answer_bytes: 3 * 910,
            steps: 2,
            log_bytes: 32,
            rationale_bytes: 10,
            ..Limits::default()
        };
        let answer = Answer {
            test_index: 15,
            grid: Grid::new(30, 30, &[9; 900]).unwrap(),
            confidence: 1.0,
            rationale: "x".repeat(10),
        };
        let line = LogLine { level: Level::Error, message: String::new() };
        let step = Step { action: String::new(), detail: String::new(), success: true };
        let frames = vec!["\u{10ffff}".repeat(MAX_FRAME_CHARS); MAX_FRAMES];
        let largest = RunReport {
            journal: Vec::new(),
            ending: Ending::Trapped { reason: "x".repeat(2_000), backtrace: frames },
            answers: vec![answer; 3],
            steps: vec![step; 2],
            log: vec![line; 2],
            usage: Usage {
                answers_offered: 3,
                limits_hit: Limits::KEYS.iter().map(|key| key.name.to_owned()).collect(),
                ..Usage::default()
            },
        };
        let message = ReportMessage::from(largest.clone());
        assert!(frame(&message).len() <= ReportMessage::most_bytes(&limits));
        assert!(ReportMessage::most_bytes(&limits) < 64 << 10, "and not much more does");
        assert_eq!(message.check(&limits, 16).unwrap(), largest);
    }

    #[test]
    fn a_task_crosses_unchanged() {
        let grid = |colour| Grid::new(3, 1, &[colour; 3]).unwrap();
        let pair = Pair { input: grid(1), output: grid(2) };
        let task = Task { id: "t".into(), train: vec![pair], test: vec![grid(3), grid(4)] };
        let bytes = frame(&TaskMessage::from(&task));
        let read: TaskMessage<'_> = message(next_frame(&mut &bytes[..]).unwrap()).unwrap();
        assert_eq!(Task::try_from(read).unwrap(), task);
    }

    type Lie = (&'static str, fn(&mut ReportMessage));

    #[test]
    fn a_report_that_no_run_leaves_is_not_believed() {
        let lies: [Lie; 24] = [
            ("answers 4: limit 3", |r| {
                let again = || AnswerMessage {
                    rationale: String::new(),
                    grid: grid(1),
                    test_index: 0,
                    confidence: 0.5,
                };
                r.answers = (0..4).map(|_| again()).collect();
                r.usage.answers_offered = 4;
            }),
            ("2 answers, 9 were offered", |r| r.usage.answers_offered = 9),
            ("test-index 2: the task has 2", |r| r.answers[0].test_index = 2),
            ("test-index", |r| r.answers[0].test_index = u64::MAX),
            ("cell 10", |r| r.answers[0].grid.cells[1] = 10),
            ("3 × 1 cells", |r| r.answers[0].grid.width = 3),
            ("empty", |r| r.answers[0].grid.height = 0),
            ("confidence NaN", |r| r.answers[0].confidence = f64::NAN),
            ("confidence 1.5", |r| r.answers[0].confidence = 1.5),
            ("bytes of rationale 11: limit 10", |r| r.answers[1].rationale = "x".repeat(11)),
            ("steps 3: limit 2", |r| r.steps = vec![r.steps[0].clone(); 3]),
            ("bytes of log", |r| r.log = vec![r.log[0].clone(); 5]),
            ("bytes of log", |r| r.steps[0].detail = "x".repeat(90)),
            ("fuel", |r| r.usage.fuel_spent = u64::MAX),
            ("bytes of memory", |r| r.usage.memory_peak_bytes = u64::MAX),
            ("host calls", |r| r.usage.host_calls = u64::MAX),
            ("bytes handed over", |r| r.usage.lifted_bytes = u64::MAX),
            ("host calls of a kind", |r| r.usage.calls.llm = u64::MAX),
            ("a limit that there is not", |r| r.usage.limits_hit = ["fuell".into()].into()),
            ("seconds of processor time", |r| r.usage.cpu_seconds = f64::INFINITY),
            ("not the worker's to tell", |r| r.ending = Ending::HostFault("you".into())),
            ("bytes of a reason", |r| r.ending = trapped(&"x".repeat(8_001), vec![])),
            ("frames 21: limit 20", |r| r.ending = trapped("", vec![String::new(); 21])),
            ("characters of a frame", |r| r.ending = trapped("", vec!["x".repeat(201)])),
        ];
        for (words, lie) in lies {
            let mut report = ReportMessage::from(report());
            lie(&mut report);
            let refused = report.check(&limits(), 2).unwrap_err();
            assert!(refused.contains(words), "{words}: {refused}");
        }
    }

    fn trapped(reason: &str, backtrace: Vec<String>) -> Ending {
        Ending::Trapped { reason: reason.into(), backtrace }
    }

    fn grid(colour: u8) -> GridMessage {
        GridMessage { width: 1, height: 1, cells: vec![colour] }
    }

    /// Cut anywhere, and with any byte changed, a report is refused or read; nothing else happens.
    #[test]
    fn damaged_frames_are_refused_or_read_and_never_more() {
        let bytes = frame(&ReportMessage::from(report()));
        for cut in 0..bytes.len() {
            assert!(next_frame(&mut &bytes[..cut]).is_none());
        }
        for cut in LENGTH_BYTES..bytes.len() {
            assert!(message::<ReportMessage>(&bytes[LENGTH_BYTES..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= flip;
                if let Some(inner) = next_frame(&mut bytes.as_slice()) {
                    let _ = message::<ReportMessage>(inner).and_then(|report| report.check(&limits(), 2));
                }
            }
        }
        let endless = [&[0xff; 8][..], &bytes].concat();
        assert!(next_frame(&mut endless.as_slice()).is_none(), "a length beyond all memory");
        let long = [frame(&ReportMessage::from(report())), vec![0]].concat();
        assert_eq!(message::<ReportMessage>(&long[LENGTH_BYTES..]).err().unwrap(), "1 bytes too many");
    }
}
