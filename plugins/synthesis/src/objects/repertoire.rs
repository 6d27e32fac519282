//! The actions that are tried, but for their paint.

use stratagem_dsl::scene::{
    Action, Area, Axis, Compass, Heading, Level, Origin, Reach, Shift, Symmetry, Target, Turn,
};

/// Areas that are watched. Where all objects are dots, many of them coincide.
pub fn areas(dotted: bool) -> Vec<Area> {
    let mut all = vec![
        Area::Body,
        Area::Minority,
        Area::Majority,
        Area::Rim,
        Area::Core,
        Area::Holes,
        Area::Gaps,
        Area::Halo,
        Area::Frame,
    ];
    all.extend(Compass::ALL[..4].iter().map(|&side| Area::Half(side)));
    all.extend(Axis::ALL.iter().map(|&axis| Area::Link(axis)));
    let mut headings: Vec<Heading> = Compass::ALL.iter().map(|&c| Heading::Fixed(c)).collect();
    headings.extend([Heading::Lean, Heading::Against]);
    for target in [Target::Nearest, Target::Kin, Target::Stranger, Target::Largest, Target::Elder] {
        headings.extend([Heading::Toward(target), Heading::Facing(target), Heading::Away(target)]);
    }
    for heading in headings {
        for &reach in Reach::ALL {
            let measured = matches!(reach, Reach::Colours | Reach::Size | Reach::Long);
            let fixed = matches!(heading, Heading::Fixed(_));
            if measured && dotted || (measured || reach == Reach::Through) && !fixed {
                continue;
            }
            let origins = Origin::ALL.iter().filter(|&&o| match o {
                Origin::Whole => true,
                Origin::Middle => !dotted,
                Origin::Corner => !dotted && !measured && heading.may_slant(),
            });
            all.extend(origins.map(|&origin| Area::Ray { heading, reach, origin }));
        }
    }
    all
}

/// Actions that draw the object, or another, elsewhere or otherwise.
pub fn motions(dotted: bool) -> Vec<Action> {
    let mut all: Vec<Action> = Turn::ALL.iter().map(|&t| Action::Turn(t)).collect();
    all.extend(Symmetry::ALL.iter().map(|&s| Action::Symmetrise(s)));
    all.push(Action::Exchange);
    for &target in Target::ALL {
        all.extend([Action::Become(target), Action::Goto(target)]);
        all.extend(Level::ALL.iter().map(|&level| Action::Align(level, target)));
    }
    let mut headings: Vec<Heading> = Compass::ALL[..8].iter().map(|&c| Heading::Fixed(c)).collect();
    headings.extend([Heading::Lean, Heading::Against]);
    for target in
        [Target::Nearest, Target::Kin, Target::Stranger, Target::Largest, Target::Elder, Target::Container]
    {
        headings.extend([Heading::Toward(target), Heading::Facing(target), Heading::Away(target)]);
    }
    for heading in headings {
        let of_box = |shift: &&Shift| matches!(shift, Shift::Extent | Shift::Apart | Shift::Overlap);
        for &shift in Shift::ALL.iter().filter(|s| !dotted || !of_box(s)) {
            all.extend([false, true].map(|copy| Action::Move { heading, shift, copy }));
        }
        if !dotted {
            all.push(Action::Reflect(heading));
        }
        let gaps = [Shift::Extent, Shift::Apart, Shift::Two, Shift::Three];
        all.extend(gaps.map(|shift| Action::Repeat { heading, shift }));
    }
    all
}
