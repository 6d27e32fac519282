//! Programs as data: how an answer is composed of transforms.

use crate::cells::CellRule;
use crate::expression::Expression;
use crate::geometry::outer_product;
use crate::grid::{Grid, Size};
use crate::layout::LayoutRule;
use crate::scene::ObjectRule;
use crate::task::Task;
use crate::transform::Transform;
use crate::tree::Tree;
use crate::value::Value;
use crate::view::View;

/// Transforms in a row; the empty pipeline is the input itself. Prints as `keep 3 > trim`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pipeline(pub Vec<Transform>);

impl Pipeline {
    /// Runs all steps; none where one does not apply.
    pub fn run(&self, input: &Grid, canvas: Option<Size>) -> Option<Value> {
        let start = Value::One(input.clone());
        self.0.iter().try_fold(start, |value, step| step.apply(&value, canvas))
    }

    /// Runs all steps to one grid, drawn at its place on the canvas.
    fn run_on(&self, input: &Grid, canvas: Size) -> Option<Grid> {
        self.run(input, Some(canvas))?.grid()?.embed(canvas)
    }
}

/// One side of the answer: `source` times `times` over `over`, plus `plus`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// The grid that is measured; none where the side is always `plus`.
    pub of: Option<Pipeline>,
    /// Whether its height is measured rather than its width.
    pub height: bool,
    pub times: u8,
    pub over: u8,
    pub plus: i8,
}

impl Extent {
    /// A side that never changes.
    pub fn fixed(side: usize) -> Self {
        Self { of: None, height: false, times: 1, over: 1, plus: side as i8 }
    }

    /// The side for one measured length.
    pub fn of_length(&self, length: usize) -> Option<usize> {
        let scaled = length * self.times as usize;
        if self.over == 0 || !scaled.is_multiple_of(self.over as usize) {
            return None;
        }
        let side = (scaled / self.over as usize) as isize + self.plus as isize;
        usize::try_from(side).ok()
    }

    fn run(&self, input: &Grid) -> Option<usize> {
        let length = match &self.of {
            None => 0,
            Some(pipeline) => {
                let value = pipeline.run(input, None)?;
                let size = value.grid()?.size();
                if self.height { size.height } else { size.width }
            }
        };
        self.of_length(length)
    }
}

/// How the size of the answer follows from the input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SizeRule {
    pub width: Extent,
    pub height: Extent,
}

impl SizeRule {
    /// The size of the answer.
    pub fn run(&self, input: &Grid) -> Option<Size> {
        let size = Size::new(self.width.run(input)?, self.height.run(input)?);
        size.fits_task().then_some(size)
    }
}

/// How a layer takes part in a stack, top first: a cell once settled stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Its cells that are not black settle as drawn.
    Over,
    /// Its cells settle as drawn, the black ones too.
    Opaque,
    /// Its cells that are not black settle black.
    Cut,
    /// Its black cells settle black.
    Mask,
}

/// A pipeline and how it takes part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layer {
    pub mode: Mode,
    pub pipeline: Pipeline,
}

/// How the cells of an answer are found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// The result of one pipeline, whatever its size.
    Single(Pipeline),
    /// Layers on a black canvas, top first.
    Stack(Vec<Layer>),
    /// Each cell looked up by the colours that the pipelines have there.
    Table { keys: Vec<Pipeline>, rows: Vec<(Vec<u8>, u8)> },
    /// A grid in place of each non-black cell of another.
    Product { coarse: Box<Program>, fine: Box<Program> },
    /// A program that goes on from what another makes of the input.
    Chain { first: Box<Program>, then: Box<Program> },
    /// A typed expression that yields a grid.
    Expression(Box<Expression>),
    /// What a rule makes of the input's objects.
    Objects(Box<ObjectRule>),
    /// A rule for each cell of a grid of the input's size, or for a part that is hidden.
    Cells(Box<CellRule>),
    /// Parts of the input laid out anew.
    Layout(Box<LayoutRule>),
    /// Cells chosen among pipelines, and pipelines that go on from there.
    Tree(Tree),
}

/// A whole program: from a task's input to its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Program {
    pub view: View,
    /// The canvas; none where no step needs one.
    pub size: Option<SizeRule>,
    pub body: Body,
}

