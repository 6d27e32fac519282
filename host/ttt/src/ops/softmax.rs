//! The softmax of every channel over each subset of a tensor's axes but examples.

use crate::model::compression::{SOFTMAX, subsets};
use crate::model::multi::{AXES, Axes, Axis, Extent};
use crate::ops::multi::{Back, Pass};
use crate::ops::tape::{NONE, Span, Tape, chunks, row};

row!(Fold { from, to, along, inner, length });
row!(Along { soft, slope, subsets, subset, to, along, inner, length });
row!(Subset { sums, example, colour, row, column, direction });
row!(Row {
    from,
    to,
    places,
    subsets,
    groups,
    slope,
    from_slope,
    adds,
    examples,
    colours,
    rows,
    columns,
    directions,
});

/// Axes that are summed over, at most.
const MOST: usize = 4;

fn axes_of(axes: Axes) -> impl Iterator<Item = Axis> {
    AXES.into_iter().filter(move |&axis| axes.has(axis))
}

fn without(axes: Axes, less: Axes) -> Axes {
    axes_of(less).fold(axes, Axes::without)
}

/// The sums over one subset: an array over the axes that are left.
fn subset(extent: &Extent, left: Axes, sums: Span) -> Subset {
    let stride = |axis| if left.has(axis) { extent.around(left, axis).2 as u64 } else { 0 };
    let [example, colour, row, column, direction] = AXES.map(stride);
    Subset { sums: sums.at, example, colour, row, column, direction }
}

/// A sum along an axis of an array over some axes.
fn fold(extent: &Extent, over: Axes, axis: Axis, from: Span, to: Span) -> Fold {
    let (_, along, inner) = extent.around(over, axis);
    Fold { from: from.at, to: to.at, along: along as u64, inner: (inner * SOFTMAX) as u64, length: to.length }
}

fn row(tape: &mut Tape, pass: &Pass<'_>, t: usize, axes: Axes, sums: &[Span]) -> Row {
    let all = subsets(axes);
    assert_eq!(pass.from.channels(t), SOFTMAX as u64, "channels that softmax is taken of");
    assert_eq!(pass.to.channels(t), (SOFTMAX * all.len()) as u64, "channels of all subsets");
    let groups: Vec<Subset> =
        all.iter().zip(sums).map(|(&of, &sums)| subset(&pass.extent, without(axes, of), sums)).collect();
    let along = |axis| if axes.has(axis) { pass.extent.along(axis) as u64 } else { 1 };
    let [examples, colours, rows, columns, directions] = AXES.map(along);
    Row {
        from: pass.from.tensor(t).at,
        to: pass.to.tensor(t).at,
        places: pass.extent.positions(axes) as u64,
        subsets: all.len() as u64,
        groups: tape.rows(&groups),
        slope: NONE,
        from_slope: NONE,
        adds: 0,
        examples,
        colours,
        rows,
        columns,
        directions,
    }
}

/// Room for the sums over each subset, in their order.
fn room(tape: &mut Tape, extent: &Extent, axes: Axes) -> Vec<Span> {
    subsets(axes).iter().map(|&of| tape.take(extent.positions(without(axes, of)) * SOFTMAX)).collect()
}

pub fn forth(tape: &mut Tape, of: &[Pass<'_>]) {
    let mut folds: [Vec<Fold>; MOST] = Default::default();
    let (mut rows, mut taken) = (Vec::new(), Vec::new());
    for pass in of {
        for (t, axes, _) in pass.tensors() {
            let (all, sums) = (subsets(axes), room(tape, &pass.extent, axes));
            for (&of, &to) in all.iter().zip(&sums) {
                let Some(axis) = axes_of(of).next() else { continue };
                let less = of.without(axis);
                let from =
                    all.iter().position(|&other| other == less).map_or(pass.from.tensor(t), |at| sums[at]);
                let fold = fold(&pass.extent, without(axes, less), axis, from, to);
                folds[axes_of(less).count()].push(fold);
            }
            rows.push(row(tape, pass, t, axes, &sums));
            taken.extend(sums);
        }
    }
    folds.iter().for_each(|folds| tape.launch("softmax_fold", folds, |fold| chunks(fold.length)));
    tape.launch("softmax_forth", &rows, |row| chunks(row.places * row.subsets * SOFTMAX as u64));
    taken.into_iter().for_each(|span| tape.give_back(span));
}

pub fn back(tape: &mut Tape, of: &[Back<'_>]) {
    let mut folds: [Vec<Fold>; MOST] = Default::default();
    let (mut alongs, mut rows, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for back in of {
        let (pass, extent) = (&back.pass, &back.pass.extent);
        for (t, axes, _) in pass.tensors() {
            let all = subsets(axes);
            let mut sums = Vec::new();
            for (s, &of) in all.iter().enumerate() {
                let mut over = axes;
                let mut at: Option<Span> = None;
                for (level, axis) in axes_of(of).enumerate() {
                    let (_, along, inner) = extent.around(over, axis);
                    let to = tape.take(extent.positions(over.without(axis)) * SOFTMAX);
                    taken.push(to);
                    match at {
                        None => alongs.push(Along {
                            soft: pass.to.tensor(t).at,
                            slope: back.slope().tensor(t).at,
                            subsets: all.len() as u64,
                            subset: s as u64,
                            to: to.at,
                            along: along as u64,
                            inner: inner as u64,
                            length: to.length,
                        }),
                        Some(from) => folds[level].push(fold(extent, over, axis, from, to)),
                    }
                    over = over.without(axis);
                    at = Some(to);
                }
                sums.extend(at);
            }
            rows.push(Row {
                slope: back.slope().tensor(t).at,
                from_slope: back.before().tensor(t).at,
                adds: u64::from(back.adds),
                ..row(tape, pass, t, axes, &sums)
            });
        }
    }
    tape.launch("softmax_along", &alongs, |along| chunks(along.length));
    folds.iter().for_each(|folds| tape.launch("softmax_sum", folds, |fold| chunks(fold.length)));
    tape.launch("softmax_back", &rows, |row| chunks(row.places * SOFTMAX as u64));
    taken.into_iter().for_each(|span| tape.give_back(span));
}
