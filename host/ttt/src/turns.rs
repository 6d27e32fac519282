//! Whose turn it is on a device: of those that wait, the one that has had the least of it.
//!
//! Work comes in slices of some milliseconds. Who comes new begins with as much as the least of those that are there has
//! had: it neither waits for the others to be done nor has them wait until it has caught up.

use std::mem::ManuallyDrop;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A device that several share.
#[derive(Debug)]
pub struct Turns {
    at_once: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Slices that may still begin.
    free: usize,
    seats: Vec<Seated>,
    /// Seats that were ever taken.
    seated: u64,
}

#[derive(Clone, Copy, Debug)]
struct Seated {
    number: u64,
    had: Duration,
    is_waiting: bool,
}

/// A place among those that share a device; given back when it is dropped.
#[derive(Debug)]
pub struct Seat {
    turns: Arc<Turns>,
    number: u64,
}

/// The device, until this is dropped or [ended](Turn::end).
#[derive(Debug)]
pub struct Turn<'a> {
    seat: &'a Seat,
    had: Duration,
}

impl Turns {
    /// So many slices may run at once.
    pub fn new(at_once: usize) -> Arc<Self> {
        let at_once = at_once.max(1);
        let state = State { free: at_once, seats: Vec::new(), seated: 0 };
        Arc::new(Self { at_once, state: Mutex::new(state), changed: Condvar::new() })
    }

    pub fn join(self: &Arc<Self>) -> Seat {
        let mut state = self.state();
        let had = state.seats.iter().map(|seat| seat.had).min().unwrap_or_default();
        let number = state.seated;
        state.seated += 1;
        state.seats.push(Seated { number, had, is_waiting: false });
        Seat { turns: Arc::clone(self), number }
    }

    /// Slices that may run at once.
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// Seats that are taken.
    pub fn seats(&self) -> usize {
        self.state().seats.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is under the lock is whole after each statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn seat(&mut self, number: u64) -> &mut Seated {
        let at = self.seats.iter().position(|seat| seat.number == number);
        at.map_or_else(|| unreachable!("a seat is there until it is dropped"), |at| &mut self.seats[at])
    }

    /// Whose turn it is, among those that wait.
    fn next(&self) -> Option<u64> {
        let waiting = self.seats.iter().filter(|seat| seat.is_waiting);
        let next = waiting.min_by_key(|seat| (seat.had, seat.number));
        next.filter(|_| self.free > 0).map(|seat| seat.number)
    }
}

impl Seat {
    /// Waits for a turn; none where it has not come by `until`.
    pub fn wait(&self, until: Instant) -> Option<Turn<'_>> {
        let mut state = self.turns.state();
        state.seat(self.number).is_waiting = true;
        self.wait_in(state, until)
    }

    fn wait_in<'a>(&'a self, mut state: MutexGuard<'a, State>, until: Instant) -> Option<Turn<'a>> {
        while state.next() != Some(self.number) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.seat(self.number).is_waiting = false;
                drop(state);
                // Whoever came after this one may be next now.
                self.turns.changed.notify_all();
                return None;
            }
            let waited = self.turns.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.seat(self.number).is_waiting = false;
        state.free -= 1;
        drop(state);
        // Where several may run, the next in line may begin too.
        self.turns.changed.notify_all();
        Some(Turn { seat: self, had: Duration::ZERO })
    }

    /// What it has had, and what it was given when it came.
    pub fn had(&self) -> Duration {
        self.turns.state().seat(self.number).had
    }
}

impl<'a> Turn<'a> {
    /// Gives the device back after having had so much of its time, and waits for the next turn, which is this one's again
    /// where it still has had the least: whoever waits longer would else be served first, in the moment between.
    pub fn pass(self, had: Duration, until: Instant) -> Option<Turn<'a>> {
        let seat = ManuallyDrop::new(self).seat;
        let mut state = seat.turns.state();
        state.free += 1;
        let mine = state.seat(seat.number);
        mine.had += had;
        mine.is_waiting = true;
        seat.turns.changed.notify_all();
        seat.wait_in(state, until)
    }

    /// Gives the device back after having had so much of its time.
    pub fn end(mut self, had: Duration) {
        self.had = had;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.seat.turns.state();
        state.free += 1;
        state.seat(self.seat.number).had += self.had;
        drop(state);
        self.seat.turns.changed.notify_all();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.turns.state().seats.retain(|seat| seat.number != self.number);
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn far() -> Instant {
        Instant::now() + Duration::from_mins(10)
    }

    const SLICE: Duration = Duration::from_millis(1);

    #[test]
    fn those_who_take_longer_slices_get_no_more_in_all() {
        let turns = Turns::new(1);
        let seats = [1, 3, 10].map(|length| (turns.join(), SLICE * length));
        seats.iter().for_each(|(seat, _)| turns.state().seat(seat.number).is_waiting = true);
        while seats.iter().map(|(seat, _)| seat.had()).sum::<Duration>() < SLICE * 300 {
            let next = turns.state().next().unwrap();
            let (seat, slice) = seats.iter().find(|(seat, _)| seat.number == next).unwrap();
            turns.state().seat(seat.number).had += *slice;
        }
        let had = seats.each_ref().map(|(seat, _)| seat.had());
        assert!(
            had.iter().all(|had| (SLICE * 80..=SLICE * 120).contains(had)),
            "within 20 % of 100: {had:?}"
        );
    }

    #[test]
    fn no_more_run_at_once_than_may_and_all_get_their_turns() {
        const AT_ONCE: usize = 2;
        let turns = Turns::new(AT_ONCE);
        let (running, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let seat = turns.join();
                    for _ in 0..50 {
                        let turn = seat.wait(far()).unwrap();
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                        turn.end(SLICE);
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= AT_ONCE);
        assert_eq!((done.into_inner(), turns.seats()), (400, 0));
    }

    #[test]
    fn a_turn_that_is_passed_on_goes_to_whoever_has_had_the_least() {
        let turns = Turns::new(1);
        let (mine, other) = (turns.join(), turns.join());
        other.wait(far()).unwrap().end(SLICE * 2);
        let turn = mine.wait(far()).unwrap();
        turns.state().seat(other.number).is_waiting = true;
        let turn = turn.pass(SLICE, far()).unwrap();
        assert_eq!(mine.had(), SLICE);
        assert!(turn.pass(SLICE * 2, Instant::now()).is_none(), "the other's turn");
        assert_eq!(turns.state().next(), Some(other.number));
    }

    #[test]
    fn who_comes_new_begins_where_the_least_of_the_others_is() {
        let turns = Turns::new(1);
        let old = turns.join();
        old.wait(far()).unwrap().end(SLICE * 50);
        assert_eq!(turns.join().had(), SLICE * 50);
    }

    #[test]
    fn a_turn_that_does_not_come_is_given_up_and_one_that_is_dropped_is_free() {
        let turns = Turns::new(1);
        let (one, other) = (turns.join(), turns.join());
        let turn = one.wait(far()).unwrap();
        assert!(other.wait(Instant::now()).is_none(), "taken");
        drop(turn);
        assert!(other.wait(far()).is_some());
        // Waiting in vain has left nothing behind.
        assert!(one.wait(far()).is_some());
    }
}