impl Program {
    /// Runs the program; none where a step does not apply or the answer is no task grid.
    pub fn run(&self, input: &Grid) -> Option<Grid> {
        let renaming = self.view.renaming(input);
        let input = renaming.apply(input);
        let canvas = match &self.size {
            Some(rule) => Some(rule.run(&input)?),
            None => None,
        };
        let out = match &self.body {
            Body::Single(pipeline) => pipeline.run(&input, canvas)?.grid()?.clone(),
            Body::Stack(layers) => run_stack(layers, &input, canvas?)?,
            Body::Table { keys, rows } => run_table(keys, rows, &input, canvas?)?,
            Body::Product { coarse, fine } => outer_product(&coarse.run(&input)?, &fine.run(&input)?)?,
            Body::Chain { first, then } => then.run(&first.run(&input)?)?,
            Body::Expression(expression) => expression.run(&input, canvas)?.grid()?.clone(),
            Body::Objects(rule) => rule.run(&input)?,
            Body::Cells(rule) => rule.run(&input)?,
            Body::Layout(rule) => rule.run(&input)?,
            Body::Tree(tree) => tree.draw(&input, canvas)?,
        };
        out.size().fits_task().then(|| renaming.undo(&out).moved_to(0, 0))
    }

    /// Whether it answers every demonstration and every test input as wanted.
    pub fn solves(&self, task: &Task, outputs: &[Grid]) -> bool {
        let demonstrations = task.train.iter().map(|p| (&p.input, &p.output));
        let tests = task.test.iter().zip(outputs);
        demonstrations.chain(tests).all(|(input, wanted)| self.run(input).as_ref() == Some(wanted))
    }

    /// Every pipeline that it runs from the input; rules and expressions are made of none.
    pub fn pipelines(&self) -> Vec<&Pipeline> {
        let sides = self.size.iter().flat_map(|rule| [&rule.width.of, &rule.height.of]);
        let mut found: Vec<&Pipeline> = sides.filter_map(Option::as_ref).collect();
        match &self.body {
            Body::Single(p) => found.push(p),
            Body::Stack(layers) => found.extend(layers.iter().map(|l| &l.pipeline)),
            Body::Table { keys, .. } => found.extend(keys),
            Body::Product { coarse, fine } => {
                found.extend(coarse.pipelines());
                found.extend(fine.pipelines());
            }
            Body::Chain { first, .. } => found.extend(first.pipelines()),
            Body::Expression(_) | Body::Objects(_) | Body::Cells(_) | Body::Layout(_) | Body::Tree(_) => {}
        }
        found
    }

    /// A 64-bit hash of the program's text (FNV-1a over its bytes): the same in every build, on
    /// every machine and in every version that prints the program alike, so it may be stored.
    /// Programs that print alike share it; nothing else is promised of it.
    pub fn digest(&self) -> u64 {
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        self.to_string().bytes().fold(0xcbf2_9ce4_8422_2325, fold)
    }
}

fn run_stack(layers: &[Layer], input: &Grid, canvas: Size) -> Option<Grid> {
    let mut out = Grid::filled(canvas, 0)?;
    let mut settled = vec![false; canvas.area()];
    for layer in layers {
        let top = layer.pipeline.run_on(input, canvas)?;
        settle(&mut out, &mut settled, &top, layer.mode);
    }
    Some(out)
}

/// Settles the cells that one layer decides.
pub fn settle(out: &mut Grid, settled: &mut [bool], top: &Grid, mode: Mode) {
    let width = out.width();
    for (i, (&c, done)) in top.cells().iter().zip(settled).enumerate() {
        let decided = match mode {
            Mode::Over => (c != 0).then_some(c),
            Mode::Opaque => Some(c),
            Mode::Cut => (c != 0).then_some(0),
            Mode::Mask => (c == 0).then_some(0),
        };
        if let (false, Some(colour)) = (*done, decided) {
            out.set(i % width, i / width, colour);
            *done = true;
        }
    }
}

fn run_table(keys: &[Pipeline], rows: &[(Vec<u8>, u8)], input: &Grid, canvas: Size) -> Option<Grid> {
    let layers: Vec<Grid> = keys.iter().map(|k| k.run_on(input, canvas)).collect::<Option<_>>()?;
    let mut unknown = false;
    let out = Grid::build(canvas, |x, y| {
        let key: Vec<u8> = layers.iter().map(|l| l.at(x, y)).collect();
        let found = rows.iter().find(|(k, _)| *k == key);
        unknown |= found.is_none();
        found.map_or(0, |(_, c)| *c)
    })?;
    (!unknown).then_some(out)
}
