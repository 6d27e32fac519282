//! Talks with a child process that may say or do anything.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;

/// The most that a child may say on stderr; the rest is not read.
const MAX_WORDS_BYTES: usize = 4 << 10;
const CHUNK_BYTES: usize = 256 << 10;

/// What a child said, and how it ended.
pub struct Said {
    pub status: ExitStatus,
    /// What came on stdout: more than was allowed by a byte or more where the child said too much.
    pub output: Vec<u8>,
    /// What came on stderr, trimmed.
    pub words: String,
}

/// A child that is ended and reaped wherever its owner leaves.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What a host does about what its child said so far.
pub enum Turn {
    /// It has asked nothing whole.
    Hear,
    /// A question was taken out of it: this is the answer.
    Tell(Vec<u8>),
    /// It is not talked to any more.
    End,
}

/// What answers a child that asks.
pub type Answer<'a> = &'a mut dyn FnMut(&mut Vec<u8>) -> Turn;

/// Feeds a child and hears it out; none where it took too long, or was ended by `answer`. It is gone when this
/// returns.
///
/// One thread serves all three pipes: a child that reads nothing, or says everything at once, holds up nobody. With
/// an `answer` the child's stdin stays open, and its next question is looked at once the last was answered whole:
/// questions that pile up count against `most`.
pub fn converse(
    command: &mut Command,
    input: &[&[u8]],
    limit: Duration,
    most: usize,
    mut answer: Option<Answer<'_>>,
) -> io::Result<Option<Said>> {
    let started = Instant::now();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Reaped(command.spawn()?);
    let (mut stdin, mut stdout, mut stderr) =
        (child.0.stdin.take(), child.0.stdout.take(), child.0.stderr.take());
    if let Some(stdin) = &stdin {
        ioctl_fionbio(stdin, true)?;
    }
    let mut input = input.iter().copied();
    let mut part: &[u8] = &[];
    let (mut answered, mut told) = (Vec::new(), 0);
    let (mut output, mut words) = (Vec::new(), Vec::new());
    let mut chunk = vec![0; CHUNK_BYTES];
    while stdout.is_some() || stderr.is_some() {
        let Some(left) = limit.checked_sub(started.elapsed()) else { return Ok(None) };
        while part.is_empty() && told == answered.len() && stdin.is_some() {
            match (input.next(), &mut answer) {
                (Some(next), _) => part = next,
                (None, Some(answer)) if stdout.is_some() => match answer(&mut output) {
                    Turn::Tell(words) => (answered, told) = (words, 0),
                    Turn::Hear => break,
                    Turn::End => return Ok(None),
                },
                (None, _) => stdin = None,
            }
        }
        let pending = if part.is_empty() { &answered[told..] } else { part };
        let writer = stdin.as_ref().filter(|_| !pending.is_empty());
        let [writable, readable, complains] = ready(writer, stdout.as_ref(), stderr.as_ref(), left)?;
        if writable && let Some(pipe) = &mut stdin {
            match pipe.write(pending) {
                Ok(written) if part.is_empty() => told += written,
                Ok(written) => part = &part[written..],
                Err(error) if is_passing(&error) => {}
                // A child that stops reading breaks this pipe; what it says then is what counts.
                Err(_) => stdin = None,
            }
        }
        if readable {
            hear(&mut stdout, &mut chunk, &mut output, most)?;
        }
        if complains {
            hear(&mut stderr, &mut chunk, &mut words, MAX_WORDS_BYTES)?;
        }
    }
    drop(stdin);
    // All is said; a child that lingers is held to the same deadline.
    let mut pause = Duration::from_micros(50);
    let status = loop {
        match child.0.try_wait()? {
            Some(status) => break status,
            None if started.elapsed() < limit => std::thread::sleep(pause),
            None => return Ok(None),
        }
        pause = (pause * 2).min(Duration::from_millis(5));
    };
    words.truncate(MAX_WORDS_BYTES);
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    Ok(Some(Said { status, output, words }))
}

