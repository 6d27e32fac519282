//! What our own strategies share: work as a [budget], answers and their [ranking], and on wasm the run's fuel as
//! such a budget, the way between the contract's types and the DSL's, answers on their way to the host, and an allocator made for
//! searches.

#[cfg(any(target_arch = "wasm32", test))]
mod alloc;
#[cfg(target_arch = "wasm32")]
pub mod bridge;
pub mod budget;
#[cfg(target_arch = "wasm32")]
pub mod fuel;
#[cfg(target_arch = "wasm32")]
pub mod offers;
pub mod ranking;
pub mod target;

pub use budget::{Budget, Share, Work};
pub use ranking::{Answer, EXACT, Merit, Ranking, program_in};
pub use target::{Bits, Target, bits_where};
