//! Operations that take functions, and choices between expressions.
//!
//! A function is an expression in which `it` is the item; `other` is the second argument, or what
//! `it` was outside. Items for which a function yields nothing drop out of lists.

use super::entry::{Entry, lazy};
use crate::expression::Type::{self, A, B, Function, List, Number, Truth};
use crate::expression::{Expression, Machine, Scope};
use crate::value::Value;

const ANYS: Type = List(&A);
const TEST: Type = Function(&[A], &Truth);
const KEY: Type = Function(&[A], &Number);
const CHANGE: Type = Function(&[A], &A);

/// The most rounds of a loop.
const MAX_ROUNDS: usize = 64;

pub(super) const ENTRIES: &[Entry] = &[
    lazy(
        "let",
        &[("value", A), ("use", Function(&[A], &B))],
        B,
        "taking {value} for the item: {use}",
        |m, e, s| {
            let value = m.value(&e[0], s)?;
            m.apply(&e[1], &value, s)
        },
    )
    .costs(5)
    .shows("(let (trim input) (beside it it))", "010", "11"),
    lazy(
        "compose",
        &[("value", A), ("first", CHANGE), ("second", CHANGE)],
        A,
        "what {second} makes of what {first} makes of {value}",
        |m, e, s| {
            let value = m.value(&e[0], s)?;
            let value = m.apply(&e[1], &value, s)?;
            m.apply(&e[2], &value, s)
        },
    )
    .shows("(compose input (trim it) (rigid flip-x it))", "012", "21"),
    lazy(
        "if-then-else",
        &[("test", Truth), ("then", A), ("else", A)],
        A,
        "{then} if {test}, otherwise {else}",
        |m, e, s| match m.value(&e[0], s)? {
            Value::Truth(true) => m.value(&e[1], s),
            _ => m.value(&e[2], s),
        },
    )
    .costs(8)
    .shows("(if-then-else (is-wide input) (rigid rotate90 input) input)", "12", "1/2"),
    lazy(
        "or-else",
        &[("first", A), ("second", A)],
        A,
        "{first}, or {second} where there is none",
        |m, e, s| m.value(&e[0], s).or_else(|| m.value(&e[1], s)),
    )
    .shows("(or-else (erase 3 input) input)", "12", "12"),
    lazy(
        "both",
        &[("value", A), ("one", Function(&[A], &B)), ("other", Function(&[A], &B))],
        List(&B),
        "the list of {one} and {other}, each taking {value} for the item",
        |m, e, s| {
            let value = m.value(&e[0], s)?;
            Value::list(vec![m.apply(&e[1], &value, s)?, m.apply(&e[2], &value, s)?])
        },
    )
    .shows("(both input (rigid flip-x it) (rigid flip-y it))", "12/34", "21/43 34/12"),
    lazy(
        "repeat",
        &[("times", Number), ("start", A), ("change", CHANGE)],
        A,
        "what comes of {start} when the item is replaced {times} times by {change}",
        |m, e, s| {
            let times = usize::try_from(m.number(&e[0], s)?).ok().filter(|&n| n <= MAX_ROUNDS)?;
            let start = m.value(&e[1], s)?;
            (0..times).try_fold(start, |value, _| m.apply(&e[2], &value, s))
        },
    )
    .shows("(repeat 3 input (shift right it))", "10000", "00010"),
    lazy(
        "until-stable",
        &[("start", A), ("change", CHANGE)],
        A,
        "what comes of {start} when the item is replaced by {change} until that changes nothing",
        |m, e, s| {
            let mut value = m.value(&e[0], s)?;
            for _ in 0..MAX_ROUNDS {
                match m.apply(&e[1], &value, s) {
                    Some(next) if next != value => value = next,
                    _ => return Some(value),
                }
            }
            None
        },
    )
    .shows("(until-stable input (overlay it (shift right (keep 2 it))))", "20100", "22222"),
    lazy(
        "while",
        &[("start", A), ("test", TEST), ("change", CHANGE)],
        A,
        "what comes of {start} when the item is replaced by {change} as long as {test}",
        |m, e, s| {
            let mut value = m.value(&e[0], s)?;
            for _ in 0..MAX_ROUNDS {
                if !m.holds(&e[1], &value, s) {
                    return Some(value);
                }
                value = m.apply(&e[2], &value, s)?;
            }
            None
        },
    )
    .shows("(while input (is-black (colour-at it (position 0 0))) (roll left it))", "0012", "1200"),
    lazy(
        "iterate",
        &[("times", Number), ("start", A), ("change", CHANGE)],
        ANYS,
        "{start} and what comes of it when the item is replaced by {change}, {times} in all",
        |m, e, s| {
            let times = usize::try_from(m.number(&e[0], s)?).ok().filter(|&n| n <= MAX_ROUNDS)?;
            let mut value = m.value(&e[1], s)?;
            let mut all = Vec::with_capacity(times);
            for _ in 0..times {
                let next = m.apply(&e[2], &value, s);
                all.push(value);
                match next {
                    Some(next) => value = next,
                    None => break,
                }
            }
            Value::list(all)
        },
    )
    .shows("(iterate 3 1 (multiply it 2))", "1", "1 2 4"),
    lazy(
        "map",
        &[("list", ANYS), ("change", Function(&[A], &B))],
        List(&B),
        "{change}, for each of {list}",
        |m, e, s| {
            let items = m.items(&e[0], s)?;
            Value::list(items.iter().filter_map(|item| m.apply(&e[1], item, s)).collect())
        },
    )
    .costs(8)
    .shows("(map (split rows input) (rigid flip-x it))", "12/34", "21 43"),
    lazy(
        "filter-by",
        &[("list", ANYS), ("test", TEST)],
        ANYS,
        "those of {list} of which {test}",
        |m, e, s| {
            let items = m.items(&e[0], s)?;
            Value::list(items.into_iter().filter(|item| m.holds(&e[1], item, s)).collect())
        },
    )
    .costs(8)
    .shows("(filter-by (split rows input) (is-symmetric-x it))", "121/123", "121"),
    lazy(
        "first-where",
        &[("list", ANYS), ("test", TEST)],
        A,
        "the first of {list} of which {test}",
        |m, e, s| m.items(&e[0], s)?.into_iter().find(|item| m.holds(&e[1], item, s)),
    )
    .shows("(first-where (split rows input) (has-colour it #4))", "12/34", "34"),
    lazy(
        "take-while",
        &[("list", ANYS), ("test", TEST)],
        ANYS,
        "the first of {list} for as long as {test}",
        |m, e, s| {
            let items = m.items(&e[0], s)?;
            Value::list(items.into_iter().take_while(|item| m.holds(&e[1], item, s)).collect())
        },
    )
    .shows("(take-while (range 9) (less it 3))", "1", "0 1 2"),
    lazy(
        "sort-by",
        &[("list", ANYS), ("key", KEY)],
        ANYS,
        "{list} in order of {key}, the lowest first",
        |m, e, s| {
            let mut keyed = keyed(m, e, s)?;
            keyed.sort_by_key(|(key, _)| *key);
            Value::list(keyed.into_iter().map(|(_, item)| item).collect())
        },
    )
    .shows("(sort-by (split rows input) (ink it))", "111/100/110", "100 110 111"),
    lazy(
        "argmax",
        &[("list", ANYS), ("key", KEY)],
        A,
        "the one of {list} with the greatest value of {key}",
        |m, e, s| {
            // The first of equals, so the last of them seen from the end.
            keyed(m, e, s)?.into_iter().rev().max_by_key(|(key, _)| *key).map(|(_, item)| item)
        },
    )
    .costs(8)
    .shows("(argmax (split rows input) (ink it))", "111/100/110", "111"),
    lazy(
        "argmin",
        &[("list", ANYS), ("key", KEY)],
        A,
        "the one of {list} with the lowest value of {key}",
        |m, e, s| keyed(m, e, s)?.into_iter().min_by_key(|(key, _)| *key).map(|(_, item)| item),
    )
    .costs(8)
    .shows("(argmin (split rows input) (ink it))", "111/100/110", "100"),
    lazy(
        "odd-one-out",
        &[("list", ANYS), ("key", KEY)],
        A,
        "the only one of {list} whose value of {key} no other shares",
        |m, e, s| {
            let keyed = keyed(m, e, s)?;
            let shares = |key: i32| keyed.iter().filter(|(k, _)| *k == key).count();
            let mut alone = keyed.iter().filter(|(key, _)| shares(*key) == 1);
            let (_, found) = alone.next()?;
            alone.next().is_none().then(|| found.clone())
        },
    )
    .shows("(odd-one-out (split rows input) (ink it))", "100/110/010", "110"),
    lazy(
        "unique-by",
        &[("list", ANYS), ("key", KEY)],
        ANYS,
        "the first of {list} for each value of {key}",
        |m, e, s| {
            let mut seen = Vec::new();
            let mut fresh = |key: i32| (!seen.contains(&key)).then(|| seen.push(key)).is_some();
            Value::list(
                keyed(m, e, s)?.into_iter().filter(|(key, _)| fresh(*key)).map(|(_, item)| item).collect(),
            )
        },
    )
    .shows("(unique-by (split rows input) (ink it))", "100/010/110", "100 110"),
    lazy(
        "most-frequent-by",
        &[("list", ANYS), ("key", KEY)],
        A,
        "the first of {list} with the most frequent value of {key}",
        |m, e, s| {
            let keyed = keyed(m, e, s)?;
            let count = |key: i32| keyed.iter().filter(|(k, _)| *k == key).count();
            keyed.iter().rev().max_by_key(|(key, _)| count(*key)).map(|(_, item)| item.clone())
        },
    )
    .shows("(most-frequent-by (split rows input) (ink it))", "110/010/100", "010"),
    lazy("sum-by", &[("list", ANYS), ("key", KEY)], Number, "the sum of {key} over {list}", |m, e, s| {
        Some(keyed(m, e, s)?.into_iter().fold(0, |sum: i32, (key, _)| sum.saturating_add(key)).into())
    })
    .shows("(sum-by (split components beside input) (width it))", "1011", "3"),
    lazy(
        "count-where",
        &[("list", ANYS), ("test", TEST)],
        Number,
        "the number of {list} of which {test}",
        |m, e, s| {
            let items = m.items(&e[0], s)?;
            Some(items.iter().filter(|item| m.holds(&e[1], item, s)).count().into())
        },
    )
    .shows("(count-where (split rows input) (is-plain it))", "11/12/33", "2"),
    lazy("all-of", &[("list", ANYS), ("test", TEST)], Truth, "of all of {list}, {test}", |m, e, s| {
        let items = m.items(&e[0], s)?;
        Some(items.iter().all(|item| m.holds(&e[1], item, s)).into())
    })
    .shows("(all-of (split rows input) (is-plain it))", "11/12", "false"),
    lazy(
        "any-of",
        &[("list", ANYS), ("test", TEST)],
        Truth,
        "of one of {list} at least, {test}",
        |m, e, s| {
            let items = m.items(&e[0], s)?;
            Some(items.iter().any(|item| m.holds(&e[1], item, s)).into())
        },
    )
    .shows("(any-of (split rows input) (is-plain it))", "11/12", "true"),
    lazy(
        "fold",
        &[("list", ANYS), ("combine", Function(&[A, A], &A))],
        A,
        "what is left of {list} when the first two are replaced by {combine}, over and over",
        |m, e, s| {
            let mut items = m.items(&e[0], s)?.into_iter();
            let first = items.next()?;
            items.try_fold(first, |done, item| m.apply_both(&e[1], &done, &item))
        },
    )
    .costs(8)
    .shows("(fold (split tiles input) (panel-or it other))", "1002", "1"),
    lazy(
        "zip",
        &[("one", ANYS), ("other", List(&B)), ("combine", Function(&[A, B], &A))],
        ANYS,
        "{combine}, for each of {one} with that of {other} at the same place",
        |m, e, s| {
            let (one, other) = (m.items(&e[0], s)?, m.items(&e[1], s)?);
            Value::list(one.iter().zip(&other).filter_map(|(x, y)| m.apply_both(&e[2], x, y)).collect())
        },
    )
    .shows("(zip (split rows input) (range 2) (shift-by it (position other 0)))", "12/34", "12 03"),
];

/// The items of a list with their keys; those without one drop out.
fn keyed(m: &mut Machine<'_>, e: &[Expression], s: Scope<'_>) -> Option<Vec<(i32, Value)>> {
    let items = m.items(&e[0], s)?;
    let with_key = |item: Value| match m.apply(&e[1], &item, s)? {
        Value::Number(key) => Some((key, item)),
        _ => None,
    };
    Some(items.into_iter().filter_map(with_key).collect())
}