/// Waits until a pipe can be served: which of them can.
fn ready(
    stdin: Option<&impl AsFd>,
    stdout: Option<&impl AsFd>,
    stderr: Option<&impl AsFd>,
    left: Duration,
) -> io::Result<[bool; 3]> {
    let mut ready = [false; 3];
    let mut pipes = Vec::with_capacity(3);
    pipes.extend(stdin.map(|pipe| (0, PollFd::new(pipe, PollFlags::OUT))));
    pipes.extend(stdout.map(|pipe| (1, PollFd::new(pipe, PollFlags::IN))));
    pipes.extend(stderr.map(|pipe| (2, PollFd::new(pipe, PollFlags::IN))));
    let (which, mut fds): (Vec<usize>, Vec<PollFd<'_>>) = pipes.into_iter().unzip();
    let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
    match poll(&mut fds, Some(&timeout)) {
        Ok(_) => which.into_iter().zip(&fds).for_each(|(at, fd)| ready[at] = !fd.revents().is_empty()),
        Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(ready)
}

/// Reads what is there; closes the pipe at its end, and once more than `most` bytes have come.
fn hear(pipe: &mut Option<impl Read>, chunk: &mut [u8], heard: &mut Vec<u8>, most: usize) -> io::Result<()> {
    let Some(open) = pipe else { return Ok(()) };
    match open.read(chunk) {
        Ok(0) => *pipe = None,
        Ok(bytes) => {
            heard.extend_from_slice(&chunk[..bytes]);
            if heard.len() > most {
                *pipe = None;
            }
        }
        Err(error) if is_passing(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn shell(script: &str, input: &[&[u8]], limit: Duration, most: usize) -> Option<Said> {
        let mut command = Command::new("/bin/sh");
        converse(command.args(["-c", script]), input, limit, most, None).unwrap()
    }

    #[test]
    fn a_child_that_asks_is_answered_one_question_at_a_time() {
        let mut asked = Vec::new();
        let mut answer = |heard: &mut Vec<u8>| {
            let Some(end) = heard.iter().position(|&byte| byte == b'?') else { return Turn::Hear };
            asked.push(String::from_utf8(heard.drain(..=end).collect()).unwrap());
            Turn::Tell(format!("{}\n", asked.len()).into_bytes())
        };
        let script = "read job; printf 'a?'; read one; printf 'bc?d?'; read two; read three; printf \"$job$one$two$three\"";
        let mut command = Command::new("/bin/sh");
        let command = command.args(["-c", script]);
        let said = converse(command, &[b"job\n"], PATIENCE, 100, Some(&mut answer)).unwrap().unwrap();
        assert_eq!((said.output.as_slice(), said.status.success()), (&b"job123"[..], true));
        assert_eq!(asked, ["a?", "bc?", "d?"]);
    }

    #[test]
    fn a_child_that_is_not_talked_to_any_more_is_ended() {
        let mut command = Command::new("/bin/sh");
        let started = Instant::now();
        let mut end = |heard: &mut Vec<u8>| if heard.is_empty() { Turn::Hear } else { Turn::End };
        let command = command.args(["-c", "echo lie; exec sleep 60"]);
        assert!(converse(command, &[], PATIENCE, 100, Some(&mut end)).unwrap().is_none());
        assert!(started.elapsed() < PATIENCE);
    }

    #[test]
    fn questions_that_are_not_waited_for_fill_what_a_child_may_say() {
        let mut answered = 0_u32;
        let mut answer = |heard: &mut Vec<u8>| {
            if heard.len() < 2 {
                return Turn::Hear;
            }
            heard.drain(..2);
            answered += 1;
            Turn::Tell(vec![7; 1 << 20])
        };
        let mut command = Command::new("/bin/sh");
        let said = converse(command.args(["-c", "yes; true"]), &[], PATIENCE, 1 << 20, Some(&mut answer));
        let said = said.unwrap().unwrap();
        assert!(said.output.len() > 1 << 20 && answered < 3, "{} {answered}", said.output.len());
    }

    #[test]
    fn all_is_fed_and_heard_however_much_it_is() {
        let input = vec![7_u8; 3 << 20];
        let said = shell("cat; echo done >&2", &[&input, b"", &input], PATIENCE, 8 << 20).unwrap();
        assert!(said.status.success());
        assert!(said.output.len() == 6 << 20 && said.output.iter().all(|&byte| byte == 7));
        assert_eq!(said.words, "done");
    }

    #[test]
    fn a_child_that_reads_nothing_still_ends_as_it_ends() {
        let input = vec![7_u8; 3 << 20];
        let said = shell("echo no >&2; exit 3", &[&input], PATIENCE, 10).unwrap();
        assert_eq!((said.status.code(), said.words.as_str()), (Some(3), "no"));
        let said = shell("kill -9 $$", &[&input], PATIENCE, 10).unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&said.status), Some(9));
    }

    #[test]
    fn a_child_that_says_too_much_is_cut_short() {
        let said = shell("yes; true", &[], PATIENCE, 1 << 20).unwrap();
        assert!(((1 << 20) + 1..2 << 20).contains(&said.output.len()), "{}", said.output.len());
        let said = shell("yes >&2; echo x", &[], PATIENCE, 10).unwrap();
        assert_eq!((said.output.as_slice(), said.words.len()), (&b"x\n"[..], MAX_WORDS_BYTES - 1));
    }

    #[test]
    fn a_child_that_lingers_is_ended() {
        let soon = Duration::from_millis(200);
        for script in ["exec sleep 60", "exec >&- 2>&-; exec sleep 60", "trap '' TERM; while :; do :; done"] {
            let started = Instant::now();
            assert!(shell(script, &[], soon, 10).is_none(), "{script}");
            assert!(started.elapsed() < PATIENCE, "{script}");
        }
    }
}
