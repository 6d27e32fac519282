//! Sources that are too large to keep, made by the name of their case.

use crate::case::Component;

type Generator = fn() -> Component;

pub const GENERATORS: &[(&str, Generator)] = &[
    ("components-nested-deep", components_nested_deep),
    ("types-by-the-thousand", types_by_the_thousand),
    ("imports-by-the-thousand", imports_by_the_thousand),
    ("compile-bomb-of-one-body", bomb_of_one_body),
    ("compile-bomb-of-branches", bomb_of_branches),
    ("compile-bomb-of-locals", bomb_of_locals),
    ("compile-bomb-of-functions", bomb_of_functions),
    ("file-too-large", || Component::Sparse((64 << 20) + 1)),
    ("file-cut-short", cut_short),
    ("file-of-noise", noise),
    ("file-of-a-core-module", || text("(module)")),
    ("file-that-never-ends", || Component::Link("/dev/zero")),
    ("file-that-never-begins", || Component::Pipe),
];

pub fn find(name: &str) -> Option<Generator> {
    GENERATORS.iter().find(|(known, _)| *known == name).map(|(_, make)| *make)
}

/// The eight bytes that a component begins with.
const HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";
const TYPES: u8 = 7;
const COMPONENT: u8 = 4;
const IMPORTS: u8 = 10;

fn text(text: &str) -> Component {
    Component::Bytes(wat::parse_str(text).unwrap_or_else(|error| panic!("{error}")))
}

/// An unsigned number as WebAssembly writes it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(content.len()), content].concat()
}

/// Written from the outside in: each component is one section, as long as all that is within it.
fn components_nested_deep() -> Component {
    let depth = 20_000;
    let around = |inner: &usize| Some(HEADER.len() + 1 + leb(*inner).len() + inner);
    let lengths: Vec<usize> = std::iter::successors(Some(HEADER.len()), around).take(depth).collect();
    let open = |inner: &usize| [&HEADER[..], &[COMPONENT], &leb(*inner)].concat();
    Component::Bytes(lengths.iter().rev().flat_map(open).chain(HEADER).collect())
}

fn types_by_the_thousand() -> Component {
    const U8: u8 = 0x7d;
    let count = 1_000_001;
    let content = [leb(count), vec![U8; count]].concat();
    Component::Bytes([&HEADER[..], &section(TYPES, &content)].concat())
}

/// Every import is a function of its own without parameters and results.
fn imports_by_the_thousand() -> Component {
    let count = 20_000;
    let mut content = leb(count);
    for at in 0..count {
        let name = format!("f{at}");
        content.extend([&[0][..], &leb(name.len()), name.as_bytes(), &[1, 0]].concat());
    }
    let function = section(TYPES, &[1, 0x40, 0, 1, 0]);
    Component::Bytes([&HEADER[..], &function, &section(IMPORTS, &content)].concat())
}

fn bomb_of_one_body() -> Component {
    let work = "(i32.add (i32.mul (local.get 0) (i32.const 7)) (i32.const 1)) local.set 0 ".repeat(150_000);
    text(&format!("(component (core module (func (param i32) {work})))"))
}

fn bomb_of_branches() -> Component {
    let (depth, tables) = (500, 2_000);
    let everywhere = (0..depth).map(|at| at.to_string()).collect::<Vec<_>>().join(" ");
    let work = format!("(if (local.get 0) (then (br_table {everywhere} (local.get 0))))").repeat(tables);
    let blocks = "(loop ".repeat(depth) + &work + &")".repeat(depth);
    text(&format!("(component (core module (func (param i32) {blocks})))"))
}

fn bomb_of_locals() -> Component {
    let locals = 30_000;
    let turn = (0..locals).step_by(40).map(|at| format!("(local.set {at} (local.get {}))", locals - at - 1));
    let body = format!(
        "(local {}) (loop {} (br_if 0 (i32.wrap_i64 (local.get 0))))",
        "i64 ".repeat(locals),
        turn.collect::<String>()
    );
    text(&format!("(component (core module {}))", format!("(func {body})").repeat(400)))
}

fn bomb_of_functions() -> Component {
    text(&format!("(component (core module {}))", "(func)".repeat(400_000)))
}

fn cut_short() -> Component {
    let Component::Bytes(mut whole) = text(include_str!("../e2e/calm.wat")) else {
        unreachable!("text becomes bytes")
    };
    whole.truncate(whole.len() / 2);
    Component::Bytes(whole)
}

/// The same noise every time: chance would be another case every time.
fn noise() -> Component {
    let mut rng = fastrand::Rng::with_seed(7);
    Component::Bytes(HEADER.into_iter().chain((0..100_000).map(|_| rng.u8(..))).collect())
}
